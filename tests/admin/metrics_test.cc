#include "gateway/admin/metrics.h"

#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/dispatch/job.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/model/lead.h"
#include "gateway/model/outcome.h"
#include "gateway/model/reason.h"
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

std::vector<LeadResult> Results(int count, Outcome outcome) {
  std::vector<LeadResult> results(static_cast<size_t>(count));
  for (LeadResult& result : results) result.outcome = outcome;
  return results;
}

Problem Of(Reason reason) {
  Problem problem;
  problem.reason = reason;
  return problem;
}

dispatch::CallReport Report(dispatch::CallVerdict verdict) {
  dispatch::CallReport report;
  report.verdict = verdict;
  return report;
}

// A call of one job, all of whose leads left for the first time.
dispatch::CallRecord Call(const dispatch::CallReport& report, int leads,
                          absl::Duration waited, absl::Duration duration) {
  dispatch::CallRecord record;
  record.report = &report;
  record.leads = leads;
  record.duration = duration;
  record.shares.push_back(
      {.leads = leads, .first_time = leads, .waited = waited});
  return record;
}

TEST(Metrics, TellWhichConfigurationIsInForce) {
  ProcessGauges process;
  process.config = {.generation = 3,
                    .loaded_at = absl::FromUnixSeconds(1'700'000'000),
                    .reload_failures = 2,
                    .last_reload_ok = false,
                    .needs_restart = true};
  const std::string text = Metrics().Text({}, process);
  for (const char* line :
       {"leadgateway_config_generation 3",
        "leadgateway_config_last_reload_success_timestamp_seconds 1700000000",
        "leadgateway_config_last_reload_successful 0",
        "leadgateway_config_reload_failures_total 2",
        "leadgateway_config_restart_needed 1"}) {
    EXPECT_THAT(text, HasLine(line));
  }
}

TEST(Metrics, HaveTheirSeriesOfEachAccountFromTheStart) {
  const std::string text = Metrics({"acme", "beta"}).Text({}, {});
  for (const char* account : {"acme", "beta"}) {
    for (const char* name : {"leadgateway_throttles_total",
                             "leadgateway_upstream_call_duration_seconds_count",
                             "leadgateway_queue_wait_seconds_count",
                             "leadgateway_leads_per_call_count"}) {
      EXPECT_THAT(text,
                  HasLine(absl::StrCat(name, "{account=\"", account, "\"} 0")));
    }
    // Without these at 0, nobody could tell the first one by its rate.
    EXPECT_THAT(text,
                HasLine(absl::StrCat("leadgateway_leads_total{account=\"",
                                     account, "\",outcome=\"unknown\"} 0")));
    EXPECT_THAT(text, HasLine(absl::StrCat(
                          "leadgateway_upstream_calls_total{account=\"",
                          account, "\",verdict=\"in_doubt\"} 0")));
  }
  EXPECT_THAT(text, HasLine("leadgateway_loop_lag_seconds_count 0"));
}

TEST(Metrics, CountRpcsByMethodAndCode) {
  Metrics metrics;
  for (int i = 0; i < 4; ++i) {
    metrics.RpcStarted(RpcMethod::kBulkUpdateLeads);
  }
  metrics.RpcFinished(RpcMethod::kBulkUpdateLeads, absl::StatusCode::kOk,
                      absl::Milliseconds(20));
  metrics.RpcFinished(RpcMethod::kBulkUpdateLeads, absl::StatusCode::kOk,
                      absl::Seconds(40));
  metrics.RpcFinished(RpcMethod::kBulkUpdateLeads, absl::StatusCode::kNotFound,
                      absl::ZeroDuration());
  const std::string text = metrics.Text({}, {});
  EXPECT_THAT(text, HasLine("leadgateway_rpcs_total{code=\"OK\",method="
                            "\"BulkUpdateLeads\"} 2"));
  EXPECT_THAT(text, HasLine("leadgateway_rpcs_total{code=\"NOT_FOUND\",method="
                            "\"BulkUpdateLeads\"} 1"));
  EXPECT_THAT(text, HasLine("leadgateway_rpc_duration_seconds_bucket{method="
                            "\"BulkUpdateLeads\",le=\"0.05\"} 2"));
  EXPECT_THAT(text, HasLine("leadgateway_rpc_duration_seconds_sum{method="
                            "\"BulkUpdateLeads\"} 40.02"));
  EXPECT_THAT(text, HasLine("leadgateway_rpcs_in_progress{method="
                            "\"BulkUpdateLeads\"} 1"));
}

TEST(Metrics, CountLeadsByAccountOutcomeAndReason) {
  Metrics metrics;
  Metrics::Account& acme = metrics.ForAccount("acme");
  acme.Results(Results(25, Outcome::kUpdated));
  std::vector<LeadResult> mixed = Results(5, Outcome::kUnknown);
  mixed[0].outcome = Outcome::kUpdated;
  for (const size_t i : {1, 3, 4}) {
    mixed[i].problem = Of(Reason::kNoAnswer);
  }
  mixed[2].problem = Of(Reason::kAnswerIncomplete);
  acme.Results(mixed);
  const std::string text = metrics.Text({}, {});
  EXPECT_THAT(text, HasLine("leadgateway_leads_total{account=\"acme\",outcome="
                            "\"updated\"} 26"));
  EXPECT_THAT(text, HasLine("leadgateway_leads_total{account=\"acme\",outcome="
                            "\"unknown\"} 4"));
  EXPECT_THAT(text, HasLine("leadgateway_lead_problems_total{account=\"acme\","
                            "reason=\"NO_ANSWER\"} 3"));
  EXPECT_THAT(text, HasLine("leadgateway_lead_problems_total{account=\"acme\","
                            "reason=\"ANSWER_INCOMPLETE\"} 1"));
}

TEST(Metrics, MeasureUpstreamCallsAndTheirLeads) {
  Metrics metrics;
  Metrics::Account& acme = metrics.ForAccount("acme");
  const auto answered = Report(dispatch::CallVerdict::kAnswered);
  acme.UpdateCall(
      Call(answered, 25, absl::ZeroDuration(), absl::Milliseconds(125)));
  acme.UpdateCall(
      Call(answered, 7, absl::ZeroDuration(), absl::Milliseconds(125)));
  acme.OtherCall(dispatch::CallVerdict::kThrottled, absl::Milliseconds(250));
  const std::string text = metrics.Text({}, {});
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

TEST(Metrics, MeasureHowLongLeadsWaitedForTheirFirstCall) {
  Metrics metrics;
  Metrics::Account& acme = metrics.ForAccount("acme");
  const auto answered = Report(dispatch::CallVerdict::kAnswered);
  dispatch::CallRecord call =
      Call(answered, 20, absl::Milliseconds(100), absl::Seconds(1));
  call.shares.push_back(
      {.leads = 3, .first_time = 3, .waited = absl::Seconds(4)});
  // Sent again: it has been counted.
  call.shares.push_back({.leads = 2, .waited = absl::Seconds(100)});
  acme.UpdateCall(call);
  const std::string text = metrics.Text({}, {});
  EXPECT_THAT(text, HasLine("leadgateway_queue_wait_seconds_count{account="
                            "\"acme\"} 23"));
  EXPECT_THAT(text, HasLine("leadgateway_queue_wait_seconds_sum{account="
                            "\"acme\"} 14"));
  EXPECT_THAT(text, HasLine("leadgateway_queue_wait_seconds_bucket{account="
                            "\"acme\",le=\"0.025\"} 0"));
  EXPECT_THAT(text, HasLine("leadgateway_queue_wait_seconds_bucket{account="
                            "\"acme\",le=\"0.1\"} 20"));
  EXPECT_THAT(text, HasLine("leadgateway_queue_wait_seconds_bucket{account="
                            "\"acme\",le=\"5\"} 23"));
}

TEST(Metrics, ShowGaugesAsTheyAreTold) {
  Metrics metrics;
  metrics.LoopLag(absl::Milliseconds(20));
  AccountGauges acme;
  acme.account = "acme";
  acme.state.leads_queued = 17;
  acme.state.calls_free = 24;
  acme.state.calls_held = 1;
  acme.state.limit_calls = 20;
  acme.state.configured_calls = 25;
  acme.state.limit_window = absl::Seconds(5);
  acme.state.block = dispatch::Block::kThrottle;
  acme.daily_calls = 10'000;
  acme.state.calls_today = 12;
  acme.credential_generation = 3;
  acme.catalogue_age = absl::Minutes(2);
  AccountGauges beta;
  beta.account = "beta";
  AccountGauges unchecked;
  unchecked.account = "unchecked";
  unchecked.schema_checks = false;
  ProcessGauges process;
  process.loop_silent_for = absl::Milliseconds(500);
  process.process.open_fds = 9;
  process.process.started = absl::FromUnixSeconds(1'700'000'000);
  const std::string text = metrics.Text({acme, beta, unchecked}, process);
  for (const char* line :
       {"leadgateway_queued_leads{account=\"acme\"} 17",
        "leadgateway_allowance_free_calls{account=\"acme\"} 24",
        "leadgateway_allowance_held_calls{account=\"acme\"} 1",
        "leadgateway_allowance_limit_calls{account=\"acme\"} 20",
        "leadgateway_allowance_configured_calls{account=\"acme\"} 25",
        "leadgateway_allowance_window_seconds{account=\"acme\"} 5",
        "leadgateway_daily_budget_calls{account=\"acme\"} 10000",
        "leadgateway_daily_used_calls{account=\"acme\"} 12",
        "leadgateway_key_generation{account=\"acme\"} 3",
        "leadgateway_catalogue_age_seconds{account=\"acme\"} 120",
        "leadgateway_catalogue_age_seconds{account=\"beta\"} +Inf",
        "leadgateway_account_blocked{account=\"acme\",reason=\"throttle\"} 1",
        "leadgateway_account_blocked{account=\"acme\",reason=\"keys\"} 0",
        "leadgateway_loop_silent_seconds 0.5",
        "leadgateway_loop_lag_seconds_bucket{le=\"0.025\"} 1",
        "process_open_fds 9", "process_start_time_seconds 1700000000"}) {
    EXPECT_THAT(text, HasLine(line));
  }
  EXPECT_THAT(text,
              Not(HasSubstr("catalogue_age_seconds{account=\"unchecked")));
}

// Every line is what Prometheus reads: a comment, or a name, labels, a number.
TEST(Metrics, AreInPrometheusTextFormat) {
  Metrics metrics({"acme"});
  AccountGauges gauges;
  gauges.account = "acme";
  const std::string text = metrics.Text({gauges}, {});
  int lines = 0;
  for (const std::string& line : std::vector<std::string>(
           absl::StrSplit(text, '\n', absl::SkipEmpty()))) {
    EXPECT_THAT(line,
                ::testing::MatchesRegex(
                    "# (HELP|TYPE) [a-z_]+ .+|"
                    "[a-z_]+(\\{[a-z_]+=\"[^\"]*\"(,[a-z_]+=\"[^\"]*\")*\\})? "
                    "(\\+Inf|-?[0-9.]+(e[+-]?[0-9]+)?)"));
    ++lines;
  }
  EXPECT_GT(lines, 100);
}

TEST(Metrics, LoseNothingWhenManyThreadsCount) {
  constexpr int kThreads = 4;
  constexpr int kEvents = 1000;
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&metrics] {
      Metrics::Account& acme = metrics.ForAccount("acme");
      const auto answered = Report(dispatch::CallVerdict::kAnswered);
      std::vector<LeadResult> failed = Results(1, Outcome::kFailed);
      failed[0].problem = Of(Reason::kCallRefused);
      for (int j = 0; j < kEvents; ++j) {
        acme.Results(failed);
        acme.UpdateCall(
            Call(answered, 1, absl::ZeroDuration(), absl::Seconds(1)));
        metrics.RpcStarted(RpcMethod::kListLeadFields);
        metrics.RpcFinished(RpcMethod::kListLeadFields,
                            absl::StatusCode::kUnavailable, absl::Seconds(1));
        if (j % 100 == 0) {
          EXPECT_NE(metrics.Text({}, {}), "");
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string text = metrics.Text({}, {});
  EXPECT_THAT(
      text,
      HasLine("leadgateway_leads_total{account=\"acme\",outcome=\"failed\"} "
              "4000"));
  EXPECT_THAT(text, HasLine("leadgateway_lead_problems_total{account=\"acme\","
                            "reason=\"CALL_REFUSED\"} 4000"));
  EXPECT_THAT(text, HasLine("leadgateway_leads_per_call_sum{account=\"acme\"} "
                            "4000"));
  EXPECT_THAT(text, HasLine("leadgateway_rpcs_total{code=\"UNAVAILABLE\","
                            "method=\"ListLeadFields\"} 4000"));
}

}  // namespace
}  // namespace leadgateway
