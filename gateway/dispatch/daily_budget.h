#ifndef LEADGATEWAY_GATEWAY_DISPATCH_DAILY_BUDGET_H_
#define LEADGATEWAY_GATEWAY_DISPATCH_DAILY_BUDGET_H_

#include <cstdint>
#include <limits>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace leadgateway::dispatch {

// The calls that an account may make in a day, of whatever kind, and how they
// are spread over it.
//
// With kEven a tenth of the day's calls (a window's allowance at least) may be
// spent at any time; the rest is released second by second. So a quiet morning
// leaves its share to the afternoon, a burst finds a tenth of the day ready,
// and however much waits, at noon 45 % are left.
//
// A plain object: all times are monotonic, and it is told what to add to one to
// get the time of day.
class DailyBudget {
 public:
  enum class Spread { kEven, kNone };

  struct Options {
    int64_t calls = 0;  // a day; 0: no budget
    Spread spread = Spread::kEven;
    // The least that may be spent at any time: the calls of one window.
    int64_t window_calls = 25;
    // Whose midnight starts a day.
    absl::TimeZone zone = absl::UTCTimeZone();
  };

  explicit DailyBudget(Options options) : options_(options) {}

  // Takes over another budget; what was spent today stays spent.
  void Reconfigure(Options options) {
    options_ = options;
    end_ = absl::InfinitePast();  // the zone may have changed
  }

  // The time of day is the monotonic time plus this. May jump, as clocks do: a
  // clock that is set back does not give the day's calls again.
  void SetWallOffset(absl::Duration offset) { offset_ = offset; }

  // What was spent today before this process began.
  void Restore(int64_t calls, absl::Time now);

  // One call leaves.
  void Take(absl::Time now);

  bool limited() const { return options_.calls > 0; }
  int64_t calls() const { return options_.calls; }
  Spread spread() const { return options_.spread; }
  absl::CivilDay Today(absl::Time now);
  int64_t SpentToday(absl::Time now);
  // Today's calls are spent, all of them.
  bool Exhausted(absl::Time now);
  // Calls that may leave now.
  int64_t Free(absl::Time now);
  // The same without regard to the spread.
  int64_t FreeOfDay(absl::Time now);
  // When the `calls`-th call from now may leave if all before it leave as soon
  // as they may: `now` if it may now.
  absl::Time WhenFree(int64_t calls, absl::Time now);
  // When today ends.
  absl::Time DayEnd(absl::Time now);
  // The calls that the spread has released of today's by now.
  int64_t Released(absl::Time now);
  // A monotonic time as the time of day.
  absl::Time WallOf(absl::Time time) const { return time + offset_; }
  absl::TimeZone zone() const { return options_.zone; }

  // Calls of `day` are free up to this many only, since no more have been
  // written down as spent. Never called: all are.
  void Grant(absl::CivilDay day, int64_t calls);

  // The share of a day's calls that may be spent at any time.
  static constexpr double kHeadroom = 0.1;

 private:
  void Roll(absl::Time wall);
  int64_t Headroom() const;
  int64_t Granted() const;
  // When `calls` of the calls of `day` are released, by the time of day.
  absl::Time WhenReleased(absl::CivilDay day, int64_t calls) const;

  Options options_;
  absl::Duration offset_ = absl::ZeroDuration();
  absl::CivilDay day_ = absl::CivilDay::min();
  // Midnights, by the time of day.
  absl::Time begin_ = absl::InfiniteFuture();
  absl::Time end_ = absl::InfinitePast();
  int64_t spent_ = 0;
  bool durable_ = false;
  absl::CivilDay granted_day_ = absl::CivilDay::min();
  int64_t granted_ = 0;
};

}  // namespace leadgateway::dispatch

#endif  // LEADGATEWAY_GATEWAY_DISPATCH_DAILY_BUDGET_H_
