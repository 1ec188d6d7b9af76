#ifndef LEADGATEWAY_GATEWAY_DISPATCH_CALL_RECORD_H_
#define LEADGATEWAY_GATEWAY_DISPATCH_CALL_RECORD_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "gateway/dispatch/job.h"
#include "gateway/dispatch/upstream.h"

namespace leadgateway::dispatch {

// A job's part in a call.
struct CallShare {
  const JobSpec* job = nullptr;
  int leads = 0;
  // Of these, how many left for the first time, and how long they had waited
  // since the job was accepted.
  int first_time = 0;
  absl::Duration waited;
};

// What is told of a call that has ended, for logs, metrics and traces. What it
// points at is valid until the function that it was given to returns.
struct CallRecord {
  uint64_t call = 0;
  int leads = 0;
  // What the answer says of them, where there is one.
  int updated = 0;
  int not_found = 0;
  int rejected = 0;
  int untold = 0;
  std::vector<CallShare> shares;  // one for each job that has leads in it
  const CallReport* report = nullptr;
  absl::Time left_at;       // when dispatch let it go
  absl::Duration duration;  // from leaving to the end; zero if it never left
};

// The record of a call that carried `leads`. Made when its report is there and
// before the report changes anything about the leads; it points at both.
CallRecord RecordOf(uint64_t call, const std::vector<QueuedLead*>& leads,
                    absl::Time left_at, const CallReport& report);

}  // namespace leadgateway::dispatch

#endif  // LEADGATEWAY_GATEWAY_DISPATCH_CALL_RECORD_H_
