#ifndef LEADGATEWAY_CLIENT_UPDATE_TYPES_H_
#define LEADGATEWAY_CLIENT_UPDATE_TYPES_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/cancellation.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::client {

// Whose share of the allowance a request takes: see `x-lead-priority`.
enum class Priority { kInteractive, kBulk };

// Whether and how an Update tries again. Only a refusal that certainly came
// before any lead was sent, with no message read, is ever tried again: one with
// RESOURCE_EXHAUSTED or UNAVAILABLE and the gateway's own reason.
struct RetryPolicy {
  bool enabled = false;

  // Tries of one request, the first included.
  int max_tries = 5;

  // The wait before the second try if the gateway named none (it does so in
  // `grpc-retry-pushback-ms` or RetryInfo); doubles from try to try.
  absl::Duration first_delay = absl::Seconds(1);

  // A longer wait is not made (a spent daily budget asks for hours): the
  // refusal is the Update's end then.
  absl::Duration max_delay = absl::Minutes(1);
};

struct CallOptions {
  // For the whole of an Update: connecting, waiting, all its requests.
  absl::Duration timeout = absl::InfiniteDuration();

  // At most 128 printable ASCII characters. Empty: one is made. Where an Update
  // needs several requests, the second one's id ends in "-2" and so on.
  std::string request_id;

  // Sent as `x-lead-caller` unless empty.
  std::string caller;

  Priority priority = Priority::kInteractive;

  RetryPolicy retry;

  // Ends the Update from another thread. May be null; outlives the call.
  Cancellation* cancellation = nullptr;
};

// How results reach the caller. Any of them may be empty. All are called on the
// thread that called Update, one at a time, while it runs, and never after it
// has returned. They may take their time (the gateway then waits) and may call
// Cancellation::Cancel, but must not throw.
struct UpdateCallbacks {
  // Once for each lead, if Update returns a report; never, if it returns an
  // error. In order of completion. `index` counts from the first lead of the
  // whole request. (Indexes inside a status' texts and paths count from the
  // first lead of the request that carried the lead; they differ only when the
  // request was split.) `local`: this library made the result, because the
  // gateway's never came.
  std::function<void(const leadgateway::v1::LeadResult& result, bool local)>
      on_result;

  // Any number of times. The counts are for the whole request.
  std::function<void(const leadgateway::v1::Progress& progress)> on_progress;

  // Before a wait that ends in another try: why, and how long.
  std::function<void(const absl::Status& refusal, absl::Duration delay)>
      on_retry;
};

// What became of an Update.
struct UpdateReport {
  // Counts the results as on_result got them; they add up to the number of
  // leads. `elapsed` is measured here.
  leadgateway::v1::Summary summary;

  // Of each request, in order.
  std::vector<std::string> request_ids;

  // Every lead's result came from the gateway, and `rpc_status` is OK.
  bool complete = false;

  // OK, or why leads have no result of the gateway. Read its details with
  // ReadErrorDetails().
  absl::Status rpc_status;

  // What the gateway sent against its contract, in words; the first few.
  std::vector<std::string> anomalies;

  // For validate_only. Of several requests: the calls and times added, the
  // first one's body.
  std::optional<leadgateway::v1::Plan> plan;
};

}  // namespace leadgateway::client

#endif  // LEADGATEWAY_CLIENT_UPDATE_TYPES_H_
