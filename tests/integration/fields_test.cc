#include <algorithm>
#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/config/config.h"
#include "gateway/model/field_checks.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/account.h"
#include "sandbox/call_record.h"
#include "sandbox/field_catalogue.h"
#include "sandbox/scenario.h"
#include "tests/integration/gateway_fixture.h"
#include "tests/integration/program.h"

// Requests are checked against the account's field metadata, which the gateway
// asks LeadSquared for.
namespace leadgateway::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

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
  // By what people see, too.
  response.Clear();
  ASSERT_TRUE(ListFields(gateway, "lEAD sTAGE", response).ok());
  ASSERT_EQ(response.fields_size(), 1);
  EXPECT_EQ(response.fields(0).schema_name(), "ProspectStage");
  EXPECT_EQ(response.fields(0).data_type(), "Select");
  EXPECT_GT(response.fields(0).options_size(), 0);
  response.Clear();
  ASSERT_TRUE(ListFields(gateway, "no such field", response).ok());
  EXPECT_EQ(response.fields_size(), 0);
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

int MetadataCalls(Gateway& gateway) {
  int calls = 0;
  for (const sandbox::CallRecord& call :
       gateway.account().Record(1, 1'000'000)) {
    calls += call.endpoint == sandbox::Endpoint::kMetadata;
  }
  return calls;
}

TEST(FieldsTest, AFieldThatHasJustBeenMadeIsUsableAtOnce) {
  Gateway gateway(Checked());
  ExpectAll(gateway.Update(Updates(0, 1)), 1, v1::OUTCOME_UPDATED);
  v1::BulkUpdateLeadsRequest request = Updates(0, 3);
  AddField(request, 1, "mx_Brand_New");
  sandbox::Field field;
  field.schema_name = "mx_Brand_New";
  ASSERT_TRUE(gateway.account().AddField(field).ok());
  ASSERT_TRUE(Eventually([&] {
    return CountOf(gateway.Update(request), v1::OUTCOME_UPDATED) == 3;
  }));
  EXPECT_EQ(MetadataCalls(gateway), 2);
}

// In whichever of its ways LeadSquared says so.
TEST(FieldsTest, AFieldThatLeadSquaredRefusesIsUnknownSoon) {
  for (const std::string shape :
       {"fail_lead", "fail_call_412", "fail_call_500"}) {
    SCOPED_TRACE(shape);
    GatewaySetup setup = Checked();
    setup.Faults(
        absl::StrCat(R"({"always":{"unknown_attribute":")", shape, R"("}})"));
    Gateway gateway(setup);
    v1::BulkUpdateLeadsRequest request = Updates(0, 1);
    AddField(request, 0, "mx_City");
    ExpectAll(gateway.Update(request), 1, v1::OUTCOME_UPDATED);
    ASSERT_TRUE(gateway.account().RemoveField("mx_City").ok());
    Answer answer = gateway.Update(request);
    ASSERT_EQ(answer.results.size(), 1);
    EXPECT_EQ(answer.results.at(0).outcome(), v1::OUTCOME_FAILED);
    // Early: the next refresh of its own is ten minutes away.
    EXPECT_TRUE(Eventually([&] {
      answer = gateway.Update(request);
      return ReasonOf(answer.results.at(0)) == "FIELD_UNKNOWN";
    }));
  }
}

TEST(FieldsTest, ARestartServesFromWhatWasSaved) {
  TempDir state;
  GatewaySetup setup = Checked();
  setup.state_dir = state.path() + "/state";
  {
    Gateway gateway(setup);
    ExpectAll(gateway.Update(Updates(0, 1)), 1, v1::OUTCOME_UPDATED);
  }
  setup.Faults(R"({"rules":[{"when":{"endpoints":["metadata"]},)"
               R"("set":{"fault":"html_502"}}]})");
  Gateway gateway(setup);
  v1::BulkUpdateLeadsRequest request = Updates(0, 2);
  AddField(request, 1, "mx_Citty");
  const Answer answer = gateway.Update(request);
  ExpectComplete(answer, 2);
  EXPECT_EQ(answer.results.at(0).outcome(), v1::OUTCOME_UPDATED);
  EXPECT_EQ(ReasonOf(answer.results.at(1)), "FIELD_UNKNOWN");
}

constexpr absl::string_view kFileOfFields =
    R"([{"SchemaName":"EmailAddress","DataType":"Email","IsUnique":"1"},)"
    R"({"SchemaName":"FirstName","MaxLength":"200"}])";

TEST(FieldsTest, AMetadataFileServesUntilLeadSquaredDoes) {
  TempDir files;
  GatewaySetup setup = Checked();
  setup.account.metadata_file = files.Write("fields.json", kFileOfFields);
  setup.Faults(R"({"rules":[{"when":{"endpoints":["metadata"]},)"
               R"("set":{"fault":"html_502"}}]})");
  Gateway gateway(setup);
  v1::BulkUpdateLeadsRequest request = Updates(0, 2);
  AddField(request, 1, "mx_City");
  Answer answer = gateway.Update(request);
  ExpectComplete(answer, 2);
  EXPECT_EQ(answer.results.at(0).outcome(), v1::OUTCOME_UPDATED);
  EXPECT_EQ(ReasonOf(answer.results.at(1)), "FIELD_UNKNOWN");
  gateway.account().ClearFaults();
  EXPECT_TRUE(Eventually([&] {
    return CountOf(gateway.Update(request), v1::OUTCOME_UPDATED) == 2;
  }));
}

TEST(FieldsTest, APinnedMetadataFileIsAllThatIsEverKnown) {
  TempDir files;
  GatewaySetup setup = Checked();
  setup.account.metadata_file = files.Write("fields.json", kFileOfFields);
  setup.account.field_refresh = absl::ZeroDuration();
  Gateway gateway(setup);
  v1::BulkUpdateLeadsRequest request = Updates(0, 2);
  AddField(request, 1, "mx_City");
  for (int i = 0; i < 3; ++i) {
    const Answer answer = gateway.Update(request);
    ExpectComplete(answer, 2);
    EXPECT_EQ(answer.results.at(0).outcome(), v1::OUTCOME_UPDATED);
    EXPECT_EQ(ReasonOf(answer.results.at(1)), "FIELD_UNKNOWN");
  }
  EXPECT_EQ(MetadataCalls(gateway), 0);
}

TEST(FieldsTest, ARequestThatWaitsForMetadataEndsWithItsCaller) {
  GatewaySetup setup = Checked();
  setup.Faults(R"({"rules":[{"when":{"endpoints":["metadata"]},)"
               R"("set":{"fault":"html_502"}}]})");
  setup.admin = true;
  Gateway gateway(setup);
  CallOptions options;
  options.deadline = absl::Hours(1);
  const auto rpc = gateway.Start(Updates(0, 1), options);
  ASSERT_TRUE(Eventually([&] {
    return absl::StrContains(
        HttpGet(gateway.server().admin_address(), "/metrics"),
        R"(leadgateway_rpcs_in_progress{method="BulkUpdateLeads"} 1)");
  }));
  rpc->Cancel();
  EXPECT_EQ(rpc->Get().status.error_code(), grpc::StatusCode::CANCELLED);
  // The gateway has let go of it: it logs an RPC when that is over.
  EXPECT_TRUE(Eventually([&] {
    for (const std::string& line : gateway.log()) {
      if (absl::StrContains(line, R"("code":"CANCELLED")")) return true;
    }
    return false;
  }));
}

TEST(FieldsTest, AWarningRidesOnTheResultOfTheLeadThatWasSent) {
  Gateway gateway(Checked());
  v1::BulkUpdateLeadsRequest request = Updates(0, 2);
  AddField(request, 1, "ProspectStage");
  Answer answer = gateway.Update(request);
  ExpectAll(answer, 2, v1::OUTCOME_UPDATED);
  EXPECT_EQ(answer.results.at(0).warnings_size(), 0);
  ASSERT_EQ(answer.results.at(1).warnings_size(), 1);
  const v1::FieldWarning& warning = answer.results.at(1).warnings(0);
  EXPECT_EQ(warning.field(), "leads[1].fields[\"ProspectStage\"]");
  EXPECT_EQ(warning.reason(), "VALUE_NOT_AN_OPTION");
  request.set_validate_only(true);
  answer = gateway.Update(request);
  ExpectAll(answer, 2, v1::OUTCOME_VALID);
  EXPECT_EQ(answer.results.at(1).warnings_size(), 1);
}

TEST(FieldsTest, APlanKnowsWhatElseWaits) {
  GatewaySetup setup;
  setup.Allow(1, absl::Seconds(60));
  Gateway gateway(setup);
  ExpectAll(gateway.Update(Updates(0, 1)), 1, v1::OUTCOME_UPDATED);
  v1::BulkUpdateLeadsRequest request = Updates(1000, 100);
  request.set_validate_only(true);
  const Answer alone = gateway.Update(request);
  ExpectAll(alone, 100, v1::OUTCOME_VALID);
  ASSERT_TRUE(alone.plan.has_value());
  EXPECT_EQ(alone.plan->upstream_calls(), 4);
  EXPECT_EQ(alone.plan->leads_queued_ahead(), 0);
  // The window's one call is taken: four more take that many windows.
  EXPECT_GT(alone.plan->estimated_duration().seconds(), 3 * 60);
  EXPECT_LT(alone.plan->estimated_duration().seconds(), 5 * 60);

  CallOptions options;
  options.deadline = absl::Hours(1);
  const auto waiting = gateway.Start(Updates(100, 500), options);
  ASSERT_TRUE(
      Eventually([&] { return gateway.Status().leads_queued() == 500; }));
  const Answer behind = gateway.Update(request);
  ExpectAll(behind, 100, v1::OUTCOME_VALID);
  ASSERT_TRUE(behind.plan.has_value());
  // Turn by turn with the other request's: 100 of its leads go before the last.
  EXPECT_EQ(behind.plan->leads_queued_ahead(), 100);
  EXPECT_EQ(behind.plan->upstream_calls(), 8);
  EXPECT_GT(behind.plan->estimated_duration().seconds(), 7 * 60);
  EXPECT_LT(behind.plan->estimated_duration().seconds(), 9 * 60);
  EXPECT_THAT(behind.plan->first_call_body(), HasSubstr("LeadPropertiesList"));
  waiting->Cancel();
  EXPECT_EQ(waiting->Get().status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_THAT(gateway.calls(), SizeIs(1));
}

TEST(FieldsTest, OptionSetsAreAskedForWhereOptionsAreChecked) {
  for (const CheckPolicy policy :
       {CheckPolicy::kOff, CheckPolicy::kWarn, CheckPolicy::kReject}) {
    GatewaySetup setup = Checked();
    setup.account.field_checks.options = policy;
    Gateway gateway(setup);
    v1::BulkUpdateLeadsRequest request = Updates(0, 1);
    AddField(request, 0, "ProspectStage");
    const Answer answer = gateway.Update(request);
    ExpectComplete(answer, 1);
    const v1::LeadResult& result = answer.results.at(0);
    EXPECT_EQ(result.outcome(), policy == CheckPolicy::kReject
                                    ? v1::OUTCOME_INVALID
                                    : v1::OUTCOME_UPDATED);
    EXPECT_EQ(result.warnings_size(), policy == CheckPolicy::kWarn ? 1 : 0);
    EXPECT_EQ(MetadataCalls(gateway), 1);
    for (const sandbox::CallRecord& call :
         gateway.account().Record(1, 1'000'000)) {
      if (call.endpoint != sandbox::Endpoint::kMetadata) continue;
      EXPECT_EQ(call.without_options, policy == CheckPolicy::kOff);
    }
  }
}

TEST(FieldsTest, ReadinessTellsWhichAccountsHaveNoMetadata) {
  GatewaySetup setup = Checked();
  setup.admin = true;
  // Its keys are refused.
  TempDir keys;
  AccountOptions other = setup.account;
  other.name = "initech";
  other.access_key_file =
      keys.Write("access_key", "u$r00000000000000000000000000000000");
  setup.other_accounts = {other};
  setup.Faults(R"({"rules":[{"when":{"endpoints":["metadata"]},)"
               R"("set":{"fault":"html_502"}}]})");
  Gateway gateway(setup);
  const auto ready = [&] {
    return HttpGet(gateway.server().admin_address(), "/readyz");
  };
  EXPECT_THAT(ready(),
              AllOf(StartsWith("HTTP/1.1 503 "),
                    EndsWith("\r\n\r\nno field metadata yet of account acme, "
                             "initech\n")));
  gateway.account().ClearFaults();
  ASSERT_TRUE(
      Eventually([&] { return absl::StartsWith(ready(), "HTTP/1.1 200 "); }));
  EXPECT_THAT(ready(), EndsWith("\r\n\r\nready; no field metadata yet of "
                                "account initech\n"));
}

// Whatever LeadSquared answers, what was known stays.
TEST(FieldsTest, ARefreshThatBringsNoFieldListLeavesTheOldOne) {
  for (const absl::string_view fault :
       {"html_502", "empty_body", "truncated_body", "garbage_json", "error_500",
        "reset_mid_answer"}) {
    GatewaySetup setup = Checked();
    setup.account.field_refresh = absl::Milliseconds(20);
    setup.Allow(10'000, absl::Seconds(5));
    Gateway gateway(setup);
    ExpectAll(gateway.Update(Updates(0, 1)), 1, v1::OUTCOME_UPDATED);
    ASSERT_TRUE(gateway.account()
                    .SetFaults(absl::StrCat(
                        R"({"rules":[{"when":{"endpoints":["metadata"]},)"
                        R"("set":{"fault":")",
                        fault, R"("}}]})"))
                    .ok());
    ASSERT_TRUE(Eventually([&] {
      for (const std::string& line : gateway.log()) {
        if (absl::StrContains(line, "fields_not_loaded")) return true;
      }
      return false;
    })) << fault;
    v1::BulkUpdateLeadsRequest request = Updates(1, 2);
    AddField(request, 0, "mx_City");
    AddField(request, 1, "mx_Citty");
    const Answer answer = gateway.Update(request);
    ExpectComplete(answer, 2);
    EXPECT_EQ(answer.results.at(0).outcome(), v1::OUTCOME_UPDATED) << fault;
    EXPECT_EQ(ReasonOf(answer.results.at(1)), "FIELD_UNKNOWN") << fault;
  }
}

TEST(FieldsTest, ASavedFileThatIsDamagedIsPassedOverWithOneLine) {
  TempDir state;
  GatewaySetup setup = Checked();
  setup.state_dir = state.path() + "/state";
  const std::string file = setup.state_dir + "/acme.fields.json";
  {
    Gateway gateway(setup);
    ExpectAll(gateway.Update(Updates(0, 1)), 1, v1::OUTCOME_UPDATED);
  }
  ASSERT_GT(std::filesystem::file_size(file), 1000);
  std::filesystem::resize_file(file, 1000);
  {
    Gateway gateway(setup);
    ExpectAll(gateway.Update(Updates(0, 1)), 1, v1::OUTCOME_UPDATED);
    const std::vector<std::string> log = gateway.log();
    EXPECT_EQ(std::count_if(log.begin(), log.end(),
                            [](const std::string& line) {
                              return absl::StrContains(line,
                                                       "saved_fields_not_read");
                            }),
              1);
    EXPECT_THAT(log, Contains(AllOf(HasSubstr(file + " is no saved field list"),
                                    HasSubstr(R"("account":"acme")"))));
  }
  // LeadSquared's answer has taken its place.
  EXPECT_GT(std::filesystem::file_size(file), 1000);
}

TEST(FieldsTest, HealthTellsWhetherThereIsMetadata) {
  constexpr char kService[] = "leadgateway.v1.LeadGatewayService";
  GatewaySetup setup = Checked();
  setup.Faults(R"({"rules":[{"when":{"endpoints":["metadata"]},)"
               R"("set":{"fault":"html_502"}}]})");
  Gateway gateway(setup);
  EXPECT_EQ(HealthOf(gateway.channel(), kService), "NOT_SERVING");
  gateway.account().ClearFaults();
  EXPECT_TRUE(Eventually(
      [&] { return HealthOf(gateway.channel(), kService) == "SERVING"; }));
  EXPECT_EQ(HealthOf(gateway.channel(), ""), "SERVING");
}

TEST(FieldsTest, TenThousandLeadsFullOfMistakesMakeAnAnswerThatFits) {
  Gateway gateway(Checked());
  v1::BulkUpdateLeadsRequest request = Updates(0, 10'000);
  for (int i = 0; i < 10'000; ++i) {
    for (int j = 0; j < 10; ++j) {
      AddField(request, i, absl::StrCat("mx_Not_There_", j));
    }
  }
  // A client takes messages of up to 4 MiB.
  const Answer answer = gateway.Update(request);
  ExpectAll(answer, 10'000, v1::OUTCOME_INVALID, "FIELD_UNKNOWN");
  EXPECT_THAT(gateway.calls(), SizeIs(0));
}

// A field comes and another one goes in LeadSquared while requests run. At any
// time one of the two fields that each request names is there: a request that
// found neither would have seen half a catalogue.
TEST(FieldsTest, NoRequestSeesHalfACatalogueWhileFieldsChange) {
  GatewaySetup setup = Checked();
  setup.account.field_refresh = absl::Milliseconds(50);
  setup.Allow(10'000, absl::Seconds(5));
  Gateway gateway(setup);
  ExpectAll(gateway.Update(Updates(0, 1)), 1, v1::OUTCOME_UPDATED);
  std::atomic<int> without_new{0};
  std::atomic<int> with_both{0};
  std::atomic<int> without_old{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 20; ++i) {
    callers.emplace_back([&, i] {
      const absl::Time end = absl::Now() + kLongEnough / 2;
      while (absl::Now() < end && without_old == 0) {
        v1::BulkUpdateLeadsRequest request = Updates(i, 1);
        request.set_validate_only(true);
        AddField(request, 0, "mx_New");
        AddField(request, 0, "mx_City");
        const Answer answer = gateway.Update(request);
        ExpectComplete(answer, 1);
        const v1::LeadResult& result = answer.results.at(0);
        if (result.outcome() == v1::OUTCOME_VALID) {
          ++with_both;
          continue;
        }
        EXPECT_EQ(ReasonOf(result), "FIELD_UNKNOWN");
        const Details details = DetailsOf(result.status());
        ASSERT_TRUE(details.bad_request.has_value());
        ASSERT_EQ(details.bad_request->field_violations_size(), 1);
        ++(absl::StrContains(details.bad_request->field_violations(0).field(),
                             "mx_New")
               ? without_new
               : without_old);
      }
    });
  }
  sandbox::Field fresh;
  fresh.schema_name = "mx_New";
  EXPECT_TRUE(Eventually([&] { return without_new > 0; }));
  EXPECT_TRUE(gateway.account().AddField(fresh).ok());
  EXPECT_TRUE(Eventually([&] { return with_both > 0; }));
  EXPECT_TRUE(gateway.account().RemoveField("mx_City").ok());
  for (std::thread& caller : callers) caller.join();
  EXPECT_GT(without_old.load(), 0);
}

}  // namespace
}  // namespace leadgateway::testing
