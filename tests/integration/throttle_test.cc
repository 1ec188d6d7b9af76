#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/call_record.h"
#include "tests/integration/gateway_fixture.h"

namespace leadgateway::testing {
namespace {

using ::testing::HasSubstr;

class ThrottleTest
    : public ::testing::TestWithParam<std::tuple<int, std::string>> {};

INSTANTIATE_TEST_SUITE_P(EachShape, ThrottleTest,
                         ::testing::Combine(::testing::Values(429, 403, 200),
                                            ::testing::Values("", "1")),
                         [](const auto& shape) {
                           return absl::StrCat(std::get<0>(shape.param),
                                               std::get<1>(shape.param).empty()
                                                   ? ""
                                                   : "WithRetryAfter");
                         });

TEST_P(ThrottleTest, ThrottledLeadsAreSentAgainAfterAPause) {
  const auto& [status, retry_after] = GetParam();
  GatewaySetup setup;
  setup.Allow(20, absl::Milliseconds(200));
  setup.Faults(absl::StrCat(
      R"({"rules":[{"when":{"endpoints":["update"],"times":3},"set":{)",
      R"("fault":"throttle_)", status, R"(","retry_after":")", retry_after,
      R"("}}]})"));
  Gateway gateway(setup);
  const Answer answer = gateway.Update(Updates(0, 100));
  ExpectAll(answer, 100, v1::OUTCOME_UPDATED);

  const sandbox::CallStats stats = gateway.stats();
  EXPECT_EQ(stats.throttled_by_fault, 3);
  EXPECT_EQ(stats.throttled, 0);
  EXPECT_EQ(stats.leads_applied, 100);
  const v1::GetAccountStatusResponse state = gateway.Status();
  EXPECT_EQ(state.last_throttle().count(), 3);
  EXPECT_THAT(state.last_throttle().text(), HasSubstr("exceeded the limit"));

  // The four calls of the request leave together; then nothing does for a
  // while.
  const std::vector<sandbox::CallRecord> calls = gateway.calls();
  std::optional<absl::Time> turned_away;
  std::optional<absl::Time> next;
  for (size_t i = 0; i < calls.size(); ++i) {
    if (i < 4 && calls[i].verdict == sandbox::Verdict::kThrottledByFault) {
      turned_away = calls[i].answered;
    }
    if (i == 4) next = calls[i].arrival;
  }
  ASSERT_TRUE(turned_away && next);
  // Clocks are read in two places.
  constexpr absl::Duration kHair = absl::Milliseconds(5);
  EXPECT_GE(
      *next - *turned_away,
      (retry_after.empty() ? setup.account.window : absl::Seconds(1)) - kHair);
}

TEST(LimitTest, ALowerLimitThatAThrottleNamesIsLearned) {
  GatewaySetup setup;
  setup.Allow(8, absl::Seconds(1));
  setup.account.calls = 20;
  Gateway gateway(setup);
  EXPECT_EQ(gateway.Status().limit_source(), v1::LIMIT_SOURCE_CONFIGURED);
  ExpectAll(gateway.Update(Updates(0, 500)), 500, v1::OUTCOME_UPDATED);
  const v1::GetAccountStatusResponse learned = gateway.Status();
  EXPECT_EQ(learned.limit_calls(), 8);
  EXPECT_EQ(learned.limit_source(), v1::LIMIT_SOURCE_LEARNED);
  // The twelve calls that had left by then; none after.
  EXPECT_EQ(gateway.stats().throttled, 12);
}

TEST(LimitTest, TheAllowanceIsNeverExceededWhateverTheMomentOfCounting) {
  for (const char* const count_at : {"arrival", "answer", "random"}) {
    SCOPED_TRACE(count_at);
    GatewaySetup setup;
    setup.Allow(5, absl::Milliseconds(300));
    setup.Faults(absl::StrCat(R"({"allowance":{"count_at":")", count_at,
                              R"("},"always":{"latency_min_ms":1,)",
                              R"("latency_max_ms":60}})"));
    Gateway gateway(setup);
    ExpectAll(gateway.Update(Updates(0, 500)), 500, v1::OUTCOME_UPDATED);
    const sandbox::CallStats stats = gateway.stats();
    EXPECT_EQ(stats.throttled, 0);
    EXPECT_LE(stats.max_calls_in_window, 5);
    EXPECT_EQ(stats.calls_by_leads[25], 20);
  }
}

}  // namespace
}  // namespace leadgateway::testing
