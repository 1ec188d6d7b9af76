#include "gateway/server/policy_file.h"

#include <pthread.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/base/mutex.h"
#include "gateway/config/authorization_policy_file.h"
#include "gateway/identity/authorization_policy.h"

namespace leadgateway::server {
namespace {

using identity::AuthorizationPolicy;

void LogInForce(const AuthorizationPolicy& policy) {
  LogLine(LogLevel::kInfo, "policy_in_force")
      .Add("policy", policy.name)
      .Add("allow_rules", policy.allow_rules.size())
      .Add("deny_rules", policy.deny_rules.size());
}

// Each line of it with the setting in front.
absl::Status AtSetting(const absl::Status& status) {
  constexpr absl::string_view kSetting = "listen.authorization.policyFile: ";
  return absl::Status(
      status.code(),
      absl::StrCat(kSetting, absl::StrReplaceAll(
                                 status.message(),
                                 {{"\n", absl::StrCat("\n", kSetting)}})));
}

}  // namespace

absl::Status CheckPolicyFile(const std::string& path) {
  const absl::Status status = LoadAuthorizationPolicy(path).status();
  return status.ok() ? status : AtSetting(status);
}

absl::StatusOr<std::unique_ptr<PolicyFile>> PolicyFile::Create(
    std::string path, absl::Duration interval) {
  absl::StatusOr<AuthorizationPolicy> policy = LoadAuthorizationPolicy(path);
  if (!policy.ok()) return AtSetting(policy.status());
  LogInForce(*policy);
  auto file = std::unique_ptr<PolicyFile>(new PolicyFile(std::move(path)));
  {
    const MutexLock lock(file->mutex_);
    file->policy_ =
        std::make_shared<const AuthorizationPolicy>(*std::move(policy));
  }
  file->thread_ =
      std::thread([self = file.get(), interval] { self->Run(interval); });
  return file;
}

PolicyFile::~PolicyFile() {
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<const AuthorizationPolicy> PolicyFile::policy() const {
  const MutexLock lock(mutex_);
  return policy_;
}

void PolicyFile::Run(absl::Duration interval) {
  pthread_setname_np(pthread_self(), "policy");
  absl::Time next = absl::Now() + interval;
  while (true) {
    {
      const MutexLock lock(mutex_);
      while (!stopped_ && absl::Now() < next) {
        changed_.WaitFor(mutex_, next - absl::Now());
      }
      if (stopped_) return;
    }
    Look();
    next = absl::Now() + interval;
  }
}

void PolicyFile::Look() {
  absl::StatusOr<AuthorizationPolicy> found = LoadAuthorizationPolicy(path_);
  if (!found.ok()) {
    if (last_problem_ == found.status().message()) return;
    last_problem_ = std::string(found.status().message());
    LogLine(LogLevel::kError, "policy_not_used")
        .Add("message", last_problem_)
        .Add("consequence", "the policy read before stays in force");
    return;
  }
  last_problem_.clear();
  if (*found == *policy()) return;
  LogInForce(*found);
  auto fresh = std::make_shared<const AuthorizationPolicy>(*std::move(found));
  const MutexLock lock(mutex_);
  policy_ = std::move(fresh);
}

}  // namespace leadgateway::server
