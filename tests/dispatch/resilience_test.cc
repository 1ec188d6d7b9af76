// How the dispatcher takes failures of the upstream, in virtual time: how much
// it sends again, and how soon it is back.

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/dispatch/breaker.h"
#include "gateway/dispatch/job.h"
#include "gateway/dispatch/retry_budget.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/model/limits.h"
#include "gateway/model/outcome.h"
#include "gateway/model/reason.h"
#include "gtest/gtest.h"
#include "tests/support/dispatch_world.h"

namespace leadgateway::dispatch {
namespace {

using testing::DispatchWorld;
using testing::JobWatch;
using testing::SentCall;
using testing::SentLead;
using Watch = std::shared_ptr<JobWatch>;

constexpr int kCalls = 25;
constexpr absl::Duration kWindow = absl::Seconds(5);

// ------------------------------------------------------------- retry budget

TEST(RetryBudgetTest, LendsTheFirstAndThenGivesAShareOfWhatIsSent) {
  RetryBudget budget;
  int spent = 0;
  while (budget.Spend()) ++spent;
  EXPECT_EQ(spent, RetryBudget::kFirst);
  for (int sent = 0; sent < 100'000; sent += 25) {
    budget.SentFirst(25);
    while (budget.Spend()) ++spent;
    EXPECT_LE(spent,
              std::max(RetryBudget::kFirst, RetryBudget::kShare * (sent + 25)));
  }
  EXPECT_GE(spent, 9'490);
}

TEST(RetryBudgetTest, SavesUpToABound) {
  RetryBudget budget;
  budget.SentFirst(1'000'000);
  int spent = 0;
  while (budget.Spend()) ++spent;
  EXPECT_EQ(spent, RetryBudget::kMost);
}

// ------------------------------------------- attempts per call (P14 in docs)

struct Attempts {
  double leads = 0;  // leads sent per lead
  double calls = 0;  // calls made per call that 25 leads each would need
  int most = 0;      // calls that carried the same lead
  int updated = 0;
};

Attempts AttemptsAt(double errors, int leads, uint64_t seed) {
  DispatchWorld world({}, seed);
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> unit(0, 1);
  world.script = [&](SentCall& call) {
    if (unit(random) < errors) {
      AnswerInDoubt(call);
    } else {
      AnswerUpdated(call);
    }
  };
  const Watch job = world.Submit("job", leads);
  world.RunUntilIdle(absl::Hours(24));
  std::map<std::string, int> carried;
  int sent = 0;
  for (const SentCall& call : world.calls) {
    for (const SentLead& lead : call.leads) ++carried[lead.tag];
    sent += static_cast<int>(call.leads.size());
  }
  Attempts attempts;
  for (const auto& [tag, times] : carried) {
    attempts.most = std::max(attempts.most, times);
  }
  EXPECT_EQ(carried.size(), static_cast<size_t>(leads));
  attempts.leads = static_cast<double>(sent) / leads;
  attempts.calls = static_cast<double>(world.calls.size()) /
                   (static_cast<double>(leads) / kMaxLeadsPerCall);
  attempts.updated = job->Count(Outcome::kUpdated);
  EXPECT_EQ(job->Count(Outcome::kUpdated) + job->Count(Outcome::kUnknown),
            leads);
  return attempts;
}

void Record(const std::string& name, double value) {
  ::testing::Test::RecordProperty(name, absl::StrCat(value));
}

TEST(AttemptsTest, AreAtMostATenthMoreAtTenPercentServerErrors) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const Attempts attempts = AttemptsAt(0.1, 25'000, seed);
    Record(absl::StrCat("leads_", seed), attempts.leads);
    Record(absl::StrCat("calls_", seed), attempts.calls);
    EXPECT_LE(attempts.leads, 1.10) << seed;
    EXPECT_LE(attempts.calls, 1.10) << seed;
    EXPECT_LE(attempts.most, kMaxAmbiguousAttempts) << seed;
    // Nearly all are mended: sent once, 2,500 would not be.
    EXPECT_GE(attempts.updated, 24'250) << seed;
  }
}

TEST(AttemptsTest, AreAtMostATenthMoreWhenEachCallFails) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const Attempts attempts = AttemptsAt(1, 25'000, seed);
    Record(absl::StrCat("leads_", seed), attempts.leads);
    Record(absl::StrCat("calls_", seed), attempts.calls);
    EXPECT_LE(attempts.leads, 1.10) << seed;
    EXPECT_LE(attempts.calls, 1.10) << seed;
    EXPECT_GE(attempts.leads, 1.05) << "nothing was tried again";
    EXPECT_LE(attempts.most, kMaxAmbiguousAttempts) << seed;
  }
}

// --------------------------------------- back after an outage (P15 in docs)

// LeadSquared with a sliding window, counted at a random moment of the
// handling; down from `down` to `up`.
class Outage {
 public:
  using Failure = std::function<void(SentCall&)>;

  Outage(uint64_t seed, Failure failure)
      : random_(seed), failure_(std::move(failure)), world_({}, seed) {
    world_.script = [this](SentCall& call) { Answer(call); };
  }

  // Runs with a backlog through a 60 s outage and another minute.
  void Run() {
    job_ = world_.Submit("job", 18'000);
    world_.RunFor(kUp + absl::Minutes(1));
  }

  // Leads updated from then on within a window, as a share of the most.
  double ShareFrom(absl::Duration from) const {
    const absl::Time begin = start_ + from;
    int leads = 0;
    for (const SentCall& call : world_.calls) {
      if (call.done_at && call.report.verdict == CallVerdict::kAnswered &&
          *call.done_at > begin && *call.done_at <= begin + kWindow) {
        leads += static_cast<int>(call.leads.size());
      }
    }
    return static_cast<double>(leads) / (kCalls * kMaxLeadsPerCall);
  }
  int throttles() const { return throttles_; }
  int CallsWhileDown() const {
    return static_cast<int>(std::count_if(
        world_.calls.begin(), world_.calls.end(), [&](const SentCall& call) {
          return call.at >= start_ + kDown && call.at < start_ + kUp;
        }));
  }

  static constexpr absl::Duration kDown = absl::Seconds(30);
  static constexpr absl::Duration kUp = absl::Seconds(90);

 private:
  void Answer(SentCall& call) {
    if (call.at >= start_ + kDown && call.at < start_ + kUp) {
      failure_(call);
      if (call.report.verdict == CallVerdict::kNotSent) return;
    } else {
      call.latency = absl::Milliseconds(
          std::uniform_int_distribution<int>(40, 120)(random_));
      AnswerUpdated(call);
    }
    const absl::Time counted =
        call.at +
        call.latency * std::uniform_real_distribution<double>(0, 1)(random_);
    counted_.push_back(counted);
    const auto in_window =
        std::count_if(counted_.begin(), counted_.end(), [&](absl::Time other) {
          return other > counted - kWindow && other <= counted;
        });
    if (in_window > kCalls) {
      ++throttles_;
      AnswerThrottled(call);
    }
  }

  std::mt19937_64 random_;
  const Failure failure_;
  DispatchWorld world_;
  const absl::Time start_ = world_.now();
  std::vector<absl::Time> counted_;
  int throttles_ = 0;
  Watch job_;
};

TEST(OutageTest, TheAllowanceIsUsedAgainWithinAWindowWithoutAThrottle) {
  const std::pair<std::string, Outage::Failure> failures[] = {
      {"refused_connections",
       [](SentCall& call) {
         call.latency = absl::Milliseconds(1);
         AnswerNotSent(call);
       }},
      {"server_errors",
       [](SentCall& call) {
         call.latency = absl::Milliseconds(40);
         AnswerInDoubt(call);
       }},
      {"resets_after_a_second",
       [](SentCall& call) {
         call.latency = absl::Seconds(1);
         AnswerInDoubt(call);
       }},
  };
  for (const auto& [name, failure] : failures) {
    double least_first = 9;
    double least_second = 9;
    for (uint64_t seed = 1; seed <= 4; ++seed) {
      SCOPED_TRACE(absl::StrCat(name, " ", seed));
      Outage outage(seed, failure);
      outage.Run();
      // Before: the bound W / (W + mean latency) is 98.4 %.
      EXPECT_GE(outage.ShareFrom(absl::Seconds(20)), 0.92);
      const double first = outage.ShareFrom(Outage::kUp);
      const double second = outage.ShareFrom(Outage::kUp + kWindow);
      least_first = std::min(least_first, first);
      least_second = std::min(least_second, second);
      EXPECT_GE(first, 0.95);
      EXPECT_GE(second, 0.95);
      EXPECT_EQ(outage.throttles(), 0);
      // 60 s would take 300.
      EXPECT_LE(outage.CallsWhileDown(), 120);
    }
    Record(name + "_first_window", least_first);
    Record(name + "_second_window", least_second);
  }
}

// A probe that nobody answers is out until the call times out, and keeps its
// slot so long: the upstream might have counted it. But it does not keep others
// from finding out that the upstream is back.
TEST(OutageTest, ASilentUpstreamIsFoundAgainWithinTwoWindows) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    Outage outage(seed, [](SentCall& call) {
      call.latency = kDefaultCallTimeout;
      AnswerInDoubt(call);
    });
    outage.Run();
    const double soon = outage.ShareFrom(Outage::kUp + 2 * kWindow);
    Record(absl::StrCat("silence_", seed), soon);
    // Three probes are out still.
    EXPECT_GE(soon, 0.8) << seed;
    EXPECT_GE(outage.ShareFrom(Outage::kUp + kDefaultCallTimeout + kWindow),
              0.92)
        << seed;
    EXPECT_EQ(outage.throttles(), 0) << seed;
    // A window's worth before anything was known, then one each two windows.
    EXPECT_LE(outage.CallsWhileDown(), 25 + 4) << seed;
  }
}

// ------------------------------------------------------------------- pauses

TEST(JitteredBackoffTest, IsAnythingUpToACeilingThatDoublesEachTime) {
  std::mt19937_64 random(1);
  constexpr absl::Duration kFirst = absl::Milliseconds(200);
  constexpr absl::Duration kMost = absl::Seconds(5);
  for (const int n : {-1, 0, 1, 2, 3, 4, 5, 30, 1'000'000}) {
    SCOPED_TRACE(n);
    const absl::Duration ceiling = n <= 0   ? kFirst
                                   : n >= 5 ? kMost
                                            : kFirst * (1 << n);
    constexpr int kDraws = 10'000;
    absl::Duration sum;
    int below_a_quarter = 0;
    for (int i = 0; i < kDraws; ++i) {
      const absl::Duration pause = JitteredBackoff(kFirst, kMost, n, random);
      ASSERT_GE(pause, Breaker::kMinPause);
      ASSERT_LE(pause, ceiling);
      sum += pause;
      below_a_quarter += pause < ceiling / 4 + Breaker::kMinPause;
    }
    EXPECT_NEAR(absl::FDivDuration(sum / kDraws, ceiling), 0.5, 0.05);
    // Full jitter: a quarter of them, at least, is short.
    EXPECT_GT(below_a_quarter, kDraws / 4 - 300);
  }
}

// ----------------------------------------------------------------- breaker

TEST(BreakerTest, OneCallOfWhateverKindProbes) {
  DispatchWorld world;
  bool down = true;
  world.script = [&](SentCall& call) {
    if (down) {
      AnswerNotSent(call);
    } else {
      AnswerUpdated(call);
    }
  };
  const Watch job = world.Submit("job", 1000);
  world.RunFor(absl::Seconds(10));
  const size_t before = world.calls.size();
  // Calls for field metadata wait for their turn like all others.
  int others = 0;
  for (int i = 0; i < 3; ++i) {
    world.dispatcher().RequestOtherCall([&] { ++others; });
  }
  world.RunFor(Breaker::kMaxPause + absl::Seconds(1));
  EXPECT_EQ(others, 1);
  // That probe is under way, so no other one leaves.
  world.RunFor(absl::Seconds(5));
  EXPECT_EQ(others, 1);
  EXPECT_LE(world.calls.size(), before + 1);
  down = false;
  CallReport report;
  report.verdict = CallVerdict::kAnswered;
  report.sent_at = world.now() - absl::Milliseconds(80);
  report.done_at = world.now();
  report.answered = true;
  world.dispatcher().OtherCallDone(report);
  world.Tick();
  EXPECT_EQ(others, 3);
  EXPECT_GT(world.in_flight, 10);
  world.dispatcher().OtherCallDone(report);
  world.dispatcher().OtherCallDone(report);
  world.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kUpdated), 1000);
}

// -------------------------------------------------------------------- keys

TEST(KeysTest, ARejectionOfTheOldKeysSaysNothingOfTheNewOnes) {
  DispatchWorld world;
  bool good = false;
  world.script = [&](SentCall& call) {
    call.latency = absl::Seconds(1);
    if (good) {
      AnswerUpdated(call);
    } else {
      AnswerCredentialsRejected(call, "401");
      call.report.keys_replaced = true;  // by the time of the answer
    }
  };
  const Watch job = world.Submit("job", 60);
  world.RunFor(absl::Milliseconds(500));
  ASSERT_GT(world.in_flight, 0);
  // The files change while a call with the old keys is under way.
  good = true;
  world.dispatcher().CredentialsChanged();
  const Watch later = world.Submit("later", 5);
  world.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kUpdated), 60);
  EXPECT_EQ(later->Count(Outcome::kUpdated), 5);
  EXPECT_EQ(world.dispatcher().State(world.now()).blocked, "");
}

TEST(KeysTest, LeadsThatOldKeysTurnedAwaySayWhyWhenTheirTimeIsOver) {
  AccountDispatcher::Options options;
  options.allowance = {.calls = 1, .window = absl::Seconds(5)};
  DispatchWorld world(options);
  world.script = [](SentCall& call) {
    call.latency = absl::Seconds(1);
    AnswerCredentialsRejected(call, "401");
    call.report.keys_replaced = true;
  };
  JobSpec spec;
  spec.finish_by = world.now() + absl::Seconds(3);
  const Watch job = world.Submit("job", 2, std::move(spec));
  world.RunFor(absl::Milliseconds(500));
  world.dispatcher().CredentialsChanged();
  world.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kNotSent, Reason::kUpstreamCredentialsRejected),
            2);
}

TEST(KeysTest, TheAccountSaysWhatLeadSquaredSaid) {
  DispatchWorld world;
  world.script = [](SentCall& call) {
    AnswerCredentialsRejected(call, "Use https://api-us11.leadsquared.com");
  };
  world.Submit("job", 1);
  world.RunUntilIdle();
  EXPECT_EQ(world.dispatcher().State(world.now()).blocked,
            "LeadSquared refuses the gateway's keys: Use "
            "https://api-us11.leadsquared.com");
}

}  // namespace
}  // namespace leadgateway::dispatch
