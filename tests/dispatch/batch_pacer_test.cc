#include "gateway/dispatch/batch_pacer.h"

#include <algorithm>
#include <deque>
#include <random>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace leadgateway::dispatch {
namespace {

constexpr absl::Duration kWindow = absl::Seconds(5);
constexpr int kCalls = 25;
constexpr absl::Time kStart = absl::FromUnixSeconds(1000);
// T for b = 1/6.
constexpr absl::Duration kInterval = absl::Milliseconds(240);

// When a lead that arrives at `arrival` leaves, if it is alone.
absl::Time LeavesAt(const BatchPacer& pacer, absl::Time arrival) {
  absl::Time now = arrival;
  while (true) {
    const absl::Time next = pacer.DepartureTime(arrival, now, kWindow, kCalls);
    if (next <= now) return now;
    now = next;
  }
}

TEST(BatchPacerTest, AfterQuietALeadWaitsForItsGatheringOnly) {
  const BatchPacer pacer({.gather = absl::Milliseconds(2)});
  EXPECT_EQ(LeavesAt(pacer, kStart), kStart + absl::Milliseconds(2));
}

TEST(BatchPacerTest, ABurstWaitsLongerCallByCallAndThenOneIntervalAtMost) {
  BatchPacer pacer({});
  absl::Time now = kStart;
  absl::Duration last = absl::ZeroDuration();
  for (int call = 0; call < 40; ++call) {
    const absl::Time leaves = LeavesAt(pacer, now);
    const absl::Duration wait = leaves - now;
    if (call < 4) {
      EXPECT_GT(wait, last) << call;
      EXPECT_LT(wait, kInterval / 2) << call;
    }
    EXPECT_LE(wait, kInterval + absl::Milliseconds(2)) << call;
    last = wait;
    pacer.Sent(leaves, kWindow, kCalls);
    now = leaves;
  }
}

TEST(BatchPacerTest, CallsThatAreNotFullNeverEmptyTheWindow) {
  for (int seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(static_cast<uint64_t>(seed));
    BatchPacer pacer({});
    std::exponential_distribution<double> gap(2 + 5 * seed);
    std::deque<absl::Time> in_window;
    absl::Time now = kStart;
    for (int call = 0; call < 2000; ++call) {
      now = LeavesAt(pacer, now + absl::Seconds(gap(random)));
      pacer.Sent(now, kWindow, kCalls);
      in_window.push_back(now);
      while (in_window.front() <= now - kWindow) in_window.pop_front();
      ASSERT_LE(in_window.size(), static_cast<size_t>(kCalls)) << call;
    }
  }
}

TEST(BatchPacerTest, WithoutPacingTheWindowRunsEmpty) {
  BatchPacer pacer({.burst_share = 1});
  absl::Time now = kStart;
  for (int call = 0; call < 100; ++call) {
    now = LeavesAt(pacer, now);
    pacer.Sent(now, kWindow, kCalls);
  }
  EXPECT_LT(now - kStart, kWindow);
}

TEST(BatchPacerTest, ABacklogOfFullCallsCostsTheNextLeadOneIntervalAtMost) {
  BatchPacer pacer({});
  for (int call = 0; call < 1000; ++call) pacer.Sent(kStart, kWindow, kCalls);
  EXPECT_LE(LeavesAt(pacer, kStart) - kStart,
            kInterval + absl::Milliseconds(2));
}

TEST(BatchPacerTest, OneCallAWindowIsEnoughToBePaced) {
  BatchPacer pacer({});
  pacer.Sent(kStart, kWindow, 1);
  const absl::Time next = pacer.DepartureTime(kStart, kStart, kWindow, 1);
  EXPECT_GT(next, kStart);
  EXPECT_LE(next, kStart + 1.2 * kWindow + absl::Milliseconds(2));
}

}  // namespace
}  // namespace leadgateway::dispatch
