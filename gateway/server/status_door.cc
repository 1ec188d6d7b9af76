#include "gateway/server/status_door.h"

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/model/errors.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace leadgateway::server {

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status rich;
  rich.set_code(static_cast<int>(status.code()));
  rich.set_message(std::string(status.message()));
  // Sorted: payloads come in no particular order, and details should not change
  // their places from call to call. ErrorInfo first.
  std::map<std::string, std::string> payloads;
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& bytes) {
    payloads.emplace(
        absl::StrCat(url == errors::kErrorInfoUrl ? "0" : "1", url),
        std::string(bytes));
  });
  for (const auto& [url, bytes] : payloads) {
    auto* detail = rich.add_details();
    detail->set_type_url(url.substr(1));
    detail->set_value(bytes);
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      std::string(status.message()), rich.SerializeAsString());
}

std::optional<std::string> RetryPushback(const absl::Status& status) {
  const absl::Duration delay = errors::RetryDelayOf(status);
  if (delay <= absl::ZeroDuration()) return std::nullopt;
  return absl::StrCat(
      absl::ToInt64Milliseconds(absl::Ceil(delay, absl::Milliseconds(1))));
}

}  // namespace leadgateway::server
