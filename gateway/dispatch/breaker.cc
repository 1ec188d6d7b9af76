#include "gateway/dispatch/breaker.h"

#include <algorithm>
#include <cmath>

#include "absl/random/bit_gen_ref.h"
#include "absl/random/uniform_real_distribution.h"
#include "absl/time/time.h"

namespace leadgateway::dispatch {

absl::Duration JitteredBackoff(absl::Duration first, absl::Duration most, int n,
                               absl::BitGenRef random) {
  const absl::Duration ceiling =
      std::min(most, first * std::exp2(std::clamp(n, 0, 30)));
  const double share = absl::uniform_real_distribution<double>(0, 1)(random);
  return std::max(Breaker::kMinPause, ceiling * share);
}

void Breaker::Failed(absl::Time now, absl::BitGenRef random) {
  ++failures_;
  if (!open()) return;
  open_until_ = now + JitteredBackoff(kFirstPause, kMaxPause,
                                      failures_ - kFailuresToOpen, random);
}

}  // namespace leadgateway::dispatch
