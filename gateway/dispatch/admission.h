#ifndef LEADGATEWAY_GATEWAY_DISPATCH_ADMISSION_H_
#define LEADGATEWAY_GATEWAY_DISPATCH_ADMISSION_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/dispatch/daily_budget.h"
#include "gateway/dispatch/fair_queue.h"
#include "gateway/dispatch/forecast.h"
#include "gateway/dispatch/job.h"
#include "gateway/model/limits.h"

namespace leadgateway::dispatch {

// Decides whether a request may join the queue: whether there is room for it,
// and time. A refusal says when to come again, from the schedule as it is: who
// comes then gets in, unless others came first. A plain object.
class Admission {
 public:
  struct Options {
    std::string account;
    int max_leads = kDefaultMaxQueuedLeads;
    int64_t max_bytes = kDefaultMaxQueuedBytes;
    int max_leads_per_caller = kDefaultMaxQueuedLeadsPerCaller;
    int64_t max_bytes_per_caller = kDefaultMaxQueuedBytesPerCaller;
    int leads_per_call = kMaxLeadsPerCall;
  };

  // All must outlive this object.
  Admission(Options options, Forecast* forecast, DailyBudget* budget)
      : options_(std::move(options)), forecast_(*forecast), budget_(*budget) {}

  // Takes over other bounds.
  void Reconfigure(Options options) { options_ = std::move(options); }

  // QUEUE_FULL where the queue, or what one caller may have of it, lacks room
  // for a job of `leads` leads and `bytes` bytes. `job` is in its flow, with
  // nothing of it counted in `account` and `caller`, which tell what is there.
  absl::Status CheckRoom(const Job& job, int leads, int64_t bytes,
                         const FairQueue::Load& account,
                         const FairQueue::Load& caller, absl::Time now) const;

  // DEADLINE_TOO_SHORT where the last of the job's leads would be answered
  // after its deadline; DAILY_BUDGET_SPENT where that is for the day's budget.
  // `siblings` leads of its flow's other jobs go before its last.
  absl::Status CheckTime(const Job& job, int64_t siblings,
                         absl::Time now) const;

  // DAILY_BUDGET_SPENT where nothing of today's budget is left.
  absl::Status CheckBudget(absl::Time now) const;

 private:
  Options options_;
  Forecast& forecast_;
  DailyBudget& budget_;
};

}  // namespace leadgateway::dispatch

#endif  // LEADGATEWAY_GATEWAY_DISPATCH_ADMISSION_H_
