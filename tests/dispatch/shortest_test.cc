#include "gateway/dispatch/shortest.h"

#include <cstdint>
#include <random>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace leadgateway::dispatch {
namespace {

constexpr absl::Duration kMs = absl::Milliseconds(1);

TEST(ShortestTest, KnowsNothingBeforeTwentyOneMeasurements) {
  Shortest shortest;
  EXPECT_EQ(shortest.seen(), absl::InfiniteDuration());
  for (int i = 0; i < 20; ++i) shortest.Observe((60 - i) * kMs);
  EXPECT_EQ(shortest.seen(), 41 * kMs);
  EXPECT_EQ(shortest.bound(), absl::ZeroDuration());
  shortest.Observe(40 * kMs);
  // 40 ms less a fifth of the 20 ms from there to the longest.
  EXPECT_EQ(shortest.bound(), 36 * kMs);
}

TEST(ShortestTest, TakesTheSameValueForTheSameMeasurement) {
  Shortest shortest;
  for (int i = 0; i < 100; ++i) shortest.Observe(40 * kMs);
  EXPECT_EQ(shortest.bound(), absl::ZeroDuration());
}

TEST(ShortestTest, FallsToNothingWhenSomethingMuchShorterIsSeen) {
  Shortest shortest;
  for (int i = 0; i < 30; ++i) shortest.Observe((120 + i) * kMs);
  EXPECT_GT(shortest.bound(), 100 * kMs);
  shortest.Observe(10 * kMs);
  EXPECT_EQ(shortest.bound(), absl::ZeroDuration());
}

TEST(ShortestTest, IsHardlyEverAboveTheShortestThatThereIs) {
  int above = 0;
  constexpr int kRuns = 2'000;
  for (uint64_t seed = 1; seed <= kRuns; ++seed) {
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> spread(40, 120);
    Shortest shortest;
    for (int i = 0; i < 100; ++i) {
      shortest.Observe(absl::Milliseconds(spread(random)));
    }
    above += shortest.bound() > 40 * kMs;
    // 4 / n of the range below, on average.
    EXPECT_GT(shortest.bound(), 25 * kMs) << seed;
  }
  EXPECT_LT(above, kRuns * 0.04);
  EXPECT_GT(above, kRuns * 0.01);
}

}  // namespace
}  // namespace leadgateway::dispatch
