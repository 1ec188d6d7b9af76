// Random requests, weights, budgets, cancels, deadlines, clients that do not
// read, calls for field metadata and answers in virtual time: whatever happens,
// what the contract promises of results holds, no window has more calls than
// the allowance and no day more than its budget, and each caller gets its
// share.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/dispatch/allowance.h"
#include "gateway/dispatch/daily_budget.h"
#include "gateway/dispatch/job.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/model/lead.h"
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
  // There and back over the network, of every call.
  absl::Duration network = absl::ZeroDuration();
  // Leads have a field that does not exist, and spoil their calls with it.
  bool unknown_fields = false;
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
  if (unit(random) < 0.5) climate.network = absl::Milliseconds(100);
  climate.unknown_fields = unit(random) < 0.3;
  return climate;
}

constexpr char kNoField[] = "mx_Nope";

absl::Duration DrawLatency(const Climate& climate, std::mt19937_64& random) {
  std::uniform_real_distribution<double> unit(0, 1);
  return climate.network +
         absl::Milliseconds(
             1 +
             static_cast<int64_t>(
                 unit(random) * static_cast<double>(climate.most_latency_ms)));
}

// `spoilt`: one of its leads has kNoField.
void Answer(const Climate& climate, std::mt19937_64& random, SentCall& call,
            bool spoilt) {
  std::uniform_real_distribution<double> unit(0, 1);
  call.latency = DrawLatency(climate, random);
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
  if (spoilt) {
    AnswerRefused(call, "MXUnknownAttributeException");
    call.report.unknown_fields = {kNoField};
    return;
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
  std::shared_ptr<bool> held;  // its client does not read
  absl::Time at;
  absl::Time finish_by;
  std::vector<std::string> keys;
  std::set<std::string> spoilt;  // its leads with kNoField
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
        EXPECT_FALSE(evidence.denied) << tag;
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
        // LeadSquared has said that one of its fields does not exist.
        EXPECT_EQ(result.problem->reason, Reason::kFieldUnknown) << tag;
        EXPECT_TRUE(job.spoilt.contains(tag)) << tag;
        EXPECT_FALSE(evidence.could_be_read) << tag;
        EXPECT_FALSE(evidence.denied) << tag;
        break;
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

// A call that carries no leads, for field metadata.
struct OtherCall {
  absl::Time at;
  absl::Duration latency;
};

// LeadSquared counts each call somewhere between its arrival and its answer,
// the extremes among it, and never more than N in any W.
void CheckAllowance(const DispatchWorld& world,
                    const std::vector<OtherCall>& others,
                    const Allowance::Options& allowance, absl::Duration network,
                    std::mt19937_64& random) {
  std::uniform_real_distribution<double> unit(0, 1);
  for (const int moment : {0, 1, 2, 3}) {
    std::vector<absl::Time> counted;
    const auto count = [&](absl::Time at, absl::Duration latency) {
      double share = unit(random);
      if (moment == 0) share = 0;
      if (moment == 1) share = 1;
      if (moment == 2) share = share < 0.5 ? 0 : 1;
      counted.push_back(at + network / 2 + share * (latency - network));
    };
    for (const SentCall& call : world.calls) {
      if (call.report.verdict == CallVerdict::kNotSent) continue;
      count(call.at, call.latency);
    }
    for (const OtherCall& call : others) count(call.at, call.latency);
    std::sort(counted.begin(), counted.end());
    const auto most = static_cast<size_t>(allowance.calls);
    for (size_t i = most; i < counted.size(); ++i) {
      EXPECT_GE(counted[i] - counted[i - most], allowance.window)
          << most + 1 << " calls in a window, moment " << moment;
    }
  }
}

// No day has more calls than the budget, and at none of its moments did more
// calls with leads leave than are released by then, give or take one: a tenth
// (a window's at least) at once, the rest evenly. Midnight is at `midnight`.
void CheckBudget(const DispatchWorld& world,
                 const std::vector<OtherCall>& others,
                 const AccountDispatcher::Options& options,
                 absl::Time midnight) {
  const auto budget = static_cast<double>(options.budget.calls);
  if (budget == 0) return;
  const double at_once = std::min(
      budget,
      std::max(budget / 10, static_cast<double>(options.allowance.calls)));
  std::vector<std::pair<absl::Time, bool>> calls;  // and whether with leads
  for (const SentCall& call : world.calls) calls.emplace_back(call.at, true);
  for (const OtherCall& call : others) calls.emplace_back(call.at, false);
  std::sort(calls.begin(), calls.end());
  double today = 0;
  bool yesterday = true;
  for (const auto& [at, with_leads] : calls) {
    if (yesterday && at >= midnight) {
      yesterday = false;
      today = 0;
    }
    ++today;
    const absl::Duration of_day =
        at - midnight + (yesterday ? absl::Hours(24) : absl::Hours(0));
    EXPECT_LE(today, budget) << of_day << " after midnight";
    if (!with_leads) continue;
    const double released =
        options.budget.spread == DailyBudget::Spread::kNone
            ? budget
            : at_once + (budget - at_once) *
                            absl::FDivDuration(of_day, absl::Hours(24));
    EXPECT_LE(today, released + 1) << of_day << " after midnight";
  }
}

void RunSeed(uint64_t seed) {
  std::mt19937_64 random(seed);
  AccountDispatcher::Options options;
  options.allowance.calls = 1 + static_cast<int>(random() % 30);
  options.allowance.window = absl::Milliseconds(500 + random() % 5'000);
  options.retry_doubt = random() % 4 != 0;
  if (random() % 3 == 0) {
    options.budget.calls = 1 + static_cast<int>(random() % 120);
    options.budget.window_calls = options.allowance.calls;
    if (random() % 2 == 0) options.budget.spread = DailyBudget::Spread::kNone;
  }
  for (int caller = 0; caller < 3; ++caller) {
    constexpr double kWeights[] = {0.25, 1, 2, 7};
    options.caller_weights[absl::StrCat("caller", caller)] =
        kWeights[random() % 4];
  }
  DispatchWorld world(options, seed);
  // Somewhere among the calls.
  const absl::Time midnight =
      world.now() + absl::Seconds(static_cast<int>(random() % 120) - 60);
  world.dispatcher().budget().SetWallOffset(
      absl::FromCivil(absl::CivilDay(2026, 3, 10), absl::UTCTimeZone()) -
      midnight);
  const Climate climate = ClimateOf(random);
  std::vector<Submitted> jobs;
  std::set<std::string> spoilt;  // leads with kNoField
  if (climate.unknown_fields) {
    world.amend = [&](LeadUpdate& lead) {
      if (random() % 20 != 0) return;
      lead.fields.push_back({kNoField, "x"});
      spoilt.insert(lead.tag);
    };
  }
  std::set<std::string> searched;  // leads of calls that were refused whole
  world.script = [&](SentCall& call) {
    Answer(climate, random, call,
           std::any_of(call.leads.begin(), call.leads.end(),
                       [&](const SentLead& lead) {
                         return spoilt.contains(lead.tag);
                       }));
    if (call.report.verdict != CallVerdict::kNotSent &&
        climate.network > absl::ZeroDuration()) {
      call.report.handshake =
          climate.network + absl::Milliseconds(random() % 20);
    }
    for (const SentLead& lead : call.leads) {
      const std::string job = lead.tag.substr(0, lead.tag.find(':'));
      const auto submitted =
          std::find_if(jobs.begin(), jobs.end(),
                       [&](const Submitted& each) { return each.name == job; });
      // The search for who spoils a call goes on.
      EXPECT_TRUE(submitted == jobs.end() || !*submitted->held ||
                  searched.contains(lead.tag))
          << lead.tag << " is sent though its client does not read";
      if (call.report.verdict == CallVerdict::kRefused) {
        searched.insert(lead.tag);
      }
    }
  };

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
      constexpr const char* kSearchKeys[] = {"Phone", "", "EmailAddress",
                                             "EmailAddress"};
      spec.search_key = kSearchKeys[random() % 4];
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
      job.held = std::make_shared<bool>(false);
      job.spoilt = spoilt;
      jobs.push_back(job);
      const auto soon_after = [&](std::function<void()> action) {
        world.At(world.elapsed() + absl::Milliseconds(random() % 5'000),
                 std::move(action));
      };
      if (random() % 4 == 0) {
        soon_after(
            [&world, cancelled = job.watch] { world.Cancel(*cancelled); });
      }
      for (int times = static_cast<int>(random() % 4); times > 0; --times) {
        soon_after([&world, id = job.watch->id, held = job.held] {
          *held = !*held;
          world.dispatcher().Hold(id, *held);
          world.Tick();
        });
      }
    });
  }
  // Calls for field metadata, which take their part of the allowance.
  std::vector<OtherCall> others;
  for (int n = static_cast<int>(random() % 6); n > 0; --n) {
    world.At(absl::Milliseconds(random() % 30'000), [&] {
      world.dispatcher().RequestOtherCall([&] {
        SentCall like;
        Answer(climate, random, like, false);
        if (like.report.verdict == CallVerdict::kNotSent) {
          like.report.verdict = CallVerdict::kInDoubt;
        }
        others.push_back({world.now(), like.latency});
        world.At(world.elapsed() + like.latency,
                 [&world, at = world.now(), report = like.report]() mutable {
                   report.sent_at = at;
                   report.done_at = world.now();
                   report.answered = report.verdict != CallVerdict::kInDoubt;
                   world.dispatcher().OtherCallDone(report);
                   world.Tick();
                 });
      });
      world.Tick();
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
  CheckAllowance(world, others, options.allowance, climate.network, random);
  CheckBudget(world, others, options, midnight);
  const AccountState state = world.dispatcher().State(world.now());
  EXPECT_EQ(state.leads_queued, 0);
  EXPECT_EQ(state.leads_in_flight, 0);
  EXPECT_EQ(state.bytes_queued, 0);
  EXPECT_TRUE(state.callers.empty());
  EXPECT_EQ(state.calls_total,
            static_cast<int64_t>(world.calls.size() + others.size()));
}

// Follows what each caller has in the queue, and how far it is behind its
// share: of the calls that left while it had leads waiting without a break, the
// leads that were due to it less those that it got, at the most since any
// moment.
class ShareBook {
 public:
  ShareBook(DispatchWorld& world,
            absl::flat_hash_map<std::string, double> weights)
      : world_(world), weights_(std::move(weights)) {
    world.on_sent = [this](const SentCall& call) { Sent(call); };
    world.on_record = [this](const CallRecord& record) { Ended(record); };
  }

  void Submitted(const std::string& name, const std::string& caller,
                 Priority priority, int leads) {
    Flow& flow = flows_[{caller, priority}];
    const auto weight = weights_.find(caller);
    if (weight != weights_.end()) flow.weight = weight->second;
    flow.jobs.insert(name);
    Job& job = jobs_[name];
    job.flow = &flow;
    for (int i = 0; i < leads; ++i)
      job.waiting.insert(absl::StrCat(name, ":", i));
  }
  void Cancelled(const std::string& name) { jobs_.at(name).cancelled = true; }
  void Held(const std::string& name, bool held) { jobs_.at(name).held = held; }

  double most_behind() const { return most_behind_; }
  // Calls without a lead of a caller that waits, as many as would be its share.
  double most_turns_missed() const { return most_turns_missed_; }
  // The same within a caller, of its requests.
  double job_most_behind() const { return job_most_behind_; }

 private:
  struct Flow {
    double weight = 1;
    std::set<std::string> jobs;
    double behind = 0;
    bool waited = false;      // after the last call
    double turns_missed = 0;  // since it got something
  };
  struct Job {
    Flow* flow = nullptr;
    std::set<std::string> waiting;
    bool cancelled = false;
    bool held = false;
    double behind = 0;

    bool waits() const { return !waiting.empty() && !cancelled && !held; }
  };

  bool Waits(const Flow& flow) const {
    return std::any_of(
        flow.jobs.begin(), flow.jobs.end(),
        [&](const std::string& job) { return jobs_.at(job).waits(); });
  }

  void Sent(const SentCall& call) {
    std::map<Flow*, int> got;
    std::map<Job*, int> job_got;
    for (const SentLead& lead : call.leads) {
      Job& job = jobs_.at(lead.tag.substr(0, lead.tag.find(':')));
      ++got[job.flow];
      ++job_got[&job];
    }
    const auto leads = static_cast<double>(call.leads.size());
    double weights[kPriorities] = {0, 0};
    // Who comes anew is served at once, for one lead, as a class is.
    double anew[kPriorities] = {0, 0};
    for (auto& [key, flow] : flows_) {
      if (!Waits(flow)) continue;
      weights[static_cast<int>(key.second)] += flow.weight;
      if (!flow.waited) ++anew[static_cast<int>(key.second)];
    }
    const double classes[kPriorities] = {
        weights[1] == 0 ? 1 : 0.8,
        weights[0] == 0 ? 1 : 0.2,
    };
    for (auto& [key, flow] : flows_) {
      if (!Waits(flow)) continue;
      const int priority = static_cast<int>(key.second);
      const double due =
          (leads * classes[priority] - anew[priority] - anew[1 - priority]) *
          flow.weight / weights[priority];
      flow.behind = std::max(0.0, flow.behind + due - got[&flow]);
      flow.turns_missed =
          got[&flow] > 0 ? 0
                         : flow.turns_missed + classes[priority] * flow.weight /
                                                   weights[priority];
      most_turns_missed_ = std::max(most_turns_missed_, flow.turns_missed);
      // Within the caller: one lead a turn.
      double waiting = 0;
      for (const std::string& name : flow.jobs) {
        if (jobs_.at(name).waits()) ++waiting;
      }
      for (const std::string& name : flow.jobs) {
        Job& job = jobs_.at(name);
        if (!job.waits()) continue;
        job.behind =
            std::max(0.0, job.behind + got[&flow] / waiting - job_got[&job]);
      }
    }
    for (const SentLead& lead : call.leads) {
      jobs_.at(lead.tag.substr(0, lead.tag.find(':'))).waiting.erase(lead.tag);
    }
    for (auto& [key, flow] : flows_) {
      flow.waited = Waits(flow);
      if (!flow.waited) flow.behind = flow.turns_missed = 0;
      most_behind_ = std::max(most_behind_, flow.behind);
    }
    for (auto& [name, job] : jobs_) {
      if (!job.waits()) job.behind = 0;
      job_most_behind_ = std::max(job_most_behind_, job.behind);
    }
  }

  void Ended(const CallRecord& record) {
    if (record.report->verdict != CallVerdict::kThrottled &&
        record.report->verdict != CallVerdict::kNotSent) {
      return;
    }
    for (const SentLead& lead : world_.calls[record.call - 1].leads) {
      jobs_.at(lead.tag.substr(0, lead.tag.find(':'))).waiting.insert(lead.tag);
    }
  }

  DispatchWorld& world_;
  const absl::flat_hash_map<std::string, double> weights_;
  std::map<std::pair<std::string, Priority>, Flow> flows_;
  std::map<std::string, Job> jobs_;
  double most_behind_ = 0;
  double most_turns_missed_ = 0;
  double job_most_behind_ = 0;
};

// A saturated account: callers of different weights come and go in both
// classes, some cancel, some do not read, some calls are turned away.
void RunShares(uint64_t seed, int search_keys) {
  std::mt19937_64 random(seed);
  AccountDispatcher::Options options;
  options.allowance.calls =
      1 + static_cast<int>(random() % (search_keys == 1 ? 30 : 4));
  options.allowance.window = absl::Milliseconds(1'000 + random() % 5'000);
  const int callers = 2 + static_cast<int>(random() % 5);
  for (int caller = 0; caller < callers; ++caller) {
    constexpr double kWeights[] = {0.25, 1, 1, 2, 7};
    options.caller_weights[absl::StrCat("caller", caller)] =
        kWeights[random() % 5];
  }
  DispatchWorld world(options, seed);
  ShareBook book(world, options.caller_weights);
  const uint64_t throttled = random() % 3 == 0 ? 20 : 0;
  world.script = [&](SentCall& call) {
    call.latency = absl::Milliseconds(40 + random() % 80);
    if (random() % 100 < throttled) return AnswerThrottled(call);
    if (random() % 100 < throttled) return AnswerNotSent(call);
    AnswerUpdated(call);
  };
  const double leads_per_s = 25 * options.allowance.calls /
                             absl::ToDoubleSeconds(options.allowance.window);
  absl::Duration at = absl::ZeroDuration();
  for (int n = 0; n < 40; ++n) {
    const int leads = 1 + static_cast<int>(random() % (n % 3 == 0 ? 10 : 300));
    // A quarter more than goes.
    at += absl::Seconds(1.6 * leads / leads_per_s *
                        static_cast<double>(random() % 1'000) / 1'000);
    world.At(at, [&, n, leads] {
      const std::string name = absl::StrCat("job", n);
      JobSpec spec;
      spec.caller = absl::StrCat("caller", random() % callers);
      spec.priority =
          random() % 3 == 0 ? Priority::kBulk : Priority::kInteractive;
      spec.search_key = absl::StrCat("Key", random() % search_keys);
      book.Submitted(name, spec.caller, spec.priority, leads);
      const auto watch = world.Submit(name, leads, std::move(spec));
      const auto later = [&](std::function<void()> action) {
        world.At(world.elapsed() + absl::Milliseconds(random() % 20'000),
                 std::move(action));
      };
      if (random() % 6 == 0) {
        later([&, name, watch] {
          book.Cancelled(name);
          world.Cancel(*watch);
        });
      }
      if (random() % 4 == 0) {
        later([&, name, watch] {
          book.Held(name, true);
          world.dispatcher().Hold(watch->id, true);
          world.Tick();
          world.At(world.elapsed() + absl::Milliseconds(random() % 20'000),
                   [&, name, watch] {
                     book.Held(name, false);
                     world.dispatcher().Hold(watch->id, false);
                     world.Tick();
                   });
        });
      }
    });
  }
  world.RunUntilIdle(absl::Hours(12));
  if (search_keys == 1) {
    EXPECT_LE(book.most_behind(), 3);
    EXPECT_LE(book.job_most_behind(), 2);
  } else {
    // Calls hold leads of one search key, so turns are whole calls. And a
    // window's calls may all leave while a few leads wait for company.
    EXPECT_LE(book.most_turns_missed(), 5 + options.allowance.calls);
    EXPECT_LE(book.most_behind(),
              kMaxLeadsPerCall * (6 + options.allowance.calls));
  }
}

TEST(DispatchProperty, NobodyGetsLessThanItsShareWhileItHasLeadsWaiting) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    RunShares(seed, seed % 2 == 0 ? 3 : 1);
    if (::testing::Test::HasFailure()) {
      FAIL() << "the first seed that fails is " << seed;
    }
  }
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
