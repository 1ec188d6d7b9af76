#ifndef LEADGATEWAY_GATEWAY_SERVER_STATE_WRITER_H_
#define LEADGATEWAY_GATEWAY_SERVER_STATE_WRITER_H_

#include <deque>
#include <functional>
#include <string>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "gateway/base/mutex.h"
#include "gateway/server/state_file.h"

namespace leadgateway::server {

// Writes state files on a thread of its own, so that a slow disk stops nothing
// else (in a simulated world: on the caller's). Any thread.
class StateWriter {
 public:
  using Save =
      std::function<absl::Status(const std::string&, const SavedState&)>;

  enum class Thread { kOwn, kCallers };

  // `save` is SaveState but in tests.
  explicit StateWriter(Save save = SaveState, Thread thread = Thread::kOwn);
  // Writes what is still to be written first.
  ~StateWriter();
  StateWriter(const StateWriter&) = delete;
  StateWriter& operator=(const StateWriter&) = delete;

  // Writes after what was asked for before. `done` is called once, on the
  // thread that writes.
  void Write(std::string path, SavedState state,
             absl::AnyInvocable<void(absl::Status) &&> done);

 private:
  struct Task {
    std::string path;
    SavedState state;
    absl::AnyInvocable<void(absl::Status) &&> done;
  };
  void Run();

  const Save save_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<Task> tasks_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_STATE_WRITER_H_
