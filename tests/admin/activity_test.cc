#include "gateway/admin/activity.h"

#include <vector>

#include "absl/time/time.h"
#include "gateway/model/lead.h"
#include "gateway/model/outcome.h"
#include "gtest/gtest.h"

namespace leadgateway {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'000'000);

std::vector<LeadResult> Updated(int count) {
  std::vector<LeadResult> results(static_cast<size_t>(count));
  for (LeadResult& result : results) result.outcome = Outcome::kUpdated;
  return results;
}

int64_t UpdatedIn(const Activity::Slice& slice) {
  return slice.results[static_cast<size_t>(Outcome::kUpdated)];
}

TEST(Activity, IsToldBySlicesOldestFirst) {
  Activity activity;
  activity.AddResults(Updated(25), kStart);
  activity.AddCall(25, false, kStart);
  activity.AddCall(5, true, kStart + absl::Seconds(9));
  activity.AddResults(Updated(3), kStart + absl::Seconds(10));

  const auto slices = activity.Last(kStart + absl::Seconds(25));
  ASSERT_EQ(slices.size(), Activity::kSlices);
  const Activity::Slice& first = slices[Activity::kSlices - 3];
  EXPECT_EQ(UpdatedIn(first), 25);
  EXPECT_EQ(first.calls, 2);
  EXPECT_EQ(first.leads_sent, 30);
  EXPECT_EQ(first.throttles, 1);
  EXPECT_EQ(UpdatedIn(slices[Activity::kSlices - 2]), 3);
  EXPECT_EQ(UpdatedIn(slices[Activity::kSlices - 1]), 0);
}

TEST(Activity, ForgetsWhatIsLongerAgo) {
  Activity activity;
  activity.AddResults(Updated(25), kStart);
  const absl::Duration all = Activity::kSlice * Activity::kSlices;
  EXPECT_EQ(UpdatedIn(activity.Last(kStart + all - absl::Seconds(1)).front()),
            25);
  for (const Activity::Slice& slice : activity.Last(kStart + all)) {
    EXPECT_EQ(UpdatedIn(slice), 0);
  }
  // The same place of the ring, one round later: nothing of the old is left.
  activity.AddResults(Updated(1), kStart + all);
  EXPECT_EQ(UpdatedIn(activity.Last(kStart + all).back()), 1);
  // Too late to be told.
  activity.AddResults(Updated(7), kStart);
  EXPECT_EQ(UpdatedIn(activity.Last(kStart + all).back()), 1);
}

}  // namespace
}  // namespace leadgateway
