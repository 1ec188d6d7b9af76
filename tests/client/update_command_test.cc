#include "client/update_command.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <sstream>
#include <string>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "client/interrupt.h"
#include "tests/client/fake_gateway.h"

namespace leadgateway::leadctl {
namespace {

using client::FakeGateway;
using client::UpdateReport;

TEST(UpdateExitStatusTest, TellsWhatBecameOfTheLeads) {
  UpdateReport report;
  report.summary.set_updated(2);
  report.summary.set_valid(1);
  report.summary.set_total(3);
  EXPECT_EQ(UpdateExitStatus(report, false), kAllUpdated);
  report.summary.set_total(4);
  EXPECT_EQ(UpdateExitStatus(report, false), kSomeNotUpdated);
  report.rpc_status = absl::UnavailableError("");
  EXPECT_EQ(UpdateExitStatus(report, false), kRpcFailed);
  EXPECT_EQ(UpdateExitStatus(absl::UnavailableError(""), false), kRpcFailed);
  EXPECT_EQ(UpdateExitStatus(absl::CancelledError(""), true), kInterrupted);
  EXPECT_EQ(UpdateExitStatus(report, true), kInterrupted);
}

TEST(RunUpdateTest, AnInterruptCancelsTheCallAndTheSummaryIsPrinted) {
  BlockInterrupts();
  FakeGateway gateway(
      {[](grpc::ServerContext& context, const auto&, auto& writer) {
        FakeGateway::Response message;
        *message.add_results() =
            client::Result(0, leadgateway::v1::OUTCOME_UPDATED);
        writer.Write(message);
        kill(getpid(), SIGINT);
        while (!context.IsCancelled()) absl::SleepFor(absl::Milliseconds(2));
        return grpc::Status::CANCELLED;
      }});
  std::ostringstream out;
  std::ostringstream err;
  UpdateOptions options;
  options.common.gateway = gateway.address();
  options.common.timeout = absl::Seconds(30);
  options.file = "client/samples/leads.jsonl";
  options.format = FileFormat::kJsonl;
  EXPECT_EQ(RunUpdate(options, {.out = out, .err = err}), kInterrupted);
  // The result may or may not have overtaken the signal; the sum is certain.
  EXPECT_NE(out.str().find("total            5\n"), std::string::npos)
      << out.str();
  EXPECT_NE(err.str().find("CANCELLED"), std::string::npos) << err.str();
}

}  // namespace
}  // namespace leadgateway::leadctl
