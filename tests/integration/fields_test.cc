#include <string>

#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "tests/integration/gateway_fixture.h"

// Requests are checked against the account's field metadata, which the gateway
// asks LeadSquared for.
namespace leadgateway::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

GatewaySetup Checked() {
  GatewaySetup setup;
  setup.account.schema_checks = true;
  return setup;
}

void AddField(v1::BulkUpdateLeadsRequest& request, int lead,
              const std::string& attribute) {
  v1::LeadField* const field = request.mutable_leads(lead)->add_fields();
  field->set_attribute(attribute);
  field->set_string_value("value");
}

grpc::Status ListFields(Gateway& gateway, const std::string& filter,
                        v1::ListLeadFieldsResponse& response,
                        absl::Duration deadline = kLongEnough) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + deadline));
  v1::ListLeadFieldsRequest request;
  request.set_filter(filter);
  return gateway.stub().ListLeadFields(&context, request, &response);
}

TEST(FieldsTest, ALeadWithAnUnknownFieldIsInvalidAndTheOthersAreUpdated) {
  Gateway gateway(Checked());
  v1::BulkUpdateLeadsRequest request = Updates(0, 3);
  AddField(request, 1, "mx_Citty");
  const Answer answer = gateway.Update(request);
  ExpectComplete(answer, 3);
  EXPECT_EQ(CountOf(answer, v1::OUTCOME_UPDATED), 2);
  const v1::LeadResult& invalid = answer.results.at(1);
  EXPECT_EQ(invalid.outcome(), v1::OUTCOME_INVALID);
  EXPECT_EQ(ReasonOf(invalid), "FIELD_UNKNOWN");
  EXPECT_THAT(invalid.status().message(), HasSubstr("mx_City"));
  const Details details = DetailsOf(invalid.status());
  ASSERT_TRUE(details.bad_request.has_value());
  EXPECT_EQ(details.bad_request->field_violations(0).field(),
            "leads[1].fields[\"mx_Citty\"]");
  ASSERT_THAT(gateway.calls(), SizeIs(1));
  EXPECT_EQ(gateway.calls()[0].lead_count, 2);
}

TEST(FieldsTest, ASearchKeyMustExistAndBeUnique) {
  Gateway gateway(Checked());
  v1::BulkUpdateLeadsRequest request = Updates(0, 1);
  request.set_search_by_key("EmailAdress");
  Answer answer = gateway.Update(request);
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(answer.status), "SEARCH_KEY_UNKNOWN");
  EXPECT_THAT(answer.status.error_message(), HasSubstr("EmailAddress"));
  request.set_search_by_key("FirstName");
  answer = gateway.Update(request);
  EXPECT_EQ(ReasonOf(answer.status), "SEARCH_KEY_NOT_UNIQUE");
  EXPECT_THAT(gateway.calls(), SizeIs(0));
}

TEST(FieldsTest, FieldsAreListedByAnyPartOfTheirNames) {
  Gateway gateway(Checked());
  v1::ListLeadFieldsResponse response;
  ASSERT_TRUE(ListFields(gateway, "", response).ok());
  EXPECT_GE(response.fields_size(), 140);
  EXPECT_GT(response.fetched_at().seconds(), 0);
  response.Clear();
  ASSERT_TRUE(ListFields(gateway, "EMAILADDR", response).ok());
  ASSERT_GE(response.fields_size(), 1);
  EXPECT_TRUE(response.fields(0).unique());
}

TEST(FieldsTest, WhileThereIsNoMetadataRequestsWaitAndThenAreUnavailable) {
  GatewaySetup setup = Checked();
  setup.Faults(R"({"rules":[{"when":{"endpoints":["metadata"]},)"
               R"("set":{"fault":"html_502"}}]})");
  Gateway gateway(setup);
  CallOptions options;
  options.deadline = absl::Seconds(1);
  const Answer answer = gateway.Update(Updates(0, 1), options);
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(answer.status), "SCHEMA_UNAVAILABLE");
  EXPECT_TRUE(DetailsOf(answer.status).retry_info.has_value());
  EXPECT_THAT(gateway.calls(), SizeIs(0));
}

TEST(FieldsTest, ARequestThatCameBeforeTheMetadataIsServedWhenItIsThere) {
  GatewaySetup setup = Checked();
  setup.Faults(R"({"rules":[{"when":{"endpoints":["metadata"],"times":1},)"
               R"("set":{"fault":"empty_body"}}]})");
  Gateway gateway(setup);
  ExpectAll(gateway.Update(Updates(0, 1)), 1, v1::OUTCOME_UPDATED);
}

TEST(FieldsTest, RefusedKeysAreToldAtOnce) {
  GatewaySetup setup = Checked();
  setup.access_key = "u$r00000000000000000000000000000000";
  Gateway gateway(setup);
  const Answer answer = gateway.Update(Updates(0, 1));
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(answer.status), "UPSTREAM_CREDENTIALS_REJECTED");
  EXPECT_LT(answer.took, kLongEnough / 2);
}

}  // namespace
}  // namespace leadgateway::testing
