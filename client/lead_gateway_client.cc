#include "client/lead_gateway_client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "client/call_context.h"
#include "client/rpc_error.h"
#include "client/update_run.h"

namespace leadgateway::client {
namespace {

using ::leadgateway::v1::BulkUpdateLeadsRequest;
using ::leadgateway::v1::GetAccountStatusRequest;
using ::leadgateway::v1::GetAccountStatusResponse;
using ::leadgateway::v1::LeadGatewayService;
using ::leadgateway::v1::ListLeadFieldsRequest;
using ::leadgateway::v1::ListLeadFieldsResponse;

// A field list with all its options can be beyond gRPC's 4 MiB.
constexpr int kMaxAnswerBytes = 64 << 20;

// How often a wait for the connection looks whether it was cancelled.
constexpr absl::Duration kConnectPoll = absl::Milliseconds(100);

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  // Updates are retried by this library's rules only, not by a service config
  // that somebody publishes. No keepalive pings: a server drops clients that
  // ping more than it likes, and the gateway sends progress every 10 s.
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(),
                                   arguments);
}

absl::Status CheckMetadata(const std::string& value, const char* what,
                           std::size_t max_bytes) {
  const bool printable = std::all_of(
      value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
  if (printable && value.size() <= max_bytes) return absl::OkStatus();
  return absl::InvalidArgumentError(std::string(what) + " must be at most " +
                                    std::to_string(max_bytes) +
                                    " printable ASCII characters");
}

// gRPC ends the process over metadata that HTTP/2 cannot carry, so it is looked
// at here.
absl::Status Check(const CallOptions& options) {
  absl::Status status =
      CheckMetadata(options.request_id, "the request id", 128);
  if (status.ok()) status = CheckMetadata(options.caller, "the caller", 128);
  return status;
}

// One unary call with its context.
template <typename Response, typename Request, typename Call>
absl::StatusOr<Response> CallUnary(const Request& request,
                                   const CallOptions& options, Call call) {
  if (absl::Status status = Check(options); !status.ok()) return status;
  const auto context = MakeContext(
      {.request_id =
           options.request_id.empty() ? MakeRequestId() : options.request_id,
       .caller = options.caller,
       .priority = "",
       .account = request.account()},
      absl::Now() + options.timeout);
  if (options.cancellation != nullptr) options.cancellation->Attach(context);
  Response response;
  const grpc::Status status = call(context.get(), &response);
  if (options.cancellation != nullptr) options.cancellation->Attach(nullptr);
  if (!status.ok()) return FromGrpcStatus(status);
  return response;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LeadGatewayClient>> LeadGatewayClient::Create(
    ClientOptions options) {
  if (options.address.empty()) {
    return absl::InvalidArgumentError("the gateway's address is empty");
  }
  if (options.limits.leads < 1) {
    return absl::InvalidArgumentError(
        "the leads per request must be at least 1");
  }
  std::shared_ptr<grpc::Channel> channel = MakeChannel(options.address);
  return std::unique_ptr<LeadGatewayClient>(
      new LeadGatewayClient(std::move(channel), std::move(options)));
}

LeadGatewayClient::LeadGatewayClient(std::shared_ptr<grpc::Channel> channel,
                                     ClientOptions options)
    : options_(std::move(options)),
      channel_(std::move(channel)),
      stub_(LeadGatewayService::NewStub(channel_)) {}

LeadGatewayClient::LeadGatewayClient(std::unique_ptr<Stub> stub,
                                     ClientOptions options)
    : options_(std::move(options)), stub_(std::move(stub)) {}

absl::Status LeadGatewayClient::Connect(absl::Time deadline,
                                        Cancellation* cancellation) const {
  if (channel_ == nullptr) return absl::OkStatus();
  const absl::Time give_up =
      std::min(deadline, absl::Now() + options_.connect_timeout);
  grpc_connectivity_state state = channel_->GetState(/*try_to_connect=*/true);
  while (state != GRPC_CHANNEL_READY) {
    if (cancellation != nullptr && cancellation->cancelled()) {
      return MakeClientError(absl::StatusCode::kCancelled,
                             "cancelled while connecting; nothing was sent",
                             "CANCELLED");
    }
    const absl::Time now = absl::Now();
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE ||
        state == GRPC_CHANNEL_SHUTDOWN || now >= give_up) {
      return MakeClientError(
          absl::StatusCode::kUnavailable,
          "no connection to " + options_.address + "; nothing was sent",
          "NO_CONNECTION");
    }
    channel_->WaitForStateChange(
        state, absl::ToChronoTime(std::min(give_up, now + kConnectPoll)));
    state = channel_->GetState(/*try_to_connect=*/true);
  }
  return absl::OkStatus();
}

absl::StatusOr<UpdateReport> LeadGatewayClient::Update(
    const BulkUpdateLeadsRequest& request, const UpdateCallbacks& callbacks,
    const CallOptions& options) {
  if (absl::Status status = Check(options); !status.ok()) return status;
  const absl::Time deadline = absl::Now() + options.timeout;
  // Whether the connection was ever made is only known before the call: after
  // it, UNAVAILABLE may mean anything.
  absl::Status connected = Connect(deadline, options.cancellation);
  if (!connected.ok()) return connected;
  return UpdateRun(*stub_, request, callbacks, options, options_.limits,
                   deadline)
      .Run();
}

absl::StatusOr<GetAccountStatusResponse> LeadGatewayClient::GetAccountStatus(
    const GetAccountStatusRequest& request, const CallOptions& options) {
  return CallUnary<GetAccountStatusResponse>(
      request, options, [&](grpc::ClientContext* context, auto* response) {
        return stub_->GetAccountStatus(context, request, response);
      });
}

absl::StatusOr<ListLeadFieldsResponse> LeadGatewayClient::ListLeadFields(
    const ListLeadFieldsRequest& request, const CallOptions& options) {
  return CallUnary<ListLeadFieldsResponse>(
      request, options, [&](grpc::ClientContext* context, auto* response) {
        return stub_->ListLeadFields(context, request, response);
      });
}

}  // namespace leadgateway::client
