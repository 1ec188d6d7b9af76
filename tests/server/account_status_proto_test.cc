#include "gateway/server/account_status_proto.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/config/config.h"
#include "gateway/server/engine.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::server {
namespace {

const absl::Time kNow = absl::UnixEpoch() + absl::Hours(5);  // monotonic
const absl::Time kWallNow = absl::FromUnixSeconds(1'773'100'000);

std::string TextOf(const Engine::State& state, const AccountOptions& account) {
  LimitOptions limits;
  limits.max_queued_leads = 300;
  limits.max_queued_bytes = 400;
  v1::GetAccountStatusResponse response;
  ToProto(state, account, limits, kNow, kWallNow, &response);
  std::string text;
  google::protobuf::TextFormat::PrintToString(response, &text);
  return text;
}

// Each number is another one, so that none can stand in another's place.
TEST(AccountStatusProtoTest, TellsAllThatIsKnown) {
  Engine::State state;
  state.fields_fetched_at = kWallNow - absl::Hours(1);
  state.credential_generation = 7;
  state.keeps_state = true;
  state.state_problem = "disk full";
  dispatch::AccountState& dispatch = state.dispatch;
  dispatch.limit_calls = 20;
  dispatch.limit_window = absl::Seconds(6);
  dispatch.limit_learned = true;
  dispatch.configured_calls = 25;
  dispatch.calls_free = 3;
  dispatch.next_free_in = absl::Milliseconds(1'500);
  dispatch.calls_total = 901;
  dispatch.calls_today = 812;
  dispatch.leads_queued = 125;
  dispatch.bytes_queued = 130;
  dispatch.leads_in_flight = 75;
  dispatch.callers = {{"import", 100, 90, 101, 0.5}, {"web", 25, 0, 29, 4}};
  dispatch.throttles = 2;
  dispatch.last_throttle = kNow - absl::Minutes(10);
  dispatch.last_throttle_text = "exceeded the limit of 20 in 6 second(s)";
  dispatch.mean_leads_per_call = 24.5;
  dispatch.blocked = "paused after a throttle, for 2s";
  dispatch.paused_for = absl::Seconds(2);
  dispatch.budget_calls = 10'000;
  dispatch.budget_free = 12;
  dispatch.budget_next_free_in = absl::Seconds(9);
  dispatch.budget_ends_in = absl::Hours(8);
  AccountOptions account;
  account.name = "acme";
  account.daily_calls = 10'000;
  EXPECT_EQ(TextOf(state, account),
            "account: \"acme\"\n"
            "limit_calls: 20\n"
            "limit_window {\n  seconds: 6\n}\n"
            "limit_source: LIMIT_SOURCE_LEARNED\n"
            "calls_free: 3\n"
            "next_call_free_in {\n  seconds: 1\n  nanos: 500000000\n}\n"
            "calls_today: 812\n"
            "daily_calls: 10000\n"
            "leads_queued: 125\n"
            "callers {\n"
            "  caller: \"import\"\n"
            "  leads_queued: 100\n"
            "  bytes_queued: 101\n"
            "  bulk_leads_queued: 90\n"
            "  weight: 0.5\n"
            "}\n"
            "callers {\n"
            "  caller: \"web\"\n"
            "  leads_queued: 25\n"
            "  bytes_queued: 29\n"
            "  weight: 4\n"
            "}\n"
            "last_throttle {\n"
            "  time {\n    seconds: 1773099400\n  }\n"
            "  text: \"exceeded the limit of 20 in 6 second(s)\"\n"
            "  count: 2\n"
            "}\n"
            "fields_fetched_at {\n  seconds: 1773096400\n}\n"
            "credential_generation: 7\n"
            "mean_leads_per_call: 24.5\n"
            "leads_in_flight: 75\n"
            "blocked: \"paused after a throttle, for 2s\"\n"
            "calls_total: 901\n"
            "bytes_queued: 130\n"
            "max_leads_queued: 300\n"
            "max_bytes_queued: 400\n"
            "daily_budget {\n"
            "  calls: 10000\n"
            "  calls_spent: 812\n"
            "  calls_free: 12\n"
            "  next_call_free_in {\n    seconds: 9\n  }\n"
            "  ends_at {\n    seconds: 1773128800\n  }\n"
            "  spread: DAILY_SPREAD_EVEN\n"
            "  zone: \"UTC\"\n"
            "}\n"
            "paused_for {\n  seconds: 2\n}\n"
            "keeps_state: true\n"
            "state_problem: \"disk full\"\n");
}

TEST(AccountStatusProtoTest, LeavesOutWhatNeverWas) {
  v1::GetAccountStatusResponse response;
  ToProto(Engine::State(), AccountOptions(), LimitOptions(), kNow, kWallNow,
          &response);
  EXPECT_EQ(response.limit_source(), v1::LIMIT_SOURCE_CONFIGURED);
  EXPECT_FALSE(response.has_last_throttle());
  EXPECT_FALSE(response.has_fields_fetched_at());
  EXPECT_FALSE(response.has_daily_budget());
  EXPECT_FALSE(response.has_paused_for());
}

TEST(AccountStatusProtoTest, NamesAHundredCallersAndNoMore) {
  Engine::State state;
  for (int i = 0; i < 500; ++i) {
    state.dispatch.callers.push_back({absl::StrCat("c", i), 500 - i});
  }
  v1::GetAccountStatusResponse response;
  ToProto(state, AccountOptions(), LimitOptions(), kNow, kWallNow, &response);
  ASSERT_EQ(response.callers_size(), kMaxCallersTold);
  EXPECT_EQ(response.callers(99).caller(), "c99");
}

}  // namespace
}  // namespace leadgateway::server
