#include "gateway/dispatch/batch_pacer.h"

#include <algorithm>

#include "absl/time/time.h"

namespace leadgateway::dispatch {

absl::Duration BatchPacer::Interval(absl::Duration window, int calls) const {
  return window / (calls * (1 - options_.burst_share));
}

absl::Duration BatchPacer::Tolerance(absl::Duration window) const {
  // b N intervals.
  return window * (options_.burst_share / (1 - options_.burst_share));
}

absl::Time BatchPacer::DepartureTime(absl::Time oldest, absl::Time now,
                                     absl::Duration window, int calls,
                                     int waiting_calls) const {
  const absl::Time gathered = oldest + options_.gather;
  if (!paces() || due_ <= now) return gathered;
  const absl::Duration tolerance = Tolerance(window);
  const double spent = std::min(1.0, absl::FDivDuration(due_ - now, tolerance));
  const absl::Duration interval = Interval(window, calls);
  return std::min(
      std::max(gathered + interval * (options_.stretch * spent * spent),
               due_ - tolerance),
      gathered + interval * std::max(1, waiting_calls));
}

void BatchPacer::Sent(absl::Time now, absl::Duration window, int calls) {
  if (!paces()) return;
  const absl::Duration interval = Interval(window, calls);
  // Full calls leave as the allowance lets them; after a backlog of them, the
  // next call that isn't full waits one interval and no longer.
  due_ = std::min(std::max(due_, now) + interval,
                  now + Tolerance(window) + interval);
}

}  // namespace leadgateway::dispatch
