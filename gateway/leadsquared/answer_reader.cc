#include "gateway/leadsquared/answer_reader.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
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

constexpr absl::string_view kThrottleException =
    "MXAPIRateLimitExceededException";
constexpr absl::string_view kThrottleBeginning = "API call";
constexpr absl::string_view kLimitPhrase = "exceeded the limit of ";
// A throttle's body has some 150 bytes; in a long one the words may come from
// elsewhere.
constexpr size_t kThrottleSearchBytes = 4096;

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

std::string HttpWords(int status) { return absl::StrCat("HTTP ", status); }

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
  const absl::string_view head = body.substr(0, kThrottleSearchBytes);
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

// What LeadSquared says of a call that it refused, or the answer's shape.
std::string Words(const http::HttpReply& reply,
                  const absl::StatusOr<UpdateAnswer>& answer) {
  const std::string words = answer.ok() ? ExceptionWords(*answer) : "";
  return words.empty() ? Shape(reply) : errors::Bounded(words, kMaxReasonBytes);
}

void SetThrottled(const http::HttpReply& reply, const UpdateAnswer* answer,
                  CallReport& report) {
  report.verdict = CallVerdict::kThrottled;
  report.retry_after = reply.retry_after;
  const auto limit = FindNamedLimit(reply.body);
  if (limit) {
    report.limit_calls = limit->calls;
    report.limit_window = limit->window;
  }
  report.text =
      answer != nullptr && !answer->exception_message.empty()
          ? errors::Bounded(answer->exception_message, kMaxReasonBytes)
          : Shape(reply);
}

// Everything up to the lists of a good answer; true if the verdict is final.
bool JudgeCall(const http::HttpReply& reply,
               const absl::StatusOr<UpdateAnswer>& answer, CallReport& report) {
  report.http_status = reply.http_status;
  report.sent_at = reply.sent_at;
  report.done_at = reply.done_at;
  report.handshake = reply.handshake;
  report.answered = reply.http_status != 0;
  if (!reply.sent_at) {
    report.verdict = CallVerdict::kNotSent;
    report.text = std::string(reply.status.message());
    return true;
  }
  if (SaysThrottled(reply.body, answer) || reply.http_status == 429) {
    SetThrottled(reply, answer.ok() ? &*answer : nullptr, report);
    return true;
  }
  if (!reply.status.ok()) {
    report.verdict = CallVerdict::kInDoubt;
    report.doubt = reply.status.code() == absl::StatusCode::kResourceExhausted
                       ? Reason::kAnswerUnreadable
                       : Reason::kNoAnswer;
    report.text = std::string(reply.status.message());
    return true;
  }
  if (reply.http_status == 401) {
    report.verdict = CallVerdict::kCredentialsRejected;
    report.text = Words(reply, answer);
    return true;
  }
  if (answer.ok() && absl::StartsWith(answer->exception_type, "MX")) {
    report.verdict = CallVerdict::kRefused;
    report.text = Words(reply, answer);
    return true;
  }
  if (IsFinalStatus(reply.http_status)) {
    report.verdict = CallVerdict::kRefused;
    report.text = Words(reply, answer);
    return true;
  }
  if (!IsSuccess(reply.http_status)) {
    report.verdict = CallVerdict::kInDoubt;
    report.doubt = Reason::kNoAnswer;
    report.text = HttpWords(reply.http_status);
    return true;
  }
  return false;
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

ReadAnswer ReadReply(const http::HttpReply& reply,
                     absl::Span<const LeadUpdate* const> leads) {
  ReadAnswer read;
  absl::StatusOr<UpdateAnswer> answer =
      reply.sent_at && !reply.body.empty()
          ? DecodeAnswer(reply.body)
          : absl::StatusOr<UpdateAnswer>(
                absl::InvalidArgumentError("the answer is empty"));
  if (JudgeCall(reply, answer, read.report)) return read;
  if (!answer.ok() || !answer->has_lists) {
    // Counts without lists tell nothing of a single lead.
    read.report.verdict = CallVerdict::kInDoubt;
    read.report.doubt =
        answer.ok() ? Reason::kAnswerIncomplete : Reason::kAnswerUnreadable;
    read.report.text = answer.ok() ? "the answer names no lead"
                                   : std::string(answer.status().message());
    return read;
  }
  JoinedAnswer joined = JoinAnswer(leads, *answer);
  read.report.verdict = CallVerdict::kAnswered;
  read.report.leads = std::move(joined.leads);
  read.strangers = joined.strangers;
  read.counts_differ = joined.counts_differ;
  return read;
}

CallReport ReadOtherReply(const http::HttpReply& reply) {
  CallReport report;
  const absl::StatusOr<UpdateAnswer> answer =
      reply.sent_at && !IsSuccess(reply.http_status)
          ? DecodeAnswer(reply.body)
          : absl::StatusOr<UpdateAnswer>(
                absl::InvalidArgumentError("not looked at"));
  if (!JudgeCall(reply, answer, report)) {
    report.verdict = CallVerdict::kAnswered;
  }
  return report;
}

}  // namespace leadgateway::leadsquared
