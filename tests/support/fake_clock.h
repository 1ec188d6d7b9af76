#ifndef LEADGATEWAY_TESTS_SUPPORT_FAKE_CLOCK_H_
#define LEADGATEWAY_TESTS_SUPPORT_FAKE_CLOCK_H_

#include "absl/time/time.h"
#include "gateway/base/clock.h"

namespace leadgateway::testing {

// A clock that a test moves by hand. Not for several threads at once.
class FakeClock final : public Clock {
 public:
  absl::Time Now() const override { return now_; }
  absl::Time WallNow() const override { return wall_; }

  void Advance(absl::Duration duration) {
    now_ += duration;
    wall_ += duration;
  }
  // The time of day jumps; the monotonic time does not.
  void SetWall(absl::Time wall) { wall_ = wall; }

 private:
  absl::Time now_ = absl::UnixEpoch() + absl::Hours(7);
  absl::Time wall_ = absl::FromUnixSeconds(1'700'000'000);
};

}  // namespace leadgateway::testing

#endif  // LEADGATEWAY_TESTS_SUPPORT_FAKE_CLOCK_H_
