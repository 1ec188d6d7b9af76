#include "gateway/dispatch/allowance.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace leadgateway::dispatch {
namespace {

constexpr absl::Time kStart = absl::UnixEpoch();

// Makes the network's least time known to be `least`.
void ObserveNetwork(Allowance& allowance, absl::Duration least) {
  for (int i = 4; i < 25; ++i) {
    allowance.ObserveRoundTrip(least + absl::Nanoseconds(i));
  }
}

// ------------------------------------------------- a model of LeadSquared's
// count

// When, between arrival and answer, LeadSquared counts a call.
enum class Counted { kAtArrival, kAtAnswer, kAtRandom, kAtFixedOffset };

struct World {
  uint64_t seed = 1;
  int calls = 25;
  absl::Duration window = absl::Seconds(5);
  Counted counted = Counted::kAtRandom;
  // The network there and back without jitter, split unevenly.
  absl::Duration network = absl::Milliseconds(20);
  double share_there = 0.5;
  absl::Duration least_handling = absl::Milliseconds(20);
  absl::Duration most_handling = absl::Milliseconds(100);
  double spikes = 0.01;    // this share of the calls takes much longer
  double jitter_ms = 5;    // mean of each way's jitter
  double clock_rate = 1;   // seconds there in a second here
  int64_t total = 20'000;  // calls to make
};

struct Outcome {
  int64_t violations = 0;  // windows with more than N counts
  double throughput = 0;   // calls per second
  double bound = 0;        // the best that can be promised
};

// What decides when calls leave: the class under test, or a control.
struct Policy {
  std::function<int(absl::Time)> free;
  std::function<absl::Time(absl::Time)> next_free;
  std::function<void(absl::Time)> take;
  std::function<void(absl::Time sent, absl::Time answered)> answered;
};

// Sends whenever the policy lets it, for `total` calls, and counts as
// LeadSquared would.
Outcome Saturate(const World& world, const Policy& policy) {
  std::mt19937_64 random(world.seed);
  std::uniform_real_distribution<double> unit(0, 1);
  std::exponential_distribution<double> jitter(
      world.jitter_ms > 0 ? 1 / world.jitter_ms : 1e9);
  using Flight = std::pair<absl::Time, absl::Time>;  // answered, sent
  std::priority_queue<Flight, std::vector<Flight>, std::greater<>> flights;
  std::vector<absl::Time> counts;
  counts.reserve(static_cast<size_t>(world.total));
  absl::Duration excess = absl::ZeroDuration();  // latency - R, summed
  absl::Time now = kStart;
  while (static_cast<int64_t>(counts.size()) < world.total) {
    while (!flights.empty() && flights.top().first <= now) {
      policy.answered(flights.top().second, flights.top().first);
      flights.pop();
    }
    while (policy.free(now) > 0 &&
           static_cast<int64_t>(counts.size()) < world.total) {
      policy.take(now);
      const absl::Duration there = world.network * world.share_there +
                                   absl::Milliseconds(jitter(random));
      const absl::Duration back = world.network * (1 - world.share_there) +
                                  absl::Milliseconds(jitter(random));
      absl::Duration handling =
          world.least_handling +
          (world.most_handling - world.least_handling) * unit(random);
      if (unit(random) < world.spikes) handling += absl::Seconds(2);
      absl::Duration before = absl::ZeroDuration();
      switch (world.counted) {
        case Counted::kAtArrival:
          break;
        case Counted::kAtAnswer:
          before = handling;
          break;
        case Counted::kAtRandom:
          before = handling * unit(random);
          break;
        case Counted::kAtFixedOffset:
          before = world.least_handling / 2;
          break;
      }
      counts.push_back(kStart +
                       (now + there + before - kStart) * world.clock_rate);
      const absl::Duration latency = there + handling + back;
      excess += latency - world.network;
      flights.emplace(now + latency, now);
    }
    absl::Time next = policy.next_free(now);
    if (!flights.empty()) next = std::min(next, flights.top().first);
    // Time must pass, or it would stand still for good.
    now = std::max(next, now + absl::Nanoseconds(1));
  }
  std::sort(counts.begin(), counts.end());
  Outcome outcome;
  const auto n = static_cast<size_t>(world.calls);
  for (size_t i = n; i < counts.size(); ++i) {
    // N + 1 counts in a half-open window of W.
    if (counts[i] - counts[i - n] < world.window) ++outcome.violations;
  }
  outcome.throughput =
      static_cast<double>(world.total) / absl::ToDoubleSeconds(now - kStart);
  outcome.bound = world.calls /
                  absl::ToDoubleSeconds(
                      world.window + excess / static_cast<double>(world.total));
  return outcome;
}

Policy PolicyOf(Allowance& allowance) {
  return {
      [&](absl::Time now) { return allowance.FreeCalls(now); },
      [&](absl::Time now) { return allowance.NextFree(now); },
      [&](absl::Time) { allowance.Take(); },
      [&](absl::Time sent, absl::Time answered) {
        allowance.Answered(sent, answered);
      },
  };
}

Outcome SaturateAllowance(const World& world, bool fixed_moment = false) {
  Allowance allowance({.calls = world.calls,
                       .window = world.window,
                       .fixed_moment = fixed_moment});
  ObserveNetwork(allowance, world.network);
  return Saturate(world, PolicyOf(allowance));
}

std::string Named(const World& world) {
  return absl::StrCat("seed ", world.seed, ", counted ",
                      static_cast<int>(world.counted), ", calls ", world.calls,
                      ", clock ", world.clock_rate);
}

TEST(AllowanceInTheWorld, NeverCountsMoreThanNInAnyWindowAndKeepsTheBound) {
  for (const Counted counted :
       {Counted::kAtArrival, Counted::kAtAnswer, Counted::kAtRandom}) {
    for (uint64_t seed = 1; seed <= 2; ++seed) {
      World world;
      world.seed = seed;
      world.counted = counted;
      const Outcome outcome = SaturateAllowance(world);
      EXPECT_EQ(outcome.violations, 0) << Named(world);
      EXPECT_GE(outcome.throughput, 0.99 * outcome.bound) << Named(world);
      EXPECT_LE(outcome.throughput, 1.0 * world.calls / 5 * 1.001);
    }
  }
}

TEST(AllowanceInTheWorld, HoldsForAllSortsOfNetworksAndLimits) {
  std::mt19937_64 random(20240601);
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    World world;
    world.seed = seed;
    world.total = 2'000;
    const int limits[] = {1, 2, 5, 10, 25, 72};
    world.calls = limits[random() % 6];
    world.window = absl::Milliseconds(500 + random() % 9'500);
    world.counted = static_cast<Counted>(random() % 3);
    world.network = absl::Microseconds(random() % 200'000);
    world.share_there = static_cast<double>(random() % 101) / 100;
    world.least_handling = absl::Milliseconds(random() % 50);
    world.most_handling =
        world.least_handling + absl::Milliseconds(random() % 3'000);
    world.jitter_ms = static_cast<double>(random() % 30);
    world.spikes = 0.05;
    const Outcome outcome = SaturateAllowance(world);
    EXPECT_EQ(outcome.violations, 0)
        << Named(world) << ", window " << world.window << ", network "
        << world.network;
  }
}

TEST(AllowanceInTheWorld, HoldsWithoutAnyHandshakeSeen) {
  World world;
  world.total = 20'000;
  Allowance allowance({.calls = world.calls, .window = world.window});
  const Outcome outcome = Saturate(world, PolicyOf(allowance));
  EXPECT_EQ(outcome.violations, 0);
  EXPECT_GT(outcome.throughput, 0.95 * world.calls / 5);
}

TEST(AllowanceInTheWorld, HoldsWhenTheirClockDrifts200PartsInAMillion) {
  for (const double rate : {1 - 200e-6, 1 + 200e-6}) {
    for (uint64_t seed = 1; seed <= 4; ++seed) {
      World world;
      world.seed = seed;
      world.counted = static_cast<Counted>(seed % 3);
      world.clock_rate = rate;
      world.total = 15'000;
      world.jitter_ms = 0;
      EXPECT_EQ(SaturateAllowance(world).violations, 0) << Named(world);
    }
  }
}

TEST(AllowanceInTheWorld, HoldsAtAFixedMomentAndIsFasterThere) {
  for (const Counted counted :
       {Counted::kAtArrival, Counted::kAtAnswer, Counted::kAtFixedOffset}) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      World world;
      world.seed = seed;
      world.counted = counted;
      world.jitter_ms = 0;
      world.total = seed == 1 ? 20'000 : 2'000;
      const Outcome fixed = SaturateAllowance(world, true);
      EXPECT_EQ(fixed.violations, 0) << Named(world);
      EXPECT_GT(fixed.throughput, SaturateAllowance(world).throughput)
          << Named(world);
    }
  }
}

// The model can tell good from bad: what one would write first is caught.
TEST(AllowanceInTheWorld, CatchesALogOfSendTimes) {
  World world;
  world.total = 20'000;
  std::deque<absl::Time> sent;
  const auto drop = [&](absl::Time now) {
    while (!sent.empty() && sent.front() + world.window <= now) {
      sent.pop_front();
    }
  };
  const Outcome outcome =
      Saturate(world, {[&](absl::Time now) {
                         drop(now);
                         return world.calls - static_cast<int>(sent.size());
                       },
                       [&](absl::Time now) {
                         drop(now);
                         return static_cast<int>(sent.size()) < world.calls
                                    ? now
                                    : sent.front() + world.window;
                       },
                       [&](absl::Time now) { sent.push_back(now); },
                       [](absl::Time, absl::Time) {}});
  EXPECT_GT(outcome.violations, 100);
}

TEST(AllowanceInTheWorld, CatchesATokenBucket) {
  World world;
  world.total = 20'000;
  const absl::Duration each = world.window / world.calls;
  // Idle at first, so it is full; tokens are counted in time.
  absl::Duration level = world.window;
  absl::Time at = kStart;
  const auto fill = [&](absl::Time now) {
    level = std::min(world.window, level + (now - at));
    at = now;
  };
  const Outcome outcome =
      Saturate(world, {[&](absl::Time now) {
                         fill(now);
                         return static_cast<int>(level / each);
                       },
                       [&](absl::Time now) {
                         fill(now);
                         return level >= each ? now : now + (each - level);
                       },
                       [&](absl::Time) { level -= each; },
                       [](absl::Time, absl::Time) {}});
  EXPECT_GT(outcome.violations, 10);
}

// ------------------------------------------------------------- the plain rules

absl::Time At(absl::Duration since_start) { return kStart + since_start; }
constexpr absl::Duration kMs = absl::Milliseconds(1);
// For a window of 5 s.
absl::Duration LeastEpsilon() {
  return Allowance::kLeastMargin + absl::Seconds(5) * Allowance::kClockDrift;
}

TEST(Allowance, IsAllFreeAtFirst) {
  Allowance allowance({.calls = 3, .window = absl::Seconds(5)});
  EXPECT_EQ(allowance.FreeCalls(kStart), 3);
  EXPECT_EQ(allowance.NextFree(kStart), kStart);
  EXPECT_EQ(allowance.limit(), 3);
  EXPECT_FALSE(allowance.learned());
}

TEST(Allowance, HoldsACallUntilItIsAnsweredHoweverLongThatTakes) {
  Allowance allowance({.calls = 1, .window = absl::Seconds(5)});
  allowance.Take();
  EXPECT_EQ(allowance.FreeCalls(At(absl::Hours(1))), 0);
  EXPECT_EQ(allowance.NextFree(At(absl::Hours(1))), absl::InfiniteFuture());
}

TEST(Allowance, FreesAnAnsweredCallAWindowAfterItsAnswerWhileRIsUnknown) {
  Allowance allowance({.calls = 1, .window = absl::Seconds(5)});
  allowance.Take();
  allowance.Answered(kStart, At(100 * kMs));
  const absl::Time free = At(5100 * kMs + LeastEpsilon());
  EXPECT_EQ(allowance.NextFree(At(100 * kMs)), free);
  EXPECT_EQ(allowance.FreeCalls(free - absl::Nanoseconds(1)), 0);
  EXPECT_EQ(allowance.FreeCalls(free), 1);
}

TEST(Allowance, FreesItEarlierByTheLeastTimeOfTheNetwork) {
  Allowance allowance({.calls = 1, .window = absl::Seconds(5)});
  ObserveNetwork(allowance, 30 * kMs);
  allowance.Take();
  allowance.Answered(kStart, At(100 * kMs));
  EXPECT_EQ(allowance.NextFree(At(100 * kMs)), At(5070 * kMs + LeastEpsilon()));
}

TEST(Allowance, DoesNotTrustAFewRoundTrips) {
  Allowance allowance({.calls = 1, .window = absl::Seconds(5)});
  for (int i = 0; i < 20; ++i) allowance.ObserveRoundTrip((30 + i) * kMs);
  allowance.Take();
  allowance.Answered(kStart, At(100 * kMs));
  EXPECT_EQ(allowance.NextFree(At(100 * kMs)), At(5100 * kMs + LeastEpsilon()));
}

TEST(Allowance, DoesNotBelieveARoundTripLongerThanALatency) {
  Allowance allowance({.calls = 1, .window = absl::Seconds(5)});
  ObserveNetwork(allowance, 300 * kMs);
  allowance.Take();
  allowance.Answered(kStart, At(100 * kMs));
  EXPECT_EQ(allowance.NextFree(At(100 * kMs)), At(5000 * kMs + LeastEpsilon()));
}

TEST(Allowance, IgnoresARoundTripOfZeroOrLess) {
  Allowance allowance({.calls = 1, .window = absl::Seconds(5)});
  ObserveNetwork(allowance, 30 * kMs);
  allowance.ObserveRoundTrip(absl::ZeroDuration());
  allowance.ObserveRoundTrip(-5 * kMs);
  allowance.Take();
  allowance.Answered(kStart, At(100 * kMs));
  EXPECT_EQ(allowance.NextFree(At(100 * kMs)), At(5070 * kMs + LeastEpsilon()));
}

TEST(Allowance, SurvivesAClockThatGoesBackBetweenSendingAndAnswer) {
  Allowance allowance({.calls = 1, .window = absl::Seconds(5)});
  ObserveNetwork(allowance, 30 * kMs);
  allowance.Take();
  allowance.Answered(At(10 * kMs), kStart);
  EXPECT_EQ(allowance.min_latency(), absl::ZeroDuration());
  EXPECT_EQ(allowance.NextFree(kStart), At(5000 * kMs + LeastEpsilon()));
}

TEST(Allowance, FreesALostCallAWindowAfterItWasGivenUp) {
  Allowance allowance({.calls = 1, .window = absl::Seconds(5)});
  ObserveNetwork(allowance, 30 * kMs);
  allowance.Take();
  allowance.Answered(kStart, At(100 * kMs));
  const absl::Time again = allowance.NextFree(At(100 * kMs));
  ASSERT_EQ(allowance.FreeCalls(again), 1);
  allowance.Take();
  allowance.Lost(again, again + absl::Seconds(30));
  EXPECT_EQ(allowance.NextFree(again + absl::Seconds(30)),
            again + absl::Seconds(35) + LeastEpsilon());
}

TEST(Allowance, HoldsAKilledCallUntilItCanNoLongerBeCounted) {
  Allowance allowance({.calls = 2, .window = absl::Seconds(5)});
  allowance.Take();
  allowance.Take();
  // A connection that died at once; the request may have arrived.
  allowance.Lost(kStart, At(3 * kMs));
  EXPECT_EQ(allowance.NextFree(At(3 * kMs)),
            At(Allowance::kFirstDoubt + absl::Seconds(5)) + LeastEpsilon());
  // Once a call has taken 2 s, others may.
  allowance.Answered(kStart, At(2000 * kMs));
  const absl::Time then = At(absl::Minutes(1));
  allowance.Take();
  allowance.Lost(then, then + 3 * kMs);
  allowance.Take();
  EXPECT_EQ(allowance.NextFree(then + 3 * kMs),
            then + absl::Seconds(4 + 5) + LeastEpsilon());
}

// Calls that are made and answered at once, one every `apart`.
void MakeCalls(Allowance& allowance, int calls, absl::Time from,
               absl::Duration apart) {
  for (int i = 0; i < calls; ++i) {
    const absl::Time at = from + i * apart;
    ASSERT_GT(allowance.FreeCalls(at), 0) << i;
    allowance.Take();
    allowance.Answered(at, at);
  }
}

TEST(Allowance, AChangedLimitCountsTheCallsThatAreHeld) {
  Allowance allowance({.calls = 25, .window = absl::Seconds(5)});
  MakeCalls(allowance, 20, kStart, absl::ZeroDuration());
  allowance.Reconfigure({.calls = 10, .window = absl::Seconds(5)}, kStart);
  EXPECT_EQ(allowance.FreeCalls(kStart + absl::Seconds(4)), 0);
  EXPECT_EQ(allowance.held(kStart + absl::Seconds(4)), 20);
  EXPECT_EQ(allowance.FreeCalls(kStart + absl::Seconds(6)), 10);
  allowance.Reconfigure({.calls = 30, .window = absl::Seconds(5)},
                        kStart + absl::Seconds(6));
  EXPECT_EQ(allowance.FreeCalls(kStart + absl::Seconds(6)), 30);
}

TEST(Allowance, ALongerWindowHoldsCallsThatTheShorterOneHadReleased) {
  Allowance allowance({.calls = 10, .window = absl::Seconds(1)});
  // 50 calls in 5 s.
  MakeCalls(allowance, 50, kStart, absl::Milliseconds(110));
  const absl::Time now = kStart + absl::Seconds(8);
  EXPECT_EQ(allowance.FreeCalls(now), 10);
  allowance.Reconfigure({.calls = 30, .window = absl::Seconds(6)}, now);
  // Those of the last 6 s: from 2 s on.
  EXPECT_EQ(allowance.held(now), 31);
  EXPECT_EQ(allowance.FreeCalls(now), 0);
  EXPECT_EQ(allowance.FreeCalls(now + absl::Seconds(1)), 8);
  EXPECT_EQ(allowance.FreeCalls(now + absl::Seconds(4)), 30);
}

TEST(Allowance, ALongerWindowWaitsForCallsThatNobodyHasInMind) {
  Allowance allowance({.calls = 10'000, .window = absl::Milliseconds(100)});
  // One a millisecond, for 3 s.
  MakeCalls(allowance, 3000, kStart, absl::Milliseconds(1));
  const absl::Time now = kStart + absl::Seconds(4);
  ASSERT_EQ(allowance.held(now), 0);
  allowance.Reconfigure({.calls = 10'000, .window = absl::Seconds(10)}, now);
  // More may have been made than are kept in mind, until some 2 s.
  EXPECT_EQ(allowance.held(now), static_cast<int>(Allowance::kKeptInMind));
  EXPECT_EQ(allowance.FreeCalls(now + absl::Seconds(7)), 0);
  EXPECT_EQ(allowance.FreeCalls(now + absl::Seconds(10)), 10'000);
}

TEST(Allowance, ALearnedLimitGoesWhenTheConfiguredOneIsRaised) {
  Allowance allowance({.calls = 25, .window = absl::Seconds(5)});
  allowance.Take();
  allowance.Answered(kStart, kStart);
  allowance.Throttled(kStart, 10, std::nullopt, std::nullopt);
  EXPECT_EQ(allowance.limit(), 10);
  allowance.Reconfigure({.calls = 20, .window = absl::Seconds(5)}, kStart);
  EXPECT_EQ(allowance.limit(), 10);
  allowance.Reconfigure({.calls = 30, .window = absl::Seconds(5)}, kStart);
  EXPECT_EQ(allowance.limit(), 30);
  EXPECT_FALSE(allowance.learned());
}

TEST(Allowance, HoldsACallThatAProxyAnsweredAsIfItWentOnBehindIt) {
  Allowance allowance({.calls = 1, .window = absl::Seconds(5)});
  allowance.Take();
  allowance.AnsweredByOther(kStart, At(absl::Seconds(10)));
  EXPECT_EQ(allowance.NextFree(At(absl::Seconds(10))),
            At(absl::Seconds(20 + 5)) + LeastEpsilon());
  // One that comes at once is held like a killed call.
  const absl::Time then = At(absl::Minutes(1));
  allowance.Take();
  allowance.AnsweredByOther(then, then + 3 * kMs);
  EXPECT_EQ(allowance.NextFree(then + 3 * kMs),
            then + Allowance::kFirstDoubt + absl::Seconds(5) + LeastEpsilon());
  // Nor does it tell how fast LeadSquared is.
  EXPECT_EQ(allowance.min_latency(), absl::ZeroDuration());
}

TEST(Allowance, ForgetsASlowCallBitByBit) {
  Allowance allowance({.calls = 10'000, .window = absl::Seconds(5)});
  allowance.Take();
  allowance.Answered(kStart, At(absl::Seconds(30)));
  const absl::Time later = At(absl::Minutes(2));
  for (int i = 0; i < 5'000; ++i) {
    allowance.Take();
    allowance.Answered(later, later + 100 * kMs);
  }
  const absl::Time then = later + absl::Minutes(1);
  ASSERT_EQ(allowance.held(then), 0);
  // Twice 30 s * 0.999^5000, which is 202 ms.
  allowance.Take();
  allowance.Lost(then, then);
  EXPECT_EQ(allowance.held(then + absl::Seconds(5.4)), 1);
  EXPECT_EQ(allowance.held(then + absl::Seconds(5.5)), 0);
}

TEST(Allowance, AppliesAShorterWayToCallsThatAreHeldAlready) {
  Allowance allowance({.calls = 1, .window = absl::Seconds(5)});
  ObserveNetwork(allowance, 80 * kMs);
  allowance.Take();
  allowance.Answered(kStart, At(100 * kMs));
  EXPECT_EQ(allowance.NextFree(At(100 * kMs)), At(5020 * kMs) + LeastEpsilon());
  // How short the shorter way can be is not known yet.
  allowance.ObserveRoundTrip(10 * kMs + absl::Nanoseconds(4));
  EXPECT_EQ(allowance.NextFree(At(100 * kMs)), At(5100 * kMs) + LeastEpsilon());
  ObserveNetwork(allowance, 10 * kMs);
  EXPECT_EQ(allowance.NextFree(At(100 * kMs)), At(5090 * kMs) + LeastEpsilon());
}

TEST(Allowance, HoldsACallAgainThatWasFreedByTheLongerWayButNotReplaced) {
  Allowance allowance({.calls = 1, .window = absl::Seconds(5)});
  ObserveNetwork(allowance, 80 * kMs);
  allowance.Take();
  allowance.Answered(kStart, At(100 * kMs));
  const absl::Time now = At(5040 * kMs);
  ASSERT_EQ(allowance.FreeCalls(now), 1);
  allowance.ObserveRoundTrip(10 * kMs);
  EXPECT_EQ(allowance.FreeCalls(now), 0);
  EXPECT_EQ(allowance.NextFree(now), At(5100 * kMs) + LeastEpsilon());
}

TEST(Allowance, CoversTheDriftOfClocksInLongWindows) {
  Allowance allowance({.calls = 1, .window = absl::Minutes(10)});
  allowance.Take();
  allowance.Answered(kStart, kStart);
  EXPECT_EQ(allowance.NextFree(kStart),
            At(absl::Minutes(10) + 120 * kMs) + Allowance::kLeastMargin);
}

TEST(Allowance, AtAFixedMomentHoldsByTheNetworkUntilTwentyOneAnswers) {
  Allowance allowance(
      {.calls = 1, .window = absl::Seconds(5), .fixed_moment = true});
  ObserveNetwork(allowance, 10 * kMs);
  absl::Time now = kStart;
  // Latencies of 40, 41, ... 59 ms.
  for (int i = 0; i < 20; ++i) {
    const absl::Duration latency = (40 + i) * kMs;
    allowance.Take();
    allowance.Answered(now, now + latency);
    EXPECT_EQ(allowance.NextFree(now + latency),
              now + latency + 4990 * kMs + LeastEpsilon());
    now += absl::Minutes(1);
  }
  allowance.Take();
  allowance.Answered(now, now + 60 * kMs);
  // 40 ms less a fifth of the 20 ms from there to the longest.
  EXPECT_EQ(allowance.NextFree(now + 60 * kMs),
            now + 60 * kMs + 4964 * kMs + LeastEpsilon());
}

TEST(Allowance, FreesACallThatNeverLeftAtOnce) {
  Allowance allowance({.calls = 1, .window = absl::Seconds(5)});
  allowance.Take();
  ASSERT_EQ(allowance.FreeCalls(kStart), 0);
  allowance.NeverSent();
  EXPECT_EQ(allowance.FreeCalls(kStart), 1);
  EXPECT_EQ(allowance.held(kStart), 0);
}

TEST(Allowance, TellsExactlyWhenTheNextCallIsFree) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    Allowance allowance({.calls = 1 + static_cast<int>(random() % 10),
                         .window = absl::Milliseconds(1 + random() % 2'000)});
    ObserveNetwork(allowance, absl::Milliseconds(random() % 30));
    std::vector<absl::Time> under_way;
    absl::Time now = kStart;
    for (int step = 0; step < 200; ++step) {
      const absl::Time next = allowance.NextFree(now);
      ASSERT_GE(next, now);
      ASSERT_EQ(next == now, allowance.FreeCalls(now) > 0) << "seed " << seed;
      if (next > now && next != absl::InfiniteFuture()) {
        // FreeCalls forgets what has been freed, so look at a copy.
        Allowance before = allowance;
        ASSERT_EQ(before.FreeCalls(next - absl::Nanoseconds(1)), 0)
            << "seed " << seed << ", step " << step;
        Allowance then = allowance;
        ASSERT_GT(then.FreeCalls(next), 0)
            << "seed " << seed << ", step " << step;
      }
      const uint64_t what = random() % 10;
      if (what < 5 && allowance.FreeCalls(now) > 0) {
        allowance.Take();
        under_way.push_back(now);
      } else if (what < 8 && !under_way.empty()) {
        const absl::Time sent = under_way.back();
        under_way.pop_back();
        switch (random() % 4) {
          case 0:
            allowance.Lost(sent, now);
            break;
          case 1:
            allowance.NeverSent();
            break;
          default:
            allowance.Answered(sent, now);
            if (random() % 8 == 0) {
              allowance.Throttled(now, random() % 20, std::nullopt,
                                  absl::Milliseconds(random() % 500));
            }
        }
      } else {
        now += absl::Milliseconds(random() % 300);
      }
    }
  }
}

// --------------------------------------------------------------------
// throttles

class Throttle : public ::testing::Test {
 protected:
  void Throttled(std::optional<int64_t> calls,
                 std::optional<absl::Duration> window = std::nullopt,
                 std::optional<absl::Duration> retry_after = std::nullopt) {
    allowance_.Throttled(kStart, calls, window, retry_after);
  }
  absl::Duration Pause() const { return allowance_.paused_until() - kStart; }

  Allowance allowance_{{.calls = 25, .window = absl::Seconds(5)}};
};

TEST_F(Throttle, PausesForAWindowAndGrowsEpsilon) {
  Throttled(25);
  EXPECT_EQ(allowance_.epsilon(), LeastEpsilon() + Allowance::kLeastMargin);
  EXPECT_EQ(Pause(), absl::Seconds(5) + allowance_.epsilon());
  EXPECT_EQ(allowance_.FreeCalls(kStart), 0);
  EXPECT_EQ(allowance_.NextFree(kStart), allowance_.paused_until());
  EXPECT_EQ(
      allowance_.FreeCalls(allowance_.paused_until() - absl::Nanoseconds(1)),
      0);
  EXPECT_GT(allowance_.FreeCalls(allowance_.paused_until()), 0);
}

TEST_F(Throttle, LearnsALowerLimit) {
  Throttled(10);
  EXPECT_EQ(allowance_.limit(), 10);
  EXPECT_TRUE(allowance_.learned());
  // The lower limit explains the throttle: nothing is left to others.
  EXPECT_EQ(allowance_.FreeCalls(allowance_.paused_until()), 10);
}

TEST_F(Throttle, IgnoresLimitsThatAreNone) {
  for (const int64_t nonsense :
       {int64_t{0}, int64_t{-1}, std::numeric_limits<int64_t>::min()}) {
    Throttled(nonsense);
    EXPECT_EQ(allowance_.limit(), 25) << nonsense;
    EXPECT_FALSE(allowance_.learned()) << nonsense;
  }
}

TEST_F(Throttle, NeverGoesAboveTheConfiguredLimit) {
  for (const int64_t high : {int64_t{26}, int64_t{1'000'000'000},
                             std::numeric_limits<int64_t>::max()}) {
    Throttled(high);
    EXPECT_EQ(allowance_.limit(), 25) << high;
    EXPECT_FALSE(allowance_.learned()) << high;
  }
  Throttled(10);
  Throttled(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(allowance_.limit(), 25);
}

TEST_F(Throttle, LearnsALongerWindowAndNoShorterOne) {
  Throttled(25, absl::Seconds(1));
  EXPECT_EQ(allowance_.window(), absl::Seconds(5));
  EXPECT_FALSE(allowance_.learned());
  Throttled(25, absl::Seconds(60));
  EXPECT_EQ(allowance_.window(), absl::Seconds(60));
  EXPECT_TRUE(allowance_.learned());
  EXPECT_EQ(Pause(), absl::Seconds(60) + allowance_.epsilon());
  for (const absl::Duration nonsense :
       {absl::ZeroDuration(), -absl::Seconds(1), absl::Hours(2),
        absl::InfiniteDuration()}) {
    Throttled(25, nonsense);
    EXPECT_EQ(allowance_.window(), absl::Seconds(60)) << nonsense;
  }
}

TEST_F(Throttle, HoldsEarlierCallsForALongerWindowThatIsLearnedLater) {
  for (int i = 0; i < 25; ++i) allowance_.Take();
  for (int i = 0; i < 25; ++i) allowance_.Answered(kStart, At(100 * kMs));
  const absl::Time now = At(200 * kMs);
  allowance_.Throttled(now, 25, absl::Seconds(60), absl::Seconds(1));
  // All 25 were counted less than 60 s ago.
  EXPECT_EQ(allowance_.FreeCalls(now + absl::Seconds(30)), 0);
  EXPECT_GT(allowance_.FreeCalls(now + absl::Seconds(61)), 0);
}

TEST_F(Throttle, TakesRetryAfterWithinBounds) {
  Throttled(std::nullopt, std::nullopt, absl::Seconds(7));
  EXPECT_EQ(Pause(), absl::Seconds(7) + allowance_.epsilon());
  Throttled(std::nullopt, std::nullopt, absl::InfiniteDuration());
  EXPECT_EQ(Pause(), Allowance::kMaxPause + allowance_.epsilon());
}

TEST_F(Throttle, NeverPausesBackwards) {
  Throttled(std::nullopt, std::nullopt, -absl::Hours(1));
  EXPECT_EQ(Pause(), allowance_.epsilon());
  Throttled(std::nullopt, std::nullopt, absl::ZeroDuration());
  EXPECT_EQ(Pause(), allowance_.epsilon());
  Throttled(std::nullopt, std::nullopt, absl::Seconds(9));
  const absl::Time paused = allowance_.paused_until();
  Throttled(std::nullopt, std::nullopt, absl::Seconds(2));
  EXPECT_EQ(allowance_.paused_until(), paused);
}

TEST_F(Throttle, LeavesATenthToOthersAndTakesItBackInCleanWindows) {
  Throttled(25);
  const absl::Time resumed = allowance_.paused_until();
  EXPECT_EQ(allowance_.FreeCalls(resumed), 23);
  EXPECT_EQ(allowance_.FreeCalls(resumed + absl::Seconds(5)), 24);
  EXPECT_EQ(allowance_.FreeCalls(resumed + absl::Seconds(10)), 25);
  // Epsilon needs 0.9^n: back at the least after at most 7 windows.
  EXPECT_EQ(allowance_.FreeCalls(resumed + absl::Seconds(40)), 25);
  EXPECT_EQ(allowance_.epsilon(), LeastEpsilon());
}

TEST_F(Throttle, CountsCallsThatWereUnderWayTogetherOnce) {
  for (int i = 0; i < 20; ++i) Throttled(25);
  EXPECT_EQ(allowance_.FreeCalls(allowance_.paused_until()), 23);
  EXPECT_EQ(allowance_.epsilon(),
            LeastEpsilon() - Allowance::kLeastMargin + Allowance::kMostMargin);
}

TEST_F(Throttle, AlwaysKeepsOneCall) {
  absl::Time now = kStart;
  for (int i = 0; i < 100; ++i) {
    allowance_.Throttled(now, std::nullopt, std::nullopt, std::nullopt);
    now = allowance_.paused_until();
    ASSERT_GE(allowance_.FreeCalls(now), 1) << i;
  }
  EXPECT_EQ(allowance_.FreeCalls(now), 1);
  // And comes back to all of them.
  EXPECT_EQ(allowance_.FreeCalls(now + absl::Seconds(5 * 200)), 25);
}

TEST_F(Throttle, WorksWithALimitOfOne) {
  Allowance one({.calls = 1, .window = absl::Seconds(5)});
  one.Throttled(kStart, 1, absl::Seconds(5), std::nullopt);
  EXPECT_EQ(one.FreeCalls(one.paused_until()), 1);
  EXPECT_EQ(one.spacing(), absl::Seconds(5));
}

}  // namespace
}  // namespace leadgateway::dispatch
