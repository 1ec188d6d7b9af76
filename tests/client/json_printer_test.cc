#include "client/json_printer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "client/rpc_error.h"

namespace leadgateway::leadctl {
namespace {

TEST(JsonPrinterTest, AResultIsOneObjectOnOneLine) {
  leadgateway::v1::LeadResult result;
  result.set_index(15);
  result.set_tag("r\n7");
  result.set_outcome(leadgateway::v1::OUTCOME_FAILED);
  result.set_identifier("EmailAddress");
  result.set_identifier_value("zoë\"@example.com");
  result.set_attempts(1);
  *result.mutable_status() = client::MakeClientStatus(
      absl::StatusCode::kNotFound, "Lead does not exist", "LEAD_NOT_FOUND");
  std::ostringstream out;
  JsonPrinter(out).Result(result, 17, /*local=*/true);
  EXPECT_EQ(out.str(),
            R"({"type":"result","line":17,"index":15,"tag":"r\n7",)"
            R"("outcome":"FAILED","identifier":"EmailAddress",)"
            R"("identifierValue":"zoë\"@example.com","code":"NOT_FOUND",)"
            R"("reason":"LEAD_NOT_FOUND","message":"Lead does not exist",)"
            R"("attempts":1,"local":true})"
            "\n");
}

TEST(JsonPrinterTest, AnUpdatedLeadHasNoReason) {
  leadgateway::v1::LeadResult result;
  result.set_outcome(leadgateway::v1::OUTCOME_UPDATED);
  std::ostringstream out;
  JsonPrinter(out).Result(result, 2, false);
  EXPECT_EQ(out.str(),
            R"({"type":"result","line":2,"index":0,"outcome":"UPDATED",)"
            R"("identifier":"","identifierValue":"","attempts":0})"
            "\n");
}

TEST(JsonPrinterTest, WarningsStandWithTheLeadThatWasSent) {
  leadgateway::v1::LeadResult result;
  result.set_outcome(leadgateway::v1::OUTCOME_UPDATED);
  result.set_attempts(1);
  auto* const warning = result.add_warnings();
  warning->set_field("leads[0].fields[\"mx_Short\"]");
  warning->set_reason("VALUE_TOO_LONG");
  warning->set_description("has 5 characters");
  std::ostringstream out;
  JsonPrinter(out).Result(result, 2, false);
  EXPECT_THAT(
      out.str(),
      ::testing::HasSubstr(
          R"("warnings":[{"field":"leads[0].fields[\"mx_Short\"]",)"
          R"("reason":"VALUE_TOO_LONG","description":"has 5 characters"}])"));
}

TEST(JsonPrinterTest, ProgressAndRetryHaveTheirTypes) {
  leadgateway::v1::Progress progress;
  progress.set_leads_done(1);
  progress.set_leads_total(2);
  progress.mutable_estimated_remaining()->set_nanos(500'000'000);
  std::ostringstream out;
  JsonPrinter printer(out);
  printer.Progress(progress);
  printer.Retry(absl::UnavailableError("busy"), absl::Seconds(2));
  EXPECT_EQ(out.str(),
            R"({"type":"progress","leadsDone":1,"leadsTotal":2,)"
            R"("leadsQueuedAhead":0,"upstreamCalls":0,)"
            R"("estimatedRemainingSeconds":0.5})"
            "\n"
            R"({"type":"retry","code":"UNAVAILABLE","message":"busy",)"
            R"("delaySeconds":2.0})"
            "\n");
}

TEST(JsonPrinterTest, TheSummaryIsLastAndAfterTheErrorIfThereIsOne) {
  client::UpdateReport report;
  report.summary.set_updated(3);
  report.summary.set_unknown(1);
  report.summary.set_total(4);
  report.summary.set_upstream_calls(2);
  report.summary.mutable_elapsed()->set_seconds(1);
  report.request_ids = {"a", "a-2"};
  report.rpc_status = absl::UnavailableError("gone");
  std::ostringstream out;
  JsonPrinter(out).Finish(report);
  EXPECT_EQ(out.str(),
            R"({"type":"error","code":"UNAVAILABLE","message":"gone"})"
            "\n"
            R"({"type":"summary","updated":3,"valid":0,"failed":0,)"
            R"("unprocessed":0,"invalid":0,"notSent":0,"unknown":1,"total":4,)"
            R"("upstreamCalls":2,"leadsPerCall":2.0,"elapsedSeconds":1.0,)"
            R"("complete":false,"requestIds":["a","a-2"]})"
            "\n");
}

}  // namespace
}  // namespace leadgateway::leadctl
