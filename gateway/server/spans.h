#ifndef LEADGATEWAY_GATEWAY_SERVER_SPANS_H_
#define LEADGATEWAY_GATEWAY_SERVER_SPANS_H_

#include <optional>

#include "absl/random/bit_gen_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/admin/metrics.h"
#include "gateway/base/span_file.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/server/request_context.h"

// RPCs and calls as spans. docs/operating.md, "Traces", lists their attributes,
// which are OpenTelemetry's where it has a name.
namespace leadgateway::server {

// Makes `request.trace`, so far the caller's, a span of this RPC below it;
// without a caller's, the first span of a new trace, which is recorded with the
// probability `sampled_part`.
void BeginSpan(RequestContext& request, double sampled_part,
               absl::BitGenRef random);

// The span of an RPC that took `elapsed` until `ended` (wall clock).
Span SpanOfRpc(const RequestContext& request, RpcMethod method,
               absl::string_view account, absl::StatusCode code,
               const absl::Status& status, absl::Time ended,
               absl::Duration elapsed);

// Where calls of an account go, for their spans.
struct CallTarget {
  absl::string_view account;
  absl::string_view base_url;
  // From the monotonic clock to the wall clock.
  absl::Duration wall_offset;
};

// The span of a call with leads: below the RPC whose leads it carries. A call
// that several RPCs share is below the first that is recorded, and has a link
// to each of those. None if none of them is recorded.
std::optional<Span> SpanOfCall(const dispatch::CallRecord& record,
                               const CallTarget& target,
                               absl::BitGenRef random);
// The span of a load of the field metadata, which is a trace of its own.
Span SpanOfFieldsCall(const dispatch::CallReport& report,
                      const CallTarget& target, absl::BitGenRef random);

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_SPANS_H_
