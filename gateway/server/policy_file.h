#ifndef LEADGATEWAY_GATEWAY_SERVER_POLICY_FILE_H_
#define LEADGATEWAY_GATEWAY_SERVER_POLICY_FILE_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/base/mutex.h"
#include "gateway/identity/authorization_policy.h"

namespace leadgateway::server {

// OK if a policy can be read from there; otherwise kInvalidArgument with one
// line per mistake, each beginning with the setting.
absl::Status CheckPolicyFile(const std::string& path);

// An authorization policy whose file may change: looked at every `interval` on
// a thread of its own. What can't be read, or is no policy, is logged once
// (policy_not_used), and the policy before it stays in force.
class PolicyFile {
 public:
  // Fails as CheckPolicyFile does.
  static absl::StatusOr<std::unique_ptr<PolicyFile>> Create(
      std::string path, absl::Duration interval);
  ~PolicyFile();
  PolicyFile(const PolicyFile&) = delete;
  PolicyFile& operator=(const PolicyFile&) = delete;

  // What is in force. Any thread.
  std::shared_ptr<const identity::AuthorizationPolicy> policy() const;

  // Looks at the file now. Any thread, one at a time.
  void Look();

 private:
  explicit PolicyFile(std::string path) : path_(std::move(path)) {}
  void Run(absl::Duration interval);

  const std::string path_;
  mutable Mutex mutex_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<const identity::AuthorizationPolicy> policy_
      ABSL_GUARDED_BY(mutex_);
  // Of whoever looks.
  std::string last_problem_;
  std::thread thread_;
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_POLICY_FILE_H_
