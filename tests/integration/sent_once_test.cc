#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/secret.h"
#include "gateway/http/curl_loop.h"
#include "gateway/http/http_client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/credentials.h"
#include "sandbox/sandbox.h"
#include "tests/http/loop_runner.h"
#include "tests/integration/gateway_fixture.h"

namespace leadgateway::testing {
namespace {

// Each kills a connection, with or without the leads written.
std::string Kills(int seed, double probability) {
  std::string rules;
  for (const char* const fault :
       {"reset_before_reading", "reset_after_applying", "reset_mid_answer",
        "close_without_answer", "truncated_body"}) {
    absl::StrAppend(&rules, rules.empty() ? "" : ",",
                    R"({"when":{"probability":)", probability,
                    R"(},"set":{"fault":")", fault, R"("}})");
  }
  return absl::StrCat(R"({"seed":)", seed, R"(,"rules":[)", rules, "]}");
}

class SentOnceTest : public ::testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(Seeds, SentOnceTest, ::testing::Values(1, 2, 3));

TEST_P(SentOnceTest, WhatArrivesIsWhatWasGrantedWhileConnectionsAreKilled) {
  GatewaySetup setup;
  setup.sandbox.account.generate_leads = 7500;
  setup.Allow(20, absl::Milliseconds(100));
  setup.Faults(Kills(GetParam(), 0.04));
  Gateway gateway(setup);
  constexpr int kLeads = 7500;
  const Answer answer = gateway.Update(Updates(0, kLeads));
  ExpectComplete(answer, kLeads);

  const sandbox::CallStats stats = gateway.stats();
  const v1::GetAccountStatusResponse state = gateway.Status();
  EXPECT_GE(state.calls_total(), 300);
  EXPECT_EQ(state.calls_total(), stats.calls);
  EXPECT_EQ(stats.calls, stats.posts_arrived);
  // Throttles are not this test's: a call whose connection is killed may be
  // counted after the kill was seen, which no rule can know.
  EXPECT_GT(stats.calls_by_verdict.at("fault"), 20) << "nothing was killed";

  // No outcome lies about what the sandbox has written.
  for (const auto& [index, result] : answer.results) {
    const size_t written =
        gateway.account().History("EmailAddress", EmailOf(index)).size();
    EXPECT_LE(written, static_cast<size_t>(result.attempts()));
    switch (result.outcome()) {
      case v1::OUTCOME_UPDATED:
        EXPECT_GE(written, 1);
        break;
      case v1::OUTCOME_UNKNOWN:
        EXPECT_EQ(ReasonOf(result), "NO_ANSWER");
        break;
      default:
        ADD_FAILURE() << result.ShortDebugString();
    }
  }
}

// The control: what libcurl does of its own accord when a connection that it
// has kept dies, and doesn't mention.
int PostsThatArrive(int count, bool let_libcurl_resend) {
  sandbox::SandboxOptions options;
  options.account.faults_json = R"({"allowance":{"calls":1000},)"
                                R"("rules":[{"when":{"every":4},)"
                                R"("set":{"fault":"close_without_answer"}}]})";
  const auto sandbox = sandbox::Sandbox::Create(options);
  if (!sandbox.ok()) return -1;
  const sandbox::KeyPair keys = sandbox::TestKeys();
  http::CurlLoop::Options loop;
  loop.let_libcurl_resend = let_libcurl_resend;
  http::LoopRunner runner(loop);
  for (int i = 0; i < count; ++i) {
    http::HttpRequest request =
        http::Post(absl::StrCat((*sandbox)->url(),
                                "/v2/LeadManagement.svc/Lead/Bulk/UpdateV2"),
                   R"({"LeadPropertiesList":[]})");
    request.headers.emplace_back("Content-Type: application/json");
    request.headers.emplace_back(
        absl::StrCat("x-LSQ-AccessKey: ", keys.access_key));
    request.headers.emplace_back(
        absl::StrCat("x-LSQ-SecretKey: ", keys.secret_key));
    runner.Fetch(std::move(request));
  }
  return static_cast<int>((*sandbox)->account().Stats().posts_arrived);
}

TEST(SentOnceControlTest, WithoutTheGuardMoreArrivesThanWasAskedFor) {
  EXPECT_EQ(PostsThatArrive(100, /*let_libcurl_resend=*/false), 100);
  EXPECT_GT(PostsThatArrive(100, /*let_libcurl_resend=*/true), 110);
}

}  // namespace
}  // namespace leadgateway::testing
