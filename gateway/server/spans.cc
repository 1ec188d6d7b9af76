#include "gateway/server/spans.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/random/bit_gen_ref.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "gateway/admin/metrics.h"
#include "gateway/base/span_file.h"
#include "gateway/base/trace.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/model/errors.h"
#include "gateway/server/request_context.h"

namespace leadgateway::server {
namespace {

constexpr char kService[] = "leadgateway.v1.LeadGatewayService";

void Set(Span& span, absl::string_view key, absl::string_view value) {
  span.attributes.emplace_back(std::string(key), std::string(value));
}
void Set(Span& span, absl::string_view key, int64_t value) {
  span.attributes.emplace_back(std::string(key), value);
}

// Whether the server is to blame, as OpenTelemetry's conventions for gRPC sort
// the codes.
bool IsServersFault(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

Span ClientSpan(const dispatch::CallReport& report, const CallTarget& target,
                absl::string_view name, absl::string_view method) {
  Span span;
  span.kind = Span::Kind::kClient;
  span.name = std::string(name);
  Set(span, "http.request.method", method);
  absl::string_view address = target.base_url;
  absl::ConsumePrefix(&address, "https://") ||
      absl::ConsumePrefix(&address, "http://");
  Set(span, "server.address", address);
  if (report.http_status != 0) {
    Set(span, "http.response.status_code", report.http_status);
  }
  Set(span, "leadgateway.account", target.account);
  Set(span, "leadgateway.verdict", VerdictName(report.verdict));
  span.failed = report.verdict != dispatch::CallVerdict::kAnswered;
  if (span.failed) span.problem = std::string(VerdictName(report.verdict));
  return span;
}

}  // namespace

void BeginSpan(RequestContext& request, double sampled_part,
               absl::BitGenRef random) {
  const TraceContext caller = request.trace;
  request.parent_span_id = caller.span_id;
  request.trace = NewSpan(caller, random);
  if (!caller.valid()) {
    request.trace.sampled = absl::Bernoulli(random, sampled_part);
  }
}

Span SpanOfRpc(const RequestContext& request, RpcMethod method,
               absl::string_view account, absl::StatusCode code,
               const absl::Status& status, absl::Time ended,
               absl::Duration elapsed) {
  Span span;
  span.kind = Span::Kind::kServer;
  span.name = absl::StrCat(kService, "/", RpcMethodName(method));
  span.context = request.trace;
  span.parent_id = request.parent_span_id;
  span.ended = ended;
  span.started = ended - elapsed;
  Set(span, "rpc.system", "grpc");
  Set(span, "rpc.service", kService);
  Set(span, "rpc.method", RpcMethodName(method));
  Set(span, "rpc.grpc.status_code", static_cast<int64_t>(code));
  Set(span, "leadgateway.request_id", request.request_id);
  Set(span, "leadgateway.caller", request.caller.name);
  if (!account.empty()) Set(span, "leadgateway.account", account);
  if (!status.ok()) {
    Set(span, "leadgateway.reason", errors::ReasonNameOf(status));
  }
  span.failed = IsServersFault(code);
  if (span.failed) span.problem = absl::StatusCodeToString(code);
  return span;
}

std::optional<Span> SpanOfCall(const dispatch::CallRecord& record,
                               const CallTarget& target,
                               absl::BitGenRef random) {
  std::vector<TraceContext> recorded;
  for (const dispatch::CallShare& share : record.shares) {
    const TraceContext& rpc = share.job->trace;
    if (rpc.valid() && rpc.sampled) recorded.push_back(rpc);
  }
  if (recorded.empty()) return std::nullopt;
  Span span =
      ClientSpan(*record.report, target, "LeadSquared UpdateV2", "POST");
  span.context = NewSpan(recorded.front(), random);
  span.parent_id = recorded.front().span_id;
  if (record.shares.size() > 1) span.links = std::move(recorded);
  span.ended = record.report->done_at + target.wall_offset;
  span.started = span.ended - record.duration;
  Set(span, "leadgateway.call", static_cast<int64_t>(record.call));
  Set(span, "leadgateway.requests", static_cast<int64_t>(record.shares.size()));
  Set(span, "leadgateway.leads", record.leads);
  if (record.report->verdict == dispatch::CallVerdict::kAnswered) {
    Set(span, "leadgateway.leads.updated", record.updated);
    Set(span, "leadgateway.leads.not_found", record.not_found);
    Set(span, "leadgateway.leads.rejected", record.rejected);
    Set(span, "leadgateway.leads.untold", record.untold);
  }
  return span;
}

Span SpanOfFieldsCall(const dispatch::CallReport& report,
                      const CallTarget& target, absl::BitGenRef random) {
  Span span =
      ClientSpan(report, target, "LeadSquared LeadsMetaData.Get", "GET");
  span.context = NewSpan({}, random);
  span.ended = report.done_at + target.wall_offset;
  span.started = report.sent_at.value_or(report.done_at) + target.wall_offset;
  return span;
}

}  // namespace leadgateway::server
