#include "client/result_printer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "client/rpc_error.h"
#include "google/rpc/error_details.pb.h"

namespace leadgateway::leadctl {
namespace {

using ::leadgateway::v1::LeadResult;
using ::leadgateway::v1::Outcome;

LeadResult Updated() {
  LeadResult result;
  result.set_outcome(leadgateway::v1::OUTCOME_UPDATED);
  result.set_identifier("EmailAddress");
  result.set_identifier_value("a@example.com");
  return result;
}

LeadResult Bad(Outcome outcome, const std::string& reason,
               const std::string& message) {
  LeadResult result = Updated();
  result.set_outcome(outcome);
  *result.mutable_status() =
      client::MakeClientStatus(absl::StatusCode::kNotFound, message, reason);
  return result;
}

leadgateway::v1::Progress Progress(int done, int seconds) {
  leadgateway::v1::Progress progress;
  progress.set_leads_done(done);
  progress.set_leads_total(200);
  progress.set_upstream_calls(3);
  progress.mutable_estimated_remaining()->set_seconds(seconds);
  return progress;
}

class ResultPrinterTest : public ::testing::Test {
 protected:
  ResultPrinter Printer(ResultPrinterOptions options) {
    return ResultPrinter(out_, err_, options, [this] { return now_; });
  }

  std::ostringstream out_;
  std::ostringstream err_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
};

TEST_F(ResultPrinterTest, OnlyLeadsThatAreNotUpdatedGetALine) {
  ResultPrinter printer = Printer({});
  printer.Result(Updated(), 2, false);
  printer.Result(Bad(leadgateway::v1::OUTCOME_FAILED,
                     "LEAD_NOT_FOUND_OR_FORBIDDEN", "Lead does not exist"),
                 17, false);
  printer.Result(
      Bad(leadgateway::v1::OUTCOME_UNKNOWN, "STREAM_ENDED", "stream ended"), 18,
      true);
  EXPECT_EQ(out_.str(),
            "line 17  FAILED       EmailAddress=a@example.com  "
            "LEAD_NOT_FOUND_OR_FORBIDDEN: Lead does not exist\n"
            "line 18  UNKNOWN      EmailAddress=a@example.com  "
            "STREAM_ENDED: stream ended (leadctl)\n");
  EXPECT_EQ(err_.str(), "");
}

TEST_F(ResultPrinterTest, VerbosePrintsUpdatedLeadsToo) {
  ResultPrinter printer = Printer({.verbose = true});
  printer.Result(Updated(), 2, false);
  EXPECT_EQ(out_.str(), "line 2  UPDATED      EmailAddress=a@example.com\n");
}

TEST_F(ResultPrinterTest, SeveralMistakesOfALeadGetALineEach) {
  LeadResult result =
      Bad(leadgateway::v1::OUTCOME_INVALID, "FIELD_UNKNOWN", "2 mistakes");
  google::rpc::BadRequest bad;
  for (const char* name : {"Emial", "Shoe"}) {
    auto& violation = *bad.add_field_violations();
    violation.set_field("leads[3].fields[\"" + std::string(name) + "\"]");
    violation.set_description("no such field");
  }
  result.mutable_status()->add_details()->PackFrom(bad);
  ResultPrinter printer = Printer({});
  printer.Result(result, 5, false);
  EXPECT_EQ(out_.str(),
            "line 5  INVALID      EmailAddress=a@example.com  "
            "FIELD_UNKNOWN: 2 mistakes\n"
            "    fields[\"Emial\"]: no such field\n"
            "    fields[\"Shoe\"]: no such field\n");
}

TEST_F(ResultPrinterTest, ValuesCannotControlTheTerminal) {
  LeadResult result =
      Bad(leadgateway::v1::OUTCOME_FAILED, "R", "line\nbreak\x1b[31m");
  result.set_identifier_value("\x1b]0;x\x07");
  ResultPrinter printer = Printer({});
  printer.Result(result, 1, false);
  EXPECT_EQ(out_.str().find('\x1b'), std::string::npos);
  EXPECT_EQ(out_.str().find('\n'), out_.str().size() - 1);
}

TEST_F(ResultPrinterTest, ColoursAreForOutcomesOnlyAndOnlyOnRequest) {
  ResultPrinter printer = Printer({.colour = true});
  printer.Result(Bad(leadgateway::v1::OUTCOME_NOT_SENT, "DEADLINE", "late"), 1,
                 false);
  EXPECT_EQ(out_.str(),
            "line 1  \033[33mNOT_SENT   \033[0m  EmailAddress=a@example.com  "
            "DEADLINE: late\n");
}

TEST_F(ResultPrinterTest, WithoutATerminalProgressIsALineASecondAtMost) {
  ResultPrinter printer = Printer({});
  printer.Progress(Progress(1, 9));
  now_ += absl::Milliseconds(999);
  printer.Progress(Progress(2, 9));
  now_ += absl::Milliseconds(1);
  printer.Progress(Progress(50, 80));
  EXPECT_EQ(err_.str(),
            "1 of 200 leads, 3 calls, about 9.0 s left\n"
            "50 of 200 leads, 3 calls, about 1 min 20 s left\n");
}

TEST_F(ResultPrinterTest, OnATerminalOneProgressLineIsRedrawnAroundResults) {
  ResultPrinter printer = Printer({.redraw_progress = true});
  printer.Progress(Progress(1, 9));
  EXPECT_EQ(err_.str(), "\r\033[K1 of 200 leads, 3 calls, about 9.0 s left");
  err_.str("");
  printer.Result(Bad(leadgateway::v1::OUTCOME_FAILED, "R", "m"), 7, false);
  EXPECT_EQ(err_.str(),
            "\r\033[K\r\033[K1 of 200 leads, 3 calls, about 9.0 s left");
  err_.str("");
  printer.Finish({});
  EXPECT_EQ(err_.str(), "\r\033[K");
}

TEST_F(ResultPrinterTest, TheSummaryCountsEveryOutcomeAndSaysWhatToDo) {
  client::UpdateReport report;
  report.summary.set_updated(185);
  report.summary.set_failed(8);
  report.summary.set_not_sent(2);
  report.summary.set_unknown(1);
  report.summary.set_total(196);
  report.summary.set_upstream_calls(8);
  report.summary.mutable_elapsed()->set_seconds(2);
  report.request_ids = {"abc"};
  Printer({}).Finish(report);
  EXPECT_EQ(out_.str(),
            "\n"
            "OUTCOME      LEADS\n"
            "UPDATED        185\n"
            "FAILED           8\n"
            "UNPROCESSED      0\n"
            "INVALID          0\n"
            "NOT_SENT         2\n"
            "UNKNOWN          1\n"
            "total          196\n"
            "8 upstream calls, 24.2 leads per call, 2.0 s\n"
            "request abc\n"
            "\n"
            "FAILED: LeadSquared refused these for the reasons above; correct "
            "them before sending them again.\n"
            "NOT_SENT: These were certainly not processed; it is safe to send "
            "them again.\n"
            "UNKNOWN: These may or may not be applied; sending them again is "
            "safe only if nobody else has changed the same leads since.\n");
  EXPECT_EQ(err_.str(), "");
}

TEST_F(ResultPrinterTest, AValidationShowsItsPlan) {
  client::UpdateReport report;
  report.summary.set_valid(3);
  report.summary.set_total(3);
  report.plan.emplace();
  report.plan->set_upstream_calls(1);
  report.plan->set_first_call_body("[{}]");
  Printer({}).Finish(report);
  EXPECT_THAT(out_.str(), ::testing::HasSubstr("VALID            3\n"));
  EXPECT_THAT(out_.str(), Not(::testing::HasSubstr("UPDATED")));
  EXPECT_THAT(out_.str(),
              ::testing::EndsWith("\nplan: 1 upstream calls, about 0.0 s\n"
                                  "first call: [{}]\n"));
  report.plan->set_leads_queued_ahead(40);
  Printer({}).Finish(report);
  EXPECT_THAT(out_.str(),
              ::testing::HasSubstr("\nplan: 1 upstream calls, about 0.0 s, "
                                   "40 leads ahead\n"));
}

TEST_F(ResultPrinterTest, AWarningIsPrintedBesideAnUpdatedLead) {
  leadgateway::v1::LeadResult result;
  result.set_outcome(leadgateway::v1::OUTCOME_UPDATED);
  result.set_identifier("EmailAddress");
  result.set_identifier_value("a@b");
  auto* const warning = result.add_warnings();
  warning->set_field("leads[7].fields[\"ProspectStage\"]");
  warning->set_reason("VALUE_NOT_AN_OPTION");
  warning->set_description("is none of the field's 3 options");
  Printer({}).Result(result, 9, false);
  EXPECT_EQ(out_.str(),
            "line 9  UPDATED      EmailAddress=a@b\n"
            "    warning: fields[\"ProspectStage\"]: VALUE_NOT_AN_OPTION: is "
            "none of the field's 3 options\n");
}

TEST_F(ResultPrinterTest, AnErrorGoesToStandardErrorOnly) {
  Printer({}).Fail(client::MakeClientError(absl::StatusCode::kUnavailable,
                                           "no connection", "NO_CONNECTION"));
  EXPECT_EQ(err_.str(),
            "leadctl: UNAVAILABLE (NO_CONNECTION): no connection\n");
  EXPECT_EQ(out_.str(), "");
}

}  // namespace
}  // namespace leadgateway::leadctl
