#ifndef LEADGATEWAY_GATEWAY_SERVER_CONFIG_RELOADER_H_
#define LEADGATEWAY_GATEWAY_SERVER_CONFIG_RELOADER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/mutex.h"
#include "gateway/config/config.h"
#include "gateway/server/config_source.h"

namespace leadgateway::server {

// Reads the configuration file anew when it has changed and when asked to, on a
// thread of its own: files may be on a network. A file with a mistake in it is
// refused as a whole, and logged with a line per mistake (`config_refused`);
// what was in force stays in force. It polls, since that works on every kind of
// mount, and a second is soon enough.
class ConfigReloader {
 public:
  // Called on the reloader's thread.
  struct Hooks {
    // Takes the options over, or says with one line per mistake why not; then
    // nothing has changed.
    std::function<absl::Status(const GatewayOptions&)> apply;
    // A reload begins, and has ended like that. May be null.
    std::function<void()> begun;
    std::function<void(const absl::Status&)> ended;
  };

  // `running` is what is in force. `clock` must outlive the reloader.
  ConfigReloader(std::string path, GatewayOptions running, const Clock& clock,
                 Hooks hooks);
  // Stops; waits for a reload that is under way.
  ~ConfigReloader();
  ConfigReloader(const ConfigReloader&) = delete;
  ConfigReloader& operator=(const ConfigReloader&) = delete;

  // Reads the file soon, even if it has not changed. What comes while a reload
  // is under way leads to one more, however often it comes. Any thread.
  void Reload();

  // What became of the reloads so far.
  struct State {
    std::string path;
    int64_t failures = 0;
    // The last one, by the time of day; InfinitePast() before the first.
    absl::Time last_at = absl::InfinitePast();
    // Why it was refused; empty if it was not.
    std::vector<std::string> mistakes;
  };
  State state() const;

  static constexpr absl::Duration kInterval = absl::Seconds(1);

 private:
  void Run();
  void Load(bool asked);

  const std::string path_;
  const Clock& clock_;
  const Hooks hooks_;
  // The thread's.
  ConfigSource source_;
  GatewayOptions last_good_;

  mutable Mutex mutex_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  bool asked_ ABSL_GUARDED_BY(mutex_) = false;
  State state_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_CONFIG_RELOADER_H_
