#include "gateway/server/request_context.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "gateway/base/trace.h"
#include "gateway/dispatch/job.h"
#include "gateway/identity/caller.h"
#include "gateway/identity/identity.h"
#include "grpc/grpc_security_constants.h"
#include "grpcpp/security/auth_context.h"
#include "grpcpp/server_context.h"

namespace leadgateway::server {
namespace {

constexpr char kRequestId[] = "x-request-id";
constexpr size_t kMaxRequestIdBytes = 128;

std::optional<absl::string_view> Metadata(
    const grpc::ServerContextBase& context, const char* key) {
  const auto& metadata = context.client_metadata();
  const auto it = metadata.find(key);
  if (it == metadata.end()) return std::nullopt;
  return absl::string_view(it->second.data(), it->second.size());
}

std::vector<std::string> Property(const grpc::AuthContext& auth,
                                  const char* name) {
  std::vector<std::string> values;
  for (const grpc::string_ref& value : auth.FindPropertyValues(name)) {
    values.emplace_back(value.data(), value.size());
  }
  return values;
}

std::string NewRequestId() {
  thread_local absl::BitGen random;
  return absl::StrFormat("%016x", absl::Uniform<uint64_t>(random));
}

}  // namespace

identity::Peer ReadPeer(const grpc::ServerContextBase& context) {
  identity::Peer peer;
  peer.address = context.peer();
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  const std::vector<std::string> security =
      Property(*auth, GRPC_TRANSPORT_SECURITY_TYPE_PROPERTY_NAME);
  peer.tls = !security.empty() &&
             (security.front() == GRPC_SSL_TRANSPORT_SECURITY_TYPE ||
              security.front() == GRPC_TLS_TRANSPORT_SECURITY_TYPE);
  // gRPC lets no connection through whose certificate it has not checked.
  if (peer.tls) {
    peer.certificate.uris = Property(*auth, GRPC_PEER_URI_PROPERTY_NAME);
    peer.certificate.dns_names = Property(*auth, GRPC_PEER_DNS_PROPERTY_NAME);
    std::vector<std::string> subject =
        Property(*auth, GRPC_X509_SUBJECT_PROPERTY_NAME);
    if (!subject.empty()) {
      peer.certificate.subject = std::move(subject.front());
    }
  }
  const auto [begin, end] =
      context.client_metadata().equal_range("x-forwarded-client-cert");
  for (auto it = begin; it != end; ++it) {
    if (!peer.forwarded) {
      peer.forwarded.emplace();
    } else {
      *peer.forwarded += ',';
    }
    peer.forwarded->append(it->second.data(), it->second.size());
  }
  if (const auto claimed = Metadata(context, "x-lead-caller")) {
    peer.claimed = std::string(*claimed);
  }
  return peer;
}

RequestContext ReadContext(const grpc::CallbackServerContext& context,
                           const identity::Trust& trust) {
  RequestContext request;
  const auto id = Metadata(context, kRequestId);
  request.request_id = id && identity::IsPrintable(*id, kMaxRequestIdBytes)
                           ? std::string(*id)
                           : NewRequestId();
  const identity::Peer peer = ReadPeer(context);
  absl::StatusOr<identity::Caller> caller = identity::FindCaller(peer, trust);
  if (caller.ok()) {
    request.caller = *std::move(caller);
  } else {
    request.admitted = caller.status();
    request.caller.name = identity::PeerHost(peer.address);
  }
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
