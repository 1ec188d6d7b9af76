#ifndef LEADGATEWAY_CLIENT_LEAD_GATEWAY_CLIENT_H_
#define LEADGATEWAY_CLIENT_LEAD_GATEWAY_CLIENT_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cancellation.h"
#include "client/request_splitter.h"
#include "client/update_types.h"
#include "leadgateway/v1/lead_gateway.grpc.pb.h"

namespace leadgateway::client {

struct ClientOptions {
  // HOST:PORT, or any other gRPC target. The connection is plain text: put it
  // behind a mesh or on the same host.
  std::string address;

  // How long an Update waits for the connection before it starts.
  absl::Duration connect_timeout = absl::Seconds(10);

  // A request beyond these is sent as several.
  RequestLimits limits;
};

// A client of one gateway.
//
// Threads: all methods may be called from any number of threads at once. Each
// blocks until it is done.
class LeadGatewayClient {
 public:
  using Stub = leadgateway::v1::LeadGatewayService::StubInterface;

  // Does not connect yet. Fails with INVALID_ARGUMENT if an option is wrong.
  static absl::StatusOr<std::unique_ptr<LeadGatewayClient>> Create(
      ClientOptions options);

  // Over a stub of the caller's; `options.address` and
  // `options.connect_timeout` are not used.
  LeadGatewayClient(std::unique_ptr<Stub> stub, ClientOptions options);

  // Updates leads and hands each result over as it comes.
  //
  // A request beyond the limits is sent as several, one after the other. They
  // share nothing at the gateway: a search key that is in two of them is no
  // error, and both its updates are applied, in order. When a request fails,
  // the later ones are not sent.
  //
  // Returns an error if certainly no lead was sent and no result came; nothing
  // happened then, and no result was handed over. In every other case returns a
  // report, and each lead had its on_result. Leads without a result from the
  // gateway get a local one: UNKNOWN if they may have been sent, NOT_SENT
  // if their request was refused or never made.
  //
  // Cancelled or out of time: the RPC ends, the gateway sends no further lead,
  // and what is known is in the report.
  absl::StatusOr<UpdateReport> Update(
      const leadgateway::v1::BulkUpdateLeadsRequest& request,
      const UpdateCallbacks& callbacks, const CallOptions& options);

  // Fails as the RPC does; the details are in the status (ReadErrorDetails).
  absl::StatusOr<leadgateway::v1::GetAccountStatusResponse> GetAccountStatus(
      const leadgateway::v1::GetAccountStatusRequest& request,
      const CallOptions& options);

  // Fails as the RPC does; the details are in the status (ReadErrorDetails).
  absl::StatusOr<leadgateway::v1::ListLeadFieldsResponse> ListLeadFields(
      const leadgateway::v1::ListLeadFieldsRequest& request,
      const CallOptions& options);

 private:
  LeadGatewayClient(std::shared_ptr<grpc::Channel> channel,
                    ClientOptions options);

  // OK once the channel is connected. At once for a stub of the caller's.
  absl::Status Connect(absl::Time deadline, Cancellation* cancellation) const;

  const ClientOptions options_;
  const std::shared_ptr<grpc::Channel> channel_;  // Null: a stub was given.
  const std::unique_ptr<Stub> stub_;
};

}  // namespace leadgateway::client

#endif  // LEADGATEWAY_CLIENT_LEAD_GATEWAY_CLIENT_H_
