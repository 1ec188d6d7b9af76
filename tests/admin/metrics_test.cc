#include "gateway/admin/metrics.h"

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A line of the text, whole.
auto HasLine(const std::string& line) {
  return HasSubstr(absl::StrCat("\n", line, "\n"));
}

TEST(Metrics, HaveTheirSeriesOfEachAccountFromTheStart) {
  const std::string text = Metrics({"acme", "beta"}).Text();
  for (const char* account : {"acme", "beta"}) {
    for (const char* name :
         {"leadgateway_queued_leads", "leadgateway_throttles_total",
          "leadgateway_allowance_free_calls",
          "leadgateway_upstream_call_duration_seconds_count",
          "leadgateway_leads_per_call_count"}) {
      EXPECT_THAT(text,
                  HasLine(absl::StrCat(name, "{account=\"", account, "\"} 0")));
    }
  }
  EXPECT_THAT(text, HasLine("leadgateway_loop_lag_seconds 0"));
}

TEST(Metrics, CountRpcsByMethodAndCode) {
  Metrics metrics({"acme"});
  metrics.RpcFinished("BulkUpdateLeads", "OK", absl::Milliseconds(20));
  metrics.RpcFinished("BulkUpdateLeads", "OK", absl::Seconds(40));
  metrics.RpcFinished("BulkUpdateLeads", "NOT_FOUND", absl::ZeroDuration());
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasLine("leadgateway_rpcs_total{code=\"OK\",method="
                            "\"BulkUpdateLeads\"} 2"));
  EXPECT_THAT(text, HasLine("leadgateway_rpcs_total{code=\"NOT_FOUND\",method="
                            "\"BulkUpdateLeads\"} 1"));
  EXPECT_THAT(text, HasLine("leadgateway_rpc_duration_seconds_bucket{method="
                            "\"BulkUpdateLeads\",le=\"0.05\"} 2"));
  EXPECT_THAT(text, HasLine("leadgateway_rpc_duration_seconds_sum{method="
                            "\"BulkUpdateLeads\"} 40.02"));
}

TEST(Metrics, CountLeadsByAccountAndOutcome) {
  Metrics metrics({"acme"});
  metrics.LeadResults("acme", "updated", 25);
  metrics.LeadResults("acme", "updated", 3);
  metrics.LeadResults("acme", "failed", 1);
  EXPECT_THAT(
      metrics.Text(),
      HasLine("leadgateway_leads_total{account=\"acme\",outcome=\"updated\"} "
              "28"));
}

TEST(Metrics, MeasureUpstreamCallsAndTheirLeads) {
  Metrics metrics({"acme"});
  metrics.UpstreamCall("acme", "answered", absl::Milliseconds(125), 25);
  metrics.UpstreamCall("acme", "answered", absl::Milliseconds(125), 7);
  metrics.UpstreamCall("acme", "throttled", absl::Milliseconds(250), 0);
  metrics.Throttled("acme");
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasLine("leadgateway_upstream_calls_total{account=\"acme\","
                            "verdict=\"answered\"} 2"));
  EXPECT_THAT(text, HasLine("leadgateway_upstream_call_duration_seconds_sum{"
                            "account=\"acme\"} 0.5"));
  EXPECT_THAT(text,
              HasLine("leadgateway_leads_per_call_count{account=\"acme\"} 2"));
  EXPECT_THAT(text,
              HasLine("leadgateway_leads_per_call_sum{account=\"acme\"} 32"));
  EXPECT_THAT(text, HasLine("leadgateway_throttles_total{account=\"acme\"} 1"));
}

TEST(Metrics, ShowTheLastValueOfAGauge) {
  Metrics metrics({"acme"});
  metrics.SetQueuedLeads("acme", 1000);
  metrics.SetQueuedLeads("acme", 17);
  metrics.SetAllowanceFreeCalls("acme", 24);
  metrics.SetLoopLag(absl::Milliseconds(500));
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasLine("leadgateway_queued_leads{account=\"acme\"} 17"));
  EXPECT_THAT(text,
              HasLine("leadgateway_allowance_free_calls{account=\"acme\"} 24"));
  EXPECT_THAT(text, HasLine("leadgateway_loop_lag_seconds 0.5"));
}

TEST(Metrics, MakeNoSeriesOfTextThatIsNoAccount) {
  Metrics metrics({"acme"});
  for (int i = 0; i < 1000; ++i) {
    metrics.LeadResults(absl::StrCat("made-up-", i), "invalid", 1);
  }
  const std::string text = metrics.Text();
  EXPECT_THAT(text, Not(HasSubstr("made-up")));
  EXPECT_THAT(
      text,
      HasLine("leadgateway_leads_total{account=\"other\",outcome=\"invalid\"} "
              "1000"));
}

TEST(Metrics, LoseNothingWhenManyThreadsCount) {
  constexpr int kThreads = 4;
  constexpr int kEvents = 1000;
  Metrics metrics({"acme"});
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&metrics] {
      for (int j = 0; j < kEvents; ++j) {
        metrics.LeadResults("acme", "updated", 1);
        metrics.UpstreamCall("acme", "answered", absl::Seconds(1), 1);
        metrics.RpcFinished("ListLeadFields", "OK", absl::Seconds(1));
        if (j % 100 == 0) {
          EXPECT_NE(metrics.Text(), "");
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string text = metrics.Text();
  EXPECT_THAT(
      text,
      HasLine("leadgateway_leads_total{account=\"acme\",outcome=\"updated\"} "
              "4000"));
  EXPECT_THAT(text, HasLine("leadgateway_leads_per_call_sum{account=\"acme\"} "
                            "4000"));
}

}  // namespace
}  // namespace leadgateway
