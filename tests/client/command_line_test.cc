#include "client/command_line.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "client/interrupt.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "tests/client/fake_gateway.h"

namespace leadgateway::leadctl {
namespace {

using client::AnswerAll;
using client::FakeGateway;
namespace v1 = leadgateway::v1;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

// Where the samples lie in a test's working directory.
constexpr char kSample[] = "client/samples/leads.csv";

class CommandLineTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { BlockInterrupts(); }

  ExitStatus Run(const std::vector<std::string>& args) {
    out_.str("");
    err_.str("");
    return RunCommandLine(args, Console{.out = out_, .err = err_});
  }

  std::string File(const std::string& name, const std::string& text) {
    const std::string path = ::testing::TempDir() + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(CommandLineTest, HelpIsForTheProgramAndForEachCommand) {
  EXPECT_EQ(Run({"help"}), kAllUpdated);
  EXPECT_THAT(out_.str(), HasSubstr("Usage: leadctl COMMAND"));
  for (const std::string command : {"update", "status", "fields"}) {
    EXPECT_EQ(Run({command, "--help"}), kAllUpdated);
    EXPECT_THAT(out_.str(), StartsWith("Usage: leadctl " + command));
    const std::string by_flag = out_.str();
    EXPECT_EQ(Run({"help", command}), kAllUpdated);
    EXPECT_EQ(out_.str(), by_flag);
  }
}

TEST_F(CommandLineTest, UsageErrorsAreOneLineAndStatusTwo) {
  EXPECT_EQ(Run({}), kUsage);
  EXPECT_EQ(Run({"upload"}), kUsage);
  EXPECT_EQ(err_.str(),
            "leadctl: unknown command \"upload\"; see \"leadctl help\"\n");
  EXPECT_EQ(Run({"update", "--fiel=x"}), kUsage);
  EXPECT_EQ(err_.str(), "leadctl: unknown flag --fiel\n");
  EXPECT_EQ(Run({"status", "--timeout"}), kUsage);
  EXPECT_EQ(err_.str(), "leadctl: --timeout needs a value\n");
  EXPECT_EQ(Run({"fields", "--file=x"}), kUsage);
  EXPECT_EQ(err_.str(), "leadctl: unknown flag --file\n");
  EXPECT_EQ(out_.str(), "");
}

TEST_F(CommandLineTest, ABadRowStopsTheFileUnlessItIsToBeSkipped) {
  FakeGateway gateway({AnswerAll(leadgateway::v1::OUTCOME_UPDATED)});
  const std::string file = File("bad.csv", "Email,A\nx@y.z,1\nx@y.z\n");
  const std::vector<std::string> args = {
      "update", "--gateway", gateway.address(),
      "--file", file,        "--search-by=Email"};
  EXPECT_EQ(Run(args), kUsage);
  EXPECT_EQ(err_.str(), file + ":3: 1 cell, the header has 2\n" +
                            "leadctl: nothing was sent\n");
  EXPECT_THAT(gateway.seen(), IsEmpty());

  std::vector<std::string> skip = args;
  skip.push_back("--skip-bad-rows");
  EXPECT_EQ(Run(skip), kAllUpdated);
  EXPECT_THAT(err_.str(), HasSubstr("leadctl: leaving out 1 lead\n"));
  ASSERT_EQ(gateway.seen().size(), 1u);
  EXPECT_EQ(gateway.seen()[0].request.leads_size(), 1);
}

TEST_F(CommandLineTest, AFileWithoutAGoodRowIsNotSentEvenIfBadOnesAreSkipped) {
  FakeGateway gateway({AnswerAll(leadgateway::v1::OUTCOME_UPDATED)});
  EXPECT_EQ(Run({"update", "--gateway", gateway.address(), "--file",
                 File("worse.jsonl", "[]\n"), "--skip-bad-rows"}),
            kUsage);
  EXPECT_THAT(gateway.seen(), IsEmpty());
}

TEST_F(CommandLineTest, TheSampleIsReadWholeAndItsLinesAreNamed) {
  FakeGateway gateway({AnswerAll(leadgateway::v1::OUTCOME_FAILED, 8)});
  EXPECT_EQ(Run({"update", "--gateway", gateway.address(), "--file", kSample,
                 "--search-by=EmailAddress", "--account=acme",
                 "--push-non-existent-to-unprocessed"}),
            kSomeNotUpdated);
  const auto request = gateway.seen().at(0).request;
  EXPECT_EQ(request.leads_size(), 198);
  EXPECT_EQ(request.account(), "acme");
  EXPECT_EQ(request.search_by_key(), "EmailAddress");
  EXPECT_TRUE(request.options().push_non_existent_leads_to_unprocessed_list());
  EXPECT_FALSE(request.validate_only());
  EXPECT_THAT(out_.str(), HasSubstr("\nline 2  FAILED       EmailAddress="
                                    "rahul.novak@example.org"));
  EXPECT_THAT(out_.str(), HasSubstr("\nFAILED         198\n"));
}

TEST_F(CommandLineTest, JsonOutputIsOnlyJsonAndNamesTheLine) {
  FakeGateway gateway({AnswerAll(leadgateway::v1::OUTCOME_VALID)});
  EXPECT_EQ(Run({"update", "--gateway", gateway.address(), "--file",
                 File("one.jsonl", "\n{\"ProspectId\":\"p\",\"row\":\"r7\"}\n"),
                 "--tag-column=row", "--validate-only", "--output=json"}),
            kAllUpdated);
  EXPECT_TRUE(gateway.seen().at(0).request.validate_only());
  EXPECT_EQ(gateway.seen()[0].request.search_by_key(), "");
  EXPECT_THAT(out_.str(),
              MatchesRegex("\\{\"type\":\"result\",\"line\":2,\"index\":0,"
                           "\"tag\":\"r7\",.*\\}\n"
                           "\\{\"type\":\"summary\",.*\\}\n"));
  EXPECT_EQ(err_.str(), "");
}

TEST_F(CommandLineTest, ARefusedUpdateIsStatusThreeWithAllItsDetails) {
  FakeGateway gateway(
      {client::Refuse(grpc::StatusCode::RESOURCE_EXHAUSTED, "QUEUE_FULL", "")});
  EXPECT_EQ(Run({"update", "--gateway", gateway.address(), "--file",
                 File("two.jsonl", "{\"a\":1}\n")}),
            kRpcFailed);
  EXPECT_EQ(err_.str(),
            "leadctl: RESOURCE_EXHAUSTED (QUEUE_FULL): not now\n"
            "  leads[3].fields[\"Emial\"]: no such field\n"
            "  Try again in 1 h 0 min.\n");
  EXPECT_EQ(out_.str(), "");
}

TEST_F(CommandLineTest, FieldsAndStatusPrintTables) {
  FakeGateway gateway({});
  gateway.account_status.set_account("acme");
  gateway.account_status.set_limit_calls(25);
  gateway.account_status.mutable_limit_window()->set_seconds(5);
  auto& field = *gateway.fields.add_fields();
  field.set_schema_name("EmailAddress");
  field.set_display_name("Email");
  field.set_data_type("Email");
  field.set_unique(true);
  field.set_max_length(200);
  auto& stage = *gateway.fields.add_fields();
  stage.set_schema_name("ProspectStage");
  stage.set_display_name("Lead Stage");
  stage.set_data_type("Select");
  stage.set_mandatory(true);
  stage.set_read_only(true);
  stage.add_options("Prospect");
  stage.add_options("Opportunity");
  stage.set_options_left_out(5);
  for (int i = 0; i < 18; ++i) stage.add_options("An option of some length");
  EXPECT_EQ(Run({"fields", "--gateway", gateway.address(), "--filter=mail"}),
            kAllUpdated);
  EXPECT_EQ(
      out_.str(),
      "FIELD          NAME        TYPE    UNIQUE  NEEDED  READ ONLY  LONGEST  "
      "OPTIONS\n"
      "EmailAddress   Email       Email   yes     -       -              200\n"
      "ProspectStage  Lead Stage  Select  -       yes     yes              -  "
      "Prospect, Opportunity, ... (25)\n"
      "2 fields\n");
  EXPECT_EQ(Run({"status", "--gateway", gateway.address()}), kAllUpdated);
  EXPECT_THAT(out_.str(), StartsWith("account          acme\n"
                                     "limit            25 calls in 5.0 s"));
  EXPECT_EQ(Run({"status", "--output=json", "--gateway", gateway.address()}),
            kAllUpdated);
  EXPECT_THAT(out_.str(), HasSubstr("\"limitCalls\":25"));
}

TEST_F(CommandLineTest, StatusTellsAllThatTheGatewayDoes) {
  FakeGateway gateway({});
  v1::GetAccountStatusResponse& status = gateway.account_status;
  status.set_account("acme");
  status.set_limit_calls(20);
  status.mutable_limit_window()->set_seconds(5);
  status.set_limit_source(v1::LIMIT_SOURCE_LEARNED);
  status.set_calls_free(0);
  status.mutable_next_call_free_in()->set_nanos(700'000'000);
  status.set_calls_today(812);
  status.set_daily_calls(10'000);
  v1::DailyBudget& budget = *status.mutable_daily_budget();
  budget.set_calls(10'000);
  budget.set_calls_spent(812);
  budget.set_calls_free(0);
  budget.mutable_next_call_free_in()->set_seconds(75);
  budget.mutable_ends_at()->set_seconds(1'773'187'200);
  budget.set_spread(v1::DAILY_SPREAD_EVEN);
  budget.set_zone("UTC");
  status.set_keeps_state(true);
  status.set_state_problem("can't write /state/acme.state: No space left");
  status.set_calls_total(901);
  status.set_mean_leads_per_call(24.96);
  status.set_leads_queued(1'250);
  status.set_max_leads_queued(200'000);
  status.set_bytes_queued(3 << 20);
  status.set_max_bytes_queued(256 << 20);
  status.set_leads_in_flight(75);
  status.set_blocked("paused after a throttle, for 2s");
  status.mutable_paused_for()->set_seconds(2);
  v1::Throttle& throttle = *status.mutable_last_throttle();
  throttle.mutable_time()->set_seconds(1'773'100'000);
  throttle.set_text("exceeded the limit of 20 in 5 second(s)\x1b[31m");
  throttle.set_count(3);
  status.mutable_fields_fetched_at()->set_seconds(1'773'090'000);
  status.set_credential_generation(2);
  v1::CallerQueue* caller = status.add_callers();
  caller->set_caller("import");
  caller->set_leads_queued(1'200);
  caller->set_bulk_leads_queued(1'000);
  caller->set_bytes_queued(2'900'000);
  caller->set_weight(0.5);
  caller = status.add_callers();
  caller->set_caller("web");
  caller->set_leads_queued(50);
  caller->set_bytes_queued(900);
  caller->set_weight(4);
  EXPECT_EQ(Run({"status", "--gateway", gateway.address()}), kAllUpdated);
  EXPECT_EQ(
      out_.str(),
      "account          acme\n"
      "limit            20 calls in 5.0 s (LeadSquared said so)\n"
      "calls free       0, the next in 0.7 s\n"
      "calls today      812 of 10000\n"
      "daily budget     0 free now, the next in 1 min 15 s, spread over the "
      "day, starts anew at 2026-03-11 00:00:00 UTC\n"
      "across restarts  NOT COUNTED NOW: can't write /state/acme.state: No "
      "space left\n"
      "calls in all     901\n"
      "leads per call   25.0\n"
      "leads waiting    1250 of 200000\n"
      "memory of leads  3.0 MiB of 256.0 MiB\n"
      "leads in flight  75\n"
      "blocked          paused after a throttle, for 2s\n"
      "last throttle    2026-03-09 23:46:40 UTC, 3 in all: exceeded the limit "
      "of 20 in 5 second(s)\\x1b[31m\n"
      "fields loaded    2026-03-09 21:00:00 UTC\n"
      "keys loaded      2\n"
      "\n"
      "CALLER  WAITING  OF THESE BULK   MEMORY  WEIGHT\n"
      "import     1200           1000  2.8 MiB     0.5\n"
      "web          50              0    900 B       4\n");

  // All of it stands in the JSON form as well.
  EXPECT_EQ(Run({"status", "--output=json", "--gateway", gateway.address()}),
            kAllUpdated);
  v1::GetAccountStatusResponse read;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(out_.str(), &read).ok());
  EXPECT_EQ(read.SerializeAsString(), status.SerializeAsString());
}

TEST_F(CommandLineTest, StatusOfAQuietAccountIsShort) {
  FakeGateway gateway({});
  v1::GetAccountStatusResponse& status = gateway.account_status;
  status.set_account("acme");
  status.set_limit_calls(25);
  status.mutable_limit_window()->set_seconds(5);
  status.set_limit_source(v1::LIMIT_SOURCE_CONFIGURED);
  status.set_calls_free(25);
  EXPECT_EQ(Run({"status", "--gateway", gateway.address()}), kAllUpdated);
  EXPECT_EQ(out_.str(),
            "account          acme\n"
            "limit            25 calls in 5.0 s (configured)\n"
            "calls free       25\n"
            "calls today      0\n"
            "across restarts  not counted (no stateDir)\n"
            "calls in all     0\n"
            "leads per call   0.0\n"
            "leads waiting    0 of 0\n"
            "memory of leads  0 B of 0 B\n"
            "leads in flight  0\n"
            "last throttle    none\n"
            "fields loaded    never\n"
            "keys loaded      0\n");
}

TEST_F(CommandLineTest, StatusRefusesWhatItDoesNotKnow) {
  EXPECT_EQ(Run({"status", "acme"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("acme"));
  EXPECT_EQ(Run({"status", "--acount=acme"}), kUsage);
  EXPECT_EQ(err_.str(), "leadctl: unknown flag --acount\n");
  EXPECT_EQ(Run({"status", "--output=xml"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("output"));
  EXPECT_EQ(Run({"status", "--timeout=soon"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("timeout"));
  EXPECT_EQ(out_.str(), "");
  // Nobody listens there.
  EXPECT_EQ(Run({"status", "--gateway=127.0.0.1:1", "--timeout=2s"}),
            kRpcFailed);
  EXPECT_THAT(err_.str(), StartsWith("leadctl: UNAVAILABLE"));
  EXPECT_EQ(out_.str(), "");
}

TEST_F(CommandLineTest, AQuestionThatFailsIsStatusThree) {
  FakeGateway gateway({});
  gateway.fields_status = {grpc::StatusCode::NOT_FOUND, "no such account"};
  EXPECT_EQ(Run({"fields", "--gateway", gateway.address()}), kRpcFailed);
  EXPECT_EQ(err_.str(), "leadctl: NOT_FOUND: no such account\n");
}

}  // namespace
}  // namespace leadgateway::leadctl
