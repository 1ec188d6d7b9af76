#include "gateway/dispatch/daily_budget.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace leadgateway::dispatch {
namespace {

constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

}  // namespace

void DailyBudget::Roll(absl::Time wall) {
  if (wall >= begin_ && wall < end_) return;
  const absl::CivilDay day = absl::ToCivilDay(wall, options_.zone);
  const bool first = day_ == absl::CivilDay::min();
  // Back over one midnight: the day that had begun goes on. Further back, the
  // clock had been wrong: its day is taken, and the count goes on, too.
  if (!first && day == day_ - 1) return;
  if (first || day > day_) spent_ = 0;
  day_ = day;
  begin_ = absl::FromCivil(day, options_.zone);
  end_ = absl::FromCivil(day + 1, options_.zone);
}

void DailyBudget::Restore(int64_t calls, absl::Time now) {
  Roll(WallOf(now));
  spent_ += std::max<int64_t>(0, calls);
}

void DailyBudget::Take(absl::Time now) {
  Roll(WallOf(now));
  ++spent_;
}

void DailyBudget::Grant(absl::CivilDay day, int64_t calls) {
  durable_ = true;
  granted_day_ = day;
  granted_ = calls;
}

absl::CivilDay DailyBudget::Today(absl::Time now) {
  Roll(WallOf(now));
  return day_;
}

int64_t DailyBudget::SpentToday(absl::Time now) {
  Roll(WallOf(now));
  return spent_;
}

bool DailyBudget::Exhausted(absl::Time now) {
  return limited() && SpentToday(now) >= options_.calls;
}

int64_t DailyBudget::Headroom() const {
  if (options_.spread == Spread::kNone) return options_.calls;
  const auto tenth = static_cast<int64_t>(
      std::ceil(static_cast<double>(options_.calls) * kHeadroom));
  return std::min(options_.calls, std::max(tenth, options_.window_calls));
}

int64_t DailyBudget::Released(absl::Time now) {
  const absl::Time wall = WallOf(now);
  Roll(wall);
  const int64_t headroom = Headroom();
  const double passed =
      std::clamp(absl::FDivDuration(wall - begin_, end_ - begin_), 0.0, 1.0);
  // One more than there are, so that the last one is released before midnight.
  const auto later = static_cast<int64_t>(
      std::floor(static_cast<double>(options_.calls - headroom + 1) * passed));
  return std::min(options_.calls, headroom + later);
}

absl::Time DailyBudget::WhenReleased(absl::CivilDay day, int64_t calls) const {
  const absl::Time begin = absl::FromCivil(day, options_.zone);
  const absl::Time end = absl::FromCivil(day + 1, options_.zone);
  const int64_t headroom = Headroom();
  if (calls <= headroom) return begin;
  const double part = static_cast<double>(calls - headroom) /
                      static_cast<double>(options_.calls - headroom + 1);
  // Rounded up: at that time it must be.
  return begin + (end - begin) * part + absl::Microseconds(1);
}

int64_t DailyBudget::Granted() const {
  if (!durable_ || !limited()) return kUnlimited;
  return granted_day_ == day_ ? granted_ : 0;
}

int64_t DailyBudget::Free(absl::Time now) {
  if (!limited()) return kUnlimited;
  const int64_t released = Released(now);
  return std::max<int64_t>(0, std::min(released, Granted()) - spent_);
}

int64_t DailyBudget::FreeOfDay(absl::Time now) {
  if (!limited()) return kUnlimited;
  Roll(WallOf(now));
  return std::max<int64_t>(0, std::min(options_.calls, Granted()) - spent_);
}

absl::Time DailyBudget::WhenFree(int64_t calls, absl::Time now) {
  if (!limited() || calls <= Released(now) - spent_) return now;
  const int64_t budget = options_.calls;
  absl::Time wall;
  if (spent_ + calls <= budget) {
    wall = WhenReleased(day_, spent_ + calls);
  } else {
    const int64_t beyond = calls - std::max<int64_t>(0, budget - spent_);
    const int64_t days = (beyond - 1) / budget;
    wall = WhenReleased(day_ + 1 + days, beyond - days * budget);
  }
  return std::max(now, wall - offset_);
}

absl::Time DailyBudget::DayEnd(absl::Time now) {
  Roll(WallOf(now));
  return end_ - offset_;
}

}  // namespace leadgateway::dispatch
