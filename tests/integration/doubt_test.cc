#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/call_record.h"
#include "tests/integration/gateway_fixture.h"

namespace leadgateway::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

struct Case {
  std::string fault;
  std::string reason;  // of the leads that stay UNKNOWN
  bool applied;        // whether the sandbox writes the leads all the same
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.fault; }

class DoubtTest : public ::testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(
    EachFault, DoubtTest,
    ::testing::Values(Case{"reset_before_reading", "NO_ANSWER", false},
                      Case{"reset_after_applying", "NO_ANSWER", true},
                      Case{"reset_mid_answer", "NO_ANSWER", true},
                      Case{"close_without_answer", "NO_ANSWER", true},
                      Case{"truncated_body", "NO_ANSWER", true},
                      Case{"html_502", "NO_ANSWER", false},
                      Case{"empty_body", "ANSWER_UNREADABLE", true},
                      Case{"garbage_json", "ANSWER_UNREADABLE", true},
                      Case{"oversized", "ANSWER_UNREADABLE", true}),
    [](const auto& test) { return test.param.fault; });

std::string Always(const std::string& fault) {
  return absl::StrCat(R"({"always":{"fault":")", fault, R"("}})");
}

std::string Once(const std::string& fault) {
  return absl::StrCat(
      R"({"rules":[{"when":{"endpoints":["update"],"times":1},)",
      R"("set":{"fault":")", fault, R"("}}]})");
}

TEST_P(DoubtTest, LeadsAreUnknownWhenEveryTryEndsSo) {
  GatewaySetup setup;
  setup.Faults(Always(GetParam().fault));
  Gateway gateway(setup);
  const Answer answer = gateway.Update(Updates(0, 3));
  ExpectAll(answer, 3, v1::OUTCOME_UNKNOWN, GetParam().reason);
  for (const auto& [index, result] : answer.results) {
    EXPECT_EQ(result.attempts(), 3);
  }
  EXPECT_EQ(gateway.stats().leads_applied, GetParam().applied ? 9 : 0);

  // Nothing of it stays behind.
  EXPECT_TRUE(gateway.account().SetFaults(Always("none")).ok());
  ExpectAll(gateway.Update(Updates(0, 30)), 30, v1::OUTCOME_UPDATED);
  const v1::GetAccountStatusResponse state = gateway.Status();
  EXPECT_EQ(state.leads_queued(), 0);
  EXPECT_EQ(state.leads_in_flight(), 0);
}

TEST_P(DoubtTest, LeadsAreUpdatedWhenTheNextTryIsAnswered) {
  GatewaySetup setup;
  setup.Faults(Once(GetParam().fault));
  Gateway gateway(setup);
  const Answer answer = gateway.Update(Updates(0, 3));
  ExpectAll(answer, 3, v1::OUTCOME_UPDATED);
  for (const auto& [index, result] : answer.results) {
    EXPECT_EQ(result.attempts(), 2);
  }
}

TEST_P(DoubtTest, AnAccountThatWantsNoSecondTryHearsOfTheFirst) {
  GatewaySetup setup;
  setup.account.retry_ambiguous = false;
  setup.Faults(Once(GetParam().fault));
  Gateway gateway(setup);
  const Answer answer = gateway.Update(Updates(0, 3));
  ExpectAll(answer, 3, v1::OUTCOME_UNKNOWN, GetParam().reason);
  EXPECT_THAT(gateway.calls(), SizeIs(1));
  EXPECT_EQ(gateway.stats().leads_applied, GetParam().applied ? 3 : 0);
}

class RefusalTest : public ::testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(EachStatus, RefusalTest,
                         ::testing::Values("error_500", "error_412"),
                         [](const auto& test) { return test.param; });

TEST_P(RefusalTest, LeadSquaredsOwnErrorIsFinal) {
  GatewaySetup setup;
  setup.Faults(absl::StrCat(R"({"always":{"fault":")", GetParam(),
                            R"(","error_type":"MXInvalidEntityException",)",
                            R"("error_message":"No such entity"}})"));
  Gateway gateway(setup);
  const Answer answer = gateway.Update(Updates(0, 1));
  ExpectAll(answer, 1, v1::OUTCOME_FAILED, "REJECTED_BY_LEADSQUARED");
  EXPECT_THAT(answer.results.at(0).status().message(),
              HasSubstr("MXInvalidEntityException"));
  EXPECT_THAT(answer.results.at(0).status().message(),
              HasSubstr("No such entity"));
  EXPECT_THAT(gateway.calls(), SizeIs(1)) << "sending it again is no use";

  EXPECT_TRUE(gateway.account().SetFaults(Always("none")).ok());
  ExpectAll(gateway.Update(Updates(0, 30)), 30, v1::OUTCOME_UPDATED);
}

TEST(OutageTest, ASandboxThatIsGoneLeavesLeadsNotSent) {
  Gateway gateway;
  gateway.StopSandbox();
  const Answer answer = gateway.Update(
      Updates(0, 20), {.deadline = absl::Seconds(2), .metadata = {}});
  ExpectAll(answer, 20, v1::OUTCOME_NOT_SENT, "UPSTREAM_UNAVAILABLE");
  EXPECT_LT(answer.took, absl::Seconds(2));
  EXPECT_THAT(gateway.calls(), SizeIs(0));
}

}  // namespace
}  // namespace leadgateway::testing
