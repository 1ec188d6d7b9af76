#include <string>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "tests/integration/gateway_fixture.h"

namespace leadgateway::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The promise of every refusal: nothing sent, and details that say why.
Details ExpectRefused(Gateway& gateway, const Answer& answer,
                      grpc::StatusCode code, absl::string_view reason) {
  EXPECT_EQ(answer.status.error_code(), code) << answer.status.error_message();
  EXPECT_EQ(answer.messages, 0);
  EXPECT_THAT(gateway.calls(), IsEmpty());
  Details details = DetailsOf(answer.status);
  EXPECT_EQ(details.status.code(), code);
  EXPECT_EQ(details.status.message(), answer.status.error_message());
  EXPECT_EQ(details.others, 0);
  EXPECT_TRUE(details.error_info.has_value());
  EXPECT_EQ(ReasonOf(answer.status), reason);
  return details;
}

TEST(BadInputTest, TooManyLeadsAreRefused) {
  Gateway gateway;
  const Details details =
      ExpectRefused(gateway, gateway.Update(Updates(0, 10'001)),
                    grpc::StatusCode::INVALID_ARGUMENT, "TOO_MANY_LEADS");
  ASSERT_TRUE(details.bad_request.has_value());
  ASSERT_EQ(details.bad_request->field_violations_size(), 1);
  EXPECT_EQ(details.bad_request->field_violations(0).field(), "leads");
  EXPECT_THAT(details.status.message(), HasSubstr("10001"));
  EXPECT_THAT(details.status.message(), HasSubstr("10000"));
}

TEST(BadInputTest, ARequestWithoutLeadsIsRefused) {
  Gateway gateway;
  const Details details =
      ExpectRefused(gateway, gateway.Update({}),
                    grpc::StatusCode::INVALID_ARGUMENT, "EMPTY_REQUEST");
  ASSERT_TRUE(details.bad_request.has_value());
  EXPECT_EQ(details.bad_request->field_violations(0).field(), "leads");
}

TEST(BadInputTest, AnUnknownAccountIsRefused) {
  GatewaySetup setup;
  setup.more_accounts = {"globex"};
  Gateway gateway(setup);
  v1::BulkUpdateLeadsRequest request = Updates(0, 1);
  request.set_account("initech");
  const Details details =
      ExpectRefused(gateway, gateway.Update(request),
                    grpc::StatusCode::NOT_FOUND, "ACCOUNT_UNKNOWN");
  EXPECT_THAT(details.status.message(), HasSubstr("globex"));

  // Named or not, the others work.
  request.set_account("globex");
  ExpectAll(gateway.Update(request), 1, v1::OUTCOME_UPDATED);
  request.clear_account();
  ExpectAll(gateway.Update(request), 1, v1::OUTCOME_UPDATED);
}

TEST(BadInputTest, ACallerThatIsNotAllowedIsRefused) {
  GatewaySetup setup;
  setup.account.allowed_callers = {"billing"};
  Gateway gateway(setup);
  ExpectRefused(gateway, gateway.Update(Updates(0, 1)),
                grpc::StatusCode::PERMISSION_DENIED, "ACCOUNT_FORBIDDEN");
  CallOptions billing;
  billing.metadata = {{"x-lead-caller", "billing"}};
  ExpectAll(gateway.Update(Updates(0, 1), billing), 1, v1::OUTCOME_UPDATED);
}

TEST(BadInputTest, InvalidLeadsCostNoCall) {
  Gateway gateway;
  v1::BulkUpdateLeadsRequest request;
  request.set_search_by_key("EmailAddress");
  AddLead(request, "EmailAddress", "twice@example.com", "Secret1");
  AddLead(request, "EmailAddress", " TWICE@example.com", "Secret2");
  AddLead(request, "Phone", "+91-9988776655", "Secret3");
  request.add_leads();
  AddLead(request, "EmailAddress", "a@example.com")
      ->mutable_fields(1)
      ->clear_value();
  AddLead(request, "EmailAddress", "b@example.com")
      ->set_tag(std::string(257, 't'));
  const Answer answer = gateway.Update(request);
  ExpectAll(answer, 6, v1::OUTCOME_INVALID);
  EXPECT_EQ(answer.summary->upstream_calls(), 0);
  EXPECT_THAT(gateway.calls(), IsEmpty());
  EXPECT_EQ(ReasonOf(answer.results.at(0)), "DUPLICATE_SEARCH_KEY");
  EXPECT_EQ(ReasonOf(answer.results.at(1)), "DUPLICATE_SEARCH_KEY");
  EXPECT_EQ(ReasonOf(answer.results.at(2)), "SEARCH_KEY_MISSING");
  EXPECT_EQ(ReasonOf(answer.results.at(3)), "NO_FIELDS");
  EXPECT_EQ(ReasonOf(answer.results.at(4)), "VALUE_MISSING");
  const Details details = DetailsOf(answer.results.at(1).status());
  ASSERT_TRUE(details.bad_request.has_value());
  EXPECT_EQ(details.bad_request->field_violations(0).field(),
            R"(leads[1].fields["EmailAddress"])");
  EXPECT_THAT(details.bad_request->field_violations(0).description(),
              HasSubstr("leads[0]"));
  for (const auto& [index, result] : answer.results) {
    EXPECT_EQ(result.attempts(), 0);
    EXPECT_THAT(result.status().DebugString(), Not(HasSubstr("Secret")));
  }
}

TEST(BadInputTest, InvalidLeadsDoNotKeepTheOthersBack) {
  Gateway gateway;
  v1::BulkUpdateLeadsRequest request = Updates(0, 30);
  request.mutable_leads(3)->clear_fields();
  const Answer answer = gateway.Update(request);
  ExpectComplete(answer, 30);
  EXPECT_EQ(CountOf(answer, v1::OUTCOME_UPDATED), 29);
  EXPECT_EQ(answer.results.at(3).outcome(), v1::OUTCOME_INVALID);
}

TEST(BadInputTest, ValidateOnlyPlansAndSendsNothing) {
  Gateway gateway;
  v1::BulkUpdateLeadsRequest request = Updates(0, 60, "Augusta");
  request.mutable_leads(59)->clear_fields();
  request.set_validate_only(true);
  const Answer answer = gateway.Update(request);
  ExpectComplete(answer, 60);
  EXPECT_EQ(CountOf(answer, v1::OUTCOME_VALID), 59);
  EXPECT_EQ(answer.results.at(59).outcome(), v1::OUTCOME_INVALID);
  ASSERT_TRUE(answer.plan.has_value());
  EXPECT_EQ(answer.plan->upstream_calls(), 3);
  EXPECT_TRUE(answer.plan->has_estimated_duration());
  EXPECT_THAT(answer.plan->first_call_body(),
              HasSubstr("\"SearchByKey\":\"EmailAddress\""));
  EXPECT_THAT(answer.plan->first_call_body(), HasSubstr("Aug"));
  EXPECT_THAT(answer.plan->first_call_body(), Not(HasSubstr("Augusta")));
  EXPECT_THAT(gateway.calls(), IsEmpty());
}

TEST(BadInputTest, AMessageBeyondTheLimitIsRefusedAndTheNextOneTaken) {
  Gateway gateway;
  v1::BulkUpdateLeadsRequest request =
      Updates(0, 1, std::string(17 << 20, 'x'));
  const Answer answer = gateway.Update(request);
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(gateway.calls(), IsEmpty());
  ExpectAll(gateway.Update(Updates(0, 1)), 1, v1::OUTCOME_UPDATED);
}

TEST(BadInputTest, AFullQueueRefusesWhatDoesNotFit) {
  GatewaySetup setup;
  setup.Allow(1, absl::Seconds(60));
  setup.limits.max_queued_leads = 100;
  Gateway gateway(setup);
  ExpectAll(gateway.Update(Updates(500, 1)), 1, v1::OUTCOME_UPDATED);
  CallOptions patient;
  patient.deadline = absl::Minutes(30);
  const auto waiting = gateway.Start(Updates(0, 80), patient);
  waiting->WaitUntilTaken();
  const Answer answer = gateway.Update(Updates(100, 30), patient);
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(answer.status), "QUEUE_FULL");
  const Details details = DetailsOf(answer.status);
  EXPECT_TRUE(details.quota_failure.has_value());
  EXPECT_TRUE(details.retry_info.has_value());
  EXPECT_NE(ValueIn(answer.trailing, "grpc-retry-pushback-ms"), "");
  waiting->Cancel();
}

}  // namespace
}  // namespace leadgateway::testing
