#include "gateway/dispatch/unknown_fields.h"

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/model/lead.h"
#include "gateway/model/outcome.h"
#include "gateway/model/reason.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/dispatch_world.h"

namespace leadgateway::dispatch {
namespace {

using testing::DispatchWorld;
using ::testing::HasSubstr;
using testing::JobWatch;
using testing::SentCall;
using testing::SentLead;
using ::testing::StartsWith;
using Watch = std::shared_ptr<JobWatch>;

constexpr char kSaid[] =
    "MXUnknownAttributeException: Attribute(s) does not exist - mx_Nope";

// -------------------------------------------------------------- the memory

const absl::Time kNow = absl::UnixEpoch();

TEST(UnknownFieldsTest, RemembersForAWhile) {
  UnknownFields fields;
  EXPECT_TRUE(fields.empty());
  EXPECT_EQ(fields.Find("mx_A", kNow), nullptr);
  fields.Remember("mx_A", "no mx_A", kNow);
  ASSERT_NE(fields.Find("mx_A", kNow), nullptr);
  EXPECT_EQ(fields.Find("mx_A", kNow)->words, "no mx_A");
  EXPECT_EQ(fields.Find("mx_a", kNow), nullptr);
  const absl::Time end = kNow + UnknownFields::kMemory;
  EXPECT_NE(fields.Find("mx_A", end - absl::Nanoseconds(1)), nullptr);
  EXPECT_EQ(fields.Find("mx_A", end), nullptr);
  fields.Remember("mx_A", "still no mx_A", end);
  ASSERT_NE(fields.Find("mx_A", end), nullptr);
  EXPECT_EQ(fields.Find("mx_A", end)->words, "still no mx_A");
}

TEST(UnknownFieldsTest, ForgetsWhatNewerMetadataHas) {
  UnknownFields fields;
  fields.Remember("mx_A", "", kNow);
  fields.Remember("mx_B", "", kNow);
  fields.Forget([](absl::string_view name) { return name == "mx_B"; });
  EXPECT_NE(fields.Find("mx_A", kNow), nullptr);
  EXPECT_EQ(fields.Find("mx_B", kNow), nullptr);
}

TEST(UnknownFieldsTest, IsBoundedAndDropsTheOldest) {
  UnknownFields fields;
  for (size_t i = 0; i < 2 * UnknownFields::kMost; ++i) {
    fields.Remember(absl::StrCat("mx_", i), "",
                    kNow + absl::Milliseconds(static_cast<int64_t>(i)));
  }
  EXPECT_EQ(fields.size(), UnknownFields::kMost);
  const absl::Time now = kNow + absl::Seconds(3);
  EXPECT_EQ(fields.Find("mx_0", now), nullptr);
  EXPECT_NE(fields.Find(absl::StrCat("mx_", UnknownFields::kMost), now),
            nullptr);
}

// ---------------------------------------------------------- what it is good
// for

// LeadSquared knows no mx_Nope; the leads with these tags have it.
class UnknownFieldTest : public ::testing::Test {
 protected:
  explicit UnknownFieldTest(AccountDispatcher::Options options = {})
      : world_(std::move(options)) {
    world_.amend = [this](LeadUpdate& lead) {
      if (Guilty(lead.tag)) lead.fields.push_back({"mx_Nope", "x"});
    };
    world_.script = [this](SentCall& call) {
      for (const SentLead& lead : call.leads) {
        if (!exists_ && Guilty(lead.tag)) {
          AnswerRefused(call, kSaid);
          call.report.unknown_fields = {"mx_Nope"};
          return;
        }
      }
      AnswerUpdated(call);
    };
  }
  bool Guilty(absl::string_view tag) const {
    return guilty_.contains(std::string(tag)) || absl::StartsWith(tag, "bad");
  }

  std::set<std::string> guilty_;
  bool exists_ = false;
  DispatchWorld world_;
};

TEST_F(UnknownFieldTest, TheLeadThatHasItIsFoundInOneExtraCall) {
  for (int i = 0; i < 8; ++i) {
    guilty_ = {absl::StrCat("b:", i)};
    DispatchWorld world;
    world.amend = world_.amend;
    world.script = world_.script;
    const Watch jobs[] = {world.Submit("a", 8), world.Submit("b", 8),
                          world.Submit("c", 9)};
    world.RunUntilIdle();
    EXPECT_EQ(world.calls.size(), 2);
    EXPECT_EQ(jobs[0]->Count(Outcome::kUpdated), 8);
    EXPECT_EQ(jobs[1]->Count(Outcome::kUpdated), 7);
    EXPECT_EQ(jobs[2]->Count(Outcome::kUpdated), 9);
    const LeadResult& result = jobs[1]->Of(i);
    EXPECT_EQ(result.outcome, Outcome::kFailed);
    EXPECT_EQ(result.problem->reason, Reason::kRejectedByLeadSquared);
    EXPECT_EQ(result.problem->message, kSaid);
    EXPECT_EQ(result.attempts, 1);
  }
}

TEST_F(UnknownFieldTest, ACallerWhoRepeatsItCostsNoMoreCalls) {
  world_.Submit("bad", 1);
  world_.RunUntilIdle();
  EXPECT_EQ(world_.calls.size(), 1);
  world_.RunFor(absl::Seconds(12));
  guilty_ = {"mixed:1"};
  const Watch again = world_.Submit("bad again", 1000);
  const Watch mixed = world_.Submit("mixed", 3);
  world_.RunUntilIdle();
  EXPECT_EQ(world_.calls.size(), 2);
  EXPECT_EQ(again->Count(Outcome::kInvalid, Reason::kFieldUnknown), 1000);
  EXPECT_EQ(again->upstream_calls, 0);
  EXPECT_EQ(mixed->Count(Outcome::kUpdated), 2);
  const LeadResult& result = mixed->Of(1);
  EXPECT_EQ(result.outcome, Outcome::kInvalid);
  EXPECT_EQ(result.attempts, 0);
  EXPECT_THAT(result.problem->message,
              StartsWith("leads[1].fields[\"mx_Nope\"] is no field"));
  EXPECT_THAT(result.problem->message, HasSubstr("12s ago"));
  EXPECT_THAT(result.problem->message, HasSubstr(kSaid));
  ASSERT_EQ(result.problem->violations.size(), 1);
  EXPECT_EQ(result.problem->violations[0].field,
            "leads[1].fields[\"mx_Nope\"]");
}

TEST_F(UnknownFieldTest, ItsLanesGoOn) {
  world_.Submit("bad", 1);
  world_.RunUntilIdle();
  const Watch before = world_.SubmitKeys("x", {"key"});
  const Watch bad = world_.SubmitKeys("bad2", {"key"});
  const Watch after = world_.SubmitKeys("y", {"key"});
  EXPECT_EQ(bad->Count(Outcome::kInvalid), 1);
  world_.RunUntilIdle();
  EXPECT_EQ(before->Count(Outcome::kUpdated), 1);
  EXPECT_EQ(after->Count(Outcome::kUpdated), 1);
}

TEST_F(UnknownFieldTest, ItIsTriedAgainAfterAWhile) {
  world_.Submit("bad", 1);
  world_.RunFor(UnknownFields::kMemory + absl::Seconds(1));
  exists_ = true;
  const Watch again = world_.Submit("bad again", 1);
  world_.RunUntilIdle();
  EXPECT_EQ(again->Count(Outcome::kUpdated), 1);
}

TEST_F(UnknownFieldTest, ItIsTriedAgainWhenMetadataHasIt) {
  world_.Submit("bad", 1);
  world_.RunUntilIdle();
  exists_ = true;
  world_.dispatcher().FieldsRefreshed([](absl::string_view) { return false; });
  EXPECT_EQ(world_.Submit("bad2", 1)->Count(Outcome::kInvalid), 1);
  world_.dispatcher().FieldsRefreshed(
      [](absl::string_view name) { return name == "mx_Nope"; });
  const Watch again = world_.Submit("bad3", 1);
  world_.RunUntilIdle();
  EXPECT_EQ(again->Count(Outcome::kUpdated), 1);
}

class UnknownFieldInAQueueTest : public UnknownFieldTest {
 protected:
  static AccountDispatcher::Options OneCallAtATime() {
    AccountDispatcher::Options options;
    options.allowance = {.calls = 1, .window = absl::Seconds(5)};
    return options;
  }
  UnknownFieldInAQueueTest() : UnknownFieldTest(OneCallAtATime()) {}
};

TEST_F(UnknownFieldInAQueueTest, WhatWaitsIsNotSentEither) {
  const Watch job = world_.Submit("bad", 1000);
  world_.RunUntilIdle();
  EXPECT_EQ(world_.calls.size(), 1);
  EXPECT_EQ(job->Count(Outcome::kFailed, Reason::kRejectedByLeadSquared), 25);
  EXPECT_EQ(job->Count(Outcome::kInvalid, Reason::kFieldUnknown), 975);
  EXPECT_EQ(job->upstream_calls, 1);
}

TEST_F(UnknownFieldInAQueueTest, WhatACallCarriedBeforeIsFailedOrUnknown) {
  guilty_ = {"job:0", "job:1"};
  int calls = 0;
  world_.script = [&](SentCall& call) {
    switch (calls++) {
      case 0:
        return AnswerThrottled(call);  // job:0, alone
      case 1:
        return AnswerInDoubt(call);  // job:1, alone
      default:
        AnswerRefused(call, kSaid);
        call.report.unknown_fields = {"mx_Nope"};
    }
  };
  const Watch a = world_.Submit("bad a", 1);
  world_.RunFor(absl::Seconds(12));
  world_.RunUntilIdle();
  ASSERT_GE(world_.calls.size(), 2);
  // Thrice at most: throttled, in doubt, refused.
  EXPECT_EQ(a->Count(Outcome::kUnknown), 1);

  // Throttled only: it was never read, but a call carried it.
  DispatchWorld world(OneCallAtATime());
  world.amend = world_.amend;
  calls = 0;
  world.script = [&](SentCall& call) {
    if (call.Carries("bad b:0") && calls++ == 0) return AnswerThrottled(call);
    AnswerRefused(call, kSaid);
    call.report.unknown_fields = {"mx_Nope"};
  };
  const Watch b = world.Submit("bad b", 1);
  world.RunUntilIdle();
  EXPECT_EQ(b->Count(Outcome::kFailed, Reason::kRejectedByLeadSquared), 1);
}

TEST_F(UnknownFieldTest, ANameThatNoLeadOfTheCallHasTeachesNothing) {
  world_.script = [&](SentCall& call) {
    if (call.leads.size() == 1) return AnswerUpdated(call);
    AnswerRefused(call, kSaid);
    call.report.unknown_fields = {"mx_Other"};
  };
  const Watch job = world_.Submit("job", 4);
  world_.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kUpdated), 4);
  world_.amend = [](LeadUpdate& lead) {
    lead.fields.push_back({"mx_Other", "x"});
  };
  const Watch other = world_.Submit("other", 1);
  world_.RunUntilIdle();
  EXPECT_EQ(other->Count(Outcome::kUpdated), 1);
}

TEST_F(UnknownFieldTest, FieldsThatAreNamedOneByOneKeepToTheBudget) {
  // Each lead has a field of its own that does not exist; a refusal names one.
  world_.amend = [](LeadUpdate& lead) {
    lead.fields.push_back({absl::StrCat("mx_", lead.index), "x"});
  };
  world_.script = [](SentCall& call) {
    AnswerRefused(call, kSaid);
    call.report.unknown_fields = {absl::StrCat("mx_", call.leads[0].index)};
  };
  const Watch job = world_.Submit("job", 1000);
  world_.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kFailed), 1000);
  // 40 calls and the budget of extra ones.
  EXPECT_LE(world_.calls.size(), 40 + 101);
}

}  // namespace
}  // namespace leadgateway::dispatch
