#ifndef LEADGATEWAY_GATEWAY_SERVER_REQUEST_CONTEXT_H_
#define LEADGATEWAY_GATEWAY_SERVER_REQUEST_CONTEXT_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gateway/base/trace.h"
#include "gateway/dispatch/job.h"
#include "gateway/identity/caller.h"
#include "grpcpp/server_context.h"

namespace leadgateway::server {

// What a call's metadata says, checked: none of it is trusted to be short or
// printable.
struct RequestContext {
  std::string request_id;  // the caller's, or one made here
  // Not OK if it can't be told who calls: then the RPC is refused with it.
  absl::Status admitted;
  identity::Caller caller;
  // Of a valid traceparent, not valid() otherwise; where traces are recorded,
  // the RPC's own span (see BeginSpan).
  TraceContext trace;
  std::array<uint8_t, 8> parent_span_id = {};  // then, the caller's, if any
  dispatch::Priority priority = dispatch::Priority::kInteractive;
};

RequestContext ReadContext(const grpc::CallbackServerContext& context,
                           const identity::Trust& trust);

// What gRPC knows of an RPC's peer.
identity::Peer ReadPeer(const grpc::ServerContextBase& context);

// Puts the request id into the metadata of the answer: the initial metadata,
// but the trailers of an UNAVAILABLE or RESOURCE_EXHAUSTED that comes before
// any message. gRPC then sends a single block of headers ("Trailers-Only");
// after initial metadata of its own, neither gRPC's clients nor Envoy would try
// again.
void TellRequestId(const absl::Status& status, const std::string& request_id,
                   grpc::CallbackServerContext* context);

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_REQUEST_CONTEXT_H_
