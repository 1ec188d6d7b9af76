#include "gateway/leadsquared/answer_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/http/http_client.h"
#include "gateway/leadsquared/result_join.h"
#include "gateway/leadsquared/wire_codec.h"
#include "gateway/model/errors.h"
#include "gateway/model/lead.h"
#include "gateway/model/limits.h"
#include "gateway/model/reason.h"

namespace leadgateway::leadsquared {
namespace {

using dispatch::CallReport;
using dispatch::CallVerdict;

// Of a call that is refused for a field; "Non-existent field(s) provided" of a
// lead.
constexpr absl::string_view kUnknownFieldException = "UnknownAttribute";
constexpr absl::string_view kUnknownFieldBeginning = "Non-existent field";
constexpr absl::string_view kThrottleException =
    "MXAPIRateLimitExceededException";
constexpr absl::string_view kThrottleBeginning = "API call";
constexpr absl::string_view kLimitPhrase = "exceeded the limit of ";
constexpr absl::string_view kUnknownAttributeException =
    "MXUnknownAttributeException";
// "Attribute(s) does not exist - mx_One, mx_Two"
constexpr absl::string_view kNamesFollow = "does not exist - ";
constexpr absl::string_view kHostEnd = ".leadsquared.com";
// An error's body has some 150 bytes; in a long one the words may come from
// elsewhere.
constexpr size_t kSearchBytes = 4096;

std::optional<int64_t> TakeNumber(absl::string_view& text) {
  size_t length = 0;
  while (length < text.size() &&
         absl::ascii_isdigit(static_cast<unsigned char>(text[length]))) {
    ++length;
  }
  int64_t number = 0;
  if (!absl::SimpleAtoi(text.substr(0, length), &number)) return std::nullopt;
  text.remove_prefix(length);
  return number;
}

bool IsFinalStatus(int status) {
  switch (status) {
    case 400:
    case 404:
    case 405:
    case 411:
    case 412:
    case 413:
    case 414:
    case 415:
    case 422:
    case 431:
      return true;
    default:
      return false;
  }
}

bool IsSuccess(int status) { return status >= 200 && status < 300; }

bool IsHostCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-';
}

bool IsPlainName(absl::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
  });
}

// A caller's field may be called "x, FirstName": in a list of names it would
// read like two, and the second one's owners would be taken for guilty.
bool AllNamesArePlain(absl::Span<const LeadUpdate* const> leads) {
  return std::all_of(leads.begin(), leads.end(), [](const LeadUpdate* lead) {
    return std::all_of(
        lead->fields.begin(), lead->fields.end(),
        [](const FieldValue& field) { return IsPlainName(field.attribute); });
  });
}

// What an answer that is no JSON looks like, for people: never its text, which
// could hold anything.
std::string Shape(const http::HttpReply& reply) {
  return absl::StrCat("HTTP ", reply.http_status, " with ", reply.body.size(),
                      " bytes");
}

// Whether LeadSquared says so, not a caller: an answer with lists repeats
// callers' values, and the message of an exception may quote their fields.
bool SaysThrottled(absl::string_view body,
                   const absl::StatusOr<UpdateAnswer>& answer) {
  if (answer.ok()) {
    if (answer->has_lists) return false;
    if (absl::StartsWith(answer->exception_type, "MX")) {
      return absl::StrContains(answer->exception_type, kThrottleException) ||
             (absl::StartsWithIgnoreCase(answer->exception_message,
                                         kThrottleBeginning) &&
              FindNamedLimit(answer->exception_message).has_value());
    }
  }
  const absl::string_view head = body.substr(0, kSearchBytes);
  // Lists that broke off.
  if (absl::StrContains(head, "\"IdentifierValue\"")) return false;
  return absl::StrContains(head, kThrottleException) ||
         FindNamedLimit(head).has_value();
}

std::string ExceptionWords(const UpdateAnswer& answer) {
  if (answer.exception_type.empty()) return answer.exception_message;
  if (answer.exception_message.empty()) return answer.exception_type;
  return absl::StrCat(answer.exception_type, ": ", answer.exception_message);
}

// The first host of LeadSquared's that the text names, "" if none.
absl::string_view HostIn(absl::string_view text) {
  text = text.substr(0, kSearchBytes);
  const size_t at = text.find(kHostEnd);
  if (at == absl::string_view::npos) return "";
  size_t begin = at;
  while (begin > 0 && IsHostCharacter(text[begin - 1])) --begin;
  return begin == at ? "" : text.substr(begin, at - begin + kHostEnd.size());
}

// ------------------------------------------------------------------- the table

// What a row looks at.
struct Seen {
  const http::HttpReply& reply;
  const absl::StatusOr<UpdateAnswer>& answer;
};

bool NothingLeft(const Seen& seen) { return !seen.reply.sent_at; }
bool SaysThrottled(const Seen& seen) {
  return SaysThrottled(seen.reply.body, seen.answer);
}
template <int status>
bool Is(const Seen& seen) {
  return seen.reply.http_status == status;
}
bool TooLong(const Seen& seen) {
  return absl::IsResourceExhausted(seen.reply.status);
}
bool NotWhole(const Seen& seen) { return !seen.reply.status.ok(); }
bool IsMxException(const Seen& seen) {
  return seen.answer.ok() &&
         absl::StartsWith(seen.answer->exception_type, "MX");
}
bool IsFinal(const Seen& seen) { return IsFinalStatus(seen.reply.http_status); }
bool NoSuccess(const Seen& seen) { return !IsSuccess(seen.reply.http_status); }
bool Unreadable(const Seen& seen) { return !seen.answer.ok(); }
bool WithoutLists(const Seen& seen) { return !seen.answer->has_lists; }
bool Always(const Seen&) { return true; }

std::string TransportWords(const Seen& seen) {
  return std::string(seen.reply.status.message());
}
// What LeadSquared says of a call that it turned away, or the answer's shape.
std::string Words(const Seen& seen) {
  const std::string words =
      seen.answer.ok() ? ExceptionWords(*seen.answer) : "";
  return words.empty() ? Shape(seen.reply)
                       : errors::Bounded(words, kMaxReasonBytes);
}
std::string ThrottleWords(const Seen& seen) {
  return seen.answer.ok() && !seen.answer->exception_message.empty()
             ? errors::Bounded(seen.answer->exception_message, kMaxReasonBytes)
             : Shape(seen.reply);
}
// With the right host, where a wrong one names it in whatever form.
std::string KeyWords(const Seen& seen) {
  std::string words = Words(seen);
  const absl::string_view host = HostIn(seen.reply.body);
  if (!host.empty() && !absl::StrContains(words, host)) {
    absl::StrAppend(&words, "; it names the host ", host);
  }
  return words;
}
std::string HttpWords(const Seen& seen) {
  return absl::StrCat("HTTP ", seen.reply.http_status);
}
std::string UnreadableWords(const Seen& seen) {
  return std::string(seen.answer.status().message());
}
std::string NoLeadWords(const Seen&) { return "the answer names no lead"; }
std::string NoWords(const Seen&) { return ""; }

struct Row {
  absl::string_view name;
  bool (*fits)(const Seen&);
  CallVerdict verdict;
  std::string (*words)(const Seen&);
  Reason doubt = Reason::kNoAnswer;  // of kInDoubt
};

using V = CallVerdict;

// The first row that fits counts. Up to kRowsOfAnyCall they judge calls of any
// kind, the rest the body of a successful update.
constexpr Row kTable[] = {
    {"nothing left", NothingLeft, V::kNotSent, TransportWords},
    {"a throttle's words", SaysThrottled, V::kThrottled, ThrottleWords},
    {"429", Is<429>, V::kThrottled, ThrottleWords},
    {"too long", TooLong, V::kInDoubt, TransportWords,
     Reason::kAnswerUnreadable},
    {"no whole answer", NotWhole, V::kInDoubt, TransportWords},
    {"401", Is<401>, V::kCredentialsRejected, KeyWords},
    {"an MX exception", IsMxException, V::kRefused, Words},
    {"a final status", IsFinal, V::kRefused, Words},
    {"no success", NoSuccess, V::kInDoubt, HttpWords},
    {"unreadable", Unreadable, V::kInDoubt, UnreadableWords,
     Reason::kAnswerUnreadable},
    {"without lists", WithoutLists, V::kInDoubt, NoLeadWords,
     Reason::kAnswerIncomplete},
    {"with lists", Always, V::kAnswered, NoWords},
};
constexpr size_t kRowsOfAnyCall = 9;
static_assert(kTable[kRowsOfAnyCall - 1].fits == NoSuccess);

// The first row that fits, null if none of those does.
const Row* FindRow(const Seen& seen, absl::Span<const Row> rows) {
  const auto it = std::find_if(rows.begin(), rows.end(),
                               [&](const Row& row) { return row.fits(seen); });
  return it == rows.end() ? nullptr : &*it;
}

CallReport ReportOf(const Seen& seen, const Row* row) {
  const http::HttpReply& reply = seen.reply;
  CallReport report;
  report.http_status = reply.http_status;
  report.sent_at = reply.sent_at;
  report.done_at = reply.done_at;
  report.handshake = reply.handshake;
  report.round_trip = reply.round_trip;
  report.verdict = row == nullptr ? V::kAnswered : row->verdict;
  // Its own words, whole; or a status by which whoever sent it has turned the
  // call away. What a proxy says when it got no answer is neither.
  report.answered =
      reply.http_status != 0 && (report.verdict != V::kInDoubt ||
                                 (reply.status.ok() && seen.answer.ok()));
  if (row != nullptr) {
    report.doubt = row->doubt;
    report.text = row->words(seen);
  }
  if (report.verdict == V::kThrottled) {
    report.retry_after = reply.retry_after;
    if (const auto limit = FindNamedLimit(reply.body)) {
      report.limit_calls = limit->calls;
      report.limit_window = limit->window;
    }
  }
  return report;
}

}  // namespace

std::optional<NamedLimit> FindNamedLimit(absl::string_view text) {
  const size_t at = text.find(kLimitPhrase);
  if (at == absl::string_view::npos) return std::nullopt;
  text.remove_prefix(at + kLimitPhrase.size());
  NamedLimit limit;
  const std::optional<int64_t> calls = TakeNumber(text);
  if (!calls) return std::nullopt;
  limit.calls = *calls;
  if (!absl::ConsumePrefix(&text, " in ")) return std::nullopt;
  const std::optional<int64_t> seconds = TakeNumber(text);
  if (!seconds || !absl::StartsWith(text, " second")) return std::nullopt;
  if (*seconds > 0 && *seconds <= 3600) limit.window = absl::Seconds(*seconds);
  return limit;
}

std::vector<std::string> UnknownAttributes(absl::string_view exception_type,
                                           absl::string_view message) {
  if (exception_type != kUnknownAttributeException) return {};
  const size_t at = message.find(kNamesFollow);
  if (at == absl::string_view::npos) return {};
  message.remove_prefix(at + kNamesFollow.size());
  std::vector<std::string> names;
  for (const absl::string_view part : absl::StrSplit(message, ',')) {
    const absl::string_view name = absl::StripAsciiWhitespace(part);
    // Anything but plain names: it is not the sentence that is known.
    if (!IsPlainName(name)) return {};
    names.emplace_back(name);
  }
  return names;
}

std::vector<absl::string_view> RowNames() {
  std::vector<absl::string_view> names;
  for (const Row& row : kTable) names.push_back(row.name);
  return names;
}

ReadAnswer ReadReply(const http::HttpReply& reply,
                     absl::Span<const LeadUpdate* const> leads) {
  const absl::StatusOr<UpdateAnswer> answer =
      reply.sent_at && !reply.body.empty()
          ? DecodeAnswer(reply.body)
          : absl::StatusOr<UpdateAnswer>(
                absl::InvalidArgumentError("the answer is empty"));
  const Seen seen{reply, answer};
  const Row* const row = FindRow(seen, kTable);
  ReadAnswer read;
  read.row = row->name;
  read.report = ReportOf(seen, row);
  if (read.report.verdict == V::kRefused && answer.ok() &&
      AllNamesArePlain(leads)) {
    read.report.unknown_fields =
        UnknownAttributes(answer->exception_type, answer->exception_message);
  }
  read.report.unknown_field = !read.report.unknown_fields.empty();
  if (read.report.verdict == V::kRefused && answer.ok()) {
    read.report.unknown_field |=
        absl::StrContains(answer->exception_type, kUnknownFieldException);
  }
  if (read.report.verdict == V::kAnswered) {
    for (const AnswerEntry& entry : answer->failed_leads) {
      read.report.unknown_field |=
          absl::StartsWithIgnoreCase(entry.reason, kUnknownFieldBeginning);
    }
    JoinedAnswer joined = JoinAnswer(leads, *answer);
    read.report.leads = std::move(joined.leads);
    read.strangers = joined.strangers;
    read.counts_differ = joined.counts_differ;
  }
  return read;
}

CallReport ReadOtherReply(const http::HttpReply& reply) {
  const absl::StatusOr<UpdateAnswer> answer =
      reply.sent_at && !IsSuccess(reply.http_status)
          ? DecodeAnswer(reply.body)
          : absl::StatusOr<UpdateAnswer>(
                absl::InvalidArgumentError("not looked at"));
  const Seen seen{reply, answer};
  return ReportOf(seen,
                  FindRow(seen, absl::MakeConstSpan(kTable, kRowsOfAnyCall)));
}

}  // namespace leadgateway::leadsquared
