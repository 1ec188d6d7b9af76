#ifndef LEADGATEWAY_GATEWAY_LEADSQUARED_ANSWER_READER_H_
#define LEADGATEWAY_GATEWAY_LEADSQUARED_ANSWER_READER_H_

#include <cstdint>
#include <optional>
#include <string>

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

// What came of a call, and notes for the log.
struct ReadAnswer {
  dispatch::CallReport report;
  int strangers = 0;           // entries of the answer that fit no lead
  bool counts_differ = false;  // Status contradicts the lists
};

// From what HTTP brought to a verdict on the call and on each of its leads. The
// body decides, then the status; the first row that fits counts:
//
//   nothing left                                           kNotSent
//   the body names MXAPIRateLimitExceededException, or says
//     "exceeded the limit of N in M second(s)"             kThrottled
//   429                                                    kThrottled
//   no whole answer                                        kInDoubt
//   401                                                    kCredentialsRejected
//   an MX exception, whatever the status                   kRefused
//   400 404 405 411 412 413 414 415 422 431                kRefused
//   2xx with at least one list of leads                    kAnswered
//   2xx otherwise; 3xx, 403, 408, 5xx and all the rest     kInDoubt
//
// "Status":"Error" with a foreign exception is no refusal: who knows what was
// done before it was thrown.
//
// A throttle is believed from a cut-short body, too; success never is.
ReadAnswer ReadReply(const http::HttpReply& reply,
                     absl::Span<const LeadUpdate* const> leads);

// The same judgement for calls that carry no leads: kAnswered stands for any
// 2xx, whose body is the caller's to read.
dispatch::CallReport ReadOtherReply(const http::HttpReply& reply);

}  // namespace leadgateway::leadsquared

#endif  // LEADGATEWAY_GATEWAY_LEADSQUARED_ANSWER_READER_H_
