#include "sandbox/call_record.h"

#include <gtest/gtest.h>
#include <rapidjson/document.h>

namespace leadgateway::sandbox {
namespace {

TEST(CallLogTest, KeepsTheNewestCallsAndCountsAll) {
  CallLog log(3);
  for (int i = 0; i < 5; ++i) {
    CallRecord call = log.Begin({});
    call.status = 200;
    call.verdict = Verdict::kAnswered;
    log.Finish(call);
  }
  const auto calls = log.From(1, 100);
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_EQ(calls[0].number, 3u);
  EXPECT_EQ(log.From(5, 100).size(), 1u);
  EXPECT_EQ(log.From(1, 2).size(), 2u);
  EXPECT_EQ(log.From(99, 2).size(), 0u);
  EXPECT_EQ(log.stats().calls, 5u);
  EXPECT_EQ(log.stats().calls_by_status[200], 5u);
}

TEST(CallLogTest, ForgetsNothingItNeedsWhenItKeepsNothing) {
  CallLog log(0);
  CallRecord call = log.Begin({});
  log.Update(call);
  log.Delivered(call.number);
  log.Finish(call);
  EXPECT_TRUE(log.From(1, 10).empty());
  EXPECT_EQ(log.stats().in_flight, 0u);
}

TEST(CallLogTest, ClearingBeginsAnew) {
  CallLog log(10);
  log.Begin({});
  const auto before = log.generation();
  log.Clear();
  EXPECT_NE(log.generation(), before);
  EXPECT_EQ(log.Begin({}).number, 1u);
  EXPECT_EQ(log.stats().calls, 1u);
}

TEST(CallRecordTest, LeadsSurvivePackingWhateverTheyHold) {
  CallRecord record;
  record.packed_leads =
      PackLeads({{std::string("a\0\n\"", 4), LeadFate::kSuccess, true, ""},
                 {"", LeadFate::kFailed, false, "Ada"}});
  const auto leads = record.Leads();
  ASSERT_EQ(leads.size(), 2u);
  EXPECT_EQ(leads[0].key_value, std::string("a\0\n\"", 4));
  EXPECT_TRUE(leads[0].named);
  EXPECT_EQ(leads[0].value, "");
  EXPECT_EQ(leads[1].fate, LeadFate::kFailed);
  EXPECT_FALSE(leads[1].named);
  EXPECT_EQ(leads[1].value, "Ada");
  rapidjson::Document json;
  json.Parse(record.ToJson().c_str());
  ASSERT_FALSE(json.HasParseError());
  EXPECT_STREQ(json["leads"][0]["fate"].GetString(), "s");
  EXPECT_EQ(json["leads"][1]["index"].GetInt(), 1);
}

}  // namespace
}  // namespace leadgateway::sandbox
