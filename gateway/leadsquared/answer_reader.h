#ifndef LEADGATEWAY_GATEWAY_LEADSQUARED_ANSWER_READER_H_
#define LEADGATEWAY_GATEWAY_LEADSQUARED_ANSWER_READER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/http/http_client.h"
#include "gateway/model/lead.h"

namespace leadgateway::leadsquared {

// The limit that a throttle's text names: "API calls exceeded the limit of 25
// in 5 second(s)". `window` is absent if the text names none.
struct NamedLimit {
  int64_t calls = 0;
  std::optional<absl::Duration> window;
};
std::optional<NamedLimit> FindNamedLimit(absl::string_view text);

// The attributes that LeadSquared says do not exist: "Attribute(s) does not
// exist - mx_One, mx_Two" of an MXUnknownAttributeException. Empty if the words
// are any others.
std::vector<std::string> UnknownAttributes(absl::string_view exception_type,
                                           absl::string_view message);

// What came of a call, and notes for the log.
struct ReadAnswer {
  dispatch::CallReport report;
  absl::string_view row;       // of the table below that it fits
  int strangers = 0;           // entries of the answer that fit no lead
  bool counts_differ = false;  // Status contradicts the lists
};

// From what HTTP brought to a verdict on the call and on each of its leads. The
// body decides, then the status; the first row that fits counts (the table is
// in the .cc file, the rows have these names):
//
//   nothing left        nothing of the request has left      kNotSent
//   a throttle's words  MXAPIRateLimitExceededException, or
//                       "API call... exceeded the limit of N
//                       in M second(s)", under any status    kThrottled
//   429                                                      kThrottled
//   too long            kMaxAnswerBytes were not enough      kInDoubt
//   no whole answer     the connection broke, or time ran
//                       out, before or within it             kInDoubt
//   401 kCredentialsRejected an MX exception     under any other status
//   kRefused a final status      400 404 405 411 412 413 414 415 422
//                       431                                  kRefused
//   no success          3xx, 403, 408, 5xx and all the rest  kInDoubt
//   unreadable          2xx with a body of another shape     kInDoubt
//   without lists       2xx that names no lead               kInDoubt
//   with lists          2xx; see result_join.h               kAnswered
//
// "Status":"Error" with a foreign exception is no refusal: who knows what was
// done before it was thrown.
//
// A throttle is believed from a cut-short body, too; success never is.
ReadAnswer ReadReply(const http::HttpReply& reply,
                     absl::Span<const LeadUpdate* const> leads);

// The names of the table's rows, in order.
std::vector<absl::string_view> RowNames();

// The same judgement for calls that carry no leads: kAnswered stands for any
// 2xx, whose body is the caller's to read.
dispatch::CallReport ReadOtherReply(const http::HttpReply& reply);

}  // namespace leadgateway::leadsquared

#endif  // LEADGATEWAY_GATEWAY_LEADSQUARED_ANSWER_READER_H_
