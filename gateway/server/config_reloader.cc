#include "gateway/server/config_reloader.h"

#include <pthread.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/base/mutex.h"
#include "gateway/config/config.h"

namespace leadgateway::server {

ConfigReloader::ConfigReloader(std::string path, GatewayOptions running,
                               const Clock& clock, Hooks hooks)
    : path_(std::move(path)),
      clock_(clock),
      hooks_(std::move(hooks)),
      source_(path_),
      last_good_(std::move(running)) {
  {
    const MutexLock lock(mutex_);
    state_.path = path_;
  }
  thread_ = std::thread([this] { Run(); });
}

ConfigReloader::~ConfigReloader() {
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void ConfigReloader::Reload() {
  const MutexLock lock(mutex_);
  asked_ = true;
  changed_.NotifyAll();
}

ConfigReloader::State ConfigReloader::state() const {
  const MutexLock lock(mutex_);
  return state_;
}

void ConfigReloader::Run() {
  pthread_setname_np(pthread_self(), "config");
  // The file may have changed since it was read for the start.
  absl::Time next_look = clock_.Now();
  while (true) {
    bool asked = false;
    {
      const MutexLock lock(mutex_);
      if (!stopped_ && !asked_) {
        const absl::Duration wait = next_look - clock_.Now();
        if (wait > absl::ZeroDuration()) changed_.WaitFor(mutex_, wait);
      }
      if (stopped_) return;
      asked = std::exchange(asked_, false);
    }
    const absl::Time now = clock_.Now();
    if (!asked && now < next_look) continue;
    next_look = now + kInterval;
    if (asked || source_.Check(now)) Load(asked);
  }
}

void ConfigReloader::Load(bool asked) {
  source_.Take();
  const absl::StatusOr<GatewayOptions> options = LoadConfig(path_);
  if (!asked) {
    // It was written to while it was read: soon there is more to see.
    if (!source_.Unchanged()) return;
    const MutexLock lock(mutex_);
    if (options.ok() && *options == last_good_ && state_.mistakes.empty()) {
      return;
    }
  }
  if (hooks_.begun) hooks_.begun();
  absl::Status status = options.status();
  if (status.ok()) status = hooks_.apply(*options);
  if (status.ok()) last_good_ = *options;
  std::vector<std::string> mistakes;
  if (!status.ok()) {
    mistakes = absl::StrSplit(status.message(), '\n');
    for (const std::string& mistake : mistakes) {
      LogLine(LogLevel::kError, "config_refused")
          .Add("file", path_)
          .Add("mistake", mistake)
          .Add("consequence", "the configuration before stays in force");
    }
  }
  {
    const MutexLock lock(mutex_);
    if (!status.ok()) ++state_.failures;
    state_.last_at = clock_.WallNow();
    state_.mistakes = std::move(mistakes);
  }
  if (hooks_.ended) hooks_.ended(status);
}

}  // namespace leadgateway::server
