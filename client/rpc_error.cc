#include "client/rpc_error.h"

#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"

namespace leadgateway::client {
namespace {

constexpr char kPayloadType[] = "type.googleapis.com/google.rpc.Status";

template <typename Detail, typename Use>
void IfIs(const google::protobuf::Any& any, Use use) {
  Detail detail;
  if (any.Is<Detail>() && any.UnpackTo(&detail)) use(detail);
}

}  // namespace

ErrorDetails ReadErrorDetails(const google::rpc::Status& status) {
  ErrorDetails read;
  for (const google::protobuf::Any& any : status.details()) {
    IfIs<google::rpc::ErrorInfo>(any, [&](const auto& info) {
      read.reason = info.reason();
      read.domain = info.domain();
    });
    IfIs<google::rpc::BadRequest>(any, [&](const auto& bad) {
      for (const auto& violation : bad.field_violations()) {
        read.violations.push_back({violation.field(), violation.description()});
      }
    });
    IfIs<google::rpc::QuotaFailure>(any, [&](const auto& failure) {
      for (const auto& violation : failure.violations()) {
        read.quotas.push_back(violation.subject() + ": " +
                              violation.description());
      }
    });
    IfIs<google::rpc::RetryInfo>(any, [&](const auto& retry) {
      read.retry_delay = absl::Seconds(retry.retry_delay().seconds()) +
                         absl::Nanoseconds(retry.retry_delay().nanos());
    });
  }
  return read;
}

ErrorDetails ReadErrorDetails(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayloadType);
  google::rpc::Status details;
  if (!payload.has_value() || !details.ParseFromString(std::string(*payload))) {
    return {};
  }
  return ReadErrorDetails(details);
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  // The codes of gRPC and abseil have the same numbers.
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
  if (!status.ok() && !status.error_details().empty()) {
    result.SetPayload(kPayloadType, absl::Cord(status.error_details()));
  }
  return result;
}

google::rpc::Status MakeClientStatus(absl::StatusCode code,
                                     const std::string& message,
                                     const std::string& reason) {
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain(kClientDomain);
  google::rpc::Status status;
  status.set_code(static_cast<int>(code));
  status.set_message(message);
  status.add_details()->PackFrom(info);
  return status;
}

absl::Status MakeClientError(absl::StatusCode code, const std::string& message,
                             const std::string& reason) {
  absl::Status status(code, message);
  status.SetPayload(
      kPayloadType,
      absl::Cord(MakeClientStatus(code, message, reason).SerializeAsString()));
  return status;
}

bool NothingWasSent(const absl::Status& status) {
  if (ReadErrorDetails(status).domain == kGatewayDomain) return true;
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

}  // namespace leadgateway::client
