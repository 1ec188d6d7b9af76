#include "gateway/dispatch/account_dispatcher.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/dispatch/daily_budget.h"
#include "gateway/dispatch/job.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/model/errors.h"
#include "gateway/model/lead.h"
#include "gateway/model/limits.h"
#include "gateway/model/outcome.h"
#include "gateway/model/reason.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/dispatch_world.h"

namespace leadgateway::dispatch {
namespace {

using testing::AnswerCredentialsRejected;
using testing::AnswerEach;
using testing::AnswerInDoubt;
using testing::AnswerNotSent;
using testing::AnswerRefused;
using testing::AnswerThrottled;
using testing::AnswerUpdated;
using testing::DispatchWorld;
using testing::JobWatch;
using testing::SentCall;
using testing::SentLead;
using Watch = std::shared_ptr<JobWatch>;

JobSpec ByKey(const std::string& key) {
  JobSpec spec;
  spec.search_key = key;
  return spec;
}

JobSpec Until(absl::Time finish_by) {
  JobSpec spec;
  spec.finish_by = finish_by;
  return spec;
}

JobSpec Bulk() {
  JobSpec spec;
  spec.priority = Priority::kBulk;
  return spec;
}

AccountDispatcher::Options Limited(int calls, absl::Duration window) {
  AccountDispatcher::Options options;
  options.allowance.calls = calls;
  options.allowance.window = window;
  return options;
}

// ----------------------------------------------------------------- batching

TEST(Dispatcher, SendsAThousandLeadsInFortyFullCalls) {
  DispatchWorld world;
  const Watch job = world.Submit("job", 1000);
  world.RunUntilIdle();
  ASSERT_EQ(world.calls.size(), 40);
  for (const SentCall& call : world.calls) EXPECT_EQ(call.leads.size(), 25);
  EXPECT_EQ(job->Count(Outcome::kUpdated), 1000);
  EXPECT_EQ(job->upstream_calls, 40);
  for (const auto& [index, result] : job->results) {
    EXPECT_EQ(result.attempts, 1);
    EXPECT_EQ(result.identifier, "EmailAddress");
    EXPECT_EQ(result.identifier_value,
              absl::StrCat("job-", index, "@example.com"));
  }
}

TEST(Dispatcher, LetsLeadsOfSeveralJobsShareCalls) {
  DispatchWorld world;
  std::vector<Watch> jobs;
  for (int i = 0; i < 10; ++i) {
    jobs.push_back(world.Submit(absl::StrCat("job", i), 5));
  }
  world.RunUntilIdle();
  EXPECT_EQ(world.calls.size(), 2);
  for (const Watch& job : jobs) EXPECT_EQ(job->Count(Outcome::kUpdated), 5);
}

TEST(Dispatcher, KeepsARequestTogetherWhereAllThatWaitsLeavesAtOnce) {
  // Of ten requests of 25 leads by one caller that arrive within one turn.
  const auto requests_in_calls = [](int free_calls) {
    DispatchWorld world(Limited(free_calls, absl::Seconds(5)));
    const absl::Time now = world.now();
    std::vector<Watch> jobs;
    for (int i = 0; i < 10; ++i) {
      const std::string name = absl::StrCat("job", i);
      jobs.push_back(std::make_shared<JobWatch>(name, 25, &now));
      JobSpec spec;
      spec.caller = "caller";
      spec.search_key = "EmailAddress";
      for (int k = 0; k < 25; ++k) {
        LeadUpdate lead;
        lead.index = k;
        lead.tag = absl::StrCat(name, ":", k);
        lead.lane_key = lead.tag;
        lead.fields = {{"EmailAddress", lead.tag}};
        spec.leads.push_back(std::move(lead));
      }
      const auto id =
          world.dispatcher().Submit(std::move(spec), jobs.back(), now);
      EXPECT_TRUE(id.ok()) << id.status();
    }
    world.Tick();
    world.RunUntilIdle();
    EXPECT_EQ(world.calls.size(), 10);
    int calls = 0;
    for (const Watch& job : jobs) calls += job->upstream_calls;
    return calls;
  };
  EXPECT_EQ(requests_in_calls(/*free_calls=*/10), 10);
  // Else they go round: nobody's first lead waits for another one's last.
  EXPECT_GE(requests_in_calls(/*free_calls=*/5), 50);
}

TEST(Dispatcher, NeverMixesSearchKeysInACall) {
  DispatchWorld world;
  const Watch email = world.Submit("email", 30, ByKey("EmailAddress"));
  const Watch phone = world.Submit("phone", 30, ByKey("Phone"));
  const Watch id = world.Submit("id", 30, ByKey(""));
  world.RunUntilIdle();
  std::set<std::string> keys;
  for (const SentCall& call : world.calls) {
    keys.insert(call.search_key);
    for (const SentLead& lead : call.leads) {
      const std::string wanted = absl::StartsWith(lead.tag, "email")
                                     ? "EmailAddress"
                                 : absl::StartsWith(lead.tag, "phone") ? "Phone"
                                                                       : "";
      EXPECT_EQ(call.search_key, wanted) << lead.tag;
    }
  }
  EXPECT_EQ(keys.size(), 3);
  EXPECT_EQ(world.calls.size(), 6);
}

TEST(Dispatcher, PutsOneLeadJobsThatArriveTogetherIntoOneCall) {
  DispatchWorld world;
  std::vector<Watch> jobs;
  for (int i = 0; i < 25; ++i) {
    world.At(absl::Microseconds(50 * i), [&, i] {
      jobs.push_back(world.Submit(absl::StrCat("job", i), 1));
    });
  }
  world.RunUntilIdle();
  EXPECT_EQ(world.calls.size(), 1);
  EXPECT_EQ(jobs.size(), 25);
}

TEST(Dispatcher, SendsALoneLeadWithinMilliseconds) {
  DispatchWorld world;
  world.Submit("job", 1);
  world.RunUntilIdle();
  ASSERT_EQ(world.calls.size(), 1);
  EXPECT_LE(world.elapsed(), absl::Milliseconds(90));
}

// A lead is bound to a call when the call leaves: under backlog, leads of later
// jobs fill calls up and take turns with earlier ones.
TEST(Dispatcher, BindsLeadsToCallsOnlyWhenACallLeaves) {
  DispatchWorld world(Limited(1, absl::Seconds(5)));
  const Watch first = world.Submit("first", 60);
  world.RunFor(absl::Seconds(1));
  ASSERT_EQ(world.calls.size(), 1);
  const Watch second = world.Submit("second", 5);
  world.RunUntilIdle();
  // 65 leads in three calls, all but the last full.
  ASSERT_EQ(world.calls.size(), 3);
  EXPECT_EQ(world.calls[1].leads.size(), 25);
  EXPECT_EQ(world.calls[2].leads.size(), 15);
  EXPECT_EQ(second->upstream_calls, 1);
  EXPECT_TRUE(world.calls[1].Carries("second:4"));
}

TEST(Dispatcher, KeepsToTheAllowance) {
  DispatchWorld world(Limited(3, absl::Seconds(5)));
  world.Submit("job", 25 * 20);
  world.RunUntilIdle();
  ASSERT_EQ(world.calls.size(), 20);
  for (size_t i = 3; i < world.calls.size(); ++i) {
    EXPECT_GE(world.calls[i].at - world.calls[i - 3].at, absl::Seconds(5));
  }
  EXPECT_LT(world.elapsed(), absl::Seconds(32));
}

// -------------------------------------------------------------------- lanes

TEST(Dispatcher, AppliesTwentyUpdatesOfOneLeadOneByOneInOrder) {
  DispatchWorld world;
  std::vector<Watch> jobs;
  for (int i = 0; i < 20; ++i) {
    jobs.push_back(world.SubmitKeys(absl::StrCat("job", i), {"a@b.c"}));
  }
  world.RunUntilIdle();
  ASSERT_EQ(world.calls.size(), 20);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(world.calls[i].Carries(absl::StrCat("job", i, ":0")));
    if (i > 0) {
      EXPECT_GE(world.calls[i].at, *world.calls[i - 1].done_at);
    }
    EXPECT_EQ(jobs[i]->Count(Outcome::kUpdated), 1);
  }
}

TEST(Dispatcher, LetsTheSameKeyValueOfAnotherSearchKeyPass) {
  DispatchWorld world;
  world.SubmitKeys("a", {"123"}, ByKey("Phone"));
  world.SubmitKeys("b", {"123"}, ByKey("Mobile"));
  world.RunUntilIdle();
  ASSERT_EQ(world.calls.size(), 2);
  EXPECT_EQ(world.most_in_flight, 2);
}

TEST(Dispatcher, HoldsTheLaneWhileAnUpdateInDoubtIsTriedAgain) {
  DispatchWorld world;
  world.script = [](SentCall& call) {
    if (call.number == 0) return AnswerInDoubt(call);
    AnswerUpdated(call);
  };
  const Watch old_value = world.SubmitKeys("old", {"a@b.c"});
  const Watch new_value = world.SubmitKeys("new", {"a@b.c"});
  world.RunUntilIdle();
  ASSERT_EQ(world.calls.size(), 3);
  EXPECT_TRUE(world.calls[1].Carries("old:0"));
  EXPECT_TRUE(world.calls[2].Carries("new:0"));
  EXPECT_EQ(old_value->Of(0).attempts, 2);
  EXPECT_EQ(new_value->Of(0).attempts, 1);
}

// ----------------------------------------------------------------- throttles

TEST(Dispatcher, SendsThrottledLeadsAgainInOrderAfterThePause) {
  for (const int form : {0, 1, 2}) {
    DispatchWorld world;
    world.script = [&](SentCall& call) {
      if (call.number > 0) return AnswerUpdated(call);
      switch (form) {
        case 0:
          return AnswerThrottled(call);
        case 1:
          return AnswerThrottled(call, 10);
        default:
          return AnswerThrottled(call, 25, absl::Seconds(8));
      }
    };
    const Watch job = world.Submit("job", 25);
    world.RunUntilIdle();
    ASSERT_EQ(world.calls.size(), 2) << form;
    EXPECT_EQ(job->Count(Outcome::kUpdated), 25);
    const absl::Duration pause =
        form == 2 ? absl::Seconds(8) : absl::Seconds(5);
    EXPECT_GE(world.calls[1].at, *world.calls[0].done_at + pause);
    EXPECT_LE(world.calls[1].at,
              *world.calls[0].done_at + pause + absl::Milliseconds(50));
    for (size_t i = 0; i < 25; ++i) {
      EXPECT_EQ(world.calls[1].leads[i].tag, world.calls[0].leads[i].tag);
      EXPECT_EQ(job->Of(static_cast<int>(i)).attempts, 2);
    }
    EXPECT_EQ(job->upstream_calls, 2);
  }
}

TEST(Dispatcher, FailsNoLeadHoweverOftenItIsThrottled) {
  DispatchWorld world;
  world.script = [](SentCall& call) {
    if (call.number < 20) return AnswerThrottled(call);
    AnswerUpdated(call);
  };
  const Watch job = world.Submit("job", 100);
  world.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kUpdated), 100);
}

TEST(Dispatcher, LearnsTheLimitThatAThrottleNames) {
  DispatchWorld world;
  world.script = [](SentCall& call) {
    if (call.number == 24) return AnswerThrottled(call, 5);
    AnswerUpdated(call);
  };
  world.Submit("job", 25 * 60);
  world.RunUntilIdle();
  const AccountState state = world.dispatcher().State(world.now());
  EXPECT_EQ(state.limit_calls, 5);
  EXPECT_TRUE(state.limit_learned);
  EXPECT_EQ(state.throttles, 1);
  EXPECT_EQ(state.last_throttle_text, "API calls exceeded the limit");
  for (size_t i = 30; i < world.calls.size(); ++i) {
    EXPECT_GE(world.calls[i].at - world.calls[i - 5].at, absl::Seconds(5));
  }
}

TEST(Dispatcher, SaysThrottledWhereADeadlineEndsLeadsThatWereTurnedAway) {
  DispatchWorld world;
  world.script = [](SentCall& call) { AnswerThrottled(call); };
  const Watch job =
      world.Submit("job", 30, Until(world.now() + absl::Seconds(3)));
  world.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kNotSent, Reason::kThrottled), 30);
}

// ------------------------------------------------------------------ not sent

TEST(Dispatcher, TriesAgainWhatNeverLeft) {
  DispatchWorld world;
  world.script = [](SentCall& call) {
    if (call.number < 3) return AnswerNotSent(call);
    AnswerUpdated(call);
  };
  const Watch job = world.Submit("job", 25);
  world.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kUpdated), 25);
  EXPECT_EQ(job->Of(0).attempts, 4);
  EXPECT_LT(world.elapsed(), absl::Seconds(5));
}

TEST(Dispatcher, SaysUnavailableWhereADeadlineEndsLeadsThatNeverLeft) {
  DispatchWorld world;
  world.script = [](SentCall& call) { AnswerNotSent(call); };
  const Watch job =
      world.Submit("job", 30, Until(world.now() + absl::Seconds(20)));
  world.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kNotSent, Reason::kUpstreamUnavailable), 30);
  EXPECT_EQ(*job->finished_at, world.now());
}

// --------------------------------------------------------------------- doubt

TEST(Dispatcher, SendsALeadInDoubtUpToThreeTimes) {
  DispatchWorld world;
  world.script = [](SentCall& call) { AnswerInDoubt(call); };
  const Watch job = world.Submit("job", 1);
  world.RunUntilIdle();
  EXPECT_EQ(world.calls.size(), static_cast<size_t>(kMaxAmbiguousAttempts));
  EXPECT_EQ(job->Count(Outcome::kUnknown, Reason::kNoAnswer), 1);
  EXPECT_EQ(job->Of(0).attempts, kMaxAmbiguousAttempts);
  EXPECT_THAT(job->Of(0).problem->message,
              ::testing::HasSubstr("connection reset"));
}

TEST(Dispatcher, TellsTheKindOfDoubt) {
  AccountDispatcher::Options options;
  options.retry_doubt = false;
  DispatchWorld world(options);
  world.script = [](SentCall& call) {
    AnswerInDoubt(call, Reason::kAnswerUnreadable);
  };
  const Watch job = world.Submit("job", 3);
  world.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kUnknown, Reason::kAnswerUnreadable), 3);
}

TEST(Dispatcher, SendsNothingInDoubtAgainWhereThatIsOff) {
  AccountDispatcher::Options options;
  options.retry_doubt = false;
  DispatchWorld world(options);
  world.script = [](SentCall& call) { AnswerInDoubt(call); };
  const Watch job = world.Submit("job", 10);
  world.RunUntilIdle();
  EXPECT_EQ(world.calls.size(), 1);
  EXPECT_EQ(job->Count(Outcome::kUnknown, Reason::kNoAnswer), 10);
}

TEST(Dispatcher, SendsOnlyTheLeadsAgainThatAnAnswerDoesNotName) {
  DispatchWorld world;
  world.script = [](SentCall& call) {
    AnswerEach(call, [&](const SentLead& lead) {
      return LeadVerdict{call.number == 0 && lead.index >= 20
                             ? LeadVerdict::Kind::kUntold
                             : LeadVerdict::Kind::kUpdated,
                         ""};
    });
  };
  const Watch job = world.Submit("job", 25);
  world.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kUpdated), 25);
  size_t again = 0;
  for (size_t i = 1; i < world.calls.size(); ++i) {
    again += world.calls[i].leads.size();
    for (const SentLead& lead : world.calls[i].leads) EXPECT_GE(lead.index, 20);
  }
  EXPECT_EQ(again, 5);
}

TEST(Dispatcher, SaysIncompleteOfALeadThatNoAnswerEverNames) {
  DispatchWorld world;
  world.script = [](SentCall& call) {
    AnswerEach(call, [](const SentLead&) { return LeadVerdict{}; });
  };
  const Watch job = world.Submit("job", 2);
  world.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kUnknown, Reason::kAnswerIncomplete), 2);
}

TEST(Dispatcher, TakesAnAnswerWithTooFewVerdictsForIncomplete) {
  AccountDispatcher::Options options;
  options.retry_doubt = false;
  DispatchWorld world(options);
  world.script = [](SentCall& call) {
    AnswerUpdated(call);
    call.report.leads.resize(1);
  };
  const Watch job = world.Submit("job", 3);
  world.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kUpdated), 1);
  EXPECT_EQ(job->Count(Outcome::kUnknown, Reason::kAnswerIncomplete), 2);
}

TEST(Dispatcher, KeepsDoubtWhenALaterAnswerRefusesTheLead) {
  for (const auto kind :
       {LeadVerdict::Kind::kRejected, LeadVerdict::Kind::kNotFound}) {
    DispatchWorld world;
    world.script = [&](SentCall& call) {
      if (call.number == 0) return AnswerInDoubt(call);
      AnswerEach(call, [&](const SentLead&) {
        return LeadVerdict{kind, "no such value"};
      });
    };
    const Watch job = world.Submit("job", 1);
    world.RunUntilIdle();
    EXPECT_EQ(job->Count(Outcome::kUnknown, Reason::kNoAnswer), 1);
    EXPECT_THAT(job->Of(0).problem->message,
                ::testing::HasSubstr("no such value"));
  }
}

TEST(Dispatcher, KeepsDoubtWhenALaterCallIsRefusedThrottledOrNotSent) {
  for (const int form : {0, 1, 2}) {
    DispatchWorld world;
    world.script = [&](SentCall& call) {
      if (call.number == 0) return AnswerInDoubt(call);
      if (form == 0) return AnswerRefused(call, "refused");
      if (form == 1) return AnswerThrottled(call);
      AnswerNotSent(call);
    };
    const Watch job =
        world.Submit("job", 1, Until(world.now() + absl::Seconds(20)));
    world.RunUntilIdle();
    EXPECT_EQ(job->Count(Outcome::kUnknown, Reason::kNoAnswer), 1) << form;
  }
}

TEST(Dispatcher, BelievesAnUpdateAfterDoubt) {
  DispatchWorld world;
  world.script = [](SentCall& call) {
    if (call.number < 2) return AnswerInDoubt(call);
    AnswerUpdated(call);
  };
  const Watch job = world.Submit("job", 1);
  world.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kUpdated), 1);
  EXPECT_EQ(job->Of(0).attempts, 3);
}

// ------------------------------------------------------------------ verdicts

TEST(Dispatcher, TellsWhatLeadSquaredSaysOfEachLead) {
  DispatchWorld world;
  world.script = [](SentCall& call) {
    AnswerEach(call, [](const SentLead& lead) {
      switch (lead.index) {
        case 0:
          return LeadVerdict{LeadVerdict::Kind::kUpdated, ""};
        case 1:
          return LeadVerdict{LeadVerdict::Kind::kNotFound, "does not exist"};
        default:
          return LeadVerdict{LeadVerdict::Kind::kRejected, "bad value"};
      }
    });
  };
  const Watch failed = world.Submit("failed", 3);
  JobSpec spec;
  spec.nonexistent_is_unprocessed = true;
  const Watch unprocessed = world.Submit("unprocessed", 3, std::move(spec));
  world.RunUntilIdle();
  EXPECT_EQ(world.calls.size(), 1);
  EXPECT_EQ(failed->Of(0).outcome, Outcome::kUpdated);
  EXPECT_EQ(failed->Count(Outcome::kFailed, Reason::kLeadNotFoundOrForbidden),
            1);
  EXPECT_EQ(failed->Count(Outcome::kFailed, Reason::kRejectedByLeadSquared), 1);
  EXPECT_EQ(failed->Of(1).problem->message, "does not exist");
  EXPECT_EQ(failed->Of(2).problem->message, "bad value");
  EXPECT_EQ(unprocessed->Count(Outcome::kUnprocessed,
                               Reason::kLeadNotFoundOrForbidden),
            1);
  EXPECT_EQ(unprocessed->Count(Outcome::kFailed), 1);
}

// ----------------------------------------------------------------- deadlines

TEST(Dispatcher, EndsQueuedLeadsAsNotSentAtTheDeadline) {
  DispatchWorld world(Limited(1, absl::Seconds(60)));
  world.Submit("first", 25);
  const absl::Time deadline = world.now() + absl::Seconds(70);
  JobSpec bulk = Until(deadline);
  bulk.priority = Priority::kBulk;
  const Watch job = world.Submit("job", 25, bulk);
  // Who comes later and goes first takes most of the next call, at 60 s.
  const Watch other = world.Submit("other", 25);
  world.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kUpdated), 5);
  EXPECT_EQ(job->Count(Outcome::kNotSent, Reason::kDeadline), 20);
  EXPECT_EQ(job->upstream_calls, 1);
  EXPECT_LE(*job->finished_at, deadline);
  EXPECT_EQ(other->Count(Outcome::kUpdated), 25);
  for (const auto& [index, result] : job->results) {
    const bool sent = result.outcome == Outcome::kUpdated;
    EXPECT_EQ(result.attempts, sent ? 1 : 0);
    EXPECT_EQ(world.CallsWith(result.tag).size(), sent ? 1 : 0);
  }
}

// Calls have become slow since the job was accepted: one that leaves half a
// second before the deadline would be answered after it.
TEST(Dispatcher, SendsNoLeadWhoseAnswerWouldComeTooLate) {
  for (const bool slow : {true, false}) {
    DispatchWorld world(Limited(2, absl::Seconds(5)));
    world.script = [&](SentCall& call) {
      AnswerUpdated(call);
      if (slow) call.latency = absl::Seconds(1);
    };
    world.Submit("first", 50);
    // The next calls are free a window after these two are answered.
    const absl::Time free =
        world.now() + absl::Seconds(slow ? 6 : 5.08) + absl::Milliseconds(5);
    const absl::Time deadline = free + absl::Milliseconds(500);
    const Watch job = world.Submit("job", 10, Until(deadline));
    world.RunUntilIdle();
    if (slow) {
      EXPECT_EQ(world.calls.size(), 2);
      EXPECT_EQ(job->Count(Outcome::kNotSent, Reason::kDeadline), 10);
      // They are told when they would have left, and not at the deadline.
      EXPECT_LE(*job->finished_at, free);
    } else {
      EXPECT_EQ(job->Count(Outcome::kUpdated), 10);
      EXPECT_LE(*job->finished_at, deadline);
    }
  }
}

TEST(Dispatcher, RefusesWhatMustWaitForTheAnswerToCallsUnderWay) {
  DispatchWorld world(Limited(1, absl::Seconds(60)));
  world.Submit("first", 25);
  const auto refused =
      world.TrySubmit("job", {"a@b.c"}, Until(world.now() + absl::Seconds(10)));
  EXPECT_EQ(errors::ReasonNameOf(refused.status()), "DEADLINE_TOO_SHORT");
  world.RunUntilIdle();
}

TEST(Dispatcher, EndsLeadsInFlightAsUnknownAndIgnoresTheLateAnswer) {
  for (const int form : {0, 1, 2, 3, 4, 5}) {
    DispatchWorld world;
    world.script = [&](SentCall& call) {
      call.latency = absl::Seconds(30);
      if (call.number > 0) return AnswerUpdated(call);
      switch (form) {
        case 0:
          return AnswerUpdated(call);
        case 1:
          return AnswerThrottled(call);
        case 2:
          return AnswerInDoubt(call);
        case 3:
          return AnswerRefused(call, "refused");
        case 4:
          return AnswerNotSent(call);
        default:
          return AnswerEach(call, [](const SentLead&) {
            return LeadVerdict{LeadVerdict::Kind::kRejected, "late"};
          });
      }
    };
    const absl::Time deadline = world.now() + absl::Seconds(10);
    const Watch job = world.SubmitKeys("job", {"a", "b"}, Until(deadline));
    world.RunFor(absl::Seconds(11));
    EXPECT_EQ(job->Count(Outcome::kUnknown, Reason::kNoAnswer), 2) << form;
    EXPECT_EQ(job->finished_at, deadline) << form;
    // The lane is held until the answer, however late, and free then.
    const Watch next = world.SubmitKeys("next", {"a"});
    world.RunUntilIdle();
    EXPECT_EQ(job->Count(Outcome::kUnknown), 2) << form;
    EXPECT_EQ(next->Count(Outcome::kUpdated), 1) << form;
    ASSERT_EQ(world.calls.size(), 2) << form;
    EXPECT_GE(world.calls[1].at, *world.calls[0].done_at) << form;
  }
}

TEST(Dispatcher, RefusesARequestWhoseDeadlineIsTooShort) {
  DispatchWorld world;
  world.Submit("first", 25 * 100);
  world.RunFor(absl::Seconds(2));
  const size_t calls = world.calls.size();
  const auto job = world.TrySubmit("job", std::vector<std::string>(1, "a"),
                                   Until(world.now() + absl::Milliseconds(5)));
  ASSERT_FALSE(job.ok());
  EXPECT_EQ(job.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(errors::ReasonNameOf(job.status()), "DEADLINE_TOO_SHORT");
  EXPECT_GT(errors::RetryDelayOf(job.status()), absl::ZeroDuration());
  EXPECT_EQ(world.calls.size(), calls);
  // Nothing of it was kept.
  EXPECT_EQ(world.dispatcher().State(world.now()).callers.size(), 1);
  world.RunUntilIdle();
  EXPECT_TRUE(world.CallsWith("job:0").empty());
}

TEST(Dispatcher, TakesARequestWhoseDeadlineSufficesAndMeetsIt) {
  DispatchWorld world;
  world.Submit("warm", 1);
  world.RunUntilIdle();
  world.RunFor(absl::Seconds(10));
  // 10,000 leads: 400 calls, 15 windows.
  const auto keys = [] {
    std::vector<std::string> all;
    for (int i = 0; i < 10'000; ++i) all.push_back(absl::StrCat("k", i));
    return all;
  }();
  const auto short_one =
      world.TrySubmit("short", keys, Until(world.now() + absl::Seconds(70)));
  EXPECT_FALSE(short_one.ok());
  const Watch job =
      world.SubmitKeys("job", keys, Until(world.now() + absl::Seconds(82)));
  world.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kUpdated), 10'000);
}

// ------------------------------------------------------------------- cancels

TEST(Dispatcher, SendsNothingOfAJobAfterItsCancel) {
  DispatchWorld world(Limited(2, absl::Seconds(5)));
  const Watch job = world.Submit("job", 200);
  const Watch other = world.Submit("other", 100);
  world.RunFor(absl::Seconds(1));
  const size_t sent = world.calls.size();
  ASSERT_EQ(sent, 2);
  world.Cancel(*job);
  EXPECT_TRUE(job->finished_at);
  EXPECT_GT(job->Count(Outcome::kNotSent, Reason::kCancelled), 0);
  EXPECT_EQ(job->Count(Outcome::kUpdated) +
                job->Count(Outcome::kNotSent, Reason::kCancelled),
            200);
  world.RunUntilIdle();
  EXPECT_EQ(other->Count(Outcome::kUpdated), 100);
  for (size_t i = sent; i < world.calls.size(); ++i) {
    for (const SentLead& lead : world.calls[i].leads) {
      EXPECT_TRUE(absl::StartsWith(lead.tag, "other")) << lead.tag;
    }
  }
}

TEST(Dispatcher, TakesLeadsOutOfTheQueueInTheMomentOfTheCancel) {
  DispatchWorld world(Limited(1, absl::Seconds(5)));
  const Watch job = world.Submit("job", 500);
  const Watch other = world.Submit("other", 30);
  ASSERT_EQ(world.calls.size(), 1);
  const int waiting = world.dispatcher().State(world.now()).leads_queued;
  ASSERT_EQ(waiting, 505);
  const absl::Time cancelled_at = world.now();
  world.Cancel(*job);
  EXPECT_EQ(world.now(), cancelled_at);
  EXPECT_EQ(world.dispatcher().State(world.now()).leads_queued, 30);
  EXPECT_EQ(job->Count(Outcome::kNotSent, Reason::kCancelled), 475);
}

TEST(Dispatcher, FreesTheLanesOfACancelledJob) {
  DispatchWorld world(Limited(1, absl::Seconds(5)));
  world.Submit("busy", 25);
  const Watch cancelled = world.SubmitKeys("cancelled", {"a"});
  const Watch waiting = world.SubmitKeys("waiting", {"a"});
  world.Cancel(*cancelled);
  EXPECT_EQ(cancelled->Count(Outcome::kNotSent, Reason::kCancelled), 1);
  world.RunUntilIdle();
  EXPECT_EQ(waiting->Count(Outcome::kUpdated), 1);
}

TEST(Dispatcher, SaysUnknownOfLeadsThatACancelMeetsInFlight) {
  DispatchWorld world;
  const Watch job = world.Submit("job", 25);
  ASSERT_EQ(world.calls.size(), 1);
  world.Cancel(*job);
  EXPECT_EQ(job->Count(Outcome::kUnknown, Reason::kNoAnswer), 25);
  EXPECT_EQ(job->upstream_calls, 1);
  world.RunUntilIdle();
  EXPECT_EQ(job->results.size(), 25);
}

TEST(Dispatcher, IgnoresCancelsOfJobsThatAreOver) {
  DispatchWorld world;
  const Watch job = world.Submit("job", 1);
  world.RunUntilIdle();
  world.Cancel(*job);
  world.dispatcher().Cancel(4711, world.now());
  EXPECT_EQ(job->Count(Outcome::kUpdated), 1);
}

TEST(Dispatcher, CancelsLeadsThatWaitToBeSentAgain) {
  DispatchWorld world;
  world.script = [](SentCall& call) { AnswerInDoubt(call); };
  const Watch job = world.Submit("job", 5);
  world.RunFor(absl::Milliseconds(81));
  world.Cancel(*job);
  EXPECT_EQ(job->Count(Outcome::kUnknown, Reason::kNoAnswer), 5);
  const size_t sent = world.calls.size();
  world.RunFor(absl::Minutes(1));
  EXPECT_EQ(world.calls.size(), sent);
  EXPECT_TRUE(world.dispatcher().idle());
}

// --------------------------------------------------------------- credentials

TEST(Dispatcher, EndsAllThatWaitsWhenTheKeysAreRejected) {
  DispatchWorld world(Limited(1, absl::Seconds(5)));
  world.script = [](SentCall& call) {
    AnswerCredentialsRejected(call, "invalid keys");
  };
  const Watch job = world.Submit("job", 100);
  const Watch other = world.Submit("other", 10);
  const Watch blocked = world.SubmitKeys("blocked", {"other-0@example.com"});
  world.RunUntilIdle(absl::Seconds(1));
  EXPECT_EQ(world.calls.size(), 1);
  for (const Watch& watch : {job, other, blocked}) {
    EXPECT_EQ(
        watch->Count(Outcome::kNotSent, Reason::kUpstreamCredentialsRejected),
        static_cast<int>(watch->results.size()));
  }
  EXPECT_THAT(job->Of(99).problem->message,
              ::testing::HasSubstr("invalid keys"));

  const auto refused = world.TrySubmit("refused", {"a"}, {});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(errors::ReasonNameOf(refused.status()),
            "UPSTREAM_CREDENTIALS_REJECTED");
  EXPECT_FALSE(world.dispatcher().State(world.now()).blocked.empty());
}

TEST(Dispatcher, TakesJobsAgainOnceTheKeysAreReplacedOrAfterAWhile) {
  for (const bool replaced : {true, false}) {
    DispatchWorld world;
    world.script = [](SentCall& call) {
      if (call.number == 0) return AnswerCredentialsRejected(call, "no");
      AnswerUpdated(call);
    };
    world.Submit("job", 1);
    world.RunUntilIdle();
    if (replaced) {
      world.dispatcher().CredentialsChanged();
    } else {
      world.RunFor(AccountDispatcher::kCredentialsRetry);
    }
    const Watch again = world.Submit("again", 1);
    world.RunUntilIdle();
    EXPECT_EQ(again->Count(Outcome::kUpdated), 1) << replaced;
  }
}

TEST(Dispatcher, LetsCallsUnderWayFinishWhenTheKeysAreRejected) {
  DispatchWorld world;
  world.script = [](SentCall& call) {
    if (call.number == 0) {
      AnswerCredentialsRejected(call, "no");
    } else {
      AnswerUpdated(call);
      call.latency = absl::Milliseconds(200);
    }
  };
  const Watch job = world.Submit("job", 50);
  world.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kUpdated), 25);
  EXPECT_EQ(job->Count(Outcome::kNotSent, Reason::kUpstreamCredentialsRejected),
            25);
}

// ----------------------------------------------------------------- isolation

// Refuses each call with a lead whose tag is in `poison`.
DispatchWorld::Script RefusePoison(std::set<std::string> poison) {
  return [poison = std::move(poison)](SentCall& call) {
    for (const SentLead& lead : call.leads) {
      if (poison.contains(lead.tag)) {
        return AnswerRefused(call, "MXUnknownAttributeException: mx_Nope");
      }
    }
    AnswerUpdated(call);
  };
}

TEST(Dispatcher, FindsOnePoisonLeadOfThreeJobsInTenCallsWhereverItIs) {
  for (const std::string job : {"a", "b", "c"}) {
    for (int i = 0; i < 8; ++i) {
      const std::string poison = absl::StrCat(job, ":", i);
      DispatchWorld world;
      world.script = RefusePoison({poison});
      std::vector<Watch> jobs = {world.Submit("a", 8), world.Submit("b", 8),
                                 world.Submit("c", 9)};
      world.RunUntilIdle();
      EXPECT_EQ(world.calls[0].leads.size(), 25);
      EXPECT_LE(world.calls.size(), 11) << poison;
      int updated = 0;
      for (const Watch& watch : jobs)
        updated += watch->Count(Outcome::kUpdated);
      EXPECT_EQ(updated, 24) << poison;
      const Watch guilty = jobs[static_cast<size_t>(job[0] - 'a')];
      EXPECT_EQ(guilty->Of(i).outcome, Outcome::kFailed);
      EXPECT_EQ(guilty->Of(i).problem->reason, Reason::kRejectedByLeadSquared);
      EXPECT_EQ(guilty->Of(i).problem->message,
                "MXUnknownAttributeException: mx_Nope");
    }
  }
}

TEST(Dispatcher, FindsOnePoisonLeadOfOneJobInTenCallsWhereverItIs) {
  for (int i = 0; i < 25; ++i) {
    DispatchWorld world;
    world.script = RefusePoison({absl::StrCat("a:", i)});
    const Watch job = world.Submit("a", 25);
    world.RunUntilIdle();
    EXPECT_LE(world.calls.size(), 11) << i;
    EXPECT_EQ(job->Count(Outcome::kUpdated), 24) << i;
    EXPECT_EQ(job->Of(i).outcome, Outcome::kFailed) << i;
  }
}

TEST(Dispatcher, FindsTenPoisonLeadsAmongAThousand) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    std::mt19937_64 random(seed);
    std::set<std::string> poison;
    while (poison.size() < 10) {
      poison.insert(absl::StrCat("job:", random() % 1000));
    }
    DispatchWorld world({}, seed);
    world.script = RefusePoison(poison);
    const Watch job = world.Submit("job", 1000);
    world.RunUntilIdle();
    EXPECT_EQ(job->Count(Outcome::kUpdated), 990) << seed;
    EXPECT_EQ(job->Count(Outcome::kFailed, Reason::kRejectedByLeadSquared), 10)
        << seed;
    EXPECT_EQ(job->upstream_calls, static_cast<int>(world.calls.size()));
  }
}

TEST(Dispatcher, SaysCallRefusedOfWhatTheBudgetDoesNotReach) {
  DispatchWorld world;
  world.script = [](SentCall& call) { AnswerRefused(call, "all is poison"); };
  const Watch job = world.Submit("job", 1000);
  world.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kFailed), 1000);
  EXPECT_GT(job->Count(Outcome::kFailed, Reason::kCallRefused), 500);
  // 40 calls and the budget of extra ones.
  EXPECT_LE(world.calls.size(), 40 + 110);
}

TEST(Dispatcher, ALoneRefusedLeadCostsNoExtraCall) {
  DispatchWorld world;
  world.script = [](SentCall& call) { AnswerRefused(call, "no"); };
  const Watch job = world.Submit("job", 1);
  world.RunUntilIdle();
  EXPECT_EQ(world.calls.size(), 1);
  EXPECT_EQ(job->Count(Outcome::kFailed, Reason::kRejectedByLeadSquared), 1);
}

TEST(Dispatcher, EndsLeadsThatWaitForIsolationAtACancelAndADeadline) {
  for (const bool cancel : {true, false}) {
    DispatchWorld world(Limited(1, absl::Seconds(5)));
    world.script = RefusePoison({"job:3"});
    const Watch job =
        world.Submit("job", 25, Until(world.now() + absl::Seconds(7)));
    const Watch other = world.Submit("other", 1);
    world.RunFor(absl::Seconds(6));
    if (cancel) world.Cancel(*job);
    world.RunUntilIdle();
    EXPECT_EQ(job->results.size(), 25);
    EXPECT_EQ(job->Count(Outcome::kUnknown), 0);
    // They were read once, so they are not "not sent".
    EXPECT_EQ(job->Count(Outcome::kNotSent), 0);
    EXPECT_GT(job->Count(Outcome::kFailed, Reason::kCallRefused), 0);
    EXPECT_EQ(other->Count(Outcome::kUpdated), 1);
  }
}

// ------------------------------------------------------------- shutting down

TEST(Dispatcher, RefusesNewJobsWhileItDrainsAndFinishesTheOldOnes) {
  DispatchWorld world;
  const Watch job = world.Submit("job", 1000);
  world.dispatcher().StartDraining();
  const auto refused = world.TrySubmit("refused", {"a"}, {});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(errors::ReasonNameOf(refused.status()), "DRAINING");
  world.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kUpdated), 1000);
}

TEST(Dispatcher, GivesUpWhatWaitsAndLetsCallsUnderWayFinish) {
  DispatchWorld world;
  const Watch job = world.Submit("job", 1000);
  world.RunFor(absl::Milliseconds(10));
  ASSERT_EQ(world.calls.size(), 25);
  world.dispatcher().GiveUp(world.now());
  EXPECT_EQ(job->Count(Outcome::kNotSent, Reason::kDraining), 375);
  EXPECT_FALSE(job->finished_at);
  world.RunUntilIdle(absl::Seconds(1));
  EXPECT_EQ(job->Count(Outcome::kUpdated), 625);
  EXPECT_EQ(world.calls.size(), 25);
}

TEST(Dispatcher, SendsNothingAgainOnceItHasGivenUp) {
  for (const int form : {0, 1, 2, 3}) {
    DispatchWorld world;
    world.script = [&](SentCall& call) {
      switch (form) {
        case 0:
          return AnswerThrottled(call, std::nullopt, absl::Milliseconds(10));
        case 1:
          return AnswerNotSent(call);
        case 2:
          return AnswerInDoubt(call);
        default:
          return AnswerRefused(call, "no");
      }
    };
    const Watch job = world.Submit("job", 25);
    ASSERT_EQ(world.calls.size(), 1);
    world.dispatcher().GiveUp(world.now());
    world.RunUntilIdle(absl::Seconds(1));
    EXPECT_EQ(world.calls.size(), 1) << form;
    EXPECT_EQ(job->results.size(), 25) << form;
    const Outcome outcome = form == 2   ? Outcome::kUnknown
                            : form == 3 ? Outcome::kFailed
                                        : Outcome::kNotSent;
    EXPECT_EQ(job->Count(outcome), 25) << form;
  }
}

TEST(Dispatcher, AnAccountThatIsGoneSaysSoAndCanComeBack) {
  DispatchWorld world;
  const Watch job = world.Submit("job", 1000);
  world.RunFor(absl::Milliseconds(10));
  world.dispatcher().GiveUpAccount(world.now());
  EXPECT_EQ(job->Count(Outcome::kNotSent, Reason::kDraining), 375);
  EXPECT_NE(world.dispatcher().State(world.now()).blocked, "");
  const auto gone = std::find_if(
      job->results.begin(), job->results.end(), [](const auto& entry) {
        return entry.second.outcome == Outcome::kNotSent;
      });
  EXPECT_TRUE(absl::StrContains(gone->second.problem->message,
                                "taken out of this gateway's configuration"));
  EXPECT_FALSE(world.TrySubmit("late", {"a"}, {}).ok());
  // Before its calls are over: they still count.
  world.dispatcher().TakeAgain();
  const Watch again = world.Submit("again", 25);
  world.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kUpdated), 625);
  EXPECT_EQ(again->Count(Outcome::kUpdated), 25);
  ASSERT_EQ(world.calls.size(), 26);
  EXPECT_GE(world.calls[25].at - world.calls[0].at, absl::Seconds(5));
}

TEST(Dispatcher, OtherSettingsTakeEffectWhileLeadsWait) {
  AccountDispatcher::Options options = Limited(10, absl::Seconds(1));
  DispatchWorld world(options);
  const Watch a = world.Submit("a", 10'000);
  world.RunFor(absl::Seconds(10.5));
  const size_t before = world.calls.size();
  EXPECT_NEAR(static_cast<double>(before), 105, 15);
  // A fifth of the speed.
  options.allowance = {.calls = 4, .window = absl::Seconds(2)};
  world.dispatcher().Reconfigure(options, world.now());
  world.RunFor(absl::Seconds(20));
  // No two seconds saw more than four calls, from the change on.
  for (size_t i = before; i < world.calls.size(); ++i) {
    EXPECT_GE(world.calls[i].at - world.calls[i - 4].at, absl::Seconds(2)) << i;
  }
  EXPECT_NEAR(static_cast<double>(world.calls.size() - before), 38, 3);
  // A budget that is spent already.
  options.budget.calls = 20;
  options.budget.spread = DailyBudget::Spread::kNone;
  world.dispatcher().Reconfigure(options, world.now());
  const size_t then = world.calls.size();
  world.RunFor(absl::Seconds(20));
  EXPECT_EQ(world.calls.size(), then);
  options.budget.calls = 0;
  options.allowance = {.calls = 100, .window = absl::Seconds(1)};
  world.dispatcher().Reconfigure(options, world.now());
  world.RunUntilIdle(absl::Seconds(5));
  EXPECT_EQ(a->Count(Outcome::kUpdated), 10'000);
}

// ----------------------------------------------------------------- admission

TEST(Dispatcher, RefusesARequestThatTheQueueHasNoRoomFor) {
  AccountDispatcher::Options options = Limited(1, absl::Seconds(5));
  options.max_queued_leads = 100;
  DispatchWorld world(options);
  world.Submit("first", 25);
  world.Submit("second", 90);
  const auto refused =
      world.TrySubmit("third",
                      std::vector<std::string>{"1", "2", "3", "4", "5", "6",
                                               "7", "8", "9", "10", "11"},
                      {});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(errors::ReasonNameOf(refused.status()), "QUEUE_FULL");
  EXPECT_GT(errors::RetryDelayOf(refused.status()), absl::ZeroDuration());
  EXPECT_TRUE(world.TrySubmit("fourth", {"1", "2"}, {}).ok());
  EXPECT_EQ(world.dispatcher().State(world.now()).leads_queued, 92);
  world.RunUntilIdle();
  EXPECT_EQ(world.dispatcher().State(world.now()).leads_queued, 0);
  EXPECT_EQ(world.dispatcher().State(world.now()).bytes_queued, 0);
}

TEST(Dispatcher, RefusesARequestWhoseBytesTheQueueHasNoRoomFor) {
  AccountDispatcher::Options options;
  options.max_queued_bytes = 10'000;
  DispatchWorld world(options);
  const auto refused = world.TrySubmit("big", {std::string(20'000, 'x')}, {});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(errors::ReasonNameOf(refused.status()), "QUEUE_FULL");
  EXPECT_THAT(std::string(refused.status().message()),
              ::testing::HasSubstr("bytes"));
  EXPECT_TRUE(world.TrySubmit("small", {"x"}, {}).ok());
  world.RunUntilIdle();
}

AccountDispatcher::Options Bounded() {
  AccountDispatcher::Options options = Limited(5, absl::Seconds(5));
  options.max_queued_leads = 500;
  return options;
}

std::vector<std::string> Keys(const std::string& name, int leads) {
  std::vector<std::string> keys;
  for (int i = 0; i < leads; ++i) keys.push_back(absl::StrCat(name, "-", i));
  return keys;
}

// A refused request is told when to come again; then it gets in.
void ExpectAdmittedAfterTheWait(DispatchWorld& world, int leads, JobSpec spec,
                                const std::string& reason,
                                std::optional<absl::Duration> deadline) {
  const auto ask = [&](const std::string& name) {
    JobSpec mine = spec;
    if (deadline) mine.finish_by = world.now() + *deadline;
    return world.TrySubmit(name, Keys(name, leads), std::move(mine));
  };
  const auto refused = ask("refused");
  ASSERT_EQ(errors::ReasonNameOf(refused.status()), reason) << refused.status();
  const absl::Duration wait = errors::RetryDelayOf(refused.status());
  ASSERT_GT(wait, absl::ZeroDuration());
  ASSERT_LT(wait, absl::Hours(20));
  world.RunFor(wait);
  const auto again = ask("again");
  EXPECT_TRUE(again.ok()) << "after " << wait << ": " << again.status();
  // Not told to wait much longer than needed.
  EXPECT_LT(wait, absl::Hours(1)) << reason;
}

TEST(Dispatcher, AdmitsAfterTheWaitThatAFullQueueWasTold) {
  for (const int leads : {1, 40, 200}) {
    DispatchWorld world(Bounded());
    world.Submit("first", 500);
    world.Submit("second", 125);
    ExpectAdmittedAfterTheWait(world, leads, {}, "QUEUE_FULL", std::nullopt);
    world.RunUntilIdle();
  }
}

TEST(Dispatcher, AdmitsAfterTheWaitThatAFullShareOfTheQueueWasTold) {
  AccountDispatcher::Options options = Limited(5, absl::Seconds(5));
  options.max_queued_leads_per_caller = 300;
  DispatchWorld world(options);
  JobSpec mine;
  mine.caller = "greedy";
  world.Submit("mine", 300, mine);
  world.Submit("other", 200);
  world.Submit("third", 200);
  ExpectAdmittedAfterTheWait(world, 250, mine, "QUEUE_FULL", std::nullopt);
  world.RunUntilIdle();
}

TEST(Dispatcher, AdmitsAfterTheWaitThatFullMemoryWasTold) {
  for (const bool by_caller : {false, true}) {
    AccountDispatcher::Options options = Limited(5, absl::Seconds(5));
    (by_caller ? options.max_queued_bytes_per_caller
               : options.max_queued_bytes) = 200'000;
    DispatchWorld world(options);
    JobSpec mine;
    mine.caller = "greedy";
    int jobs = 0;
    while (world
               .TrySubmit(absl::StrCat("job", jobs),
                          Keys(absl::StrCat("job", jobs), 20), mine)
               .ok()) {
      ASSERT_LT(++jobs, 100);
    }
    ExpectAdmittedAfterTheWait(world, 20, mine, "QUEUE_FULL", std::nullopt);
    world.RunUntilIdle();
  }
}

TEST(Dispatcher, AdmitsAfterTheWaitThatATooShortDeadlineWasTold) {
  DispatchWorld world(Limited(5, absl::Seconds(5)));
  world.Submit("first", 1'500);
  world.RunFor(absl::Seconds(7));
  ExpectAdmittedAfterTheWait(world, 600, {}, "DEADLINE_TOO_SHORT",
                             absl::Seconds(30));
  world.RunUntilIdle();
}

AccountDispatcher::Options Budgeted(int64_t calls, DailyBudget::Spread spread) {
  AccountDispatcher::Options options = Limited(25, absl::Seconds(5));
  options.budget = {.calls = calls, .spread = spread, .window_calls = 5};
  return options;
}

TEST(Dispatcher, AdmitsAfterTheWaitThatAnUnreleasedShareOfTheDayWasTold) {
  DispatchWorld world(Budgeted(10'000, DailyBudget::Spread::kEven));
  const absl::Time now = world.now();
  DailyBudget& budget = world.dispatcher().budget();
  budget.Restore(budget.Free(now), now);
  ExpectAdmittedAfterTheWait(world, 1'000, {}, "DAILY_BUDGET_SPENT",
                             absl::Minutes(5));
  world.RunUntilIdle(absl::Hours(1));
}

TEST(Dispatcher, RefusesUntilMidnightWhenTheDaysBudgetIsSpent) {
  AccountDispatcher::Options options = Budgeted(4, DailyBudget::Spread::kNone);
  options.allowance.calls = 2;
  DispatchWorld world(options);
  const Watch job =
      world.Submit("job", 100, Until(world.now() + absl::Hours(1)));
  // Calls of another kind take the rest.
  world.dispatcher().budget().Take(world.now());
  world.dispatcher().budget().Take(world.now());
  world.RunFor(absl::Seconds(10));
  EXPECT_EQ(job->Count(Outcome::kUpdated), 50);
  EXPECT_EQ(job->Count(Outcome::kNotSent, Reason::kDailyBudgetSpent), 50);
  EXPECT_NE(job->Of(99).problem->message.find("the next calls are free at"),
            std::string::npos);
  const auto refused = world.TrySubmit("more", {"x"}, {});
  EXPECT_EQ(errors::ReasonNameOf(refused.status()), "DAILY_BUDGET_SPENT");
  const absl::Duration wait = errors::RetryDelayOf(refused.status());
  EXPECT_LE(wait, absl::Hours(24));
  world.RunFor(wait);
  EXPECT_TRUE(world.TrySubmit("again", {"x"}, {}).ok());
  world.RunUntilIdle();
}

TEST(Dispatcher, LetsLeadsWaitForTheNextDayWhereTheirDeadlineReachesIt) {
  DispatchWorld world(Budgeted(4, DailyBudget::Spread::kNone));
  const absl::Duration to_midnight =
      world.dispatcher().budget().DayEnd(world.now()) - world.now();
  const Watch patient = world.Submit(
      "patient", 110, Until(world.now() + to_midnight + absl::Hours(1)));
  world.RunFor(absl::Seconds(10));
  EXPECT_EQ(patient->results.size(), 100);
  EXPECT_EQ(world.dispatcher().State(world.now()).block, Block::kBudget);
  world.RunUntilIdle(absl::Hours(26));
  EXPECT_EQ(patient->Count(Outcome::kUpdated), 110);
  EXPECT_EQ(world.calls.size(), 5);
}

TEST(Dispatcher, SpendsTheDaysCallsAsTheyAreReleased) {
  DispatchWorld world(Budgeted(1'000, DailyBudget::Spread::kEven));
  const Watch job =
      world.Submit("job", 24'000, Until(world.now() + absl::Hours(30)));
  const absl::Time start = world.now();
  world.RunUntilIdle(absl::Hours(30));
  EXPECT_EQ(job->Count(Outcome::kUpdated), 24'000);
  EXPECT_EQ(world.calls.size(), 960);
  EXPECT_LT(world.calls.back().at - start, absl::Hours(24));
}

// --------------------------------------------------- clients that do not read

TEST(Dispatcher, SendsNothingForAClientThatDoesNotReadAndStopsNobodyElse) {
  DispatchWorld world(Limited(5, absl::Seconds(5)));
  const Watch deaf = world.Submit("deaf", 1'000);
  world.RunFor(absl::Seconds(6));
  world.dispatcher().Hold(deaf->id, true);
  world.RunFor(absl::Seconds(6));  // what was under way
  const size_t before = world.calls.size();
  const size_t results = deaf->results.size();
  const Watch other =
      world.Submit("other", 100, Until(world.now() + absl::Seconds(12)));
  world.RunFor(absl::Seconds(30));
  EXPECT_EQ(other->Count(Outcome::kUpdated), 100);
  EXPECT_EQ(world.calls.size() - before, 4);
  EXPECT_EQ(deaf->results.size(), results);
  world.dispatcher().Hold(deaf->id, false);
  world.Tick();
  world.RunUntilIdle();
  EXPECT_EQ(deaf->Count(Outcome::kUpdated), 1'000);
}

TEST(Dispatcher, EndsAHeldJobAtItsDeadlineAndAtACancel) {
  DispatchWorld world(Limited(1, absl::Seconds(5)));
  const Watch first =
      world.Submit("first", 100, Until(world.now() + absl::Seconds(60)));
  const Watch second = world.Submit("second", 100);
  world.dispatcher().Hold(first->id, true);
  world.dispatcher().Hold(second->id, true);
  world.Cancel(*second);
  world.RunUntilIdle();
  EXPECT_EQ(first->Count(Outcome::kNotSent, Reason::kDeadline) +
                first->Count(Outcome::kUpdated),
            100);
  EXPECT_GE(second->Count(Outcome::kNotSent, Reason::kCancelled), 75);
  EXPECT_EQ(world.dispatcher().State(world.now()).leads_queued, 0);
}

// ------------------------------------------------------------------ progress

// Each estimate that was told, against what came true.
void ExpectTrueEstimates(const Watch& job, const std::string& what) {
  ASSERT_TRUE(job->finished_at) << what;
  int told = 0;
  for (size_t i = 0; i < job->progress.size(); ++i) {
    const absl::Duration truth = *job->finished_at - job->progress_times[i];
    // The last window is a matter of single calls.
    if (truth < absl::Seconds(10)) continue;
    ++told;
    const double ratio =
        absl::FDivDuration(job->progress[i].estimated_remaining, truth);
    EXPECT_GT(ratio, 0.8) << what << ", " << truth << " before the end";
    EXPECT_LT(ratio, 1.2) << what << ", " << truth << " before the end";
  }
  EXPECT_GT(told, 0) << what;
}

// A spent budget holds everything up for days; what comes steadily now is not
// expected to come all that time.
TEST(Dispatcher, ForetellsNoEndlessStreamWhereTheDaysCallsAreSpent) {
  // They last for half a minute.
  DispatchWorld world(Budgeted(150, DailyBudget::Spread::kNone));
  std::vector<Watch> jobs;
  for (int i = 0; i < 20; ++i) {
    jobs.push_back(world.Submit(absl::StrCat("job", i), 200,
                                Until(world.now() + absl::Hours(1'000'000))));
    world.RunFor(absl::Seconds(1));
  }
  world.RunFor(absl::Seconds(25));
  int told = 0;
  for (const Watch& job : jobs) {
    for (const JobProgress& progress : job->progress) {
      ++told;
      EXPECT_GE(progress.leads_queued_ahead, 0);
      // An hour of it.
      EXPECT_LE(progress.leads_queued_ahead, 200 * 3'700);
    }
  }
  EXPECT_GT(told, 5);
}

TEST(Dispatcher, ForetellsTheEndOfALoneJob) {
  for (const int calls : {1, 5, 25}) {
    DispatchWorld world(Limited(calls, absl::Seconds(5)));
    const Watch job = world.Submit("job", 2'000 * calls / 5);
    world.RunUntilIdle();
    ExpectTrueEstimates(job, absl::StrCat(calls, " calls"));
  }
}

TEST(Dispatcher, ForetellsTheEndsOfJobsThatShare) {
  AccountDispatcher::Options options = Limited(5, absl::Seconds(5));
  options.caller_weights = {{"heavy", 3.0}};
  DispatchWorld world(options);
  std::vector<std::pair<std::string, Watch>> jobs;
  const auto submit = [&](const std::string& name, const std::string& caller,
                          int leads, Priority priority) {
    JobSpec spec;
    spec.caller = caller;
    spec.priority = priority;
    jobs.emplace_back(name, world.Submit(name, leads, spec));
  };
  submit("long", "a", 2'000, Priority::kInteractive);
  submit("short", "b", 500, Priority::kInteractive);
  submit("heavy", "heavy", 1'000, Priority::kInteractive);
  submit("sibling", "a", 700, Priority::kInteractive);
  submit("bulk", "c", 900, Priority::kBulk);
  world.RunUntilIdle();
  for (const auto& [name, job] : jobs) ExpectTrueEstimates(job, name);
}

// What is foreseen of a job of 500 leads, against what came true when it was
// submitted.
TEST(Dispatcher, ForeseesWhatAJobWouldMeetWith) {
  struct {
    const char* name;
    const char* caller;  // of those that wait
    const char* key;
    Priority priority;
    int waiting;
    bool ahead;   // whether they go before it
    bool shares;  // whether they share its calls
  } cases[] = {
      {"nothing", "other", "", Priority::kInteractive, 0, false, false},
      {"another's", "other", "", Priority::kInteractive, 2'000, true, true},
      {"a few", "other", "", Priority::kInteractive, 60, true, true},
      {"its own", "mine", "", Priority::kInteractive, 2'000, true, true},
      {"by Phone", "other", "Phone", Priority::kInteractive, 2'000, true,
       false},
      {"bulk", "other", "", Priority::kBulk, 2'000, true, true},
  };
  for (const auto& c : cases) {
    DispatchWorld world(Limited(5, absl::Seconds(5)));
    world.Submit("before", 25);
    world.RunUntilIdle();
    Watch other;
    JobSpec theirs;
    theirs.caller = c.caller;
    theirs.search_key = c.key;
    theirs.priority = c.priority;
    if (c.waiting > 0) other = world.Submit("other", c.waiting, theirs);
    JobSpec mine;
    mine.caller = "mine";
    const AccountState before = world.dispatcher().State(world.now());
    const JobOutlook outlook =
        world.dispatcher().Foresee(mine, 500, world.now());
    // It leaves no trace.
    const AccountState after = world.dispatcher().State(world.now());
    EXPECT_EQ(after.leads_queued, before.leads_queued) << c.name;
    EXPECT_EQ(after.callers.size(), before.callers.size()) << c.name;
    const absl::Time start = world.now();
    const Watch job = world.Submit("job", 500, mine);
    world.RunUntilIdle();
    ASSERT_TRUE(job->finished_at) << c.name;
    const double ratio =
        absl::FDivDuration(outlook.duration, *job->finished_at - start);
    EXPECT_GT(ratio, 0.8) << c.name << ": " << outlook.duration;
    EXPECT_LT(ratio, 1.2) << c.name << ": " << outlook.duration;
    EXPECT_NEAR(outlook.upstream_calls, job->upstream_calls,
                0.1 * job->upstream_calls)
        << c.name;
    EXPECT_EQ(outlook.leads_queued_ahead > 0, c.ahead) << c.name;
    EXPECT_EQ(outlook.upstream_calls > 500 / kMaxLeadsPerCall, c.shares)
        << c.name;
  }
}

TEST(Dispatcher, ForeseesNothingForNoLeads) {
  DispatchWorld world(Limited(1, absl::Seconds(60)));
  world.Submit("other", 100);
  world.RunFor(absl::Seconds(1));
  const JobOutlook outlook =
      world.dispatcher().Foresee(JobSpec(), 0, world.now());
  EXPECT_EQ(outlook.upstream_calls, 0);
  EXPECT_EQ(outlook.leads_queued_ahead, 0);
  EXPECT_EQ(outlook.duration, absl::ZeroDuration());
}

TEST(Dispatcher, ForetellsTheEndBesideAStreamOfSmallJobs) {
  for (const int per_second : {20, 60}) {
    DispatchWorld world(Limited(25, absl::Seconds(5)));
    // The stream has been there for a while.
    for (int i = 0; i < 300 * per_second; ++i) {
      world.At(absl::Seconds(1) * i / per_second, [&world, i] {
        JobSpec spec;
        spec.caller = "stream";
        world.Submit(absl::StrCat("small", i), 1, spec);
      });
    }
    world.RunFor(absl::Seconds(40));
    const Watch job = world.Submit("job", 8'000);
    world.RunUntilIdle();
    ExpectTrueEstimates(job, absl::StrCat(per_second, " a second"));
  }
}

TEST(Dispatcher, TellsProgressAtLeastEveryTenSeconds) {
  DispatchWorld world(Limited(1, absl::Seconds(60)));
  const absl::Time start = world.now();
  const Watch job = world.Submit("job", 200);
  world.RunUntilIdle();
  ASSERT_FALSE(job->progress_times.empty());
  absl::Time before = start;
  for (const absl::Time told : job->progress_times) {
    EXPECT_LE(told - before, AccountDispatcher::kProgressInterval);
    before = told;
  }
  EXPECT_LE(*job->finished_at - before, AccountDispatcher::kProgressInterval);
  EXPECT_GT(job->progress.front().estimated_remaining, absl::Minutes(5));
  EXPECT_EQ(job->progress.back().upstream_calls, 7);
}

TEST(Dispatcher, TellsProgressSoonerWhereTheEstimateChangesMuch) {
  for (const bool changes : {true, false}) {
    DispatchWorld world(Limited(5, absl::Seconds(5)));
    const absl::Time start = world.now();
    const Watch job = world.Submit("job", 2'000);
    // Half of what is sent is another caller's from now on.
    const absl::Duration at = absl::Seconds(23.5);
    if (changes) world.At(at, [&] { world.Submit("other", 2'000); });
    world.RunFor(absl::Seconds(29));
    std::vector<absl::Duration> told;
    for (const absl::Time time : job->progress_times) {
      told.push_back(time - start);
    }
    // The first estimate at once, the others when it is time.
    ASSERT_GE(told.size(), 3);
    EXPECT_LE(told[0], AccountDispatcher::kProgressCheck);
    EXPECT_NEAR(absl::ToDoubleSeconds(told[1] - told[0]), 10, 1);
    if (changes) {
      ASSERT_EQ(told.size(), 4);
      EXPECT_GE(told[3], at);
      EXPECT_LE(told[3], at + AccountDispatcher::kProgressCheck);
      EXPECT_GT(job->progress[3].estimated_remaining,
                1.5 * job->progress[2].estimated_remaining);
    } else {
      EXPECT_EQ(told.size(), 3);
    }
    world.RunUntilIdle();
  }
}

// ------------------------------------------------------------------- breaker

TEST(Dispatcher, MakesFewCallsWhileNothingAnswersAndIsBackSoonAfter) {
  DispatchWorld world;
  bool up = false;
  world.script = [&](SentCall& call) {
    if (up) return AnswerUpdated(call);
    AnswerNotSent(call);
  };
  const Watch job = world.Submit("job", 2'000);
  world.RunFor(absl::Seconds(60));
  // 25 at once, then one probe at a time: some 60 in a minute.
  EXPECT_LT(world.calls.size(), 150);
  EXPECT_GT(world.calls.size(), 35);
  EXPECT_FALSE(world.dispatcher().State(world.now()).blocked.empty());
  up = true;
  const absl::Time back = world.now();
  world.RunUntilIdle();
  EXPECT_EQ(job->Count(Outcome::kUpdated), 2'000);
  // 80 calls are four windows of 25; the first probe comes within 2 s.
  EXPECT_LT(world.now() - back, absl::Seconds(2 + 16 + 1));
}

TEST(Dispatcher, BoundsRetriesInAnOutageThatSwallowsCalls) {
  DispatchWorld world;
  world.script = [](SentCall& call) { AnswerInDoubt(call); };
  const Watch job = world.Submit("job", 10'000);
  world.RunUntilIdle(absl::Hours(1));
  EXPECT_EQ(job->Count(Outcome::kUnknown, Reason::kNoAnswer), 10'000);
  size_t sent = 0;
  for (const SentCall& call : world.calls) sent += call.leads.size();
  EXPECT_LE(sent, 10'000 + 1'000 + 50);
}

// ------------------------------------------------------------------ fairness

TEST(Dispatcher, LetsSmallJobsFinishInTheirShareBesideALargeOne) {
  DispatchWorld world;
  const Watch large = world.Submit("large", 10'000);
  world.RunFor(absl::Seconds(20));
  const absl::Time submitted = world.now();
  std::vector<Watch> small;
  for (int i = 0; i < 9; ++i) {
    small.push_back(world.Submit(absl::StrCat("small", i), 25));
  }
  world.RunUntilIdle();
  // Ten flows, a tenth each, 125 leads a second: 25 leads take 2 s; and slots
  // come in bursts of a window.
  const double share = 25 / (125.0 / 10);
  for (const Watch& job : small) {
    EXPECT_LE(absl::ToDoubleSeconds(*job->finished_at - submitted),
              1.1 * share + 5.2);
  }
  // Call by call: all of the small ones are through within 10 calls and one.
  size_t first = world.calls.size();
  size_t last = 0;
  for (const SentCall& call : world.calls) {
    for (const SentLead& lead : call.leads) {
      if (!absl::StartsWith(lead.tag, "small")) continue;
      first = std::min(first, call.number);
      last = std::max(last, call.number);
    }
  }
  EXPECT_LE(last - first + 1, 11);
  EXPECT_EQ(large->Count(Outcome::kUpdated), 10'000);
}

// Leads of each name among the first `calls` calls.
int Share(const DispatchWorld& world, const std::string& name, size_t from,
          size_t calls) {
  int share = 0;
  for (size_t i = from; i < from + calls && i < world.calls.size(); ++i) {
    for (const SentLead& lead : world.calls[i].leads) {
      if (absl::StartsWith(lead.tag, name)) ++share;
    }
  }
  return share;
}

TEST(Dispatcher, SharesByWeight) {
  AccountDispatcher::Options options;
  options.caller_weights["heavy"] = 3;
  DispatchWorld world(options);
  world.Submit("heavy", 3'000);
  world.Submit("light", 3'000);
  world.RunFor(absl::Seconds(12));
  const size_t calls = world.calls.size() - 25;
  ASSERT_GE(calls, 40);
  const int heavy = Share(world, "heavy", 25, calls);
  const int light = Share(world, "light", 25, calls);
  EXPECT_NEAR(static_cast<double>(heavy) / (heavy + light), 0.75, 0.02);
}

TEST(Dispatcher, ServesInteractiveBeforeBulkAndStarvesNeither) {
  DispatchWorld world;
  world.Submit("bulk", 3'000, Bulk());
  world.RunFor(absl::Milliseconds(1));
  ASSERT_EQ(world.calls.size(), 25);
  world.Submit("interactive", 3'000);
  world.RunFor(absl::Seconds(16));
  const size_t calls = world.calls.size() - 25;
  ASSERT_GE(calls, 70);
  const int bulk = Share(world, "bulk", 25, calls);
  const int interactive = Share(world, "interactive", 25, calls);
  EXPECT_NEAR(static_cast<double>(interactive) / (bulk + interactive), 0.8,
              0.02);
}

TEST(Dispatcher, GivesACallersManyJobsNoMoreThanItsShare) {
  DispatchWorld world;
  for (int i = 0; i < 20; ++i) {
    JobSpec spec;
    spec.caller = "many";
    world.Submit(absl::StrCat("many", i), 150, std::move(spec));
  }
  world.Submit("one", 3'000);
  world.RunFor(absl::Seconds(11));
  const size_t calls = world.calls.size() - 25;
  const int many = Share(world, "many", 25, calls);
  const int one = Share(world, "one", 25, calls);
  EXPECT_NEAR(static_cast<double>(one) / (many + one), 0.5, 0.02);
}

TEST(Dispatcher, StarvesNoSearchKey) {
  DispatchWorld world;
  world.Submit("a", 3'000, ByKey("EmailAddress"));
  world.Submit("b", 3'000, ByKey("Phone"));
  world.RunFor(absl::Seconds(11));
  const size_t calls = world.calls.size() - 25;
  const int a = Share(world, "a", 25, calls);
  const int b = Share(world, "b", 25, calls);
  EXPECT_NEAR(static_cast<double>(a) / (a + b), 0.5, 0.05);
}

TEST(Dispatcher, LetsAFewLeadsOfAnotherSearchKeyLeaveBesideABacklog) {
  for (const int calls : {1, 5, 25}) {
    SCOPED_TRACE(absl::StrCat(calls, " calls"));
    DispatchWorld world(Limited(calls, absl::Seconds(5)));
    world.Submit("backlog", 100 * 25 * calls, ByKey("EmailAddress"));
    world.RunFor(absl::Seconds(30));
    const absl::Time at = world.now();
    const auto few = world.Submit("few", 3, ByKey("Phone"));
    world.RunFor(absl::Seconds(60));
    ASSERT_TRUE(few->finished_at);
    // It waits one interval, then for the next call, then for the answer.
    EXPECT_LE(
        *few->finished_at - at,
        absl::Seconds(5) * 1.2 / calls + absl::Seconds(5.1) + absl::Seconds(1));
  }
}

TEST(Dispatcher, ATrickleOfAnotherSearchKeyTakesNoMoreThanItsShareOfCalls) {
  DispatchWorld world(Limited(1, absl::Seconds(1)));
  world.Submit("backlog", 20'000, ByKey("EmailAddress"));
  for (int n = 0; n < 1'200; ++n) {
    world.At(absl::Milliseconds(50 * n), [&world, n] {
      JobSpec spec = ByKey("Phone");
      spec.caller = "trickle";
      world.Submit(absl::StrCat("lead", n), 1, std::move(spec));
    });
  }
  world.RunFor(absl::Seconds(60));
  int of_trickle = 0;
  for (const SentCall& call : world.calls) {
    if (call.search_key == "Phone") ++of_trickle;
  }
  // Half of the calls each, however few leads there are in them.
  EXPECT_NEAR(
      static_cast<double>(of_trickle) / static_cast<double>(world.calls.size()),
      0.5, 0.05);
}

// --------------------------------------------------------------- other calls

TEST(Dispatcher, CountsOtherCallsInTheAllowance) {
  DispatchWorld world(Limited(1, absl::Seconds(5)));
  world.Submit("job", 25);
  ASSERT_EQ(world.calls.size(), 1);
  std::vector<absl::Time> gone;
  world.dispatcher().RequestOtherCall([&] { gone.push_back(world.now()); });
  world.Tick();
  EXPECT_TRUE(gone.empty());
  world.RunFor(absl::Seconds(6));
  ASSERT_EQ(gone.size(), 1);
  EXPECT_GE(gone[0], *world.calls[0].done_at + absl::Seconds(5));
  const Watch next = world.Submit("next", 1);
  world.RunFor(absl::Seconds(60));
  EXPECT_EQ(world.calls.size(), 1);
  CallReport report;
  report.verdict = CallVerdict::kAnswered;
  report.sent_at = gone[0];
  report.done_at = world.now();
  report.answered = true;
  world.dispatcher().OtherCallDone(report);
  world.Tick();
  world.RunUntilIdle();
  EXPECT_EQ(next->Count(Outcome::kUpdated), 1);
  EXPECT_EQ(world.dispatcher().State(world.now()).calls_total, 3);
}

// --------------------------------------------------------------------- state

TEST(Dispatcher, TellsHowTheAccountStands) {
  DispatchWorld world(Limited(2, absl::Seconds(5)));
  world.Submit("big", 70);
  world.Submit("small", 5);
  world.RunFor(absl::Milliseconds(10));
  const AccountState state = world.dispatcher().State(world.now());
  EXPECT_EQ(state.limit_calls, 2);
  EXPECT_EQ(state.limit_window, absl::Seconds(5));
  EXPECT_FALSE(state.limit_learned);
  EXPECT_EQ(state.calls_free, 0);
  EXPECT_GT(state.next_free_in, absl::ZeroDuration());
  EXPECT_EQ(state.calls_total, 2);
  EXPECT_EQ(state.leads_in_flight, 50);
  EXPECT_EQ(state.leads_queued, 25);
  EXPECT_GT(state.bytes_queued, 0);
  EXPECT_DOUBLE_EQ(state.mean_leads_per_call, 25);
  EXPECT_EQ(state.blocked, "");
  ASSERT_EQ(state.callers.size(), 2);
  EXPECT_EQ(state.callers[0].name, "big");
  EXPECT_EQ(state.callers[0].leads, 20);
  EXPECT_EQ(state.callers[1].leads, 5);
  EXPECT_GT(state.callers[0].bytes, state.callers[1].bytes);
  world.RunUntilIdle();
  const AccountState after = world.dispatcher().State(world.now());
  EXPECT_EQ(after.leads_queued, 0);
  EXPECT_EQ(after.leads_in_flight, 0);
  EXPECT_EQ(after.bytes_queued, 0);
  EXPECT_TRUE(after.callers.empty());
}

TEST(Dispatcher, SurvivesAnswersThatComeAfterItsEnd) {
  struct Late final : Upstream {
    void Update(UpdateCall,
                absl::AnyInvocable<void(CallReport) &&> callback) override {
      done = std::move(callback);
    }
    absl::AnyInvocable<void(CallReport) &&> done;
  } late;
  std::mt19937_64 random(1);
  const absl::Time now = absl::UnixEpoch();
  const auto watch = std::make_shared<JobWatch>("job", 1, &now);
  {
    AccountDispatcher dispatcher({}, &late, random);
    JobSpec spec;
    LeadUpdate lead;
    lead.tag = "job:0";
    lead.fields = {{"EmailAddress", "a@b.c"}};
    spec.leads.push_back(lead);
    ASSERT_TRUE(dispatcher.Submit(std::move(spec), watch, now).ok());
    dispatcher.Tick(now + absl::Seconds(1));
  }
  ASSERT_TRUE(late.done != nullptr);
  std::move(late.done)(CallReport{});
  EXPECT_TRUE(watch->results.empty());
}

}  // namespace
}  // namespace leadgateway::dispatch
