#ifndef LEADGATEWAY_GATEWAY_DISPATCH_BREAKER_H_
#define LEADGATEWAY_GATEWAY_DISPATCH_BREAKER_H_

#include "absl/random/bit_gen_ref.h"
#include "absl/time/time.h"

namespace leadgateway::dispatch {

// Stops an account's calls after a run of failures and lets one call at a time
// find out whether the upstream is back.
class Breaker {
 public:
  // A call ended without the upstream doing its work.
  void Failed(absl::Time now, absl::BitGenRef random);
  // A call was answered, in whatever sense.
  void Succeeded() {
    failures_ = 0;
    open_until_ = absl::InfinitePast();
  }

  bool open() const { return failures_ >= kFailuresToOpen; }
  // Whether a call may leave with so many under way.
  bool Allows(absl::Time now, int calls_in_flight) const {
    return !open() || (now >= open_until_ && calls_in_flight == 0);
  }
  // When the next probe may leave.
  absl::Time next_probe() const { return open_until_; }

  static constexpr int kFailuresToOpen = 5;
  // Full jitter below kFirstPause * 2^n, at most kMaxPause: short enough that
  // an account is back within one window of the upstream's return.
  static constexpr absl::Duration kFirstPause = absl::Milliseconds(250);
  static constexpr absl::Duration kMaxPause = absl::Seconds(2);
  static constexpr absl::Duration kMinPause = absl::Milliseconds(50);

 private:
  int failures_ = 0;
  absl::Time open_until_ = absl::InfinitePast();
};

// A pause with full jitter: uniform in [kMinPause, min(most, first * 2^n)].
absl::Duration JitteredBackoff(absl::Duration first, absl::Duration most, int n,
                               absl::BitGenRef random);

}  // namespace leadgateway::dispatch

#endif  // LEADGATEWAY_GATEWAY_DISPATCH_BREAKER_H_
