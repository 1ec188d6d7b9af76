// What the simulation shows, in short; //tests/simulation:allowance_simulation
// runs the same with millions of calls.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/simulation/allowance_model.h"
#include "tests/simulation/allowance_runs.h"

namespace leadgateway::simulation {
namespace {

// Two minutes of a saturated account.
constexpr int64_t kCalls = 600;

// 40 to 120 ms, 1 % of the calls 250 ms, no network.
SimulatedModel Usual(bool fixed_moment) {
  SimulatedModel model;
  model.account.spikes = 0.01;
  model.account.fixed_moment = fixed_moment;
  if (fixed_moment) model.account.moment = AccountModel::Moment::kOffset;
  return model;
}

TEST(AllowanceSimulation, NoModelOfLeadSquaredThrottlesACall) {
  const std::vector<SimulatedModel> models = HonestModels();
  ASSERT_GE(models.size(), 20);
  for (const SimulatedModel& model : models) {
    for (const uint64_t seed : {1}) {
      const AllowanceFigures figures =
          RunAllowance(model, Sender::kGateway, seed, kCalls);
      EXPECT_TRUE(figures.kept())
          << model.account.name << ", seed " << seed << ": "
          << figures.throttles << " throttles, " << figures.violations
          << " windows with too many calls";
      if (model.load == Load::kBacklog) {
        EXPECT_GE(figures.leads_per_call, 24.9) << model.account.name;
      }
    }
  }
}

TEST(AllowanceSimulation, TheAllowanceIsUsedToTheBoundOfTheRule) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    const AllowanceFigures figures =
        RunAllowance(Usual(false), Sender::kGateway, seed, 2 * kCalls);
    EXPECT_TRUE(figures.kept()) << "seed " << seed;
    EXPECT_GE(figures.used, 0.998 * figures.bound) << "seed " << seed;
  }
}

TEST(AllowanceSimulation, AtAFixedMomentTwoMinutesUseNinetyNinePercent) {
  double used = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const AllowanceFigures figures =
        RunAllowance(Usual(true), Sender::kGateway, seed, kCalls);
    EXPECT_TRUE(figures.kept()) << "seed " << seed;
    used += figures.used / 10;
  }
  EXPECT_GE(used, 0.99);
}

TEST(AllowanceSimulation, ATokenBucketAndALogOfSendTimesAreThrottled) {
  for (const Sender control : {Sender::kTokenBucket, Sender::kSendLog}) {
    const AllowanceFigures figures =
        RunAllowance(Usual(false), control, 1, 10 * kCalls);
    EXPECT_GT(figures.throttles, figures.calls / 100)
        << static_cast<int>(control);
    EXPECT_GT(figures.most_in_window, 25) << static_cast<int>(control);
  }
}

TEST(AllowanceSimulation, ASeedRepeatsARunExactly) {
  // One that fails, and one in which everything random is used.
  const SimulatedModel failing = Usual(false);
  SimulatedModel all = Usual(false);
  all.account.killed = 0.05;
  all.account.jitter = absl::Milliseconds(5);
  all.load = Load::kSingles;
  for (const Sender sender : {Sender::kTokenBucket, Sender::kGateway}) {
    const SimulatedModel& model = sender == Sender::kGateway ? all : failing;
    const AllowanceFigures first = RunAllowance(model, sender, 7, kCalls);
    EXPECT_EQ(first.kept(), sender == Sender::kGateway);
    EXPECT_TRUE(first == RunAllowance(model, sender, 7, kCalls));
    EXPECT_NE(first.digest, RunAllowance(model, sender, 8, kCalls).digest);
  }
}

// ----------------------------------------------------------- what goes wrong

TEST(AllowanceSimulation, AWayThatBecomesShorterIsMendedOnceItIsSeen) {
  SimulatedModel model = Usual(false);
  model.account.moment = AccountModel::Moment::kEarlyOrLate;
  model.account.network = absl::Milliseconds(120);
  model.account.network_then = absl::Milliseconds(20);
  model.account.jitter = absl::Milliseconds(1);
  model.account.rerouted_after = absl::Seconds(60);
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const AllowanceFigures figures =
        RunAllowance(model, Sender::kGateway, seed, 5 * kCalls);
    // Those that left before anything had come back on the shorter way.
    EXPECT_LE(figures.violations, 25) << "seed " << seed;
    EXPECT_LE(figures.last_violation, absl::Seconds(70)) << "seed " << seed;
    EXPECT_GE(figures.used_at_the_end, 0.98) << "seed " << seed;
  }
}

TEST(AllowanceSimulation, ALowerLimitIsLearnedFromTheFirstThrottles) {
  SimulatedModel model = Usual(false);
  model.account.calls = 10;
  model.account.configured_calls = 25;
  const AllowanceFigures figures =
      RunAllowance(model, Sender::kGateway, 1, 2 * kCalls);
  // Those that were under way together, once.
  EXPECT_LE(figures.throttles, 15);
  EXPECT_LE(figures.last_violation, absl::Seconds(1));
  EXPECT_GE(figures.used, 0.97);
}

TEST(AllowanceSimulation, LeavesRoomForOthersAndTakesItBackWhenTheyStop) {
  SimulatedModel model = Usual(false);
  model.account.other_calls_per_second = 1;
  model.account.others_until = absl::Minutes(10);
  const AllowanceFigures beside =
      RunAllowance(model, Sender::kGateway, 1, 5 * kCalls / 2);
  // A fifth is theirs; a few throttles find that out again and again.
  EXPECT_LE(beside.throttles, beside.calls / 20);
  EXPECT_GE(beside.used, 0.5);
  EXPECT_LE(beside.most_in_window, 25);

  const AllowanceFigures after =
      RunAllowance(model, Sender::kGateway, 1, 20 * kCalls);
  EXPECT_LE(after.last_throttle, absl::Minutes(10) + absl::Seconds(5));
  EXPECT_GE(after.used_at_the_end, 0.98);
}

// ---------------------------------------------------------------------- waits

TEST(WaitSimulation, BelowTheCeilingNobodyWaitsMuchLongerThanOneCallsTime) {
  for (const double rate : {10, 20, 40, 60, 90, 110}) {
    const WaitFigures figures =
        RunWaits({.rate = rate, .duration = absl::Seconds(120)});
    EXPECT_LE(figures.p99, 250) << rate;
    EXPECT_EQ(figures.throttles, 0) << rate;
  }
}

TEST(WaitSimulation, WithPlentyOfCallsALeadLeavesAtOnce) {
  for (const double rate : {0.5, 1.0, 2.0}) {
    EXPECT_LE(RunWaits({.rate = rate}).p50, 10) << rate;
  }
}

TEST(WaitSimulation, WaitsScaleWithTheLimit) {
  struct Case {
    int calls;
    absl::Duration window;
  };
  for (const auto& [calls, window] :
       {Case{5, absl::Seconds(5)}, Case{100, absl::Seconds(5)},
        Case{10, absl::Seconds(1)}, Case{25, absl::Seconds(60)}}) {
    const double each_ms = absl::ToDoubleMilliseconds(window / calls);
    for (const double leads_per_call : {2.0, 15.0}) {
      const WaitFigures figures =
          RunWaits({.calls = calls,
                    .window = window,
                    .rate = 1000 * leads_per_call / each_ms,
                    .duration = 12 * window});
      // The window and a latency of 80 ms, for N calls.
      EXPECT_LE(figures.p99, 1.25 * (each_ms + 80.0 / calls))
          << calls << " in " << window << ", " << leads_per_call;
      EXPECT_EQ(figures.throttles, 0);
    }
  }
}

TEST(WaitSimulation, OtherRulesLetThemWaitForSeconds) {
  const WaitFigures at_once =
      RunWaits({.batching = {.gather = absl::ZeroDuration(), .burst_share = 1},
                .rate = 60,
                .duration = absl::Seconds(120)});
  EXPECT_GT(at_once.p99, 2000);
  const WaitFigures fixed = RunWaits(
      {.batching = {.gather = absl::Milliseconds(200), .burst_share = 1},
       .rate = 1,
       .duration = absl::Seconds(120)});
  EXPECT_GT(fixed.p50, 100);
  const WaitFigures one_each =
      RunWaits({.batching = {.gather = absl::ZeroDuration(), .burst_share = 1},
                .max_leads_per_call = 1,
                .rate = 10,
                .duration = absl::Seconds(120)});
  EXPECT_GT(one_each.p99, 10'000);
}

TEST(WaitSimulation, TwentyFiveThatArriveTogetherTakeOneCall) {
  const WaitFigures figures =
      RunWaits({.rate = 25, .at_once = 25, .duration = absl::Seconds(60)});
  EXPECT_EQ(figures.leads_per_call, 25);
  const WaitFigures control = RunWaits({.max_leads_per_call = 1,
                                        .rate = 5,
                                        .at_once = 25,
                                        .duration = absl::Seconds(60)});
  EXPECT_EQ(control.leads_per_call, 1);
}

// --------------------------------------------------------------------- shares

TEST(ShareSimulation, OneLargeRequestDoesNotHoldUpNineSmallOnes) {
  for (const Callers callers : {Callers::kOne, Callers::kEachItsOwn}) {
    for (const absl::Duration later :
         {absl::ZeroDuration(), absl::Seconds(1), absl::Seconds(17)}) {
      for (uint64_t seed = 1; seed <= 2; ++seed) {
        const ShareFigures figures = RunShares(callers, later, seed);
        EXPECT_LE(figures.most_stretch, 1.1)
            << static_cast<int>(callers) << ", later " << later;
        EXPECT_GE(figures.jain, 0.99)
            << static_cast<int>(callers) << ", later " << later;
      }
    }
  }
}

TEST(ShareSimulation, FirstComeFirstServedDoes) {
  const ShareFigures figures =
      RunShares(Callers::kFirstComeFirstServed, absl::ZeroDuration(), 1);
  EXPECT_GT(figures.most_stretch, 10);
  EXPECT_LT(figures.jain, 0.2);
}

}  // namespace
}  // namespace leadgateway::simulation
