#include "gateway/server/update_stream.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/mutex.h"
#include "gateway/dispatch/job.h"
#include "gateway/model/errors.h"
#include "gateway/model/lead.h"
#include "gateway/model/limits.h"
#include "gateway/model/outcome.h"
#include "gateway/model/reason.h"
#include "gateway/server/result_proto.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::server {
UpdateStream::UpdateStream(std::string account, int total, const Clock& clock,
                           absl::AnyInvocable<void()> wake)
    : account_(std::move(account)),
      total_(total),
      clock_(clock),
      started_(clock.Now()),
      wake_(std::move(wake)),
      finished_at_(started_) {}

void UpdateStream::Count(const std::vector<LeadResult>& results) {
  for (const LeadResult& result : results) {
    ++totals_[static_cast<size_t>(result.outcome)];
  }
  counted_ += static_cast<int>(results.size());
}

void UpdateStream::Accepted(std::vector<LeadResult> invalid,
                            std::optional<v1::Plan> plan, Warnings warnings) {
  {
    const MutexLock lock(mutex_);
    accepted_ = true;
    plan_ = std::move(plan);
    warnings_ = std::move(warnings);
  }
  OnResults(std::move(invalid));
}

void UpdateStream::Refused(absl::Status status) {
  {
    const MutexLock lock(mutex_);
    refused_ = std::move(status);
  }
  MaybeWake();
}

void UpdateStream::WatchCongestion(absl::AnyInvocable<void()> changed) {
  congestion_changed_ = std::move(changed);
}

bool UpdateStream::congested() const {
  const MutexLock lock(mutex_);
  return congested_;
}

size_t UpdateStream::unread_bytes() const {
  const MutexLock lock(mutex_);
  return unread_;
}

bool UpdateStream::UpdateCongestion() {
  const bool before = congested_;
  if (unread_ >= kMostUnread) congested_ = true;
  if (unread_ < kLeastUnread) congested_ = false;
  return congested_ != before;
}

void UpdateStream::OnResults(std::vector<LeadResult> results) {
  bool changed = false;
  {
    const MutexLock lock(mutex_);
    Count(results);
    if (!abandoned_) {
      for (LeadResult& result : results) {
        if (!warnings_.empty()) {
          const auto warned = warnings_.find(result.index);
          if (warned != warnings_.end()) {
            result.warnings = std::move(warned->second);
          }
        }
        unread_ += FootprintOf(result);
        results_.push_back(std::move(result));
      }
    }
    changed = UpdateCongestion();
  }
  if (changed) congestion_changed_();
  MaybeWake();
}

void UpdateStream::OnProgress(const dispatch::JobProgress& progress) {
  {
    const MutexLock lock(mutex_);
    // A slow reader gets the newest only.
    progress_ = progress;
    // Leads that never reached dispatch are done, too.
    progress_->leads_total = total_;
    progress_->leads_done = counted_;
  }
  MaybeWake();
}

void UpdateStream::OnFinished(int upstream_calls) {
  {
    const MutexLock lock(mutex_);
    finished_ = true;
    finished_at_ = clock_.Now();
    upstream_calls_ = upstream_calls;
  }
  MaybeWake();
}

void UpdateStream::Abandon() {
  bool changed = false;
  {
    const MutexLock lock(mutex_);
    abandoned_ = true;
    std::deque<LeadResult>().swap(results_);
    unread_ = 0;
    warnings_.clear();
    progress_.reset();
    changed = UpdateCongestion();
  }
  if (changed) congestion_changed_();
}

bool UpdateStream::Ready() const {
  if (refused_ || finished_) return true;
  if (!accepted_ || abandoned_) return false;
  if (!opened_) return true;
  // The end follows the last result at once: both leave in one message, or the
  // end decides that no result is written at all.
  if (counted_ == total_) return false;
  return !results_.empty() || progress_.has_value();
}

void UpdateStream::MaybeWake() {
  {
    const MutexLock lock(mutex_);
    if (!reader_waits_ || !Ready()) return;
    reader_waits_ = false;
  }
  wake_();
}

std::optional<absl::Status> UpdateStream::WholeFailure() const {
  if (results_written_ || results_.empty() ||
      static_cast<int>(results_.size()) != total_) {
    return std::nullopt;
  }
  const auto reason_of = [](const LeadResult& result) {
    return result.outcome == Outcome::kNotSent && result.problem
               ? std::optional(result.problem->reason)
               : std::nullopt;
  };
  const std::optional<Reason> reason = reason_of(results_.front());
  if (!reason) return std::nullopt;
  for (const LeadResult& result : results_) {
    if (reason_of(result) != reason) return std::nullopt;
  }
  switch (*reason) {
    // Not for leads of calls that LeadSquared has turned away or refused: both
    // codes say that nothing was sent.
    case Reason::kDeadline:
      return upstream_calls_ == 0
                 ? std::optional(errors::DeadlineExceeded(account_))
                 : std::nullopt;
    case Reason::kDraining:
      if (upstream_calls_ != 0) return std::nullopt;
      return results_.front().problem->message ==
                     errors::LeadAccountGone(account_).message
                 ? errors::AccountGone(account_)
                 : errors::Draining();
    case Reason::kDailyBudgetSpent: {
      if (upstream_calls_ > 0) return std::nullopt;
      const absl::Time until = results_.front().problem->until;
      return errors::DailyBudgetSpentMeanwhile(
          account_, std::max(absl::ZeroDuration(), until - clock_.WallNow()),
          until);
    }
    case Reason::kUpstreamCredentialsRejected:
      return errors::UpstreamCredentialsRejected(
          account_, results_.front().problem->upstream_text);
    default:
      return std::nullopt;
  }
}

UpdateStream::Pulled UpdateStream::Pull(v1::BulkUpdateLeadsResponse* message,
                                        absl::Status* end) {
  Pulled pulled = Pulled::kNothingYet;
  bool changed = false;
  {
    const MutexLock lock(mutex_);
    pulled = PullLocked(message, end);
    changed = UpdateCongestion();
  }
  if (changed) congestion_changed_();
  return pulled;
}

UpdateStream::Pulled UpdateStream::PullLocked(
    v1::BulkUpdateLeadsResponse* message, absl::Status* end) {
  if (!Ready()) {
    reader_waits_ = true;
    return Pulled::kNothingYet;
  }
  if (refused_) {
    *end = *refused_;
    return Pulled::kEnd;
  }
  if (accepted_ && !opened_) {
    opened_ = true;
    return Pulled::kOpen;
  }
  if (finished_ && (summary_written_ || abandoned_)) {
    *end = absl::OkStatus();
    return Pulled::kEnd;
  }
  if (finished_) {
    if (std::optional<absl::Status> failure = WholeFailure()) {
      *end = *std::move(failure);
      return Pulled::kEnd;
    }
  }
  size_t bytes = 0;
  while (!results_.empty() && message->results_size() < kMaxResultsPerMessage &&
         bytes < kMessageBytes) {
    v1::LeadResult* const result = message->add_results();
    unread_ -= FootprintOf(results_.front());
    MoveToProto(std::move(results_.front()), result);
    results_.pop_front();
    bytes += result->ByteSizeLong();
    results_written_ = true;
  }
  if (progress_ && !finished_) ToProto(*progress_, message->mutable_progress());
  progress_.reset();
  if (finished_ && results_.empty()) {
    v1::Summary* const summary = message->mutable_summary();
    const Totals totals = totals_;
    const auto count = [&totals](Outcome outcome) {
      return totals[static_cast<size_t>(outcome)];
    };
    summary->set_updated(count(Outcome::kUpdated));
    summary->set_failed(count(Outcome::kFailed));
    summary->set_unprocessed(count(Outcome::kUnprocessed));
    summary->set_invalid(count(Outcome::kInvalid));
    summary->set_not_sent(count(Outcome::kNotSent));
    summary->set_unknown(count(Outcome::kUnknown));
    summary->set_valid(count(Outcome::kValid));
    summary->set_total(total_);
    summary->set_upstream_calls(upstream_calls_);
    ToProto(finished_at_ - started_, summary->mutable_elapsed());
    if (plan_) *message->mutable_plan() = *std::move(plan_);
    summary_written_ = true;
  }
  return Pulled::kMessage;
}

UpdateStream::Totals UpdateStream::totals() const {
  const MutexLock lock(mutex_);
  return totals_;
}

int UpdateStream::upstream_calls() const {
  const MutexLock lock(mutex_);
  return upstream_calls_;
}

}  // namespace leadgateway::server
