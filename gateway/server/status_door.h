#ifndef LEADGATEWAY_GATEWAY_SERVER_STATUS_DOOR_H_
#define LEADGATEWAY_GATEWAY_SERVER_STATUS_DOOR_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace leadgateway::server {

// The one way from our statuses to gRPC's: same code and message, and payloads
// that are google.rpc details become details, ErrorInfo first.
grpc::Status ToGrpc(const absl::Status& status);

// The value of the trailer grpc-retry-pushback-ms, where the status tells when
// to try again.
std::optional<std::string> RetryPushback(const absl::Status& status);

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_STATUS_DOOR_H_
