#include "gateway/dispatch/admission.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/dispatch/daily_budget.h"
#include "gateway/dispatch/fair_queue.h"
#include "gateway/dispatch/job.h"
#include "gateway/model/errors.h"

namespace leadgateway::dispatch {
namespace {

// A refused request is told to wait at least this long: shorter waits than a
// call's latency only cost both sides work.
constexpr absl::Duration kLeastRetryAfter = absl::Milliseconds(100);
constexpr absl::Duration kMargin = absl::Milliseconds(100);

int64_t CallsFor(double leads, int per_call) {
  return static_cast<int64_t>(std::ceil(leads / per_call));
}

// Leads leave in whole calls, and clocks and latencies differ a little.
absl::Duration Told(absl::Duration wait) {
  return std::max(kLeastRetryAfter, wait * 1.02 + kMargin);
}

}  // namespace

absl::Status Admission::CheckRoom(const Job& job, int leads, int64_t bytes,
                                  const FairQueue::Load& account,
                                  const FairQueue::Load& caller,
                                  absl::Time now) const {
  const auto until_left = [&](int64_t excess) {
    return forecast_.UntilSent(
        CallsFor(static_cast<double>(excess), options_.leads_per_call), now);
  };
  // Bytes are free when leads are answered. Leads differ in size, so a quarter
  // is added to the number that it takes.
  const auto leads_of = [](int64_t excess, const FairQueue::Load& load) {
    return std::min<double>(
        load.leads,
        std::ceil(1.25 * static_cast<double>(excess) * load.leads /
                  static_cast<double>(std::max<int64_t>(1, load.bytes))));
  };
  const absl::Duration answer = forecast_.LikelyLatency(now);

  if (account.leads + leads > options_.max_leads) {
    return errors::QueueFull(
        absl::StrCat("account \"", options_.account, "\""), options_.account,
        account.leads, options_.max_leads, leads, "leads",
        Told(until_left(account.leads + leads - options_.max_leads)));
  }
  if (account.bytes + bytes > options_.max_bytes) {
    const double excess =
        leads_of(account.bytes + bytes - options_.max_bytes, account);
    return errors::QueueFull(
        absl::StrCat("account \"", options_.account, "\""), options_.account,
        account.bytes, options_.max_bytes, bytes, "bytes",
        Told(until_left(static_cast<int64_t>(excess)) + answer));
  }
  const auto until_callers = [&](double excess) {
    return forecast_.UntilServed(*job.flow, excess, now).duration;
  };
  if (caller.leads + leads > options_.max_leads_per_caller) {
    return errors::QueueFull(
        "this caller", options_.account, caller.leads,
        options_.max_leads_per_caller, leads, "leads",
        Told(until_callers(caller.leads + leads -
                           options_.max_leads_per_caller)));
  }
  if (caller.bytes + bytes > options_.max_bytes_per_caller) {
    return errors::QueueFull(
        "this caller", options_.account, caller.bytes,
        options_.max_bytes_per_caller, bytes, "bytes",
        std::max(
            kLeastRetryAfter,
            until_callers(leads_of(
                caller.bytes + bytes - options_.max_bytes_per_caller, caller)) +
                answer));
  }
  return absl::OkStatus();
}

absl::Status Admission::CheckTime(const Job& job, int64_t siblings,
                                  absl::Time now) const {
  if (job.spec.finish_by == absl::InfiniteFuture()) return absl::OkStatus();
  const absl::Duration left = job.spec.finish_by - now;
  const Forecast::Service service = forecast_.UntilServed(job, siblings, now);
  const absl::Duration answer = forecast_.mean_latency();
  const absl::Duration estimate = service.duration + answer;
  if (estimate <= left) return absl::OkStatus();
  // Who shares turns with this request does so however long it waits, so what
  // waits must have shrunk until all of it fits before the deadline.
  const absl::Duration retry_after =
      Told(forecast_.UntilSent(
               CallsFor(forecast_.Waiting(), options_.leads_per_call), now) +
           answer - left);
  const absl::Duration without_budget =
      forecast_.UntilSentByAllowance(
          CallsFor(service.leads, options_.leads_per_call), now) +
      answer;
  if (without_budget <= left) {
    return errors::DailyShareSpent(
        options_.account, budget_.SpentToday(now), budget_.calls(), retry_after,
        budget_.WallOf(now + retry_after), budget_.zone());
  }
  return errors::DeadlineTooShort(options_.account, estimate, left,
                                  retry_after);
}

absl::Status Admission::CheckBudget(absl::Time now) const {
  if (!budget_.Exhausted(now)) return absl::OkStatus();
  const absl::Time end = budget_.DayEnd(now);
  return errors::DailyBudgetSpent(options_.account, budget_.SpentToday(now),
                                  budget_.calls(), end - now,
                                  budget_.WallOf(end), budget_.zone());
}

}  // namespace leadgateway::dispatch
