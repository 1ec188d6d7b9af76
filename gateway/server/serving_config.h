#ifndef LEADGATEWAY_GATEWAY_SERVER_SERVING_CONFIG_H_
#define LEADGATEWAY_GATEWAY_SERVER_SERVING_CONFIG_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/mutex.h"
#include "gateway/config/config.h"

namespace leadgateway::server {

// One configuration in force. Never changes, so an RPC that holds it sees one
// configuration from its beginning to its end.
class ServingConfig {
 public:
  // `options` is what is in force; `waiting` names the settings of the file
  // that are not, since they need a restart.
  ServingConfig(GatewayOptions options, int64_t generation,
                absl::Time loaded_at, std::vector<std::string> waiting = {});
  ServingConfig(const ServingConfig&) = delete;
  ServingConfig& operator=(const ServingConfig&) = delete;

  const GatewayOptions& options() const { return options_; }
  // Null if there is none of that name. "": the default account.
  const AccountOptions* FindAccount(absl::string_view name) const;

  // How many configurations have been in force, this one included.
  int64_t generation() const { return generation_; }
  absl::Time loaded_at() const { return loaded_at_; }  // time of day
  const std::vector<std::string>& waiting() const { return waiting_; }

 private:
  const GatewayOptions options_;
  const int64_t generation_;
  const absl::Time loaded_at_;
  const std::vector<std::string> waiting_;
  absl::flat_hash_map<std::string, const AccountOptions*> accounts_;
};

// The configuration that is in force now. Any thread.
class CurrentConfig {
 public:
  explicit CurrentConfig(std::shared_ptr<const ServingConfig> first)
      : current_(std::move(first)) {}

  std::shared_ptr<const ServingConfig> Get() const {
    const MutexLock lock(mutex_);
    return current_;
  }
  void Set(std::shared_ptr<const ServingConfig> next) {
    // The one before goes after the lock.
    const MutexLock lock(mutex_);
    current_.swap(next);
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const ServingConfig> current_ ABSL_GUARDED_BY(mutex_);
};

// Takes back what can't change while the gateway runs: where it listens and
// how, the state directory, and the largest message. `next` becomes what can be
// in force after `running`; returns the paths of the settings that were taken
// back, such as "listen.tls". kInvalidArgument, with one line per mistake, if
// what is left of `next` does not go with what was kept: callers that are known
// by certificates where none are asked for would be whoever calls himself so.
absl::StatusOr<std::vector<std::string>> KeepFixedSettings(
    const GatewayOptions& running, GatewayOptions& next);

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_SERVING_CONFIG_H_
