#include "gateway/model/errors.h"

#include <cctype>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/model/lead.h"
#include "gateway/model/limits.h"
#include "gateway/model/outcome.h"
#include "gateway/model/reason.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Reasons, HaveTheContractsNamesEachOnce) {
  std::set<std::string> names;
  for (const ReasonInfo& info : AllReasons()) {
    EXPECT_EQ(&InfoOf(info.reason), &info);
    EXPECT_TRUE(names.insert(std::string(info.name)).second) << info.name;
    for (const char c : info.name) EXPECT_TRUE(std::isupper(c) || c == '_');
    EXPECT_NE(info.code, absl::StatusCode::kOk);
  }
  for (const std::string name : {"EMPTY_REQUEST",
                                 "TOO_MANY_LEADS",
                                 "ACCOUNT_UNKNOWN",
                                 "ACCOUNT_FORBIDDEN",
                                 "IDENTITY_UNREADABLE",
                                 "POLICY_DENIED",
                                 "SEARCH_KEY_UNKNOWN",
                                 "SEARCH_KEY_NOT_UNIQUE",
                                 "QUEUE_FULL",
                                 "DEADLINE_TOO_SHORT",
                                 "DAILY_BUDGET_SPENT",
                                 "DRAINING",
                                 "SCHEMA_UNAVAILABLE",
                                 "UPSTREAM_CREDENTIALS_REJECTED",
                                 "FIELD_UNKNOWN",
                                 "FIELD_REPEATED",
                                 "FIELD_READ_ONLY",
                                 "VALUE_MISSING",
                                 "VALUE_TYPE_MISMATCH",
                                 "VALUE_TOO_LONG",
                                 "VALUE_NOT_AN_OPTION",
                                 "SEARCH_KEY_MISSING",
                                 "DUPLICATE_SEARCH_KEY",
                                 "NO_FIELDS",
                                 "LEAD_NOT_FOUND_OR_FORBIDDEN",
                                 "REJECTED_BY_LEADSQUARED",
                                 "CALL_REFUSED",
                                 "DEADLINE",
                                 "CANCELLED",
                                 "THROTTLED",
                                 "UPSTREAM_UNAVAILABLE",
                                 "NO_ANSWER",
                                 "ANSWER_INCOMPLETE",
                                 "ANSWER_UNREADABLE"}) {
    EXPECT_EQ(names.count(name), 1) << name;
  }
}

TEST(Errors, HaveTheContractsCodesAndReasons) {
  using Code = absl::StatusCode;
  const absl::Duration wait = absl::Seconds(2);
  const struct {
    absl::Status status;
    Code code;
    std::string reason;
    bool retry;
  } cases[] = {
      {errors::EmptyRequest(), Code::kInvalidArgument, "EMPTY_REQUEST", false},
      {errors::TooManyLeads(11, 10), Code::kInvalidArgument, "TOO_MANY_LEADS",
       false},
      {errors::AccountUnknown("x", {"a"}), Code::kNotFound, "ACCOUNT_UNKNOWN",
       false},
      {errors::AccountForbidden("x", "c", "its address", "y"),
       Code::kPermissionDenied, "ACCOUNT_FORBIDDEN", false},
      {errors::IdentityUnreadable("x"), Code::kUnauthenticated,
       "IDENTITY_UNREADABLE", false},
      {errors::PolicyDenied("/a/B", "c", "p", ""), Code::kPermissionDenied,
       "POLICY_DENIED", false},
      {errors::PolicyDenied("/a/B", "c", "p", "r"), Code::kPermissionDenied,
       "POLICY_DENIED", false},
      {errors::SearchKeyUnknown("x", {}), Code::kInvalidArgument,
       "SEARCH_KEY_UNKNOWN", false},
      {errors::SearchKeyNotUnique("x", {}), Code::kInvalidArgument,
       "SEARCH_KEY_NOT_UNIQUE", false},
      {errors::QueueFull("x", "x", 1, 2, 2, "leads", wait),
       Code::kResourceExhausted, "QUEUE_FULL", true},
      {errors::DeadlineTooShort("x", wait, wait, wait),
       Code::kResourceExhausted, "DEADLINE_TOO_SHORT", true},
      {errors::DailyBudgetSpent("x", 1, 1, wait, absl::UnixEpoch(),
                                absl::UTCTimeZone()),
       Code::kResourceExhausted, "DAILY_BUDGET_SPENT", true},
      {errors::DailyShareSpent("x", 1, 2, wait, absl::UnixEpoch(),
                               absl::UTCTimeZone()),
       Code::kResourceExhausted, "DAILY_BUDGET_SPENT", true},
      {errors::Draining(), Code::kUnavailable, "DRAINING", true},
      {errors::SchemaUnavailable("x"), Code::kUnavailable, "SCHEMA_UNAVAILABLE",
       true},
      {errors::UpstreamCredentialsRejected("x", ""), Code::kFailedPrecondition,
       "UPSTREAM_CREDENTIALS_REJECTED", false},
      {errors::DeadlineExceeded("x"), Code::kDeadlineExceeded, "DEADLINE",
       false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(c.status.code(), c.code) << c.reason;
    EXPECT_EQ(errors::ReasonNameOf(c.status), c.reason);
    EXPECT_EQ(errors::RetryDelayOf(c.status) > absl::ZeroDuration(), c.retry)
        << c.reason;
    EXPECT_NE(c.status.message(), "");
  }
}

TEST(Errors, RoundRetryDelaysUpToAMillisecond) {
  EXPECT_EQ(errors::RetryDelayOf(errors::QueueFull("x", "x", 1, 2, 2, "leads",
                                                   absl::Microseconds(1'001))),
            absl::Milliseconds(2));
}

TEST(Errors, TellWhenTheNextDaysCallsBegin) {
  const absl::Time until =
      absl::FromCivil(absl::CivilSecond(2026, 3, 11), absl::UTCTimeZone());
  EXPECT_EQ(errors::DailyBudgetSpent("acme", 10'000, 10'000, absl::Minutes(90),
                                     until, absl::UTCTimeZone())
                .message(),
            "account \"acme\" has spent 10000 of its daily budget of 10000 "
            "calls; nothing was sent; the next day's begins in 1h30m, at "
            "2026-03-11 00:00:00 UTC");
  EXPECT_EQ(errors::LeadBudgetSpent(until, absl::FixedTimeZone(19'800)).message,
            "the account's budget of calls for today is spent; the lead was "
            "not sent; the next calls are free at 2026-03-11 05:30:00 +0530");
}

TEST(Errors, SayThatARequestNeverFits) {
  EXPECT_EQ(errors::QueueFull("this caller", "acme", 0, 8, 9, "leads",
                              absl::Seconds(1))
                .message(),
            "the queue of this caller holds 0 of 8 leads; nothing was sent; it "
            "never has room for this request of 9 leads; split it");
}

TEST(Errors, BoundWhatCallersSay) {
  const std::string endless(1 << 20, 'x');
  EXPECT_LT(errors::AccountUnknown(endless, {"a"}).message().size(), 300);
  EXPECT_LT(errors::SearchKeyUnknown(endless, {}).message().size(), 300);
  EXPECT_LT(errors::UpstreamCredentialsRejected("x", endless).message().size(),
            kMaxReasonBytes + 300);
}

// Control characters would reach terminals; quotes would end the name early.
TEST(Errors, WriteWhatCallersNameWithoutControlCharacters) {
  const std::string odd("a\0\x1b[31m\"\n", 9);
  for (const absl::Status& status :
       {errors::AccountUnknown(odd, {}), errors::SearchKeyUnknown(odd, {}),
        errors::SearchKeyNotUnique(odd, {})}) {
    EXPECT_TRUE(absl::StrContains(status.message(), "\"a  [31m\\\" \""))
        << status;
  }
}

TEST(LeadProblem, GivesLeadSquaredsWordsVerbatimWhereItRefusedTheLead) {
  for (const Reason reason :
       {Reason::kLeadNotFoundOrForbidden, Reason::kRejectedByLeadSquared}) {
    EXPECT_EQ(errors::LeadProblem(reason, "its words").message, "its words");
    EXPECT_NE(errors::LeadProblem(reason).message, "");
    EXPECT_EQ(errors::LeadProblem(reason).reason, reason);
  }
}

TEST(LeadProblem, HasASentenceForEachReasonAndAddsLeadSquaredsWords) {
  for (const Reason reason :
       {Reason::kCallRefused, Reason::kDeadline, Reason::kCancelled,
        Reason::kDraining, Reason::kThrottled, Reason::kUpstreamUnavailable,
        Reason::kUpstreamCredentialsRejected, Reason::kDailyBudgetSpent,
        Reason::kNoAnswer, Reason::kAnswerIncomplete,
        Reason::kAnswerUnreadable}) {
    const std::string plain = errors::LeadProblem(reason).message;
    EXPECT_THAT(plain, HasSubstr(" "));
    EXPECT_NE(plain, std::string(InfoOf(reason).name));
    const std::string more = errors::LeadProblem(reason, "words").message;
    EXPECT_THAT(more, StartsWith(plain));
    EXPECT_THAT(more, EndsWith("words"));
    EXPECT_LT(
        errors::LeadProblem(reason, std::string(1 << 20, 'x')).message.size(),
        kMaxReasonBytes + 300);
  }
}

TEST(Bounded, CutsBetweenCharacters) {
  EXPECT_EQ(errors::Bounded("abc", 3), "abc");
  EXPECT_EQ(errors::Bounded("abcd", 3), "abc...");
  EXPECT_EQ(errors::Bounded("", 0), "");
  EXPECT_EQ(errors::Bounded("abc", 0), "...");
  // "aü€😀": 1, 2, 3 and 4 bytes.
  const std::string text = "a\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80";
  const std::vector<std::string> whole = {"", "a", "a\xC3\xBC",
                                          "a\xC3\xBC\xE2\x82\xAC", text};
  for (size_t bytes = 0; bytes < text.size(); ++bytes) {
    std::string expected;
    for (const std::string& prefix : whole) {
      if (prefix.size() <= bytes) expected = prefix;
    }
    EXPECT_EQ(errors::Bounded(text, bytes), absl::StrCat(expected, "..."));
  }
  EXPECT_EQ(errors::Bounded(text, text.size()), text);
  // No UTF-8 at all.
  EXPECT_EQ(errors::Bounded(std::string(10, '\x80'), 5), "...");
}

TEST(Outcomes, HaveNames) {
  std::set<std::string> names;
  for (int i = 0; i < kOutcomeCount; ++i) {
    names.emplace(OutcomeName(static_cast<Outcome>(i)));
  }
  EXPECT_EQ(names,
            (std::set<std::string>{"UPDATED", "FAILED", "UNPROCESSED",
                                   "INVALID", "NOT_SENT", "UNKNOWN", "VALID"}));
}

TEST(Footprint, CountsWhatALeadHolds) {
  LeadUpdate lead;
  const size_t empty = FootprintOf(lead);
  EXPECT_GE(empty, sizeof(LeadUpdate));
  lead.fields.push_back({"EmailAddress", std::string(10'000, 'x')});
  EXPECT_GE(FootprintOf(lead), empty + sizeof(FieldValue) + 10'000);
  EXPECT_LT(FootprintOf(lead), empty + 12'000);
  lead.tag = std::string(5'000, 't');
  EXPECT_GE(FootprintOf(lead), empty + 15'000);
}

}  // namespace
}  // namespace leadgateway
