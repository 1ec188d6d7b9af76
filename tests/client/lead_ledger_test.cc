#include "client/lead_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace leadgateway::client {
namespace {

using ::leadgateway::v1::LeadResult;
using ::leadgateway::v1::Outcome;
using ::testing::IsEmpty;
using ::testing::SizeIs;

LeadResult Result(int index, Outcome outcome) {
  LeadResult result;
  result.set_index(index);
  result.set_outcome(outcome);
  return result;
}

TEST(LeadLedgerTest, IndexesAreShiftedToTheWholeAndCounted) {
  LeadLedger ledger(5);
  LeadResult result = Result(1, leadgateway::v1::OUTCOME_FAILED);
  EXPECT_TRUE(ledger.Accept({3, 5}, result));
  EXPECT_EQ(result.index(), 4);
  EXPECT_EQ(ledger.summary().failed(), 1);
  EXPECT_EQ(ledger.done(), 1);
  EXPECT_EQ(ledger.Missing({3, 5}), 1);
  EXPECT_EQ(ledger.Missing({0, 5}), 4);
}

TEST(LeadLedgerTest, ResultsThatFitNoLeadAreRefused) {
  LeadLedger ledger(2);
  LeadResult no_index;
  no_index.set_outcome(leadgateway::v1::OUTCOME_UPDATED);
  EXPECT_FALSE(ledger.Accept({0, 2}, no_index));
  for (const int index : {-1, 2}) {
    LeadResult stray = Result(index, leadgateway::v1::OUTCOME_UPDATED);
    EXPECT_FALSE(ledger.Accept({0, 2}, stray));
  }
  EXPECT_EQ(ledger.done(), 0);
  EXPECT_THAT(ledger.anomalies(), SizeIs(3));
}

TEST(LeadLedgerTest, AnOutcomeOfALaterVersionIsUnknown) {
  LeadLedger ledger(2);
  LeadResult later = Result(0, static_cast<Outcome>(77));
  EXPECT_TRUE(ledger.Accept({0, 2}, later));
  LeadResult none = Result(1, leadgateway::v1::OUTCOME_UNSPECIFIED);
  EXPECT_TRUE(ledger.Accept({0, 2}, none));
  EXPECT_EQ(later.outcome(), leadgateway::v1::OUTCOME_UNKNOWN);
  EXPECT_EQ(ledger.summary().unknown(), 2);
}

TEST(LeadLedgerTest, GapsAreFilledOnce) {
  leadgateway::v1::BulkUpdateLeadsRequest request;
  for (int i = 0; i < 3; ++i) {
    auto& field = *request.add_leads()->add_fields();
    field.set_attribute("ProspectId");
    field.set_string_value("id");
  }
  LeadLedger ledger(3);
  LeadResult result = Result(1, leadgateway::v1::OUTCOME_UPDATED);
  ledger.Accept({0, 3}, result);
  const auto gaps =
      ledger.FillGaps({0, 3}, request, leadgateway::v1::OUTCOME_NOT_SENT, {});
  ASSERT_THAT(gaps, SizeIs(2));
  EXPECT_EQ(gaps[1].index(), 2);
  EXPECT_EQ(gaps[1].identifier(), "ProspectId");
  EXPECT_EQ(gaps[1].identifier_value(), "id");
  EXPECT_EQ(ledger.summary().not_sent(), 2);
  EXPECT_EQ(ledger.done(), 3);
  EXPECT_THAT(
      ledger.FillGaps({0, 3}, request, leadgateway::v1::OUTCOME_NOT_SENT, {}),
      IsEmpty());
}

TEST(LeadLedgerTest, EachOutcomeHasItsOwnCount) {
  leadgateway::v1::Summary summary;
  for (int number = leadgateway::v1::OUTCOME_UPDATED;
       number <= leadgateway::v1::OUTCOME_VALID; ++number) {
    for (int i = 0; i < number; ++i)
      Count(static_cast<Outcome>(number), summary);
  }
  EXPECT_EQ(summary.updated(), 1);
  EXPECT_EQ(summary.failed(), 2);
  EXPECT_EQ(summary.unprocessed(), 3);
  EXPECT_EQ(summary.invalid(), 4);
  EXPECT_EQ(summary.not_sent(), 5);
  EXPECT_EQ(summary.unknown(), 6);
  EXPECT_EQ(summary.valid(), 7);
  EXPECT_EQ(summary.total(), 28);
}

}  // namespace
}  // namespace leadgateway::client
