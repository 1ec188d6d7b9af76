#include "gateway/server/request_context.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "gateway/base/trace.h"
#include "gateway/dispatch/job.h"
#include "grpcpp/server_context.h"

namespace leadgateway::server {
namespace {

constexpr char kRequestId[] = "x-request-id";
constexpr size_t kMaxRequestIdBytes = 128;
constexpr size_t kMaxCallerBytes = 128;

std::optional<absl::string_view> Metadata(
    const grpc::CallbackServerContext& context, const char* key) {
  const auto& metadata = context.client_metadata();
  const auto it = metadata.find(key);
  if (it == metadata.end()) return std::nullopt;
  return absl::string_view(it->second.data(), it->second.size());
}

std::string NewRequestId() {
  thread_local absl::BitGen random;
  return absl::StrFormat("%016x", absl::Uniform<uint64_t>(random));
}

}  // namespace

bool IsPrintable(absl::string_view text, size_t most) {
  return !text.empty() && text.size() <= most &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::string PeerHost(absl::string_view peer) {
  if (absl::ConsumePrefix(&peer, "ipv4:") ||
      absl::ConsumePrefix(&peer, "ipv6:")) {
    const size_t port = peer.rfind(':');
    if (port != absl::string_view::npos) peer = peer.substr(0, port);
    // gRPC escapes the brackets of IPv6 addresses.
    absl::ConsumePrefix(&peer, "%5B");
    absl::ConsumeSuffix(&peer, "%5D");
    absl::ConsumePrefix(&peer, "[");
    absl::ConsumeSuffix(&peer, "]");
  }
  return std::string(peer.substr(0, kMaxCallerBytes));
}

RequestContext ReadContext(const grpc::CallbackServerContext& context) {
  RequestContext request;
  const auto id = Metadata(context, kRequestId);
  request.request_id = id && IsPrintable(*id, kMaxRequestIdBytes)
                           ? std::string(*id)
                           : NewRequestId();
  const auto caller = Metadata(context, "x-lead-caller");
  request.caller = caller && IsPrintable(*caller, kMaxCallerBytes)
                       ? std::string(*caller)
                       : PeerHost(context.peer());
  if (const auto traceparent = Metadata(context, "traceparent")) {
    request.trace = ParseTraceparent(*traceparent);
  }
  if (Metadata(context, "x-lead-priority") == absl::string_view("bulk")) {
    request.priority = dispatch::Priority::kBulk;
  }
  return request;
}

void TellRequestId(const absl::Status& status, const std::string& request_id,
                   grpc::CallbackServerContext* context) {
  if (absl::IsUnavailable(status) || absl::IsResourceExhausted(status)) {
    context->AddTrailingMetadata(kRequestId, request_id);
  } else {
    context->AddInitialMetadata(kRequestId, request_id);
  }
}

}  // namespace leadgateway::server
