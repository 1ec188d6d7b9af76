#ifndef LEADGATEWAY_GATEWAY_DISPATCH_FORECAST_H_
#define LEADGATEWAY_GATEWAY_DISPATCH_FORECAST_H_

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "gateway/dispatch/allowance.h"
#include "gateway/dispatch/breaker.h"
#include "gateway/dispatch/daily_budget.h"
#include "gateway/dispatch/fair_queue.h"
#include "gateway/dispatch/job.h"

namespace leadgateway::dispatch {

// Foretells when leads will be sent and answered, from the schedule as it is:
// when calls become free, whose turn it is, what else waits and, from what has
// come of late, what else will come. A plain object.
class Forecast {
 public:
  // All must outlive this object.
  Forecast(int leads_per_call, Allowance* allowance, DailyBudget* budget,
           const Breaker* breaker, const FairQueue* queue)
      : leads_per_call_(leads_per_call),
        allowance_(*allowance),
        budget_(*budget),
        breaker_(*breaker),
        queue_(*queue) {}

  void ObserveLatency(absl::Duration latency, absl::Time now);
  absl::Duration mean_latency() const { return mean_latency_; }
  // The mean, or what stands in for it before the first answer.
  absl::Duration ExpectedLatency() const;
  // What most calls stay below: mean and twice the mean deviation, or, when
  // nothing has been observed for a while, the least ever seen, so that a spell
  // of slow answers does not keep everything from being tried again.
  absl::Duration LikelyLatency(absl::Time now) const;

  // A request of that flow came. What comes steadily is expected to go on.
  void ObserveArrival(const Flow& flow, int leads, absl::Time now);

  // Until the `calls`-th call from now has left: by the allowance and the day's
  // budget, or by the allowance alone.
  absl::Duration UntilSent(int64_t calls, absl::Time now) const;
  absl::Duration UntilSentByAllowance(int64_t calls, absl::Time now) const;

  // How much is sent until `leads` more leads of `flow` have been, these
  // included: turn by turn, and no more of anyone than there is.
  struct Service {
    double leads = 0;
    absl::Duration duration;  // until the last of them has left
  };
  Service UntilServed(const Flow& flow, double leads, absl::Time now);
  // The same for all leads of a job that wait; `siblings` of its flow's other
  // jobs go before its last.
  Service UntilServed(const Job& job, int64_t siblings, absl::Time now);

  // How far a job is, and when it will be over; and what a job that nothing was
  // sent of yet will meet with.
  JobProgress ProgressOf(const Job& job, int64_t siblings, absl::Time now);
  JobOutlook OutlookOf(const Job& job, int64_t siblings, absl::Time now);

  // Leads that wait and may be sent.
  double Waiting() const;

  // Steady arrivals are counted over this time.
  static constexpr int kArrivalSeconds = 30;
  // And expected to go on for so long at most: more than a full queue takes,
  // and not the days for which a spent budget may hold everything up.
  static constexpr absl::Duration kLongestArrivals = absl::Hours(1);
  // Callers whose arrivals are counted; more are taken for silent.
  static constexpr size_t kMaxArrivals = 4096;
  // Latencies older than this say nothing of the next.
  static constexpr absl::Duration kLatencyFresh = absl::Seconds(10);

 private:
  // What one flow's requests bring, by the second.
  struct Arrivals {
    double weight = 1;
    int64_t first = 0;  // seconds
    int64_t last = 0;
    std::array<int, kArrivalSeconds> leads = {};
    uint64_t looked_at = 0;
  };
  using FlowKey = std::pair<std::string, int>;

  static void Advance(Arrivals& arrivals, int64_t second);
  // Leads a second.
  static double RateOf(Arrivals& arrivals, int64_t second);
  double ServiceOf(const Flow& flow, double leads, absl::Duration horizon,
                   absl::Time now);

  const int leads_per_call_;
  Allowance& allowance_;
  DailyBudget& budget_;
  const Breaker& breaker_;
  const FairQueue& queue_;

  absl::Duration mean_latency_ = absl::ZeroDuration();
  absl::Duration deviation_ = absl::ZeroDuration();
  absl::Time observed_at_ = absl::InfinitePast();
  std::map<FlowKey, Arrivals> arrivals_;
  uint64_t look_ = 0;
};

}  // namespace leadgateway::dispatch

#endif  // LEADGATEWAY_GATEWAY_DISPATCH_FORECAST_H_
