#ifndef LEADGATEWAY_GATEWAY_DISPATCH_BATCH_PACER_H_
#define LEADGATEWAY_GATEWAY_DISPATCH_BATCH_PACER_H_

#include "absl/time/time.h"

namespace leadgateway::dispatch {

// Decides when a call with fewer than 25 leads leaves. A full call never waits
// for this; it only spends.
//
// The generic cell rate algorithm: a share b of the window's N calls may leave
// in a burst, the others no closer than T = W / (N (1 - b)). In any W that is
// at most b N + W / T = N calls: calls that are not full never empty the
// window, so none of their leads ever waits longer than T (1.2 W/N with b =
// 1/6), while a call that comes after some quiet leaves at once. Within a burst
// each call gathers a little longer than the one before, so that requests which
// come together share calls. docs/adr has the comparison with other rules.
//
// A plain object: times are given to it.
class BatchPacer {
 public:
  struct Options {
    // The least wait: requests that arrive together share a call. Short beside
    // a call's latency.
    absl::Duration gather = absl::Milliseconds(2);
    // The share b of the window's calls that may leave in a burst; 1 or more
    // turns pacing off.
    double burst_share = 1.0 / 6;
    // The wait at the end of a burst, as a share of T.
    double stretch = 0.25;
  };

  explicit BatchPacer(Options options) : options_(options) {}

  // When a call that isn't full and whose oldest lead has waited since `oldest`
  // may leave, as far as is known at `now`: if that is not after `now`, it may
  // leave now. `window` is W with the mean latency, for which calls are held,
  // too; `calls` is N. However many full calls leave meanwhile, which put this
  // off, it is not later than one T after `oldest` for each of the
  // `waiting_calls` that are not full.
  absl::Time DepartureTime(absl::Time oldest, absl::Time now,
                           absl::Duration window, int calls,
                           int waiting_calls = 1) const;

  // A call of any kind leaves.
  void Sent(absl::Time now, absl::Duration window, int calls);

 private:
  bool paces() const { return options_.burst_share < 1; }
  absl::Duration Interval(absl::Duration window, int calls) const;
  absl::Duration Tolerance(absl::Duration window) const;

  const Options options_;
  // The algorithm's "theoretical arrival time": when all that was sent would
  // have left at intervals of T.
  absl::Time due_ = absl::InfinitePast();
};

}  // namespace leadgateway::dispatch

#endif  // LEADGATEWAY_GATEWAY_DISPATCH_BATCH_PACER_H_
