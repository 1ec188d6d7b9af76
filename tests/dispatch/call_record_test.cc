// What a dispatcher tells of its calls and of itself, for logs, metrics, traces
// and the status page.

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/dispatch/call_record.h"
#include "gateway/dispatch/job.h"
#include "gateway/dispatch/upstream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/dispatch_world.h"

namespace leadgateway::dispatch {
namespace {

using testing::AnswerCredentialsRejected;
using testing::AnswerEach;
using testing::AnswerInDoubt;
using testing::AnswerThrottled;
using testing::AnswerUpdated;
using testing::DispatchWorld;
using testing::SentCall;
using testing::SentLead;

JobSpec Named(const std::string& request_id) {
  JobSpec spec;
  spec.request_id = request_id;
  return spec;
}

// What outlives the call of the function that was told.
struct Told {
  CallRecord record;
  std::vector<std::string> request_ids;
};

// Gathers what `world` tells from now on.
std::shared_ptr<std::vector<Told>> Listen(DispatchWorld& world) {
  auto told = std::make_shared<std::vector<Told>>();
  world.on_record = [told](const CallRecord& record) {
    Told each{record, {}};
    for (const CallShare& share : record.shares) {
      each.request_ids.push_back(share.job->request_id);
    }
    told->push_back(each);
  };
  return told;
}

TEST(CallRecord, NamesEachRequestThatHasLeadsInTheCallOnce) {
  AccountDispatcher::Options options;
  options.allowance.calls = 1;
  DispatchWorld world(options);
  const auto listened = Listen(world);
  // The first call takes the window's only slot; the others then share one.
  world.Submit("first", 25, Named("r1"));
  world.RunFor(absl::Milliseconds(1));
  world.Submit("a", 3, Named("r2"));
  world.RunFor(absl::Seconds(2));
  world.Submit("b", 2, Named("r3"));
  world.RunUntilIdle();
  const std::vector<Told>& told = *listened;
  ASSERT_EQ(told.size(), 2);
  EXPECT_THAT(told[0].request_ids, ::testing::ElementsAre("r1"));
  EXPECT_THAT(told[1].request_ids, ::testing::UnorderedElementsAre("r2", "r3"));
  EXPECT_EQ(told[1].record.leads, 5);
  for (size_t i = 0; i < 2; ++i) {
    const CallShare& share = told[1].record.shares[i];
    const bool earlier = told[1].request_ids[i] == "r2";
    EXPECT_EQ(share.leads, earlier ? 3 : 2);
    EXPECT_EQ(share.first_time, share.leads);
    // From acceptance to departure, a window after the first call's answer.
    EXPECT_GE(share.waited, absl::Seconds(earlier ? 5 : 3));
    EXPECT_LT(share.waited, absl::Seconds(earlier ? 6 : 4));
  }
}

TEST(CallRecord, CountsALeadsWaitOnceHoweverOftenItIsSent) {
  DispatchWorld world;
  world.script = [](SentCall& call) {
    if (call.number == 0) return AnswerInDoubt(call);
    AnswerUpdated(call);
  };
  const auto told = Listen(world);
  world.Submit("job", 25);
  world.RunUntilIdle();
  int first_time = 0;
  int carried = 0;
  for (const Told& each : *told) {
    carried += each.record.leads;
    for (const CallShare& share : each.record.shares) {
      first_time += share.first_time;
    }
  }
  EXPECT_EQ(first_time, 25);
  EXPECT_EQ(carried, 50);
}

TEST(CallRecord, CountsWhatTheAnswerSays) {
  DispatchWorld world;
  world.script = [](SentCall& call) {
    AnswerEach(call, [](const SentLead& lead) {
      LeadVerdict verdict;
      if (lead.index == 0) verdict.kind = LeadVerdict::Kind::kNotFound;
      if (lead.index == 1) verdict.kind = LeadVerdict::Kind::kRejected;
      if (lead.index == 2) verdict.kind = LeadVerdict::Kind::kUntold;
      if (lead.index > 2) verdict.kind = LeadVerdict::Kind::kUpdated;
      return verdict;
    });
  };
  const auto told = Listen(world);
  world.Submit("job", 25);
  world.RunUntilIdle();
  const CallRecord& record = told->at(0).record;
  EXPECT_EQ(record.updated, 22);
  EXPECT_EQ(record.not_found, 1);
  EXPECT_EQ(record.rejected, 1);
  EXPECT_EQ(record.untold, 1);
}

TEST(AccountState, TellsWhatTheWindowHolds) {
  AccountDispatcher::Options options;
  options.allowance.calls = 4;
  DispatchWorld world(options);
  world.script = [](SentCall& call) {
    AnswerUpdated(call);
    call.latency =
        call.number < 2 ? absl::Milliseconds(50) : absl::Milliseconds(900);
  };
  world.Submit("job", 75);
  world.RunFor(absl::Milliseconds(200));
  const AccountState state = world.dispatcher().State(world.now());
  EXPECT_EQ(state.configured_calls, 4);
  EXPECT_EQ(state.calls_held, 3);
  EXPECT_EQ(state.calls_under_way, 1);
  EXPECT_EQ(state.calls_free, 1);
  world.RunUntilIdle();
}

TEST(AccountState, TellsWhyNothingIsSent) {
  DispatchWorld world;
  EXPECT_EQ(world.dispatcher().State(world.now()).block, Block::kNone);
  world.script = [](SentCall& call) { AnswerThrottled(call); };
  world.Submit("job", 1);
  world.RunFor(absl::Seconds(1));
  EXPECT_EQ(world.dispatcher().State(world.now()).block, Block::kThrottle);
  world.script = [](SentCall& call) {
    AnswerCredentialsRejected(call, "no such keys");
  };
  world.RunFor(absl::Seconds(8));
  EXPECT_EQ(world.dispatcher().State(world.now()).block, Block::kKeys);
}

}  // namespace
}  // namespace leadgateway::dispatch
