#ifndef LEADGATEWAY_GATEWAY_BASE_CLOCK_H_
#define LEADGATEWAY_GATEWAY_BASE_CLOCK_H_

#include "absl/time/time.h"

namespace leadgateway {

// Tells the time. Implementations may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;

  // A time that never goes back. Its origin means nothing: only differences do.
  // Everything that waits, counts or measures uses this one.
  virtual absl::Time Now() const = 0;

  // The time of day, for people and for the day's budget. May jump.
  virtual absl::Time WallNow() const = 0;
};

// The machine's clocks (CLOCK_MONOTONIC and CLOCK_REALTIME).
class SystemClock final : public Clock {
 public:
  absl::Time Now() const override;
  absl::Time WallNow() const override;

  // The one instance, never destroyed.
  static const SystemClock& Get();
};

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_BASE_CLOCK_H_
