#include "gateway/server/policy_interceptor.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gateway/base/log.h"
#include "gateway/identity/authorization_policy.h"
#include "gateway/identity/caller.h"
#include "gateway/model/errors.h"
#include "gateway/server/policy_file.h"
#include "gateway/server/request_context.h"
#include "grpc/grpc.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/interceptor.h"
#include "grpcpp/support/server_interceptor.h"

namespace leadgateway::server {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::ServerRpcInfo;

class PolicyInterceptor final : public grpc::experimental::Interceptor {
 public:
  PolicyInterceptor(const PolicyFile& policy, const identity::Trust& trust,
                    ServerRpcInfo* rpc)
      : policy_(policy), trust_(trust), rpc_(rpc) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* batch) override {
    if (batch->QueryInterceptionHookPoint(
            InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) {
      if (absl::Status status = Check(); !status.ok()) Refuse(status);
    }
    batch->Proceed();
  }

 private:
  absl::Status Check() {
    const identity::Peer peer = ReadPeer(*rpc_->server_context());
    caller_ = identity::PeerHost(peer.address);
    const absl::StatusOr<identity::Caller> caller =
        identity::FindCaller(peer, trust_);
    if (!caller.ok()) return caller.status();
    caller_ = caller->name;
    return CheckPolicy(policy_, rpc_->method(), *caller,
                       *rpc_->server_context());
  }

  void Refuse(const absl::Status& status) {
    LogLine(LogLevel::kInfo, "rpc")
        .Add("method", rpc_->method())
        .Add("caller", caller_)
        .Add("code", absl::StatusCodeToString(status.code()))
        .Add("reason", errors::ReasonNameOf(status));
    // TryCancel would say CANCELLED. The handler runs all the same, but what it
    // answers is not sent any more.
    grpc_call_cancel_with_status(rpc_->server_context()->c_call(),
                                 static_cast<grpc_status_code>(status.code()),
                                 std::string(status.message()).c_str(),
                                 nullptr);
  }

  const PolicyFile& policy_;
  const identity::Trust& trust_;
  ServerRpcInfo* const rpc_;
  std::string caller_;
};

class Factory final
    : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  Factory(const PolicyFile* policy, identity::Trust trust,
          std::string own_service)
      : policy_(policy),
        trust_(std::move(trust)),
        own_service_(std::move(own_service)) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(
      ServerRpcInfo* rpc) override {
    // None: such an RPC costs nothing here.
    if (absl::StartsWith(rpc->method(), own_service_)) return nullptr;
    return new PolicyInterceptor(*policy_, trust_, rpc);
  }

 private:
  const PolicyFile* const policy_;
  const identity::Trust trust_;
  const std::string own_service_;
};

}  // namespace

absl::Status CheckPolicy(const PolicyFile& policy, absl::string_view method,
                         const identity::Caller& caller,
                         const grpc::ServerContextBase& context) {
  return identity::Authorize(
      *policy.policy(), method, caller,
      [&](absl::string_view key) -> std::optional<std::string> {
        const auto [begin, end] = context.client_metadata().equal_range(
            grpc::string_ref(key.data(), key.size()));
        if (begin == end) return std::nullopt;
        std::string value(begin->second.data(), begin->second.size());
        for (auto it = std::next(begin); it != end; ++it) {
          absl::StrAppend(
              &value, ",",
              absl::string_view(it->second.data(), it->second.size()));
        }
        return value;
      });
}

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
MakePolicyInterceptorFactory(const PolicyFile* policy, identity::Trust trust,
                             std::string own_service) {
  return std::make_unique<Factory>(policy, std::move(trust),
                                   std::move(own_service));
}

}  // namespace leadgateway::server
