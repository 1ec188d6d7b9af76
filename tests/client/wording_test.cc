#include "client/wording.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/rpc_error.h"

namespace leadgateway::leadctl {
namespace {

TEST(WordingTest, DurationsReadAsPeopleSayThem) {
  EXPECT_EQ(DurationText(absl::Milliseconds(840)), "0.8 s");
  EXPECT_EQ(DurationText(absl::Seconds(42)), "42 s");
  EXPECT_EQ(DurationText(absl::Milliseconds(59'700)), "1 min 0 s");
  EXPECT_EQ(DurationText(absl::Seconds(200)), "3 min 20 s");
  EXPECT_EQ(DurationText(absl::Minutes(125)), "2 h 5 min");
  EXPECT_EQ(DurationText(-absl::Seconds(1)), "0.0 s");
}

TEST(WordingTest, LeadsThatNeverLeftAreNoLoadOfACall) {
  leadgateway::v1::Summary summary;
  summary.set_updated(40);
  summary.set_failed(5);
  summary.set_invalid(100);
  summary.set_not_sent(100);
  EXPECT_EQ(LeadsPerCall(summary), 0);
  summary.set_upstream_calls(2);
  EXPECT_EQ(LeadsPerCall(summary), 22.5);
}

TEST(WordingTest, EveryOutcomeButUpdatedHasAdvice) {
  for (const auto& [outcome, count] : OutcomeCounts({})) {
    EXPECT_EQ(OutcomeAdvice(outcome).empty(),
              outcome == leadgateway::v1::OUTCOME_UPDATED)
        << OutcomeName(outcome);
  }
}

TEST(WordingTest, AnErrorShowsItsReasonAndCannotColourTheTerminal) {
  EXPECT_EQ(ErrorText(client::MakeClientError(absl::StatusCode::kUnavailable,
                                              "no\x1b[2J answer", "BROKEN")),
            "UNAVAILABLE (BROKEN): no\\x1b[2J answer");
}

}  // namespace
}  // namespace leadgateway::leadctl
