#ifndef LEADGATEWAY_CLIENT_UPDATE_RUN_H_
#define LEADGATEWAY_CLIENT_UPDATE_RUN_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/call_context.h"
#include "client/lead_ledger.h"
#include "client/request_splitter.h"
#include "client/update_types.h"
#include "leadgateway/v1/lead_gateway.grpc.pb.h"

namespace leadgateway::client {

// One Update from its first request to its report. Made for one Run(); what
// LeadGatewayClient::Update promises is kept here. The arguments outlive it.
class UpdateRun {
 public:
  using Stub = leadgateway::v1::LeadGatewayService::StubInterface;
  using Request = leadgateway::v1::BulkUpdateLeadsRequest;

  UpdateRun(Stub& stub, const Request& request,
            const UpdateCallbacks& callbacks, const CallOptions& options,
            const RequestLimits& limits, absl::Time deadline);

  absl::StatusOr<UpdateReport> Run();

 private:
  // How one request ended.
  struct End {
    absl::Status status;
    bool any_message = false;

    // No lead of the request was sent, for certain.
    bool nothing_sent = false;

    Pushback pushback;
  };

  // One request, tried again as the policy allows.
  End RunRequest(const Request& request, LeadRange range,
                 const std::string& request_id);
  End TryRequest(const Request& request, LeadRange range,
                 const std::string& request_id);

  void HandleMessage(leadgateway::v1::BulkUpdateLeadsResponse& message,
                     LeadRange range, const leadgateway::v1::Summary& before);
  void HandleProgress(leadgateway::v1::Progress progress, LeadRange range);
  void HandlePlan(const leadgateway::v1::Plan& plan);
  void CompareSummary(const leadgateway::v1::Summary& theirs,
                      const leadgateway::v1::Summary& before);

  // The wait before the next try; none: the end stands.
  std::optional<absl::Duration> RetryDelay(const End& end, int tries) const;
  bool Sleep(absl::Duration duration) const;

  // Not OK when no further request should start.
  absl::Status MayStart() const;
  std::string RequestId(int number) const;

  // Hands over local results for the leads of `range` without one.
  void FillGaps(LeadRange range, leadgateway::v1::Outcome outcome,
                const absl::Status& cause, const std::string& message,
                const std::string& reason);

  Stub& stub_;
  const Request& request_;
  const UpdateCallbacks& callbacks_;
  const CallOptions& options_;
  const RequestLimits& limits_;
  const absl::Time start_;
  const absl::Time deadline_;
  const std::string first_request_id_;

  LeadLedger ledger_;
  UpdateReport report_;
  int finished_calls_ = 0;  // Upstream calls of the requests that are over.
  int current_calls_ = 0;   // Of the request that runs.
};

}  // namespace leadgateway::client

#endif  // LEADGATEWAY_CLIENT_UPDATE_RUN_H_
