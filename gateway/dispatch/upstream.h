#ifndef LEADGATEWAY_GATEWAY_DISPATCH_UPSTREAM_H_
#define LEADGATEWAY_GATEWAY_DISPATCH_UPSTREAM_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "gateway/model/lead.h"
#include "gateway/model/reason.h"

// The call as dispatch sees it: leads go out together, and a report says what
// is known of each. Whoever implements Upstream knows the vendor; dispatch does
// not.
namespace leadgateway::dispatch {

// What is known of a call as a whole.
enum class CallVerdict {
  // A readable answer came; each lead has its own verdict.
  kAnswered,
  // Turned away for the rate limit, unprocessed.
  kThrottled,
  // Turned away for its keys, unprocessed.
  kCredentialsRejected,
  // Refused whole and for good, unprocessed: sending the same again gets the
  // same answer.
  kRefused,
  // Nothing of it has left.
  kNotSent,
  // It left, and what became of it is unknown.
  kInDoubt,
};

// What an answer says of one lead.
struct LeadVerdict {
  enum class Kind {
    kUpdated,
    // It does not exist, or must not be seen.
    kNotFound,
    // Refused for a reason of its own.
    kRejected,
    // The answer does not say, or contradicts itself.
    kUntold,
  };
  Kind kind = Kind::kUntold;
  std::string text;  // the vendor's reason; may be empty
};

struct CallReport {
  CallVerdict verdict = CallVerdict::kInDoubt;
  // kAnswered: one per lead of the call, in the call's order. Empty otherwise.
  std::vector<LeadVerdict> leads;
  // kInDoubt: kNoAnswer or kAnswerUnreadable.
  Reason doubt = Reason::kNoAnswer;
  // The vendor's words, or the transport's; never a key, never a lead's value.
  std::string text;
  int http_status = 0;
  // kRefused: the fields that do not exist, as far as the vendor names them.
  std::vector<std::string> unknown_fields;

  // kCredentialsRejected: the account has other keys by now than those that the
  // call was made with.
  bool keys_replaced = false;
  // The vendor says of a lead or of the call that a field does not exist.
  bool unknown_field = false;

  // kThrottled: the limit that the answer names, and the wait that it asks for.
  std::optional<int64_t> limit_calls;
  std::optional<absl::Duration> limit_window;
  std::optional<absl::Duration> retry_after;

  // When the request left and when the transfer ended, by the monotonic clock.
  std::optional<absl::Time> sent_at;
  absl::Time done_at = absl::InfinitePast();
  // Whether the vendor itself answered: only then is it known that the call was
  // counted before done_at. The error page of a proxy (http_status is set, too)
  // says nothing of the sort: the call may go on behind it.
  bool answered = false;
  // Duration of the TCP handshake, where this call made one.
  std::optional<absl::Duration> handshake;
  // The least time there and back that TCP has measured on the connection.
  std::optional<absl::Duration> round_trip;
};

// A call to make.
struct UpdateCall {
  std::string search_key;  // "" finds leads by ProspectId
  // 1 to 25, no two with the same lane_key. Valid until `done` was called.
  std::vector<const LeadUpdate*> leads;
  // To be called once, when the call is about to leave: when its connection
  // stands, which may be seconds after Update. Returns those of the leads that
  // may leave still, since the requests of others may have ended meanwhile. If
  // none may, the call must not leave and ends as kNotSent.
  std::function<std::vector<const LeadUpdate*>()> leave;
};

class Upstream {
 public:
  virtual ~Upstream() = default;

  // Starts one call. `done` is called exactly once, later (never from within
  // Update), on the thread that dispatch lives on.
  virtual void Update(UpdateCall call,
                      absl::AnyInvocable<void(CallReport) &&> done) = 0;
};

}  // namespace leadgateway::dispatch

#endif  // LEADGATEWAY_GATEWAY_DISPATCH_UPSTREAM_H_
