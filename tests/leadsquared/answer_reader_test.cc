#include "gateway/leadsquared/answer_reader.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/http/http_client.h"
#include "gateway/model/lead.h"
#include "gateway/model/limits.h"
#include "gateway/model/reason.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/leadsquared/samples.h"

namespace leadgateway::leadsquared {
namespace {

using dispatch::CallReport;
using dispatch::CallVerdict;
using Kind = dispatch::LeadVerdict::Kind;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const absl::Time kSent = absl::UnixEpoch() + absl::Seconds(100);
const absl::Time kDone = kSent + absl::Milliseconds(80);
constexpr char kHtml[] = "<html><body><h1>502 Bad Gateway</h1></body></html>";

http::HttpReply Whole(int status, absl::string_view body) {
  http::HttpReply reply;
  reply.sent_at = kSent;
  reply.done_at = kDone;
  reply.http_status = status;
  reply.body = std::string(body);
  return reply;
}

http::HttpReply Broken(absl::Status why, int status = 0,
                       absl::string_view body = "") {
  http::HttpReply reply = Whole(status, body);
  reply.status = std::move(why);
  return reply;
}

std::string Exception(absl::string_view type, absl::string_view message) {
  return absl::StrCat(R"({"Status":"Error","ExceptionType":")", type,
                      R"(","ExceptionMessage":")", message, R"("})");
}

ReadAnswer Read(const http::HttpReply& reply,
                const std::vector<std::string>& emails = {"jack@gmail.com",
                                                          "james@gmail.com"}) {
  std::vector<LeadUpdate> leads;
  for (const std::string& email : emails) {
    LeadUpdate lead;
    lead.fields = {{"EmailAddress", email}};
    leads.push_back(lead);
  }
  std::vector<const LeadUpdate*> pointers;
  for (const LeadUpdate& lead : leads) pointers.push_back(&lead);
  return ReadReply(reply, pointers);
}

// ------------------------------------------------------------- the whole table

struct Row {
  std::string name;
  http::HttpReply reply;
  CallVerdict verdict;
  Reason doubt = Reason::kNoAnswer;  // where the verdict is kInDoubt
};

std::vector<Row> Table() {
  std::vector<Row> rows;
  const auto add = [&](std::string name, http::HttpReply reply,
                       CallVerdict verdict, Reason doubt = Reason::kNoAnswer) {
    rows.push_back({std::move(name), std::move(reply), verdict, doubt});
  };

  http::HttpReply never;
  never.status = absl::UnavailableError("no connection");
  never.done_at = kDone;
  add("nothing left", never, CallVerdict::kNotSent);

  for (const int status : {200, 400, 403, 412, 429, 500, 503}) {
    add(absl::StrCat("throttle under ", status), Whole(status, kThrottleSample),
        CallVerdict::kThrottled);
    add(absl::StrCat("throttle's words alone under ", status),
        Whole(status, "API calls exceeded the limit of 10 in 5 second(s)"),
        CallVerdict::kThrottled);
    add(absl::StrCat("throttle's name alone under ", status),
        Whole(status, Exception("MXAPIRateLimitExceededException", "")),
        CallVerdict::kThrottled);
    add(absl::StrCat("MX exception under ", status == 429 ? 422 : status),
        Whole(status == 429 ? 422 : status,
              Exception("MXInvalidInputException", "Invalid input")),
        CallVerdict::kRefused);
  }
  add("throttle under 401", Whole(401, kThrottleSample),
      CallVerdict::kThrottled);
  add("429 empty", Whole(429, ""), CallVerdict::kThrottled);
  add("429 with HTML", Whole(429, kHtml), CallVerdict::kThrottled);
  add("429 with lists", Whole(429, kSuccessSample), CallVerdict::kThrottled);
  // Cut inside its sentence's end, and inside its JSON.
  add("throttle cut short",
      Broken(absl::UnavailableError("broke"), 200,
             kThrottleSample.substr(0, kThrottleSample.size() - 1)),
      CallVerdict::kThrottled);
  add("throttle cut after its name",
      Broken(absl::UnavailableError("broke"), 429,
             kThrottleSample.substr(0, 70)),
      CallVerdict::kThrottled);

  // What libcurl's codes become, before anything left and after.
  for (const absl::Status& status :
       {absl::UnavailableError("broke"), absl::DeadlineExceededError("late"),
        absl::InternalError("libcurl error 43"),
        absl::InvalidArgumentError("the URL can't be parsed"),
        absl::ResourceExhaustedError("too long")}) {
    http::HttpReply unsent = Broken(status);
    unsent.sent_at = std::nullopt;
    add(absl::StrCat("never left: ", status.message()), unsent,
        CallVerdict::kNotSent);
    for (const int code : {0, 200, 401, 412, 500}) {
      add(absl::StrCat("left: ", status.message(), " after ", code),
          Broken(status, code, code == 200 ? kSuccessSample : ""),
          CallVerdict::kInDoubt,
          absl::IsResourceExhausted(status) ? Reason::kAnswerUnreadable
                                            : Reason::kNoAnswer);
    }
  }

  add("401 empty", Whole(401, ""), CallVerdict::kCredentialsRejected);
  add("401 HTML", Whole(401, kHtml), CallVerdict::kCredentialsRejected);
  add("401 MX", Whole(401, Exception("MXInvalidCredentials", "no")),
      CallVerdict::kCredentialsRejected);

  for (const absl::string_view type :
       {"MXMandatoryAttributeMissingException",
        "MXMandatoryFieldMissingException", "MXUnknownAttributeException",
        "MXInvalidInputException", "MXInvalidDataTypeException",
        "MXDuplicateEntryException", "MXInvalidEntityException",
        "MXInvalidEntityReferenceException", "MXNeverSeenBeforeException"}) {
    for (const int status : {200, 400, 403, 412, 500}) {
      add(absl::StrCat(type, " under ", status),
          Whole(status, Exception(type, "words")), CallVerdict::kRefused);
    }
  }
  for (const int status : {400, 404, 405, 411, 412, 413, 414, 415, 422, 431}) {
    add(absl::StrCat(status, " empty"), Whole(status, ""),
        CallVerdict::kRefused);
    add(absl::StrCat(status, " HTML"), Whole(status, kHtml),
        CallVerdict::kRefused);
  }

  for (const int status : {200, 201, 202}) {
    add(absl::StrCat("success under ", status), Whole(status, kSuccessSample),
        CallVerdict::kAnswered);
  }
  add("failed leads", Whole(200, kFailedSample), CallVerdict::kAnswered);
  add("unprocessed leads", Whole(200, kUnprocessedSample),
      CallVerdict::kAnswered);
  add("an empty list", Whole(200, R"({"Details":{"SuccessfulLeads":[]}})"),
      CallVerdict::kAnswered);

  const auto unreadable = [&](std::string name, http::HttpReply reply) {
    add(std::move(name), std::move(reply), CallVerdict::kInDoubt,
        Reason::kAnswerUnreadable);
  };
  unreadable("200 empty", Whole(200, ""));
  unreadable("204", Whole(204, ""));
  unreadable("200 HTML", Whole(200, kHtml));
  unreadable("200 cut", Whole(200, kSuccessSample.substr(0, 200)));
  unreadable("200 array", Whole(200, "[]"));
  unreadable("200 with lists that are none",
             Whole(200, R"({"Details":{"SuccessfulLeads":{"a":1}}})"));
  unreadable("200 with a lead that is none",
             Whole(200, R"({"Details":{"FailedLeads":["jack@gmail.com"]}})"));
  unreadable(
      "200 in no UTF-8",
      Whole(200, "{\"Details\":{\"FailedLeads\":[{\"Reason\":\"\xff\"}]}}"));
  unreadable(
      "200 with half a surrogate pair",
      Whole(200, R"({"Details":{"FailedLeads":[{"Reason":"\ud83d"}]}})"));
  unreadable("200 with something behind it",
             Whole(200, absl::StrCat(kSuccessSample, "{}")));
  unreadable(
      "200 nested a million deep",
      Whole(200, absl::StrCat(R"({"Details":)", std::string(1'000'000, '['))));
  unreadable("200 two million bytes of nothing",
             Whole(200, std::string(kMaxAnswerBytes, ' ')));
  unreadable("200 with a bad escape in a key that nobody reads",
             Whole(200, R"({"Other":{"\e":1},"Details":{"FailedLeads":[]}})"));
  unreadable("too long", Broken(absl::ResourceExhaustedError("too long"), 200,
                                kSuccessSample));

  const auto answered = [&](std::string name, absl::string_view body) {
    add(std::move(name), Whole(200, body), CallVerdict::kAnswered);
  };
  answered("numbers where texts belong",
           R"({"Status":{"Message":7},"Details":{"SuccessfulLeads":[
               {"Identifier":1,"IdentifierValue":2,"Reason":3.5e7}]}})");
  answered("texts and worse where counts belong",
           R"({"Status":{"TotalCount":"2","SuccessCount":"two",
               "FailureCount":null,"UnProcessedCount":{"a":[1e9]}},
               "Details":{"SuccessfulLeads":[]}})");
  answered("keys that nobody knows",
           R"({"RequestId":"x","Details":{"Warnings":[{"a":[null,true]}],
               "FailedLeads":[{"Row":1,"IdentifierValue":"a","Reason":"b"}]},
               "Status":{"Message":"Error","New":{}}})");
  answered("a list that is null", R"({"Details":{"UnProcessedLeads":null}})");
  answered("success that calls itself an error",
           R"({"Status":"Error","Details":{"SuccessfulLeads":[]}})");
  {
    std::string many = R"({"Details":{"FailedLeads":[)";
    for (int i = 0; i < 20'000; ++i) {
      absl::StrAppend(&many, i == 0 ? "" : ",",
                      R"({"IdentifierValue":"x","Reason":"y"})");
    }
    answered("twenty thousand entries", absl::StrCat(many, "]}}"));
  }

  const auto incomplete = [&](std::string name, http::HttpReply reply) {
    add(std::move(name), std::move(reply), CallVerdict::kInDoubt,
        Reason::kAnswerIncomplete);
  };
  incomplete("200 {}", Whole(200, "{}"));
  incomplete("counts alone",
             Whole(200, R"({"Status":{"TotalCount":2,"SuccessCount":2}})"));
  // "Error", but not one of LeadSquared's own exceptions: who knows what it
  // did before.
  incomplete("200 with a foreign exception",
             Whole(200, Exception("System.TimeoutException", "timed out")));

  const auto no_answer = [&](std::string name, http::HttpReply reply) {
    add(std::move(name), std::move(reply), CallVerdict::kInDoubt);
  };
  for (const int status : {100, 301, 302, 304, 402, 403, 408, 409, 425, 500,
                           501, 502, 503, 504, 520, 599}) {
    no_answer(absl::StrCat(status, " empty"), Whole(status, ""));
    no_answer(absl::StrCat(status, " HTML"), Whole(status, kHtml));
  }
  no_answer("500 with a foreign exception",
            Whole(500, Exception("System.TimeoutException", "timed out")));
  no_answer("500 with lists", Whole(500, kSuccessSample));
  no_answer("reset", Broken(absl::UnavailableError("reset")));
  no_answer("time-out", Broken(absl::DeadlineExceededError("late")));
  no_answer("success cut by a reset",
            Broken(absl::UnavailableError("reset"), 200, kSuccessSample));
  no_answer("refusal cut by a reset",
            Broken(absl::UnavailableError("reset"), 400, "{"));
  return rows;
}

TEST(ReadReply, JudgesEachRowOfTheTable) {
  for (const Row& row : Table()) {
    SCOPED_TRACE(row.name);
    const ReadAnswer read = Read(row.reply);
    EXPECT_EQ(static_cast<int>(read.report.verdict),
              static_cast<int>(row.verdict));
    if (row.verdict == CallVerdict::kInDoubt) {
      EXPECT_EQ(InfoOf(read.report.doubt).name, InfoOf(row.doubt).name);
    }
    EXPECT_EQ(read.report.leads.size(),
              row.verdict == CallVerdict::kAnswered ? 2 : 0);
    EXPECT_EQ(read.report.sent_at, row.reply.sent_at);
    EXPECT_EQ(read.report.done_at, row.reply.done_at);
    EXPECT_EQ(read.report.http_status, row.reply.http_status);
    // Doubt is settled by LeadSquared's own words alone.
    const bool own_words =
        row.reply.status.ok() && (row.verdict != CallVerdict::kInDoubt ||
                                  (absl::StartsWith(row.reply.body, "{") &&
                                   row.doubt != Reason::kAnswerUnreadable));
    EXPECT_EQ(read.report.answered,
              row.reply.http_status != 0 &&
                  (own_words || row.verdict == CallVerdict::kThrottled));
    if (row.verdict != CallVerdict::kAnswered) {
      EXPECT_NE(read.report.text, "");
    }
    EXPECT_LE(read.report.text.size(), kMaxReasonBytes + 3);
  }
}

TEST(ReadReply, HasARowInThisTestForEachRowOfItsTable) {
  std::set<absl::string_view> rows;
  for (const Row& row : Table()) rows.insert(Read(row.reply).row);
  for (const absl::string_view name : RowNames()) {
    EXPECT_EQ(rows.count(name), 1) << name;
  }
  EXPECT_EQ(rows.size(), RowNames().size());
}

TEST(ReadOtherReply, JudgesTheSameButForSuccess) {
  for (const Row& row : Table()) {
    SCOPED_TRACE(row.name);
    const CallReport report = ReadOtherReply(row.reply);
    const bool whole_success = row.reply.status.ok() && row.reply.sent_at &&
                               row.reply.http_status / 100 == 2;
    if (whole_success && row.verdict != CallVerdict::kThrottled) {
      EXPECT_EQ(static_cast<int>(report.verdict),
                static_cast<int>(CallVerdict::kAnswered));
    } else {
      EXPECT_EQ(static_cast<int>(report.verdict),
                static_cast<int>(row.verdict));
    }
  }
}

TEST(ReadReply, NeverPutsALeadsValueIntoTheTextOfDoubt) {
  for (const absl::string_view sample :
       {kSuccessSample, kFailedSample, kUnprocessedSample}) {
    for (const int status : {200, 302, 403, 500}) {
      for (size_t length = 0; length < sample.size(); length += 7) {
        for (const auto& reply : {Whole(status, sample.substr(0, length)),
                                  Broken(absl::UnavailableError("reset"),
                                         status, sample.substr(0, length))}) {
          const ReadAnswer read = Read(reply);
          ASSERT_EQ(read.report.verdict, CallVerdict::kInDoubt);
          EXPECT_THAT(read.report.text, Not(HasSubstr("gmail")));
          EXPECT_THAT(read.report.text, Not(HasSubstr("john")));
          EXPECT_THAT(read.report.text, Not(HasSubstr("ja")));
        }
      }
    }
  }
}

TEST(ReadReply, JoinsTheLeadsOfAnAnswer) {
  const ReadAnswer read =
      Read(Whole(200, kSuccessSample), {"JACK@gmail.com", "other@x.y"});
  ASSERT_EQ(read.report.leads.size(), 2);
  EXPECT_EQ(read.report.leads[0].kind, Kind::kUpdated);
  EXPECT_EQ(read.report.leads[1].kind, Kind::kUntold);
  EXPECT_EQ(read.strangers, 1);
  EXPECT_FALSE(read.counts_differ);
}

TEST(ReadReply, GivesTheExceptionsWordsToARefusal) {
  EXPECT_EQ(
      Read(Whole(412, Exception("MXUnknownAttributeException",
                                "Attribute(s) does not exist - mx_Nope")))
          .report.text,
      "MXUnknownAttributeException: Attribute(s) does not exist - mx_Nope");
  const std::string endless(100'000, 'x');
  EXPECT_LE(Read(Whole(400, Exception("MXInvalidInputException", endless)))
                .report.text.size(),
            kMaxReasonBytes + 3);
}

TEST(ReadReply, CutsLongWordsBetweenCharacters) {
  // Three bytes each: kMaxReasonBytes falls inside of one.
  std::string words;
  while (words.size() < 2 * kMaxReasonBytes) words += "\u20ac";
  const std::string text =
      Read(Whole(400, Exception("MXInvalidInputException", words))).report.text;
  const size_t prefix = std::string("MXInvalidInputException: ").size();
  EXPECT_EQ((text.size() - prefix - 3) % 3, 0);
  EXPECT_THAT(text, EndsWith("\u20ac..."));
}

TEST(ReadReply, NamesTheRightHostWhereAWrongOneDoes) {
  const std::string host = "api-us11.leadsquared.com";
  struct {
    std::string body;
    std::string says;
  } cases[] = {
      {Exception("MXInvalidHostException", absl::StrCat("Use https://", host)),
       absl::StrCat("MXInvalidHostException: Use https://", host)},
      {absl::StrCat(R"({"RightHost":"https:\/\/)", host, R"(\/v2\/"})"),
       absl::StrCat("HTTP 401 with 56 bytes; it names the host ", host)},
      {absl::StrCat("<html>Go to ", host, ".</html>"),
       absl::StrCat("HTTP 401 with 44 bytes; it names the host ", host)},
      {"<html>.leadsquared.com</html>", "HTTP 401 with 29 bytes"},
      {"", "HTTP 401 with 0 bytes"},
  };
  for (const auto& c : cases) {
    const CallReport report = Read(Whole(401, c.body)).report;
    EXPECT_EQ(report.verdict, CallVerdict::kCredentialsRejected);
    EXPECT_EQ(report.text, c.says);
    EXPECT_EQ(ReadOtherReply(Whole(401, c.body)).text, c.says);
  }
}

TEST(ReadReply, NamesTheFieldsThatARefusalSaysDoNotExist) {
  const http::HttpReply refusal =
      Whole(412, Exception("MXUnknownAttributeException",
                           "Attribute(s) does not exist - mx_Nope, mx_Nay"));
  EXPECT_THAT(Read(refusal).report.unknown_fields,
              ElementsAre("mx_Nope", "mx_Nay"));
  // A name that reads like two: "mx_Nope, mx_Nay" may be a single one.
  LeadUpdate lead;
  lead.fields = {{"EmailAddress", "a@b.c"}, {"mx_Nope, mx_Nay", "x"}};
  EXPECT_THAT(ReadReply(refusal, {&lead}).report.unknown_fields, IsEmpty());
}

TEST(UnknownAttributesTest, KnowsOneSentenceAndNoOther) {
  const auto names = [](absl::string_view message) {
    return UnknownAttributes("MXUnknownAttributeException", message);
  };
  EXPECT_THAT(names("Attribute(s) does not exist - mx_Foo"),
              ElementsAre("mx_Foo"));
  EXPECT_THAT(names("Attribute(s) does not exist -  mx_Foo ,Bar2 "),
              ElementsAre("mx_Foo", "Bar2"));
  for (const absl::string_view message :
       {"", "Attribute(s) does not exist", "Attribute(s) does not exist - ",
        "mx_Foo", "Attribute(s) does not exist - mx_Foo in this account",
        "Attribute(s) does not exist - mx_Foo,", "does not exist - a;b",
        "Attribute(s) does not exist - \u00fc"}) {
    EXPECT_THAT(names(message), IsEmpty()) << message;
  }
  EXPECT_THAT(UnknownAttributes("MXInvalidInputException",
                                "Attribute(s) does not exist - mx_Foo"),
              IsEmpty());
}

TEST(ReadReply, HandsOnTheHandshake) {
  http::HttpReply reply = Whole(200, kSuccessSample);
  reply.handshake = absl::Milliseconds(30);
  EXPECT_EQ(Read(reply).report.handshake, absl::Milliseconds(30));
}

// ------------------------------------------------------------------ throttles

TEST(ReadReply, ReadsTheLimitThatAThrottleNames) {
  struct {
    std::string words;
    std::optional<int64_t> calls;
    std::optional<absl::Duration> window;
  } cases[] = {
      {"exceeded the limit of 25 in 5 second(s)", 25, absl::Seconds(5)},
      {"exceeded the limit of 1 in 60 seconds", 1, absl::Seconds(60)},
      {"exceeded the limit of 0 in 5 second(s)", 0, absl::Seconds(5)},
      {"exceeded the limit of 25 in 0 second(s)", 25, std::nullopt},
      {"exceeded the limit of 25 in 86400 second(s)", 25, std::nullopt},
      {"exceeded the limit of 9223372036854775807 in 5 second(s)",
       9223372036854775807, absl::Seconds(5)},
      {"exceeded the limit of 9223372036854775808 in 5 second(s)", std::nullopt,
       std::nullopt},
      {"exceeded the limit of -5 in 5 second(s)", std::nullopt, std::nullopt},
      {"exceeded the limit of 5.5 in 5 second(s)", std::nullopt, std::nullopt},
      {"exceeded the limit of many in 5 second(s)", std::nullopt, std::nullopt},
      {"exceeded the limit of 25 in 5", std::nullopt, std::nullopt},
      {"exceeded the limit of ", std::nullopt, std::nullopt},
      {"too many calls", std::nullopt, std::nullopt},
      {"", std::nullopt, std::nullopt},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.words);
    for (const int status : {200, 403, 429}) {
      const CallReport report =
          Read(Whole(status, Exception("MXAPIRateLimitExceededException",
                                       absl::StrCat("API calls ", c.words))))
              .report;
      EXPECT_EQ(report.verdict, CallVerdict::kThrottled);
      EXPECT_EQ(report.limit_calls, c.calls);
      EXPECT_EQ(report.limit_window, c.window);
    }
    const auto named = FindNamedLimit(absl::StrCat("API calls ", c.words));
    EXPECT_EQ(named.has_value(), c.calls.has_value());
  }
}

TEST(ReadReply, HandsOnRetryAfter) {
  http::HttpReply reply = Whole(429, "");
  reply.retry_after = absl::Seconds(17);
  EXPECT_EQ(Read(reply).report.retry_after, absl::Seconds(17));
}

TEST(ReadReply, FindsAThrottlesWordsOnlyWhereTheyCanBeLeadSquareds) {
  const std::string words =
      "API calls exceeded the limit of 1 in 3600 second(s)";
  // As a lead's value, in lists that came whole or were cut short.
  const std::string listed = absl::StrCat(
      R"({"Status":{"TotalCount":1,"SuccessCount":1},"Details":{"SuccessfulLeads":)"
      R"([{"Identifier":"mx_Key","IdentifierValue":")",
      words, " MXAPIRateLimitExceededException", R"("}]}})");
  EXPECT_EQ(Read(Whole(200, listed)).report.verdict, CallVerdict::kAnswered);
  EXPECT_EQ(
      Read(Whole(200, listed.substr(0, listed.size() - 2))).report.verdict,
      CallVerdict::kInDoubt);
  // As an attribute's name in another exception's message.
  EXPECT_EQ(Read(Whole(412, Exception("MXUnknownAttributeException",
                                      absl::StrCat(
                                          "Attribute(s) does not exist - ",
                                          "MXAPIRateLimitExceededException"))))
                .report.verdict,
            CallVerdict::kRefused);
  // Far behind in something long.
  EXPECT_EQ(Read(Whole(200, absl::StrCat(std::string(10'000, ' '), words)))
                .report.verdict,
            CallVerdict::kInDoubt);
}

}  // namespace
}  // namespace leadgateway::leadsquared
