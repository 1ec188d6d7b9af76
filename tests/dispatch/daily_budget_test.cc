#include "gateway/dispatch/daily_budget.h"

#include <cstdint>
#include <limits>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace leadgateway::dispatch {
namespace {

using Spread = DailyBudget::Spread;

constexpr absl::Duration kDay = absl::Hours(24);

// Monotonic times begin at zero, and that was a midnight UTC.
const absl::Time kStart = absl::UnixEpoch();
const absl::Duration kOffset =
    absl::FromCivil(absl::CivilDay(2026, 3, 10), absl::UTCTimeZone()) - kStart;

DailyBudget Budget(DailyBudget::Options options) {
  DailyBudget budget(options);
  budget.SetWallOffset(kOffset);
  return budget;
}

void Spend(DailyBudget& budget, int64_t calls, absl::Time now) {
  for (int64_t i = 0; i < calls; ++i) budget.Take(now);
}

TEST(DailyBudgetTest, WithoutOneEverythingIsFreeAndCounted) {
  DailyBudget budget = Budget({});
  EXPECT_FALSE(budget.limited());
  Spend(budget, 3, kStart);
  EXPECT_EQ(budget.SpentToday(kStart), 3);
  EXPECT_GT(budget.Free(kStart), 1'000'000'000);
  EXPECT_EQ(budget.WhenFree(1'000'000, kStart), kStart);
  EXPECT_FALSE(budget.Exhausted(kStart));
}

TEST(DailyBudgetTest, StartsAnewAtMidnight) {
  DailyBudget budget = Budget({.calls = 10, .spread = Spread::kNone});
  Spend(budget, 10, kStart);
  EXPECT_TRUE(budget.Exhausted(kStart));
  EXPECT_EQ(budget.Free(kStart + kDay - absl::Nanoseconds(1)), 0);
  EXPECT_EQ(budget.WhenFree(1, kStart), kStart + kDay);
  EXPECT_EQ(budget.DayEnd(kStart), kStart + kDay);
  EXPECT_EQ(budget.Free(kStart + kDay), 10);
  EXPECT_EQ(budget.SpentToday(kStart + kDay), 0);
}

TEST(DailyBudgetTest, StartsAnewAtTheMidnightOfItsZone) {
  absl::TimeZone kolkata = absl::FixedTimeZone(5 * 3600 + 1800);
  DailyBudget budget =
      Budget({.calls = 10, .spread = Spread::kNone, .zone = kolkata});
  Spend(budget, 10, kStart);
  // 05:30 there, so the day ends at 18:30 UTC.
  EXPECT_EQ(budget.DayEnd(kStart), kStart + absl::Minutes(18 * 60 + 30));
  EXPECT_EQ(budget.Free(kStart + absl::Minutes(18 * 60 + 30)), 10);
}

TEST(DailyBudgetTest, FollowsDaysOf23And25Hours) {
  absl::TimeZone zone;
  if (!absl::LoadTimeZone("Europe/Berlin", &zone)) {
    GTEST_SKIP() << "no time zones on this machine";
  }
  DailyBudget budget(
      DailyBudget::Options{.calls = 2'400, .window_calls = 1, .zone = zone});
  const absl::CivilDay short_day(2026, 3, 29);
  budget.SetWallOffset(absl::FromCivil(short_day, zone) - kStart);
  EXPECT_EQ(budget.DayEnd(kStart), kStart + absl::Hours(23));
  EXPECT_EQ(budget.Released(kStart + absl::Hours(23) - absl::Seconds(1)),
            2'400);
}

TEST(DailyBudgetTest, KeepsAboutHalfForTheAfternoonHoweverMuchWaits) {
  DailyBudget budget = Budget({.calls = 10'000});
  int64_t spent_by_noon = 0;
  for (absl::Duration at; at < kDay; at += absl::Seconds(5)) {
    const absl::Time now = kStart + at;
    const int64_t calls = budget.Free(now);
    Spend(budget, calls, now);
    if (at < kDay / 2) spent_by_noon += calls;
  }
  EXPECT_GE(spent_by_noon, 5'400);
  EXPECT_LE(spent_by_noon, 5'501);
  // All of it is spent by midnight.
  EXPECT_EQ(budget.SpentToday(kStart + kDay - absl::Seconds(1)), 10'000);
}

TEST(DailyBudgetTest, HasATenthReadyForABurstAndAllThatAQuietMorningLeft) {
  DailyBudget budget = Budget({.calls = 10'000});
  EXPECT_EQ(budget.Free(kStart), 1'000);
  EXPECT_EQ(budget.Free(kStart + kDay / 2), 5'500);
}

TEST(DailyBudgetTest, HasAWindowsCallsReadyWhereATenthIsLess) {
  EXPECT_EQ(Budget({.calls = 100, .window_calls = 25}).Free(kStart), 25);
  EXPECT_EQ(Budget({.calls = 10, .window_calls = 25}).Free(kStart), 10);
  EXPECT_EQ(Budget({.calls = 1, .window_calls = 25}).Free(kStart), 1);
}

TEST(DailyBudgetTest, ForetellsWhenCallsAreFreeAndKeepsToIt) {
  for (const int64_t calls : {1, 7, 100, 10'000}) {
    for (const Spread spread : {Spread::kEven, Spread::kNone}) {
      for (const int64_t ahead : {1, 2, 30, 5'000, 25'000}) {
        DailyBudget budget =
            Budget({.calls = calls, .spread = spread, .window_calls = 3});
        absl::Time now = kStart + absl::Hours(9);
        Spend(budget, budget.Free(now), now);
        if (ahead > 40 * calls) continue;
        const absl::Time foretold = budget.WhenFree(ahead, now);
        // Lived through: each call leaves when it may.
        for (int64_t i = 0; i < ahead; ++i) {
          now = budget.WhenFree(1, now);
          ASSERT_GE(budget.Free(now), 1) << calls << " " << ahead << " " << i;
          budget.Take(now);
        }
        EXPECT_LE(absl::AbsDuration(now - foretold), absl::Milliseconds(1))
            << calls << " a day, " << ahead << " ahead";
      }
    }
  }
}

TEST(DailyBudgetTest, CountsWhatWasSpentBeforeARestart) {
  DailyBudget budget = Budget({.calls = 100, .spread = Spread::kNone});
  budget.Restore(60, kStart);
  EXPECT_EQ(budget.Free(kStart), 40);
  budget.Restore(-5, kStart);
  EXPECT_EQ(budget.SpentToday(kStart), 60);
}

TEST(DailyBudgetTest, MoreSpentThanTheBudgetLeavesNothingUntilMidnight) {
  DailyBudget budget = Budget({.calls = 100});
  budget.Restore(150, kStart);
  EXPECT_EQ(budget.Free(kStart), 0);
  EXPECT_EQ(budget.FreeOfDay(kStart), 0);
  EXPECT_TRUE(budget.Exhausted(kStart));
  EXPECT_EQ(budget.WhenFree(1, kStart), kStart + kDay);
  EXPECT_EQ(budget.Free(kStart + kDay), 25);
}

TEST(DailyBudgetTest, AClockThatIsSetBackDoesNotGiveTheDayAgain) {
  DailyBudget budget = Budget({.calls = 10, .spread = Spread::kNone});
  const absl::Time now = kStart + absl::Minutes(10);
  Spend(budget, 10, now);
  budget.SetWallOffset(kOffset - absl::Hours(1));  // yesterday evening
  EXPECT_EQ(budget.Free(now), 0);
  EXPECT_EQ(budget.Free(now + absl::Hours(2)), 0);
  EXPECT_EQ(budget.Free(now + absl::Hours(25)), 10);
}

TEST(DailyBudgetTest, AClockThatHadBeenFarAheadDoesNotStopTheDays) {
  DailyBudget budget = Budget({.calls = 10, .spread = Spread::kNone});
  budget.SetWallOffset(kOffset + 20'000 * kDay);
  Spend(budget, 10, kStart);
  budget.SetWallOffset(kOffset);
  EXPECT_EQ(budget.Free(kStart + absl::Hours(1)), 0);
  EXPECT_EQ(budget.Free(kStart + kDay), 10);
}

TEST(DailyBudgetTest, SpendsNoMoreThanIsWrittenDown) {
  DailyBudget budget = Budget({.calls = 100, .spread = Spread::kNone});
  const absl::CivilDay today = budget.Today(kStart);
  budget.Grant(today, 5);
  EXPECT_EQ(budget.Free(kStart), 5);
  Spend(budget, 5, kStart);
  EXPECT_EQ(budget.Free(kStart), 0);
  EXPECT_EQ(budget.FreeOfDay(kStart), 0);
  // It is not the budget that it waits for.
  EXPECT_EQ(budget.WhenFree(1, kStart), kStart);
  budget.Grant(today, 10);
  EXPECT_EQ(budget.Free(kStart), 5);
  // What is written down of one day is not of the next.
  EXPECT_EQ(budget.Free(kStart + kDay), 0);
  budget.Grant(today + 1, 10);
  EXPECT_EQ(budget.Free(kStart + kDay), 10);
}

}  // namespace
}  // namespace leadgateway::dispatch
