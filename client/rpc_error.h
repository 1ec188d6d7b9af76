#ifndef LEADGATEWAY_CLIENT_RPC_ERROR_H_
#define LEADGATEWAY_CLIENT_RPC_ERROR_H_

#include <grpcpp/support/status.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/rpc/status.pb.h"

namespace leadgateway::client {

// The domain of the gateway's own reasons.
inline constexpr char kGatewayDomain[] = "leadgateway.v1";

// The domain of reasons that this library gives.
inline constexpr char kClientDomain[] = "leadgateway.client";

// One wrong part of a request.
struct FieldViolation {
  // Such as `leads[3].fields["Emial"]`.
  std::string field;
  std::string description;
};

// The details of an error, taken apart. Whatever was not sent is empty.
struct ErrorDetails {
  // From ErrorInfo.
  std::string reason;
  std::string domain;

  // From BadRequest.
  std::vector<FieldViolation> violations;

  // From QuotaFailure: "SUBJECT: DESCRIPTION".
  std::vector<std::string> quotas;

  // From RetryInfo.
  std::optional<absl::Duration> retry_delay;
};

// Takes the details of a lead's or an RPC's status apart. Details of unknown
// types, and details that do not parse, are left out.
ErrorDetails ReadErrorDetails(const google::rpc::Status& status);

// The details of a status that FromGrpcStatus() made; empty for any other.
ErrorDetails ReadErrorDetails(const absl::Status& status);

// Same code and message; a google.rpc.Status in `status.error_details()`
// becomes a payload, so that the details travel along.
absl::Status FromGrpcStatus(const grpc::Status& status);

// A status as the gateway makes them, with an ErrorInfo of kClientDomain.
google::rpc::Status MakeClientStatus(absl::StatusCode code,
                                     const std::string& message,
                                     const std::string& reason);

// The same as a Status of this process.
absl::Status MakeClientError(absl::StatusCode code, const std::string& message,
                             const std::string& reason);

// Whether an Update that ended with `status`, without any result, certainly
// sent no lead. True if the gateway itself gave the reason, since it answers OK
// as soon as a lead was sent, or if the code is one that only a server's
// decision to refuse the request makes. A broken connection proves nothing: the
// gateway may have read the request.
bool NothingWasSent(const absl::Status& status);

}  // namespace leadgateway::client

#endif  // LEADGATEWAY_CLIENT_RPC_ERROR_H_
