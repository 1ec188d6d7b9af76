#ifndef LEADGATEWAY_GATEWAY_SERVER_LEAD_GATEWAY_SERVICE_H_
#define LEADGATEWAY_GATEWAY_SERVER_LEAD_GATEWAY_SERVICE_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/admin/metrics.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/span_file.h"
#include "gateway/config/config.h"
#include "gateway/identity/caller.h"
#include "gateway/server/engine.h"
#include "gateway/server/policy_file.h"
#include "gateway/server/request_context.h"
#include "gateway/server/serving_config.h"
#include "gateway/server/under_way.h"
#include "gateway/server/update_intake.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "leadgateway/v1/lead_gateway.grpc.pb.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::server {

// The service: requests in, reactors out. What it does itself is small: which
// account, whose request, by when.
class LeadGatewayService final
    : public v1::LeadGatewayService::CallbackService {
 public:
  // What is given must outlive the service. `policy` is null without one.
  LeadGatewayService(const CurrentConfig& config, const Clock& clock,
                     Engine* engine, Metrics* metrics,
                     const PolicyFile* policy = nullptr);

  // Records RPCs. `spans` must outlive the service. Before it serves.
  void WriteSpansTo(SpanFile* spans) { spans_ = spans; }

  grpc::ServerWriteReactor<v1::BulkUpdateLeadsResponse>* BulkUpdateLeads(
      grpc::CallbackServerContext* context,
      const v1::BulkUpdateLeadsRequest* request) override;
  grpc::ServerUnaryReactor* ListLeadFields(
      grpc::CallbackServerContext* context,
      const v1::ListLeadFieldsRequest* request,
      v1::ListLeadFieldsResponse* response) override;
  grpc::ServerUnaryReactor* GetAccountStatus(
      grpc::CallbackServerContext* context,
      const v1::GetAccountStatusRequest* request,
      v1::GetAccountStatusResponse* response) override;

  // Refuses new updates as DRAINING from now on. Any thread.
  void StartDraining() { draining_.store(true, std::memory_order_relaxed); }
  // Waits until no RPC is under way, at most `most`; whether none is.
  bool WaitUntilIdle(absl::Duration most) {
    return under_way_.WaitForNone(most);
  }

 private:
  struct Update;

  // Who calls, and whether he may: then `admitted` is OK. With a span where
  // those are recorded.
  RequestContext Read(const grpc::CallbackServerContext& context,
                      RpcMethod method) const;
  // The options of the named or the default account, if the caller may use it;
  // there as long as `config`.
  absl::StatusOr<const AccountOptions*> FindAccount(
      const ServingConfig& config, absl::string_view name,
      const RequestContext& request) const;
  void Admit(const std::shared_ptr<Update>& update,
             std::shared_ptr<v1::BulkUpdateLeadsRequest> request);
  void LogUpdate(const Update& update, const absl::Status& status,
                 bool cancelled) const;
  // Ends an RPC that has one answer.
  void FinishUnary(grpc::ServerUnaryReactor* reactor, RpcMethod method,
                   const RequestContext& request, absl::string_view account,
                   absl::Time started, const absl::Status& status) const;
  void LogRpc(LogLine& line, RpcMethod method, const RequestContext& request,
              absl::string_view account, absl::StatusCode code,
              const absl::Status& status, absl::Duration elapsed) const;

  // Each RPC holds on to what is in force when it begins.
  const CurrentConfig& config_;
  // Does not change.
  const identity::Trust trust_;
  const Clock& clock_;
  Engine* const engine_;
  Metrics* const metrics_;
  const PolicyFile* const policy_;
  SpanFile* spans_ = nullptr;
  UpdateIntake intake_;
  std::atomic<bool> draining_{false};
  mutable UnderWay under_way_;
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_LEAD_GATEWAY_SERVICE_H_
