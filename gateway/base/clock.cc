#include "gateway/base/clock.h"

#include <time.h>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace leadgateway {

absl::Time SystemClock::Now() const {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::TimeFromTimespec(now);
}

absl::Time SystemClock::WallNow() const { return absl::Now(); }

const SystemClock& SystemClock::Get() {
  static const SystemClock* const clock = new SystemClock;
  return *clock;
}

}  // namespace leadgateway
