#include "gateway/server/state_writer.h"

#include <pthread.h>

#include <string>
#include <thread>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "gateway/base/mutex.h"
#include "gateway/server/state_file.h"

namespace leadgateway::server {

StateWriter::StateWriter(Save save, Thread thread) : save_(std::move(save)) {
  if (thread == Thread::kCallers) return;
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "state");
    Run();
  });
}

StateWriter::~StateWriter() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void StateWriter::Write(std::string path, SavedState state,
                        absl::AnyInvocable<void(absl::Status) &&> done) {
  if (!thread_.joinable()) {
    std::move(done)(save_(path, state));
    return;
  }
  const MutexLock lock(mutex_);
  tasks_.push_back({std::move(path), std::move(state), std::move(done)});
  changed_.NotifyAll();
}

void StateWriter::Run() {
  while (true) {
    Task task;
    {
      const MutexLock lock(mutex_);
      while (tasks_.empty() && !stopping_) changed_.Wait(mutex_);
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    std::move(task.done)(save_(task.path, task.state));
  }
}

}  // namespace leadgateway::server
