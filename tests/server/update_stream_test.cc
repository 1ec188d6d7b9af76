#include "gateway/server/update_stream.h"

#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/base/signal.h"
#include "gateway/dispatch/job.h"
#include "gateway/model/errors.h"
#include "gateway/model/lead.h"
#include "gateway/model/limits.h"
#include "gateway/model/outcome.h"
#include "gateway/model/reason.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "tests/support/fake_clock.h"

namespace leadgateway::server {
namespace {

using Pulled = UpdateStream::Pulled;
using Response = v1::BulkUpdateLeadsResponse;

LeadResult Result(int index, Outcome outcome = Outcome::kUpdated,
                  std::optional<Reason> reason = std::nullopt) {
  LeadResult result;
  result.index = index;
  result.tag = absl::StrCat("tag", index);
  result.outcome = outcome;
  if (reason) result.problem = errors::LeadProblem(*reason);
  return result;
}

std::vector<LeadResult> Results(int from, int to,
                                Outcome outcome = Outcome::kUpdated,
                                std::optional<Reason> reason = std::nullopt) {
  std::vector<LeadResult> results;
  for (int i = from; i < to; ++i) {
    results.push_back(Result(i, outcome, reason));
  }
  return results;
}

class UpdateStreamTest : public ::testing::Test {
 protected:
  UpdateStream& Make(int total) {
    stream_.emplace("acme", total, clock_, [this] { ++wakes_; });
    return *stream_;
  }
  Pulled Pull() {
    message_.Clear();
    end_ = absl::UnknownError("not set");
    Pulled pulled = stream_->Pull(&message_, &end_);
    if (pulled == Pulled::kOpen) {
      ++opened_;
      pulled = stream_->Pull(&message_, &end_);
    }
    return pulled;
  }
  // All messages until the end or until there is nothing yet.
  std::vector<Response> PullAll() {
    std::vector<Response> messages;
    while ((last_ = Pull()) == Pulled::kMessage) messages.push_back(message_);
    return messages;
  }

  testing::FakeClock clock_;
  std::optional<UpdateStream> stream_;
  int wakes_ = 0;
  int opened_ = 0;
  Response message_;
  absl::Status end_;
  Pulled last_ = Pulled::kNothingYet;
};

TEST_F(UpdateStreamTest, OpensTheAnswerOnceAsSoonAsTheRequestIsTaken) {
  UpdateStream& stream = Make(10);
  EXPECT_EQ(Pull(), Pulled::kNothingYet);
  EXPECT_EQ(opened_, 0);
  stream.Accepted({});
  EXPECT_EQ(wakes_, 1);
  EXPECT_EQ(Pull(), Pulled::kNothingYet);
  EXPECT_EQ(opened_, 1);
  stream.OnResults(Results(0, 10));
  stream.OnFinished(1);
  EXPECT_EQ(PullAll().size(), 1);
  EXPECT_EQ(opened_, 1);
}

TEST_F(UpdateStreamTest, OpensNoAnswerToARequestThatIsRefused) {
  UpdateStream& stream = Make(10);
  EXPECT_EQ(Pull(), Pulled::kNothingYet);
  stream.Refused(errors::Draining());
  EXPECT_EQ(Pull(), Pulled::kEnd);
  EXPECT_EQ(opened_, 0);
}

TEST_F(UpdateStreamTest, WakesTheReaderOnceWhenThereIsSomethingAfterNothing) {
  UpdateStream& stream = Make(10);
  stream.Accepted({});
  EXPECT_EQ(Pull(), Pulled::kNothingYet);
  stream.OnResults(Results(0, 2));
  EXPECT_EQ(wakes_, 1);
  stream.OnResults(Results(2, 4));
  stream.OnProgress({});
  EXPECT_EQ(wakes_, 1);
  ASSERT_EQ(Pull(), Pulled::kMessage);
  EXPECT_EQ(message_.results_size(), 4);
  EXPECT_EQ(Pull(), Pulled::kNothingYet);
  EXPECT_EQ(Pull(), Pulled::kNothingYet);
  stream.OnResults(Results(4, 5));
  EXPECT_EQ(wakes_, 2);
}

TEST_F(UpdateStreamTest, WakesNobodyWhoDoesNotWait) {
  UpdateStream& stream = Make(2);
  stream.Accepted({});
  stream.OnResults(Results(0, 1));
  stream.OnResults(Results(1, 2));
  stream.OnFinished(1);
  EXPECT_EQ(wakes_, 0);
  EXPECT_EQ(PullAll().size(), 1);
  EXPECT_EQ(last_, Pulled::kEnd);
  EXPECT_EQ(wakes_, 0);
}

TEST_F(UpdateStreamTest, EndsWithASummaryThatAddsUp) {
  UpdateStream& stream = Make(12);
  stream.Accepted(Results(0, 2, Outcome::kInvalid, Reason::kNoFields));
  ASSERT_EQ(Pull(), Pulled::kMessage);
  EXPECT_FALSE(message_.has_summary());
  stream.OnResults(Results(2, 5));
  stream.OnResults(
      Results(5, 7, Outcome::kFailed, Reason::kRejectedByLeadSquared));
  stream.OnResults(
      Results(7, 8, Outcome::kUnprocessed, Reason::kLeadNotFoundOrForbidden));
  stream.OnResults(Results(8, 10, Outcome::kNotSent, Reason::kDeadline));
  stream.OnResults(Results(10, 12, Outcome::kUnknown, Reason::kNoAnswer));
  clock_.Advance(absl::Milliseconds(2'500));
  stream.OnFinished(3);
  clock_.Advance(absl::Seconds(100));  // the reader is slow
  const std::vector<Response> messages = PullAll();
  EXPECT_EQ(last_, Pulled::kEnd);
  EXPECT_TRUE(end_.ok()) << end_;
  ASSERT_EQ(messages.size(), 1);
  EXPECT_EQ(messages[0].results_size(), 10);
  const v1::Summary& summary = messages[0].summary();
  EXPECT_EQ(summary.updated(), 3);
  EXPECT_EQ(summary.failed(), 2);
  EXPECT_EQ(summary.unprocessed(), 1);
  EXPECT_EQ(summary.invalid(), 2);
  EXPECT_EQ(summary.not_sent(), 2);
  EXPECT_EQ(summary.unknown(), 2);
  EXPECT_EQ(summary.valid(), 0);
  EXPECT_EQ(summary.total(), 12);
  EXPECT_EQ(summary.upstream_calls(), 3);
  EXPECT_EQ(summary.elapsed().seconds(), 2);
  EXPECT_EQ(summary.elapsed().nanos(), 500'000'000);
  EXPECT_EQ(stream.upstream_calls(), 3);
  EXPECT_EQ(stream.totals()[static_cast<size_t>(Outcome::kUpdated)], 3);
}

TEST_F(UpdateStreamTest, PutsTenThousandResultsIntoMessagesOfAtMost500) {
  UpdateStream& stream = Make(10'000);
  stream.Accepted({});
  stream.OnResults(Results(0, 10'000));
  stream.OnFinished(400);
  const std::vector<Response> messages = PullAll();
  EXPECT_EQ(last_, Pulled::kEnd);
  EXPECT_EQ(messages.size(), 20);
  std::set<int> indexes;
  for (size_t i = 0; i < messages.size(); ++i) {
    EXPECT_LE(messages[i].results_size(), kMaxResultsPerMessage);
    EXPECT_EQ(messages[i].has_summary(), i + 1 == messages.size());
    for (const v1::LeadResult& result : messages[i].results()) {
      EXPECT_TRUE(indexes.insert(result.index()).second);
    }
  }
  EXPECT_EQ(indexes.size(), 10'000);
}

TEST_F(UpdateStreamTest, KeepsMessagesBelowWhatClientsTake) {
  UpdateStream& stream = Make(500);
  stream.Accepted({});
  std::vector<LeadResult> results = Results(0, 500);
  for (LeadResult& result : results) {
    result.identifier_value = std::string(100'000, 'x');
  }
  stream.OnResults(std::move(results));
  stream.OnFinished(20);
  int results_seen = 0;
  for (const Response& message : PullAll()) {
    EXPECT_LT(message.ByteSizeLong(), 2u << 20);
    results_seen += message.results_size();
  }
  EXPECT_EQ(results_seen, 500);
}

TEST_F(UpdateStreamTest, IsCongestedWhileTooMuchWaitsToBeRead) {
  UpdateStream& stream = Make(10'000);
  std::vector<bool> changes;
  stream.WatchCongestion([&] { changes.push_back(stream.congested()); });
  stream.Accepted({});
  int sent = 0;
  while (!stream.congested()) {
    stream.OnResults(Results(sent, sent + 25));
    sent += 25;
    ASSERT_LT(sent, 1'000);
  }
  EXPECT_GE(stream.unread_bytes(), UpdateStream::kMostUnread);
  EXPECT_LT(stream.unread_bytes(), UpdateStream::kMostUnread + 25 * 300);
  // What is under way still comes.
  stream.OnResults(Results(sent, sent + 25));
  EXPECT_EQ(changes, std::vector<bool>({true}));
  while (Pull() == Pulled::kMessage) {
  }
  EXPECT_EQ(stream.unread_bytes(), 0);
  EXPECT_EQ(changes, std::vector<bool>({true, false}));
}

TEST_F(UpdateStreamTest, HoldsNothingForAClientThatIsGone) {
  UpdateStream& stream = Make(10'000);
  std::vector<bool> changes;
  stream.WatchCongestion([&] { changes.push_back(stream.congested()); });
  stream.Accepted({});
  stream.OnResults(Results(0, 1'000));
  stream.Abandon();
  stream.OnResults(Results(1'000, 2'000));
  EXPECT_EQ(stream.unread_bytes(), 0);
  EXPECT_EQ(changes, std::vector<bool>({true, false}));
}

TEST_F(UpdateStreamTest, GivesASlowReaderTheNewestProgressOnly) {
  UpdateStream& stream = Make(100);
  stream.Accepted(Results(0, 10, Outcome::kInvalid, Reason::kNoFields));
  for (int i = 1; i <= 5; ++i) {
    dispatch::JobProgress progress;
    progress.leads_done = i;
    progress.leads_total = 90;
    progress.leads_queued_ahead = 100 * i;
    progress.estimated_remaining = absl::Milliseconds(1'500);
    progress.upstream_calls = i;
    stream.OnProgress(progress);
  }
  ASSERT_EQ(Pull(), Pulled::kMessage);
  const v1::Progress& progress = message_.progress();
  EXPECT_EQ(progress.leads_queued_ahead(), 500);
  EXPECT_EQ(progress.upstream_calls(), 5);
  // Of the request, not only of what reached dispatch.
  EXPECT_EQ(progress.leads_total(), 100);
  EXPECT_EQ(progress.leads_done(), 10);
  EXPECT_EQ(progress.estimated_remaining().seconds(), 1);
  EXPECT_EQ(progress.estimated_remaining().nanos(), 500'000'000);
  EXPECT_EQ(Pull(), Pulled::kNothingYet);
}

TEST_F(UpdateStreamTest, EndsWithTheStatusOfARefusal) {
  UpdateStream& stream = Make(5);
  EXPECT_EQ(Pull(), Pulled::kNothingYet);
  stream.Refused(errors::Draining());
  EXPECT_EQ(wakes_, 1);
  EXPECT_EQ(Pull(), Pulled::kEnd);
  EXPECT_EQ(errors::ReasonNameOf(end_), "DRAINING");
  EXPECT_EQ(Pull(), Pulled::kEnd);
}

TEST_F(UpdateStreamTest, PutsThePlanBesideTheSummary) {
  UpdateStream& stream = Make(3);
  v1::Plan plan;
  plan.set_upstream_calls(17);
  stream.Accepted(Results(0, 3, Outcome::kValid), plan);
  stream.OnFinished(0);
  const std::vector<Response> messages = PullAll();
  ASSERT_EQ(messages.size(), 1);
  EXPECT_EQ(messages[0].plan().upstream_calls(), 17);
  EXPECT_EQ(messages[0].summary().valid(), 3);
  EXPECT_TRUE(end_.ok());
}

// --------------------------------------------------------------- whole failure

struct Failure {
  std::vector<LeadResult> invalid;
  std::vector<LeadResult> results;
  int upstream_calls = 0;
};

class WholeFailureTest : public UpdateStreamTest {
 protected:
  // How an RPC ends, of which nothing was written before.
  absl::Status EndOf(Failure failure) {
    const int total =
        static_cast<int>(failure.invalid.size() + failure.results.size());
    UpdateStream& stream = Make(total);
    EXPECT_EQ(Pull(), Pulled::kNothingYet);
    stream.Accepted(std::move(failure.invalid));
    stream.OnResults(std::move(failure.results));
    stream.OnFinished(failure.upstream_calls);
    int written = 0;
    for (const Response& message : PullAll()) written += message.results_size();
    EXPECT_EQ(last_, Pulled::kEnd);
    // Either every result, or none and a status that isn't OK.
    EXPECT_EQ(written, end_.ok() ? total : 0);
    return end_;
  }
  static std::vector<LeadResult> NotSent(int from, int to, Reason reason) {
    return Results(from, to, Outcome::kNotSent, reason);
  }
};

TEST_F(WholeFailureTest, IsDeadlineExceededWhenNothingWasSentInTime) {
  const absl::Status end = EndOf({{}, NotSent(0, 600, Reason::kDeadline), 0});
  EXPECT_EQ(end.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(end_.ok());
}

TEST_F(WholeFailureTest, IsOkWhenAnythingWasSentBeforeTheDeadline) {
  EXPECT_TRUE(EndOf({{}, NotSent(0, 5, Reason::kDeadline), 1}).ok());
}

TEST_F(WholeFailureTest, IsUnavailableWhenDrainingOnlyIfNothingWasSent) {
  EXPECT_EQ(EndOf({{}, NotSent(0, 5, Reason::kDraining), 0}).code(),
            absl::StatusCode::kUnavailable);
  EXPECT_TRUE(EndOf({{}, NotSent(0, 5, Reason::kDraining), 1}).ok());
}

TEST_F(WholeFailureTest, SaysSoWhenTheAccountIsGoneAndNotTheGateway) {
  std::vector<LeadResult> results = NotSent(0, 5, Reason::kDraining);
  for (LeadResult& result : results) {
    result.problem = errors::LeadAccountGone("acme");
  }
  const absl::Status end = EndOf({{}, results, 0});
  EXPECT_EQ(end.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(errors::ReasonNameOf(end), "DRAINING");
  EXPECT_TRUE(absl::StrContains(end.message(), "\"acme\" was taken out of"));
}

TEST_F(WholeFailureTest, IsResourceExhaustedWhenOthersHaveSpentTheBudget) {
  const auto results = [&] {
    std::vector<LeadResult> all = NotSent(0, 5, Reason::kDailyBudgetSpent);
    for (LeadResult& result : all) {
      result.problem = errors::LeadBudgetSpent(
          clock_.WallNow() + absl::Hours(2), absl::UTCTimeZone());
    }
    return all;
  };
  const absl::Status end = EndOf({{}, results(), 0});
  EXPECT_EQ(end.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(errors::ReasonNameOf(end), "DAILY_BUDGET_SPENT");
  EXPECT_EQ(errors::RetryDelayOf(end), absl::Hours(2));
  // A call that carried its leads was turned away.
  EXPECT_TRUE(EndOf({{}, results(), 1}).ok());
}

TEST_F(WholeFailureTest, IsFailedPreconditionWhenTheKeysAreRejected) {
  const absl::Status end =
      EndOf({{}, NotSent(0, 5, Reason::kUpstreamCredentialsRejected), 1});
  EXPECT_EQ(end.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(errors::ReasonNameOf(end), "UPSTREAM_CREDENTIALS_REJECTED");
}

TEST_F(WholeFailureTest, IsOkForOtherReasons) {
  for (const Reason reason :
       {Reason::kThrottled, Reason::kUpstreamUnavailable}) {
    EXPECT_TRUE(EndOf({{}, NotSent(0, 5, reason), 1}).ok());
  }
}

TEST_F(WholeFailureTest, IsOkWhenOneLeadHasAnotherResult) {
  for (const LeadResult& odd :
       {Result(4), Result(4, Outcome::kUnknown, Reason::kNoAnswer),
        Result(4, Outcome::kNotSent, Reason::kCancelled),
        Result(4, Outcome::kFailed, Reason::kRejectedByLeadSquared)}) {
    for (const Reason reason : {Reason::kDeadline, Reason::kDraining,
                                Reason::kUpstreamCredentialsRejected}) {
      std::vector<LeadResult> results = NotSent(0, 4, reason);
      results.push_back(odd);
      EXPECT_TRUE(EndOf({{}, results, 0}).ok());
    }
  }
}

TEST_F(WholeFailureTest, IsOkWhenALeadWasInvalid) {
  EXPECT_TRUE(EndOf({Results(0, 1, Outcome::kInvalid, Reason::kNoFields),
                     NotSent(1, 5, Reason::kDeadline), 0})
                  .ok());
}

TEST_F(WholeFailureTest, IsOkOnceAResultWasWritten) {
  UpdateStream& stream = Make(4);
  stream.Accepted({});
  stream.OnResults(NotSent(0, 2, Reason::kDeadline));
  ASSERT_EQ(Pull(), Pulled::kMessage);
  EXPECT_EQ(message_.results_size(), 2);
  stream.OnResults(NotSent(2, 4, Reason::kDeadline));
  stream.OnFinished(0);
  EXPECT_EQ(PullAll().size(), 1);
  EXPECT_TRUE(end_.ok());
}

// Whoever waited long enough to be told of progress is told the same in the
// end as whoever did not.
TEST_F(WholeFailureTest, IsOneAlthoughProgressWasWritten) {
  UpdateStream& stream = Make(2);
  stream.Accepted({});
  stream.OnProgress({});
  ASSERT_EQ(Pull(), Pulled::kMessage);
  EXPECT_TRUE(message_.has_progress());
  stream.OnProgress({});
  stream.OnResults(NotSent(0, 2, Reason::kDeadline));
  EXPECT_EQ(Pull(), Pulled::kNothingYet);
  stream.OnFinished(0);
  EXPECT_EQ(Pull(), Pulled::kEnd);
  EXPECT_EQ(end_.code(), absl::StatusCode::kDeadlineExceeded);
}

// Results that are all there wait for the end, which may make them one status.
TEST_F(WholeFailureTest, WritesNothingBetweenTheLastResultAndTheEnd) {
  UpdateStream& stream = Make(2);
  stream.Accepted({});
  EXPECT_EQ(Pull(), Pulled::kNothingYet);
  stream.OnResults(NotSent(0, 2, Reason::kDeadline));
  EXPECT_EQ(wakes_, 0);
  EXPECT_EQ(Pull(), Pulled::kNothingYet);
  stream.OnFinished(0);
  EXPECT_EQ(wakes_, 1);
  EXPECT_EQ(Pull(), Pulled::kEnd);
  EXPECT_EQ(end_.code(), absl::StatusCode::kDeadlineExceeded);
}

// --------------------------------------------------------------------- abandon

TEST_F(UpdateStreamTest, DropsWhatWaitsWhenTheClientIsGoneAndStillCounts) {
  UpdateStream& stream = Make(10);
  stream.Accepted({});
  stream.OnResults(Results(0, 5));
  stream.Abandon();
  EXPECT_EQ(Pull(), Pulled::kNothingYet);
  stream.OnResults(Results(5, 10, Outcome::kNotSent, Reason::kCancelled));
  stream.OnProgress({});
  EXPECT_EQ(wakes_, 0);
  stream.OnFinished(1);
  EXPECT_EQ(wakes_, 1);
  EXPECT_EQ(Pull(), Pulled::kEnd);
  EXPECT_EQ(message_.results_size(), 0);
  EXPECT_EQ(stream.totals()[static_cast<size_t>(Outcome::kUpdated)], 5);
  EXPECT_EQ(stream.totals()[static_cast<size_t>(Outcome::kNotSent)], 5);
}

// ------------------------------------------------------------------- threads

TEST(UpdateStreamThreads, LosesAndRepeatsNothingBetweenAWriterAndAReader) {
  constexpr int kLeads = 20'000;
  const testing::FakeClock clock;
  Signal ended;
  std::vector<int> seen(kLeads, 0);
  bool summary = false;
  UpdateStream* pointer = nullptr;
  const auto drain = [&] {
    Response message;
    absl::Status end;
    while (true) {
      message.Clear();
      const Pulled pulled = pointer->Pull(&message, &end);
      if (pulled == Pulled::kNothingYet) return;
      if (pulled == Pulled::kEnd) return ended.Set();
      for (const v1::LeadResult& result : message.results()) {
        ++seen[static_cast<size_t>(result.index())];
      }
      summary = summary || message.has_summary();
    }
  };
  UpdateStream stream("acme", kLeads, clock, drain);
  pointer = &stream;
  // As in production: the first pull comes from another thread than the wakes.
  std::thread reader(drain);
  std::thread writer([&] {
    stream.Accepted({});
    for (int i = 0; i < kLeads; i += 25) stream.OnResults(Results(i, i + 25));
    stream.OnFinished(kLeads / 25);
  });
  reader.join();
  writer.join();
  ASSERT_TRUE(ended.WaitFor(absl::Seconds(30)));
  for (int i = 0; i < kLeads; ++i) {
    ASSERT_EQ(seen[static_cast<size_t>(i)], 1) << i;
  }
  EXPECT_TRUE(summary);
}

}  // namespace
}  // namespace leadgateway::server
