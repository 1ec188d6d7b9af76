// Random requests, cancels, deadlines and answers in virtual time: whatever
// happens, what the contract promises of results holds.

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/dispatch/job.h"
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
using Kind = LeadVerdict::Kind;

// How often each kind of answer comes.
struct Climate {
  double throttled = 0;
  double not_sent = 0;
  double in_doubt = 0;
  double refused = 0;
  double rejected_keys = 0;
  double untold = 0;  // of a lead
  double bad = 0;     // of a lead
  int64_t most_latency_ms = 500;
};

Climate ClimateOf(std::mt19937_64& random) {
  std::uniform_real_distribution<double> unit(0, 1);
  const auto sometimes = [&](double chance, double most) {
    return unit(random) < chance ? unit(random) * most : 0.0;
  };
  Climate climate;
  climate.throttled = sometimes(0.4, 0.3);
  climate.not_sent = sometimes(0.4, 0.3);
  climate.in_doubt = sometimes(0.5, 0.4);
  climate.refused = sometimes(0.4, 0.4);
  climate.rejected_keys = sometimes(0.15, 0.05);
  climate.untold = sometimes(0.4, 0.2);
  climate.bad = sometimes(0.6, 0.2);
  climate.most_latency_ms = unit(random) < 0.2 ? 20'000 : 500;
  return climate;
}

void Answer(const Climate& climate, std::mt19937_64& random, SentCall& call) {
  std::uniform_real_distribution<double> unit(0, 1);
  call.latency = absl::Milliseconds(
      1 + static_cast<int64_t>(unit(random) *
                               static_cast<double>(climate.most_latency_ms)));
  double dice = unit(random);
  const auto falls = [&](double chance) {
    dice -= chance;
    return dice < 0;
  };
  if (falls(climate.throttled)) {
    std::optional<int64_t> limit;
    if (random() % 3 == 0) limit = static_cast<int64_t>(random() % 60) - 10;
    std::optional<absl::Duration> retry_after;
    if (random() % 3 == 0) retry_after = absl::Milliseconds(random() % 8'000);
    return AnswerThrottled(call, limit, retry_after);
  }
  if (falls(climate.not_sent)) return AnswerNotSent(call);
  if (falls(climate.in_doubt)) return AnswerInDoubt(call);
  if (falls(climate.refused)) return AnswerRefused(call, "MXException");
  if (falls(climate.rejected_keys)) {
    return AnswerCredentialsRejected(call, "keys");
  }
  AnswerEach(call, [&](const SentLead&) {
    const double of_lead = unit(random);
    if (of_lead < climate.untold) return LeadVerdict{};
    if (of_lead < climate.untold + climate.bad) {
      return LeadVerdict{random() % 2 == 0 ? Kind::kRejected : Kind::kNotFound,
                         "no"};
    }
    return LeadVerdict{Kind::kUpdated, ""};
  });
}

struct Submitted {
  std::string name;
  std::shared_ptr<JobWatch> watch;
  absl::Time at;
  absl::Time finish_by;
  std::vector<std::string> keys;
};

// What the calls that were answered before `until` say of one lead.
struct Evidence {
  int carried = 0;             // calls that carried it
  bool updated = false;        // one said so
  bool denied = false;         // one refused it, by itself or with its call
  bool doubt = false;          // one did not say
  bool could_be_read = false;  // one may have been processed
};

Evidence Gather(const DispatchWorld& world, const std::string& tag,
                absl::Time until) {
  Evidence evidence;
  for (const SentCall* call : world.CallsWith(tag)) {
    ++evidence.carried;
    const bool known = call->done_at && *call->done_at <= until;
    if (!known) {
      evidence.could_be_read = true;
      continue;
    }
    switch (call->report.verdict) {
      case CallVerdict::kAnswered:
        for (size_t i = 0; i < call->leads.size(); ++i) {
          if (call->leads[i].tag != tag) continue;
          const Kind kind = call->report.leads[i].kind;
          if (kind == Kind::kUpdated) evidence.updated = true;
          if (kind == Kind::kRejected || kind == Kind::kNotFound) {
            evidence.denied = true;
          }
          if (kind == Kind::kUntold) evidence.doubt = true;
          evidence.could_be_read = true;
        }
        break;
      case CallVerdict::kInDoubt:
        evidence.doubt = true;
        evidence.could_be_read = true;
        break;
      case CallVerdict::kRefused:
        evidence.denied = true;
        break;
      case CallVerdict::kThrottled:
      case CallVerdict::kNotSent:
      case CallVerdict::kCredentialsRejected:
        break;
    }
  }
  return evidence;
}

void CheckJob(const DispatchWorld& world, const Submitted& job) {
  const JobWatch& watch = *job.watch;
  ASSERT_TRUE(watch.finished_at) << job.name;
  ASSERT_EQ(watch.results.size(), job.keys.size()) << job.name;
  EXPECT_LE(*watch.finished_at, std::max(job.finish_by, job.at)) << job.name;
  std::set<size_t> calls;
  for (const auto& [index, result] : watch.results) {
    const std::string tag = absl::StrCat(job.name, ":", index);
    for (const SentCall* call : world.CallsWith(tag)) {
      calls.insert(call->number);
      EXPECT_LE(call->at, *watch.finished_at)
          << tag << " was sent after its job had ended";
    }
    const Evidence evidence = Gather(world, tag, *watch.finished_at);
    EXPECT_EQ(result.attempts, evidence.carried) << tag;
    EXPECT_EQ(result.identifier_value, job.keys[static_cast<size_t>(index)]);
    switch (result.outcome) {
      case Outcome::kUpdated:
        EXPECT_TRUE(evidence.updated) << tag;
        break;
      case Outcome::kFailed:
      case Outcome::kUnprocessed:
        EXPECT_TRUE(evidence.denied) << tag;
        EXPECT_FALSE(evidence.doubt) << tag;
        EXPECT_FALSE(evidence.updated) << tag;
        break;
      case Outcome::kNotSent:
        EXPECT_FALSE(evidence.could_be_read) << tag;
        break;
      case Outcome::kUnknown:
        EXPECT_TRUE(evidence.could_be_read) << tag;
        // An answer of the very moment in which the job ended may come second.
        EXPECT_FALSE(
            Gather(world, tag, *watch.finished_at - absl::Nanoseconds(1))
                .updated)
            << tag;
        break;
      case Outcome::kInvalid:
      case Outcome::kValid:
        ADD_FAILURE() << tag << ": not dispatch's to say";
    }
  }
  EXPECT_EQ(watch.upstream_calls, static_cast<int>(calls.size())) << job.name;
}

// Per lane: the leads were sent for the first time in the order in which their
// jobs were accepted.
void CheckOrder(const DispatchWorld& world,
                const std::vector<Submitted>& jobs) {
  std::map<std::string, size_t> order;  // tag -> acceptance
  for (const Submitted& job : jobs) {
    for (size_t i = 0; i < job.keys.size(); ++i) {
      order.emplace(absl::StrCat(job.name, ":", i), order.size());
    }
  }
  std::map<std::string, size_t> last;  // lane -> the last one's place
  for (const SentCall& call : world.calls) {
    for (const SentLead& lead : call.leads) {
      const size_t place = order.at(lead.tag);
      size_t& before = last.try_emplace(lead.lane, place).first->second;
      EXPECT_LE(before, place) << lead.tag << " overtaken in " << lead.lane;
      before = place;
    }
  }
}

void RunSeed(uint64_t seed) {
  std::mt19937_64 random(seed);
  AccountDispatcher::Options options;
  options.allowance.calls = 1 + static_cast<int>(random() % 30);
  options.allowance.window = absl::Milliseconds(500 + random() % 5'000);
  options.retry_doubt = random() % 4 != 0;
  DispatchWorld world(options, seed);
  const Climate climate = ClimateOf(random);
  world.script = [&](SentCall& call) { Answer(climate, random, call); };

  std::vector<Submitted> jobs;
  const int count = 1 + static_cast<int>(random() % 30);
  const size_t lanes = 1 + random() % 400;
  absl::Duration at = absl::ZeroDuration();
  for (int n = 0; n < count; ++n) {
    at += absl::Milliseconds(random() % 1'500);
    world.At(at, [&, n] {
      Submitted job;
      job.name = absl::StrCat("job", n);
      std::set<std::string> keys;
      const uint64_t most = random() % 4 == 0 ? 200 : 10;
      const size_t leads = 1 + random() % most;
      while (keys.size() < std::min(leads, lanes)) {
        keys.insert(absl::StrCat("key", random() % lanes));
      }
      job.keys.assign(keys.begin(), keys.end());
      JobSpec spec;
      spec.caller = absl::StrCat("caller", random() % 4);
      spec.priority =
          random() % 3 == 0 ? Priority::kBulk : Priority::kInteractive;
      spec.search_key = random() % 3 == 0 ? "Phone" : "EmailAddress";
      spec.nonexistent_is_unprocessed = random() % 2 == 0;
      job.at = world.now();
      // All end: some soon, some late.
      const bool soon = random() % 3 == 0;
      job.finish_by =
          world.now() + absl::Milliseconds(soon ? random() % 10'000
                                                : 10'000 + random() % 600'000);
      spec.finish_by = job.finish_by;
      auto watch = world.TrySubmit(job.name, job.keys, std::move(spec));
      if (!watch.ok()) return;
      job.watch = *std::move(watch);
      jobs.push_back(job);
      if (random() % 4 == 0) {
        world.At(world.now() - (absl::UnixEpoch() + absl::Hours(1000)) +
                     absl::Milliseconds(random() % 5'000),
                 [&world, cancelled = job.watch] { world.Cancel(*cancelled); });
      }
    });
  }
  if (random() % 8 == 0) {
    world.At(absl::Milliseconds(random() % 20'000), [&] {
      world.dispatcher().GiveUp(world.now());
      world.Tick();
    });
  }
  world.RunUntilIdle(absl::Hours(2));

  for (const Submitted& job : jobs) CheckJob(world, job);
  CheckOrder(world, jobs);
  const AccountState state = world.dispatcher().State(world.now());
  EXPECT_EQ(state.leads_queued, 0);
  EXPECT_EQ(state.leads_in_flight, 0);
  EXPECT_EQ(state.bytes_queued, 0);
  EXPECT_TRUE(state.callers.empty());
  EXPECT_EQ(state.calls_total, static_cast<int64_t>(world.calls.size()));
}

TEST(DispatchProperty, KeepsItsPromisesInAnyWeather) {
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    RunSeed(seed);
    if (::testing::Test::HasFailure()) {
      FAIL() << "the first seed that fails is " << seed;
    }
  }
}

}  // namespace
}  // namespace leadgateway::dispatch
