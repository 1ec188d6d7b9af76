#include "sandbox/allowance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace leadgateway::sandbox {
namespace {

absl::Time At(double seconds) {
  return absl::UnixEpoch() + absl::Seconds(1000 + seconds);
}

Allowance Two(WindowKind kind, bool refused_count = false) {
  Allowance allowance;
  allowance.calls = 2;
  allowance.window = absl::Seconds(5);
  allowance.kind = kind;
  allowance.refused_count = refused_count;
  return allowance;
}

TEST(WindowJudgeTest, ASlidingWindowFreesACallExactlyAfterItsLength) {
  WindowJudge judge(Two(WindowKind::kSliding));
  EXPECT_TRUE(judge.Count(At(0)));
  EXPECT_TRUE(judge.Count(At(4)));
  EXPECT_FALSE(judge.Count(At(4.999)));
  EXPECT_TRUE(judge.Count(At(5)));
  EXPECT_FALSE(judge.Count(At(8.9)));
  EXPECT_TRUE(judge.Count(At(9)));
}

TEST(WindowJudgeTest, RefusedCallsCountOnlyWhenAsked) {
  WindowJudge judge(Two(WindowKind::kSliding, true));
  EXPECT_TRUE(judge.Count(At(0)));
  EXPECT_TRUE(judge.Count(At(0)));
  EXPECT_FALSE(judge.Count(At(4)));
  EXPECT_FALSE(judge.Count(At(4.5)));
  EXPECT_FALSE(judge.Count(At(6)));
  EXPECT_TRUE(judge.Count(At(9.5)));
}

TEST(WindowJudgeTest, AFixedWindowAllowsTwiceTheCallsAcrossItsEdge) {
  WindowJudge judge(Two(WindowKind::kFixed));
  EXPECT_TRUE(judge.Count(At(4.8)));
  EXPECT_TRUE(judge.Count(At(4.9)));
  EXPECT_FALSE(judge.Count(At(4.95)));
  EXPECT_TRUE(judge.Count(At(5)));
  EXPECT_TRUE(judge.Count(At(5.1)));
  EXPECT_FALSE(judge.Count(At(5.2)));
}

TEST(WindowJudgeTest, ABucketRefillsSteadily) {
  WindowJudge judge(Two(WindowKind::kBucket));
  EXPECT_TRUE(judge.Count(At(0)));
  EXPECT_TRUE(judge.Count(At(0)));
  EXPECT_FALSE(judge.Count(At(2.4)));
  EXPECT_TRUE(judge.Count(At(2.6)));
  EXPECT_FALSE(judge.Count(At(2.7)));
}

TEST(WindowJudgeTest, ABucketThatCountsRefusalsEmptiesUnderHammering) {
  WindowJudge judge(Two(WindowKind::kBucket, true));
  EXPECT_TRUE(judge.Count(At(0)));
  EXPECT_TRUE(judge.Count(At(0)));
  EXPECT_FALSE(judge.Count(At(2)));
  EXPECT_FALSE(judge.Count(At(4)));
  EXPECT_TRUE(judge.Count(At(6.6)));
}

TEST(WindowPeakTest, FindsTheBusiestWindowAsABruteForceDoes) {
  OtherUsers arrivals(11, 20, At(0));
  WindowPeak peak(absl::Seconds(1));
  std::vector<absl::Time> times;
  while (auto time = arrivals.NextUntil(At(30))) {
    times.push_back(*time);
    peak.Count(*time);
  }
  int most = 0;
  for (absl::Time end : times) {
    most = std::max<int>(
        most, std::count_if(times.begin(), times.end(), [&](absl::Time t) {
          return t > end - absl::Seconds(1) && t <= end;
        }));
  }
  EXPECT_EQ(peak.peak(), most);
}

TEST(OtherUsersTest, ComeAtTheirRateAndTheSameWithOneSeed) {
  OtherUsers a(5, 10, At(0)), b(5, 10, At(0));
  int count = 0;
  while (auto time = a.NextUntil(At(100))) {
    ++count;
    EXPECT_EQ(time, b.NextUntil(At(100)));
  }
  EXPECT_NEAR(count, 1000, 150);
  EXPECT_FALSE(OtherUsers(5, 0, At(0)).NextUntil(At(1e6)).has_value());
}

}  // namespace
}  // namespace leadgateway::sandbox
