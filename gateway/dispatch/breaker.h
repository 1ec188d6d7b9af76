#ifndef LEADGATEWAY_GATEWAY_DISPATCH_BREAKER_H_
#define LEADGATEWAY_GATEWAY_DISPATCH_BREAKER_H_

#include <algorithm>

#include "absl/random/bit_gen_ref.h"
#include "absl/time/time.h"

namespace leadgateway::dispatch {

// Stops an account's calls after a run of failures and lets one call at a time
// find out whether the upstream is back. An upstream that swallows calls
// without a word would keep such a call for as long as its time-out: one that
// is not answered after a while holds up the next one no longer. Its own time
// stays as it is, since a slow answer is one, too.
class Breaker {
 public:
  // A call ended without the upstream doing its work.
  void Failed(absl::Time now, absl::BitGenRef random);
  // A call leaves. If the breaker is open or opens, the next one waits until no
  // call is under way, or for `patience`.
  void Sent(absl::Time now, absl::Duration patience) {
    silent_at_ = now + patience;
  }
  // A call was answered, in whatever sense.
  void Succeeded() {
    failures_ = 0;
    open_until_ = absl::InfinitePast();
  }

  bool open() const { return failures_ >= kFailuresToOpen; }
  // Whether a call may leave with so many under way.
  bool Allows(absl::Time now, int calls_in_flight) const {
    return !open() || now >= next_probe(calls_in_flight);
  }
  // When the next probe may leave, if those under way stay there.
  absl::Time next_probe(int calls_in_flight) const {
    return calls_in_flight == 0 ? open_until_
                                : std::max(open_until_, silent_at_);
  }

  static constexpr int kFailuresToOpen = 5;
  // Full jitter below kFirstPause * 2^n, at most kMaxPause: short enough that
  // an account is back within one window of the upstream's return.
  static constexpr absl::Duration kFirstPause = absl::Milliseconds(250);
  static constexpr absl::Duration kMaxPause = absl::Seconds(2);
  static constexpr absl::Duration kMinPause = absl::Milliseconds(50);
  // The least patience with a probe.
  static constexpr absl::Duration kLeastPatience = absl::Seconds(5);

 private:
  int failures_ = 0;
  absl::Time open_until_ = absl::InfinitePast();
  // Until then, the last call that left is given time to be answered.
  absl::Time silent_at_ = absl::InfinitePast();
};

// A pause with full jitter: uniform in [kMinPause, min(most, first * 2^n)].
absl::Duration JitteredBackoff(absl::Duration first, absl::Duration most, int n,
                               absl::BitGenRef random);

}  // namespace leadgateway::dispatch

#endif  // LEADGATEWAY_GATEWAY_DISPATCH_BREAKER_H_
