#include "client/update_run.h"

#include <google/protobuf/duration.pb.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "client/rpc_error.h"

namespace leadgateway::client {
namespace {

using ::leadgateway::v1::BulkUpdateLeadsResponse;
using ::leadgateway::v1::LeadResult;
using ::leadgateway::v1::Outcome;
using ::leadgateway::v1::Plan;
using ::leadgateway::v1::Progress;
using ::leadgateway::v1::Summary;

// The longest request id that the gateway takes.
constexpr std::size_t kMaxRequestIdBytes = 128;

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

void ToProto(absl::Duration duration, google::protobuf::Duration& proto) {
  proto.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto.set_nanos(static_cast<std::int32_t>(
      absl::IDivDuration(duration, absl::Nanoseconds(1), &duration)));
}

bool SameCounts(const Summary& whole, const Summary& before,
                const Summary& theirs) {
  return whole.updated() - before.updated() == theirs.updated() &&
         whole.failed() - before.failed() == theirs.failed() &&
         whole.unprocessed() - before.unprocessed() == theirs.unprocessed() &&
         whole.invalid() - before.invalid() == theirs.invalid() &&
         whole.not_sent() - before.not_sent() == theirs.not_sent() &&
         whole.unknown() - before.unknown() == theirs.unknown() &&
         whole.valid() - before.valid() == theirs.valid() &&
         whole.total() - before.total() == theirs.total();
}

}  // namespace

UpdateRun::UpdateRun(Stub& stub, const Request& request,
                     const UpdateCallbacks& callbacks,
                     const CallOptions& options, const RequestLimits& limits,
                     absl::Time deadline)
    : stub_(stub),
      request_(request),
      callbacks_(callbacks),
      options_(options),
      limits_(limits),
      start_(absl::Now()),
      deadline_(deadline),
      first_request_id_(options.request_id.empty() ? MakeRequestId()
                                                   : options.request_id),
      ledger_(request.leads_size()) {}

absl::StatusOr<UpdateReport> UpdateRun::Run() {
  const std::vector<LeadRange> ranges = Split(request_, limits_);
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const LeadRange range = ranges[i];
    const std::string request_id = RequestId(static_cast<int>(i) + 1);
    const End end = ranges.size() == 1
                        ? RunRequest(request_, range, request_id)
                        : RunRequest(Part(request_, range), range, request_id);
    finished_calls_ += std::exchange(current_calls_, 0);
    report_.rpc_status = end.status;
    if (end.status.ok()) continue;

    if (end.nothing_sent && ledger_.done() == 0) return end.status;
    if (end.nothing_sent) {
      FillGaps(range, leadgateway::v1::OUTCOME_NOT_SENT, end.status,
               "this lead's request was refused before anything was sent",
               "REQUEST_REFUSED");
    } else {
      FillGaps(range, leadgateway::v1::OUTCOME_UNKNOWN, end.status,
               "stream ended before this lead's result", "STREAM_ENDED");
    }
    FillGaps({range.end, request_.leads_size()},
             leadgateway::v1::OUTCOME_NOT_SENT, end.status,
             "an earlier request of this update failed; this lead was not sent",
             "NOT_REACHED");
    break;
  }
  report_.complete = report_.rpc_status.ok();
  report_.summary = ledger_.summary();
  report_.summary.set_upstream_calls(finished_calls_);
  ToProto(absl::Now() - start_, *report_.summary.mutable_elapsed());
  report_.anomalies = ledger_.anomalies();
  return std::move(report_);
}

UpdateRun::End UpdateRun::RunRequest(const Request& request, LeadRange range,
                                     const std::string& request_id) {
  absl::Status may_start = MayStart();
  if (!may_start.ok()) {
    return {.status = std::move(may_start), .nothing_sent = true, .pushback{}};
  }
  report_.request_ids.push_back(request_id);
  for (int tries = 1;; ++tries) {
    End end = TryRequest(request, range, request_id);
    const std::optional<absl::Duration> delay = RetryDelay(end, tries);
    if (!delay.has_value()) return end;
    if (callbacks_.on_retry) callbacks_.on_retry(end.status, *delay);
    if (Sleep(*delay)) return end;
  }
}

UpdateRun::End UpdateRun::TryRequest(const Request& request, LeadRange range,
                                     const std::string& request_id) {
  const auto context = MakeContext(
      {.request_id = request_id,
       .caller = options_.caller,
       .priority =
           options_.priority == Priority::kBulk ? "bulk" : "interactive",
       .account = request.account()},
      deadline_);
  if (options_.cancellation != nullptr) {
    options_.cancellation->Attach(context);
  }
  const Summary before = ledger_.summary();
  End end;
  bool summary_came = false;
  const auto reader = stub_.BulkUpdateLeads(context.get(), request);
  BulkUpdateLeadsResponse message;
  while (reader->Read(&message)) {
    end.any_message = true;
    if (message.has_summary()) summary_came = true;
    HandleMessage(message, range, before);
  }
  end.status = FromGrpcStatus(reader->Finish());
  if (options_.cancellation != nullptr) {
    options_.cancellation->Attach(nullptr);
  }
  end.pushback = ReadPushback(*context);

  const int missing = ledger_.Missing(range);
  if (end.status.ok() && missing > 0) {
    end.status =
        MakeClientError(absl::StatusCode::kDataLoss,
                        "the gateway ended the stream without the results of " +
                            std::to_string(missing) + " leads",
                        "RESULTS_MISSING");
  } else if (end.status.ok() && !summary_came) {
    ledger_.AddAnomaly("no summary");
  } else if (!end.status.ok()) {
    const bool no_result = ledger_.done() == before.total();
    end.nothing_sent = no_result && NothingWasSent(end.status);
  }
  return end;
}

void UpdateRun::HandleMessage(BulkUpdateLeadsResponse& message, LeadRange range,
                              const Summary& before) {
  for (LeadResult& result : *message.mutable_results()) {
    if (!ledger_.Accept(range, result)) continue;
    if (callbacks_.on_result) callbacks_.on_result(result, /*local=*/false);
  }
  if (message.has_progress()) {
    Progress progress = message.progress();
    current_calls_ = progress.upstream_calls();
    HandleProgress(std::move(progress), range);
  }
  if (message.has_plan()) HandlePlan(message.plan());
  if (message.has_summary()) {
    current_calls_ = message.summary().upstream_calls();
    CompareSummary(message.summary(), before);
  }
}

void UpdateRun::HandleProgress(Progress progress, LeadRange range) {
  if (!callbacks_.on_progress) return;
  const int behind = request_.leads_size() - range.end;
  progress.set_leads_done(range.begin + progress.leads_done());
  progress.set_leads_total(request_.leads_size());
  progress.set_upstream_calls(finished_calls_ + progress.upstream_calls());
  if (behind > 0 && progress.has_estimated_remaining()) {
    // The gateway does not know of the requests to come; they will be about as
    // fast as what is done.
    absl::Duration remaining = FromProto(progress.estimated_remaining());
    if (progress.leads_done() > 0) {
      remaining += (absl::Now() - start_) * behind / progress.leads_done();
    }
    ToProto(remaining, *progress.mutable_estimated_remaining());
  }
  callbacks_.on_progress(progress);
}

void UpdateRun::HandlePlan(const Plan& plan) {
  if (!report_.plan.has_value()) {
    report_.plan = plan;
    return;
  }
  Plan& sum = *report_.plan;
  sum.set_upstream_calls(sum.upstream_calls() + plan.upstream_calls());
  sum.set_leads_queued_ahead(
      std::max(sum.leads_queued_ahead(), plan.leads_queued_ahead()));
  ToProto(FromProto(sum.estimated_duration()) +
              FromProto(plan.estimated_duration()),
          *sum.mutable_estimated_duration());
}

void UpdateRun::CompareSummary(const Summary& theirs, const Summary& before) {
  if (SameCounts(ledger_.summary(), before, theirs)) return;
  ledger_.AddAnomaly("a summary that does not fit the results");
}

std::optional<absl::Duration> UpdateRun::RetryDelay(const End& end,
                                                    int tries) const {
  const RetryPolicy& policy = options_.retry;
  if (!policy.enabled || tries >= policy.max_tries || end.any_message ||
      end.pushback.never) {
    return std::nullopt;
  }
  if (end.status.code() != absl::StatusCode::kResourceExhausted &&
      end.status.code() != absl::StatusCode::kUnavailable) {
    return std::nullopt;
  }
  const ErrorDetails details = ReadErrorDetails(end.status);
  if (details.domain != kGatewayDomain) return std::nullopt;

  absl::Duration delay = policy.first_delay * (std::int64_t{1} << (tries - 1));
  if (details.retry_delay.has_value()) delay = *details.retry_delay;
  if (end.pushback.delay.has_value()) delay = *end.pushback.delay;
  delay = std::max(delay, absl::ZeroDuration());
  if (delay > policy.max_delay || absl::Now() + delay >= deadline_) {
    return std::nullopt;
  }
  return delay;
}

bool UpdateRun::Sleep(absl::Duration duration) const {
  if (options_.cancellation != nullptr) {
    return options_.cancellation->SleepFor(duration);
  }
  absl::SleepFor(duration);
  return false;
}

absl::Status UpdateRun::MayStart() const {
  if (options_.cancellation != nullptr && options_.cancellation->cancelled()) {
    return MakeClientError(absl::StatusCode::kCancelled,
                           "cancelled before the request was sent",
                           "CANCELLED");
  }
  if (absl::Now() >= deadline_) {
    return MakeClientError(absl::StatusCode::kDeadlineExceeded,
                           "the time was over before the request was sent",
                           "DEADLINE");
  }
  return absl::OkStatus();
}

std::string UpdateRun::RequestId(int number) const {
  if (number == 1) return first_request_id_;
  const std::string suffix = "-" + std::to_string(number);
  return first_request_id_.substr(0, kMaxRequestIdBytes - suffix.size()) +
         suffix;
}

void UpdateRun::FillGaps(LeadRange range, Outcome outcome,
                         const absl::Status& cause, const std::string& message,
                         const std::string& reason) {
  const std::vector<LeadResult> results =
      ledger_.FillGaps(range, request_, outcome,
                       MakeClientStatus(cause.code(), message, reason));
  if (!callbacks_.on_result) return;
  for (const LeadResult& result : results) {
    callbacks_.on_result(result, /*local=*/true);
  }
}

}  // namespace leadgateway::client
