#include "gateway/server/engine_account.h"

#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/admin/metrics.h"
#include "gateway/base/clock.h"
#include "gateway/config/config.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/dispatch/job.h"
#include "gateway/http/http_client.h"
#include "gateway/model/lead.h"
#include "gateway/model/outcome.h"
#include "gateway/schema/field_catalogue.h"
#include "gateway/server/account_loader.h"
#include "gtest/gtest.h"

namespace leadgateway::server {
namespace {

class FakeClock final : public Clock {
 public:
  absl::Time Now() const override { return now; }
  absl::Time WallNow() const override { return now; }
  absl::Time now = absl::FromUnixSeconds(1'700'000'000);
};

// Keeps what is sent until the test ends it.
class FakeHttp final : public http::HttpClient {
 public:
  explicit FakeHttp(const FakeClock& clock) : clock_(clock) {}
  void Send(http::HttpRequest request,
            absl::AnyInvocable<void(http::HttpReply) &&> done) override {
    sent.push_back(std::move(request));
    waiting.push_back({clock_.now, std::move(done)});
  }
  // The connections of all that is under way break.
  void BreakAll() {
    for (auto& [at, done] : std::exchange(waiting, {})) {
      http::HttpReply reply;
      reply.status = absl::UnavailableError("reset");
      reply.sent_at = at;
      reply.done_at = clock_.now;
      std::move(done)(std::move(reply));
    }
  }

  // A throttle answers the first call that is under way, if there is one.
  bool TurnOneAway() {
    if (waiting.empty()) return false;
    auto [at, done] = std::move(waiting.front());
    waiting.erase(waiting.begin());
    http::HttpReply reply;
    reply.sent_at = at;
    reply.done_at = clock_.now;
    reply.http_status = 429;
    std::move(done)(std::move(reply));
    return true;
  }

  std::vector<http::HttpRequest> sent;
  std::vector<
      std::pair<absl::Time, absl::AnyInvocable<void(http::HttpReply) &&>>>
      waiting;

 private:
  const FakeClock& clock_;
};

class Watch final : public dispatch::JobObserver {
 public:
  void OnResults(std::vector<LeadResult> results) override {
    for (const LeadResult& result : results) {
      ++count[static_cast<size_t>(result.outcome)];
      if (result.problem) message = result.problem->message;
    }
  }
  void OnProgress(const dispatch::JobProgress&) override {}
  void OnFinished(int) override { finished = true; }

  int Count(Outcome outcome) const {
    return count[static_cast<size_t>(outcome)];
  }
  int count[kOutcomeCount] = {};
  std::string message;
  bool finished = false;
};

class EngineAccountTest : public ::testing::Test {
 protected:
  EngineAccountTest() {
    std::string pattern = absl::StrCat(::testing::TempDir(), "/accountXXXXXX");
    dir_ = mkdtemp(pattern.data());
    for (const char* const name : {"access", "secret", "access2", "secret2"}) {
      std::ofstream(absl::StrCat(dir_, "/", name)) << "key-of-" << name;
    }
    options_.name = "acme";
    options_.base_url = "http://127.0.0.1:1";
    options_.access_key_file = dir_ + "/access";
    options_.secret_key_file = dir_ + "/secret";
    options_.calls = 2;
    options_.window = absl::Seconds(60);
    options_.schema_checks = false;
    options_.retry_ambiguous = false;
  }

  LoadedAccount Load(const AccountOptions& options,
                     const std::vector<AccountOptions>& running = {}) {
    absl::StatusOr<std::vector<LoadedAccount>> loaded =
        LoadAccounts({options}, nullptr, running);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return std::move(loaded->front());
  }
  std::shared_ptr<EngineAccount> Make(const AccountOptions& options) {
    auto account = std::make_shared<EngineAccount>(
        Load(options), LimitOptions(),
        EngineAccount::Shared{.clock = clock_,
                              .metrics = &metrics_,
                              .http = &http_,
                              .random = random_},
        [](const EngineAccount&, const dispatch::CallRecord&) {});
    return account;
  }
  std::shared_ptr<Watch> Submit(EngineAccount& account, int leads) {
    dispatch::JobSpec spec;
    spec.search_key = "EmailAddress";
    spec.finish_by = clock_.now + absl::Hours(10);
    for (int i = 0; i < leads; ++i) {
      LeadUpdate& lead = spec.leads.emplace_back();
      lead.index = i;
      const std::string value = absl::StrCat(next_lead_++, "@example.com");
      lead.fields = {{.attribute = "EmailAddress", .value = value},
                     {.attribute = "FirstName", .value = "Ada"}};
      lead.key_field = 0;
      lead.lane_key = value;
    }
    auto watch = std::make_shared<Watch>();
    EXPECT_TRUE(
        account.dispatcher->Submit(std::move(spec), watch, clock_.now).ok());
    account.dispatcher->Tick(clock_.now);
    return watch;
  }
  // Lets time pass; the calls under way end first.
  void Pass(EngineAccount& account, absl::Duration time) {
    http_.BreakAll();
    clock_.now += time;
    account.TendRetired(clock_.now);
    account.dispatcher->Tick(clock_.now);
  }

  FakeClock clock_;
  FakeHttp http_{clock_};
  Metrics metrics_;
  std::mt19937_64 random_{1};
  std::string dir_;
  AccountOptions options_;
  int next_lead_ = 0;
};

TEST_F(EngineAccountTest, WhenRetiredItEndsItsQueueInTimeAndIsNotForgotten) {
  const auto account = Make(options_);
  const auto watch = Submit(*account, 100);
  ASSERT_EQ(http_.sent.size(), 2u);
  account->Retire(absl::Seconds(5));
  EXPECT_EQ(account->TendRetired(clock_.now), clock_.now + absl::Seconds(5));
  EXPECT_EQ(watch->Count(Outcome::kNotSent), 0);
  clock_.now += absl::Seconds(5);
  EXPECT_EQ(account->TendRetired(clock_.now), absl::InfiniteFuture());
  EXPECT_EQ(watch->Count(Outcome::kNotSent), 50);
  EXPECT_TRUE(absl::StrContains(watch->message, "\"acme\" was taken out"));
  // Calls under way are waited for.
  EXPECT_FALSE(watch->finished);
  Pass(*account, absl::Seconds(40));
  EXPECT_TRUE(watch->finished);
  EXPECT_EQ(http_.sent.size(), 2u);
  // LeadSquared still counts them.
  EXPECT_FALSE(account->Forgettable(clock_.now));
  clock_.now += absl::Seconds(30);
  EXPECT_TRUE(account->Forgettable(clock_.now));
}

TEST_F(EngineAccountTest, ABudgetIsRememberedUntilTheDayIsOver) {
  options_.daily_calls = 100;
  const auto account = Make(options_);
  Submit(*account, 25);
  account->Retire(absl::ZeroDuration());
  Pass(*account, absl::Minutes(10));
  EXPECT_FALSE(account->Forgettable(clock_.now));
  Pass(*account, absl::Hours(24));
  EXPECT_TRUE(account->Forgettable(clock_.now));
}

TEST_F(EngineAccountTest, OneThatComesBackGoesOnWhereItWas) {
  const auto account = Make(options_);
  Submit(*account, 25);
  account->Retire(absl::ZeroDuration());
  Pass(*account, absl::Seconds(1));
  account->Reconfigure(Load(options_), LimitOptions());
  EXPECT_FALSE(account->retired);
  EXPECT_EQ(account->State(clock_.now).calls_free, 1);
  Submit(*account, 50);
  EXPECT_EQ(http_.sent.size(), 2u);
  clock_.now += absl::Hours(1);
  EXPECT_FALSE(account->Forgettable(clock_.now));
}

TEST_F(EngineAccountTest, AnotherNameForTheSameKeysTakesOverCallsAndBudget) {
  options_.daily_calls = 100;
  options_.calls = 3;
  const auto before = Make(options_);
  const auto watch = Submit(*before, 200);
  ASSERT_EQ(http_.sent.size(), 3u);
  http_.BreakAll();
  clock_.now += absl::Seconds(62);
  before->dispatcher->Tick(clock_.now);
  // The first three are over, others under way.
  ASSERT_GT(http_.sent.size(), 3u);
  const size_t sent = http_.sent.size();
  before->Retire(absl::Hours(1));

  AccountOptions renamed = options_;
  renamed.name = "other";
  const auto after = Make(renamed);
  ASSERT_TRUE(after->IsSameAs(*before));
  before->HandOverTo(after, absl::Seconds(30));
  EXPECT_GE(watch->Count(Outcome::kNotSent), 50);
  const int under_way = static_cast<int>(http_.waiting.size());
  EXPECT_EQ(after->State(clock_.now).calls_held, under_way);
  EXPECT_EQ(after->State(clock_.now).calls_today, static_cast<int64_t>(sent));
  // Those under way are counted within 30 s, and then for a window, unless they
  // are answered before.
  clock_.now += absl::Seconds(1);
  ASSERT_TRUE(http_.TurnOneAway());
  const absl::Time answered = clock_.now;
  clock_.now = answered + absl::Seconds(59);
  EXPECT_EQ(after->State(clock_.now).calls_held, under_way);
  clock_.now = answered + absl::Seconds(61);
  EXPECT_EQ(after->State(clock_.now).calls_held, under_way - 1);
  clock_.now = answered + absl::Seconds(88);
  EXPECT_EQ(after->State(clock_.now).calls_held, under_way - 1);
  clock_.now = answered + absl::Seconds(90);
  EXPECT_EQ(after->State(clock_.now).calls_held, 0);

  // And back again: nothing is counted twice.
  after->Retire(absl::Hours(1));
  before->Reconfigure(Load(options_), LimitOptions());
  after->HandOverTo(before, absl::Seconds(30));
  EXPECT_EQ(before->State(clock_.now).calls_today, static_cast<int64_t>(sent));

  AccountOptions stranger = renamed;
  stranger.access_key_file = dir_ + "/access2";
  stranger.secret_key_file = dir_ + "/secret2";
  EXPECT_FALSE(Make(stranger)->IsSameAs(*before));
}

TEST_F(EngineAccountTest, ACallForFieldsThatIsUnderWayEndsForTheNewNameToo) {
  const auto before = Make(options_);
  int granted = 0;
  before->dispatcher->RequestOtherCall([&granted] { ++granted; });
  before->dispatcher->Tick(clock_.now);
  ASSERT_EQ(granted, 1);
  before->Retire(absl::Hours(1));
  options_.name = "other";
  const auto after = Make(options_);
  before->HandOverTo(after, absl::Hours(30));
  EXPECT_EQ(after->State(clock_.now).calls_held, 1);
  dispatch::CallReport report;
  report.verdict = dispatch::CallVerdict::kAnswered;
  report.sent_at = clock_.now;
  report.done_at = clock_.now;
  before->OtherCallDone(report);
  EXPECT_EQ(after->State(clock_.now).calls_held, 1);
  clock_.now += absl::Seconds(62);
  EXPECT_EQ(after->State(clock_.now).calls_held, 0);
}

TEST_F(EngineAccountTest, NamesThatComeAndGoDoNotCountACallUnderWayTwice) {
  options_.calls = 10;
  const AccountOptions old_name = options_;
  options_.name = "other";
  const AccountOptions new_name = options_;
  const auto before = Make(old_name);
  const auto after = Make(new_name);
  Submit(*before, 25);
  ASSERT_EQ(http_.waiting.size(), 1u);
  const auto rename = [](const std::shared_ptr<EngineAccount>& from,
                         const std::shared_ptr<EngineAccount>& to) {
    from->Retire(absl::Hours(1));
    from->HandOverTo(to, absl::Hours(30));
  };
  rename(before, after);
  for (int i = 0; i < 3; ++i) {
    before->Reconfigure(Load(old_name), LimitOptions());
    rename(after, before);
    EXPECT_EQ(before->State(clock_.now).calls_held, 1);
    EXPECT_EQ(before->dispatcher->calls_in_flight(), 1);
    after->Reconfigure(Load(new_name), LimitOptions());
    rename(before, after);
    EXPECT_EQ(after->State(clock_.now).calls_held, 1);
  }
  // A third one: the first one's call is no longer the second one's.
  options_.name = "third";
  const auto third = Make(options_);
  after->Retire(absl::Hours(1));
  for (const auto& each : {before, after}) each->Disinherit();
  for (const auto& each : {after, before}) {
    each->HandOverTo(third, absl::Hours(30));
  }
  EXPECT_EQ(third->State(clock_.now).calls_held, 1);
  ASSERT_TRUE(http_.TurnOneAway());
  clock_.now += absl::Seconds(62);
  EXPECT_EQ(third->State(clock_.now).calls_held, 0);
}

TEST_F(EngineAccountTest,
       KeysInAnotherPlaceAreTakenAndThoseInTheSameAreNotRead) {
  const auto account = Make(options_);
  EXPECT_EQ(account->client->credentials().generation, 1);
  // Gone for a moment: that is the watcher's business.
  ASSERT_EQ(unlink(options_.access_key_file.c_str()), 0);
  AccountOptions next = options_;
  next.calls = 7;
  account->Reconfigure(Load(next, {options_}), LimitOptions());
  EXPECT_EQ(account->client->credentials().generation, 1);
  EXPECT_EQ(account->State(clock_.now).limit_calls, 7);
  next.access_key_file = dir_ + "/access2";
  next.secret_key_file = dir_ + "/secret2";
  account->Reconfigure(Load(next, {options_}), LimitOptions());
  EXPECT_EQ(account->client->credentials().generation, 2);
  EXPECT_TRUE(account->fields->StartFetch(clock_.now));
  EXPECT_EQ(account->client->credentials().access_key.Reveal(),
            "key-of-access2");
  // A new place that can't be read is a mistake.
  next.access_key_file = dir_ + "/absent";
  EXPECT_FALSE(LoadAccounts({next}, nullptr, {options_}).ok());
}

TEST_F(EngineAccountTest, APinnedFieldListIsTakenWhenItIsReadAgain) {
  options_.metadata_file = dir_ + "/fields.json";
  options_.field_refresh = absl::ZeroDuration();
  options_.schema_checks = true;
  const auto write = [&](const std::string& name) {
    std::ofstream(options_.metadata_file, std::ios::trunc)
        << R"([{"SchemaName":")" << name << R"(","DataType":"Text"}])";
  };
  write("mx_One");
  const auto account = Make(options_);
  EXPECT_NE(account->fields->Get()->Find("mx_One"), nullptr);
  write("mx_Two");
  account->Reconfigure(Load(options_, {options_}), LimitOptions());
  EXPECT_NE(account->fields->Get()->Find("mx_Two"), nullptr);
  EXPECT_FALSE(account->fields->StartFetch(clock_.now + absl::Hours(100)));
}

}  // namespace
}  // namespace leadgateway::server
