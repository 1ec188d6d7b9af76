#include "gateway/dispatch/fair_queue.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "gateway/dispatch/job.h"
#include "gtest/gtest.h"

namespace leadgateway::dispatch {
namespace {

// Jobs in a queue, and what was served of whom.
class World {
 public:
  explicit World(absl::flat_hash_map<std::string, double> weights)
      : queue(std::move(weights)) {}

  Job* Add(const std::string& caller, int leads,
           Priority priority = Priority::kInteractive,
           const std::string& search_key = "EmailAddress") {
    auto job = std::make_unique<Job>();
    job->spec.caller = caller;
    job->spec.priority = priority;
    job->spec.search_key = search_key;
    job->leads.resize(static_cast<size_t>(leads));
    queue.AddJob(job.get());
    for (QueuedLead& lead : job->leads) {
      lead.job = job.get();
      queue.Push(&lead);
    }
    jobs.push_back(std::move(job));
    return jobs.back().get();
  }

  // One call: at most 25 leads of the group that is next.
  std::vector<QueuedLead*> Call() {
    std::vector<QueuedLead*> leads;
    Group* const group = queue.NextGroup([](const Group&) { return true; });
    while (group != nullptr && leads.size() < 25) {
      QueuedLead* const lead = queue.Pop(group);
      if (lead == nullptr) break;
      leads.push_back(lead);
      served[lead->job->spec.caller] += 1;
    }
    if (group != nullptr) {
      queue.EndCall(*group, 25 - static_cast<int>(leads.size()));
    }
    return leads;
  }

  FairQueue queue;
  std::vector<std::unique_ptr<Job>> jobs;
  std::map<std::string, double> served;
};

TEST(FairQueueTest, HonoursWeightsWithinOneCallWhereverOneLooks) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937_64 random(seed);
    absl::flat_hash_map<std::string, double> weights;
    std::vector<std::string> callers;
    const int count = 2 + static_cast<int>(random() % 6);
    for (int i = 0; i < count; ++i) {
      callers.push_back(absl::StrCat("caller", i));
      weights[callers.back()] = 0.25 * static_cast<double>(1 + random() % 20);
    }
    World world(weights);
    // All have leads waiting all the time, in several jobs, and one or two
    // search keys.
    const bool two_keys = random() % 2 == 0;
    for (const std::string& caller : callers) {
      const int jobs = 1 + static_cast<int>(random() % 4);
      for (int j = 0; j < jobs; ++j) {
        world.Add(caller, 4'000, Priority::kInteractive, "EmailAddress");
        if (two_keys) {
          world.Add(caller, 4'000, Priority::kInteractive, "Phone");
        }
      }
    }
    std::map<std::string, double> since;
    for (int call = 0; call < 120; ++call) {
      world.Call();
      // From some moments on, not only from the start.
      if (random() % 25 == 0) since = world.served;
      for (const std::string& a : callers) {
        for (const std::string& b : callers) {
          const double turns_a = (world.served[a] - since[a]) / weights[a];
          const double turns_b = (world.served[b] - since[b]) / weights[b];
          // The bound of start-time fair queueing, for both ends of the span.
          EXPECT_LE(turns_a - turns_b,
                    2 * (1 / weights[a] + 1 / weights[b]) + 1e-6)
              << a << " " << b;
        }
      }
    }
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(FairQueueTest, ChangedWeightsHoldForWhoHasLeadsWaiting) {
  World world({{"a", 3}});
  world.Add("a", 2'000);
  world.Add("b", 2'000);
  for (int i = 0; i < 16; ++i) world.Call();
  EXPECT_NEAR(world.served["a"], 300, 4);
  world.queue.SetWeights({{"b", 4}});
  world.served.clear();
  for (int i = 0; i < 16; ++i) world.Call();
  EXPECT_NEAR(world.served["b"], 320, 5);
  EXPECT_NEAR(world.served["a"], 80, 5);
}

TEST(FairQueueTest, NobodyGetsLessThanItsShareWhileItHasLeadsWaiting) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937_64 random(seed);
    World world({{"victim", 1.0}});
    world.Add("victim", 3'000);
    double all = 0;
    // Others come and go, with as many requests as they like.
    const int others = 1 + static_cast<int>(random() % 5);
    for (int call = 0; call < 100; ++call) {
      if (random() % 3 == 0) {
        world.Add(
            absl::StrCat("other", random() % static_cast<uint64_t>(others)),
            1 + static_cast<int>(random() % 300));
      }
      all += static_cast<double>(world.Call().size());
      EXPECT_GE(world.served["victim"], all / (1 + others) - 2);
    }
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(FairQueueTest, BulkGetsAFifthAndNeverLess) {
  World world({});
  for (int i = 0; i < 20; ++i) world.Add(absl::StrCat("caller", i), 1'000);
  world.Add("bulk", 1'000, Priority::kBulk);
  double all = 0;
  while (all < 4'000) {
    all += static_cast<double>(world.Call().size());
    EXPECT_GE(world.served["bulk"], all / 5 - 1);
    EXPECT_LE(world.served["bulk"], all / 5 + 1);
  }
}

TEST(FairQueueTest, WhoWasAwayGetsNoCreditForIt) {
  World world({});
  world.Add("steady", 5'000);
  for (int call = 0; call < 40; ++call) world.Call();
  world.Add("late", 5'000);
  const double before = world.served["steady"];
  for (int call = 0; call < 40; ++call) world.Call();
  EXPECT_NEAR(world.served["steady"] - before, 500, 2);
  EXPECT_NEAR(world.served["late"], 500, 2);
}

TEST(FairQueueTest, WhoComesBackSoonDoesNotBeginAnew) {
  World world({{"light", 0.04}});
  world.Add("steady", 5'000);
  for (int call = 0; call < 40; ++call) {
    // One lead, and its job is over at once: 25 leads of others are due now.
    Job* const job = world.Add("light", 1);
    world.Call();
    if (job->eligible.empty()) world.queue.DropJob(job);
  }
  EXPECT_NEAR(world.served["light"], 40, 2);
}

TEST(FairQueueTest, ALightCallersWholeCallDoesNotPutNewcomersBack) {
  World world({{"light", 0.1}, {"heavy", 10}});
  world.Add("light", 1'000, Priority::kInteractive, "Phone");
  world.Add("steady", 5'000);
  for (int call = 0; call < 10; ++call) world.Call();
  // The light one has 25 leads at once, and is ahead by 250 turns.
  EXPECT_EQ(world.served["light"], 25);
  world.Add("heavy", 5'000);
  const double before = world.served["steady"];
  for (int call = 0; call < 11; ++call) world.Call();
  EXPECT_NEAR(world.served["heavy"], 250, 10);
  EXPECT_NEAR(world.served["steady"] - before, 25, 10);
}

TEST(FairQueueTest, BulkIsNotStarvedByCallsThatTakeOtherBulkLeadsAlong) {
  World world({});
  world.Add("bulk of two keys", 5'000, Priority::kBulk);
  world.Add("bulk", 5'000, Priority::kBulk, "Phone");
  for (int call = 0; call < 100; ++call) {
    // Interactive leads never fill a call; the first one's bulk leads do.
    world.Add(absl::StrCat("interactive", call), 2);
    world.Call();
  }
  // A fifth of the calls is the class', and this caller's before the other's.
  EXPECT_GE(world.served["bulk"], 0.15 * 100 * 25);
}

TEST(FairQueueTest, HeldJobsAreOutOfTurnAndComeBackWhole) {
  World world({});
  Job* const held = world.Add("held", 100);
  world.Add("other", 60);
  world.queue.Hold(held);
  world.queue.Hold(held);
  EXPECT_EQ(held->flow->held, 100);
  int others = 0;
  while (true) {
    const auto leads = world.Call();
    if (leads.empty()) break;
    others += static_cast<int>(leads.size());
  }
  EXPECT_EQ(others, 60);
  // What is sent again, or cancelled, while it is held.
  world.queue.Remove(&held->leads[3]);
  world.queue.Remove(&held->leads[4]);
  world.queue.PushFront(&held->leads[4]);
  EXPECT_EQ(held->flow->held, 99);
  world.queue.Resume(held);
  world.queue.Resume(held);
  EXPECT_EQ(held->flow->held, 0);
  std::vector<QueuedLead*> back;
  while (true) {
    const auto leads = world.Call();
    if (leads.empty()) break;
    back.insert(back.end(), leads.begin(), leads.end());
  }
  ASSERT_EQ(back.size(), 99);
  EXPECT_EQ(back.front(), &held->leads[4]);
}

}  // namespace
}  // namespace leadgateway::dispatch
