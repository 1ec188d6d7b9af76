#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/call_record.h"
#include "sandbox/credentials.h"
#include "tests/integration/gateway_fixture.h"

namespace leadgateway::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr absl::string_view kNotFoundText =
    "Lead does not exist in the system or You do not have permission to update "
    "the lead";

// Lead `lead`, and one that does not exist.
v1::BulkUpdateLeadsRequest OneOfTwoExists(int lead, bool to_unprocessed) {
  v1::BulkUpdateLeadsRequest request = Updates(lead, 1);
  AddLead(request, "EmailAddress",
          to_unprocessed ? "nobody@example.com" : "noone@example.com");
  request.mutable_options()->set_push_non_existent_leads_to_unprocessed_list(
      to_unprocessed);
  return request;
}

void ExpectOneNotFound(const Answer& answer, v1::Outcome outcome) {
  ExpectComplete(answer, 2);
  EXPECT_EQ(answer.results.at(0).outcome(), v1::OUTCOME_UPDATED);
  const v1::LeadResult& missing = answer.results.at(1);
  EXPECT_EQ(missing.outcome(), outcome);
  EXPECT_EQ(ReasonOf(missing), "LEAD_NOT_FOUND_OR_FORBIDDEN");
  EXPECT_EQ(missing.status().code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(missing.status().message(), HasSubstr(kNotFoundText));
}

TEST(OptionsTest, ALeadThatDoesNotExistIsFailedOrUnprocessedAsAsked) {
  Gateway gateway;
  ExpectOneNotFound(gateway.Update(OneOfTwoExists(0, false)),
                    v1::OUTCOME_FAILED);
  ExpectOneNotFound(gateway.Update(OneOfTwoExists(1, true)),
                    v1::OUTCOME_UNPROCESSED);
}

TEST(OptionsTest, RequestsWithDifferentOptionsShareACall) {
  GatewaySetup setup;
  setup.HoldAnd();
  Gateway gateway(setup);
  const auto held = gateway.Hold();
  const auto failed = gateway.Start(OneOfTwoExists(0, false));
  const auto unprocessed = gateway.Start(OneOfTwoExists(1, true));
  ExpectOneNotFound(failed->Get(), v1::OUTCOME_FAILED);
  ExpectOneNotFound(unprocessed->Get(), v1::OUTCOME_UNPROCESSED);
  ExpectAll(held->Get(), 1, v1::OUTCOME_UPDATED);
  // Turned away, by phone, and the shared one.
  EXPECT_THAT(gateway.calls(), SizeIs(3));
  EXPECT_THAT(gateway.calls(),
              Contains(Field(&sandbox::CallRecord::lead_count, 4)));
}

class CredentialsTest : public ::testing::TestWithParam<bool> {};

INSTANTIATE_TEST_SUITE_P(InHeadersAndInTheQuery, CredentialsTest,
                         ::testing::Bool());

TEST_P(CredentialsTest, AKeyWithADollarSignArrivesAsItIs) {
  GatewaySetup setup;
  setup.account.credentials_in_query = GetParam();
  setup.access_key = "u$rab+/%24&=0123456789abcdef012345";
  setup.secret_key = "s$+ecret%";
  setup.sandbox.account.keys = {{"odd", setup.access_key, setup.secret_key}};
  Gateway gateway(setup);
  ExpectAll(gateway.Update(Updates(0, 30)), 30, v1::OUTCOME_UPDATED);
  EXPECT_THAT(gateway.calls(), SizeIs(2));
  EXPECT_THAT(gateway.calls(),
              Each(AllOf(Field(&sandbox::CallRecord::key_way,
                               GetParam() ? sandbox::KeyWay::kQuery
                                          : sandbox::KeyWay::kHeader),
                         Field(&sandbox::CallRecord::key_label, "odd"))));
}

TEST_P(CredentialsTest, WrongKeysEndRequestsAndAreNeverShown) {
  GatewaySetup setup;
  setup.account.credentials_in_query = GetParam();
  setup.access_key = "u$rdeadbeefdeadbeefdeadbeefdeadbeef";
  setup.secret_key = "feedfacefeedfacefeedfacefeedfacefeedface";
  std::vector<std::string> said;
  {
    Gateway gateway(setup);
    for (int i = 0; i < 2; ++i) {
      const Answer answer = gateway.Update(Updates(0, 3));
      EXPECT_EQ(answer.status.error_code(),
                grpc::StatusCode::FAILED_PRECONDITION);
      EXPECT_EQ(ReasonOf(answer.status), "UPSTREAM_CREDENTIALS_REJECTED");
      EXPECT_EQ(answer.messages, 0);
      said.push_back(answer.status.error_message());
      said.push_back(answer.status.error_details());
    }
    // One question is enough to know.
    EXPECT_THAT(gateway.calls(), SizeIs(1));
    const v1::GetAccountStatusResponse status = gateway.Status();
    EXPECT_THAT(status.blocked(), HasSubstr("keys"));
    said.push_back(status.DebugString());
    gateway.server().Drain();
    for (std::string& line : gateway.log()) said.push_back(std::move(line));
  }
  EXPECT_THAT(said, Contains(HasSubstr("credentials_rejected")));
  for (const std::string& text : said) {
    // The keys, or what is left of the access key when it was encoded.
    EXPECT_FALSE(absl::StrContains(text, "deadbeef") ||
                 absl::StrContains(text, "feedface"))
        << text;
  }
}

TEST(KeysTest, AWrongHostIsToldWithTheRightOne) {
  GatewaySetup setup;
  setup.Faults(
      R"({"always":{"fault":"wrong_host","right_host":"api-us11.leadsquared.com"}})");
  Gateway gateway(setup);
  const Answer answer = gateway.Update(Updates(0, 1));
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(answer.status), "UPSTREAM_CREDENTIALS_REJECTED");
  const std::string host = "api-us11.leadsquared.com";
  EXPECT_THAT(answer.status.error_message(), HasSubstr(host));
  EXPECT_THAT(gateway.Status().blocked(), HasSubstr(host));
  EXPECT_THAT(gateway.log(), Contains(AllOf(HasSubstr("credentials_rejected"),
                                            HasSubstr(host))));
}

TEST(KeysTest, AWrongHostIsToldBeforeAnyRequestWhereFieldsAreLoaded) {
  GatewaySetup setup;
  setup.account.schema_checks = true;
  setup.Faults(
      R"({"always":{"fault":"wrong_host","right_host":"api-us11.leadsquared.com"}})");
  Gateway gateway(setup);
  const std::string host = "api-us11.leadsquared.com";
  EXPECT_TRUE(Eventually([&] {
    return absl::StrContains(gateway.Status().blocked(), host);
  })) << gateway.Status().blocked();
  EXPECT_THAT(gateway.log(),
              Contains(AllOf(HasSubstr("fields_not_loaded"), HasSubstr(host))));
  EXPECT_THAT(gateway.Update(Updates(0, 1)).status.error_message(),
              HasSubstr(host));
}

TEST(KeysTest, KeysThatStopToWorkAreTheRequestsErrorOnlyIfNothingWasSent) {
  GatewaySetup setup;
  // The first of two calls is taken, the second finds other keys.
  setup.Allow(1, absl::Milliseconds(300));
  setup.Faults(
      R"({"rules":[{"when":{"from":2},"set":{"fault":"unauthorized"}}]})");
  Gateway gateway(setup);
  const Answer answer = gateway.Update(Updates(0, 40));
  ExpectComplete(answer, 40);
  EXPECT_EQ(CountOf(answer, v1::OUTCOME_UPDATED), 25);
  EXPECT_EQ(CountOf(answer, v1::OUTCOME_NOT_SENT), 15);
  for (const auto& [index, result] : answer.results) {
    if (result.outcome() == v1::OUTCOME_NOT_SENT) {
      EXPECT_EQ(ReasonOf(result), "UPSTREAM_CREDENTIALS_REJECTED");
    }
  }
}

}  // namespace
}  // namespace leadgateway::testing
