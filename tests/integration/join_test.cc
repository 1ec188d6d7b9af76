#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/account.h"
#include "tests/integration/gateway_fixture.h"

namespace leadgateway::testing {
namespace {

using ::testing::SizeIs;

std::string FieldOf(Gateway& gateway, int lead, absl::string_view attribute) {
  const auto fields = gateway.account().FindLead("EmailAddress", EmailOf(lead));
  if (!fields) return "";
  for (const auto& [name, value] : *fields) {
    if (name == attribute) return value;
  }
  return "";
}

// Every third lead does not exist; all are spelled in their own way.
void ExpectJoinedRightly(const std::string& always) {
  SCOPED_TRACE(always);
  GatewaySetup setup;
  setup.Faults(absl::StrCat(R"({"always":{)", always, "}}"));
  Gateway gateway(setup);
  v1::BulkUpdateLeadsRequest request;
  request.set_search_by_key("EmailAddress");
  constexpr int kLeads = 60;
  for (int i = 0; i < kLeads; ++i) {
    std::string email =
        i % 3 == 0 ? absl::StrCat("No", i, "@Example.com") : EmailOf(i);
    if (i % 2 == 0) email = absl::AsciiStrToUpper(email);
    if (i % 5 == 0) email = absl::StrCat(" ", email, "  ");
    AddLead(request, "EmailAddress", email, absl::StrCat("name ", i));
  }
  const Answer answer = gateway.Update(request);
  ExpectComplete(answer, kLeads);
  for (int i = 0; i < kLeads; ++i) {
    const v1::LeadResult& result = answer.results.at(i);
    EXPECT_EQ(result.outcome(),
              i % 3 == 0 ? v1::OUTCOME_FAILED : v1::OUTCOME_UPDATED)
        << result.ShortDebugString();
    EXPECT_EQ(result.attempts(), 1);
    EXPECT_EQ(result.identifier_value(),
              request.leads(i).fields(0).string_value());
    if (i % 3 != 0) {
      EXPECT_EQ(FieldOf(gateway, i, "FirstName"), absl::StrCat("name ", i));
    }
  }
}

TEST(JoinTest, AnswersAreJoinedInWhateverOrderAndSpellingTheyCome) {
  ExpectJoinedRightly(R"("shuffle":true)");
  ExpectJoinedRightly(R"("shuffle":true,"echo":["trimmed","lower"])");
  ExpectJoinedRightly(R"("shuffle":true,"echo":["upper","padded"])");
}

TEST(JoinTest, CountsThatDoNotFitTheListsMoveNoLead) {
  ExpectJoinedRightly(R"("wrong_counts":7)");
  ExpectJoinedRightly(R"("wrong_counts":-3,"partial_message":"Error")");
}

TEST(JoinTest, PhoneNumbersAreJoinedByTheirDigits) {
  GatewaySetup setup;
  setup.Faults(R"({"always":{"shuffle":true,"echo":["digits"]}})");
  Gateway gateway(setup);
  v1::BulkUpdateLeadsRequest request;
  request.set_search_by_key("Phone");
  for (int i = 0; i < 40; ++i) {
    AddLead(request, "Phone", FieldOf(gateway, i, "Phone"),
            absl::StrCat("name ", i));
  }
  AddLead(request, "Phone", "+91-1000000000");
  const Answer answer = gateway.Update(request);
  ExpectComplete(answer, 41);
  EXPECT_EQ(CountOf(answer, v1::OUTCOME_UPDATED), 40);
  EXPECT_EQ(answer.results.at(40).outcome(), v1::OUTCOME_FAILED);
  EXPECT_EQ(FieldOf(gateway, 39, "FirstName"), "name 39");
}

TEST(JoinTest, LeadsThatNoAnswerNamesAreUnknownAfterThreeTries) {
  GatewaySetup setup;
  setup.Faults(R"({"always":{"omit_probability":1}})");
  Gateway gateway(setup);
  const Answer answer = gateway.Update(Updates(0, 10));
  ExpectAll(answer, 10, v1::OUTCOME_UNKNOWN, "ANSWER_INCOMPLETE");
  for (const auto& [index, result] : answer.results) {
    EXPECT_EQ(result.attempts(), 3);
  }
  // It said "Processed" with SuccessCount 10 each time, and had done it.
  EXPECT_EQ(gateway.stats().leads_applied, 30);
}

TEST(JoinTest, LeadsThatOneAnswerLeavesOutAreSentAgain) {
  GatewaySetup setup;
  setup.Faults(R"({"rules":[{"when":{"endpoints":["update"],"times":1},)"
               R"("set":{"omit_probability":0.5}}]})");
  Gateway gateway(setup);
  const Answer answer = gateway.Update(Updates(0, 20));
  ExpectAll(answer, 20, v1::OUTCOME_UPDATED);
  int again = 0;
  for (const auto& [index, result] : answer.results) {
    again += result.attempts() == 2;
  }
  EXPECT_GT(again, 0);
  EXPECT_LT(again, 20);
  // Only those that were left out are written twice.
  EXPECT_EQ(gateway.stats().leads_applied, 20 + again);
}

// A caller's value comes back in the answer, and is no more than a value there.
TEST(JoinTest, AValueThatReadsLikeAThrottleIsNone) {
  Gateway gateway;
  v1::BulkUpdateLeadsRequest request = Updates(0, 1);
  AddLead(request, "EmailAddress",
          "MXAPIRateLimitExceededException@example.com");
  AddLead(request, "EmailAddress",
          "API calls exceeded the limit of 1 in 60 second(s)");
  const Answer answer =
      gateway.Update(request, {.deadline = absl::Seconds(10), .metadata = {}});
  ExpectComplete(answer, 3);
  EXPECT_EQ(CountOf(answer, v1::OUTCOME_UPDATED), 1);
  EXPECT_EQ(CountOf(answer, v1::OUTCOME_FAILED), 2);
  EXPECT_FALSE(gateway.Status().has_last_throttle());
  EXPECT_THAT(gateway.calls(), SizeIs(1));
}

TEST(JoinTest, AFieldsNameThatReadsLikeAThrottleIsNone) {
  GatewaySetup setup;
  setup.Faults(R"({"always":{"unknown_attribute":"fail_call_500"}})");
  Gateway gateway(setup);
  for (const char* const name :
       {"mx_MXAPIRateLimitExceededException",
        "mx_ exceeded the limit of 1 in 60 second(s)"}) {
    v1::BulkUpdateLeadsRequest request = Updates(0, 1);
    request.mutable_leads(0)->mutable_fields(1)->set_attribute(name);
    const Answer answer =
        gateway.Update(request, {.deadline = absl::Seconds(5), .metadata = {}});
    ExpectAll(answer, 1, v1::OUTCOME_FAILED, "REJECTED_BY_LEADSQUARED");
  }
  EXPECT_FALSE(gateway.Status().has_last_throttle());
}

// Half of an answer with such a value in it proves nothing: the leads may be
// written, as they are here.
TEST(JoinTest, ABrokenAnswerWithAValueLikeAThrottleLeavesDoubt) {
  GatewaySetup setup;
  setup.account.retry_ambiguous = false;
  setup.Faults(R"({"always":{"fault":"reset_mid_answer"}})");
  Gateway gateway(setup);
  v1::BulkUpdateLeadsRequest request;
  request.set_search_by_key("EmailAddress");
  AddLead(request, "EmailAddress", EmailOf(0));
  for (int i = 0; i < 9; ++i) {
    AddLead(request, "EmailAddress",
            absl::StrCat("MXAPIRateLimitExceededException", i));
  }
  ExpectAll(
      gateway.Update(request, {.deadline = absl::Seconds(5), .metadata = {}}),
      10, v1::OUTCOME_UNKNOWN, "NO_ANSWER");
  EXPECT_EQ(gateway.stats().leads_applied, 1);
}

}  // namespace
}  // namespace leadgateway::testing
