#ifndef LEADGATEWAY_TESTS_SIMULATION_WORLD_AUDITOR_H_
#define LEADGATEWAY_TESTS_SIMULATION_WORLD_AUDITOR_H_

#include <string>
#include <vector>

#include "tests/simulation/world_log.h"

namespace leadgateway::simulation {

struct Violation {
  std::string invariant;  // a name without spaces, such as "updated_is_applied"
  std::string text;       // what is wrong, with times and history
};

// Compares what clients were told with what LeadSquared received and applied.
// Shares no code with the gateway.
//
//   one_result            each lead of an RPC that ended with OK has exactly
//                         one result; of one that ended otherwise, at most one
//   summary_adds_up       summary, gateway's count and results agree
//   rpc_ends              every RPC ends, and the gateway lets go of it
//   right_account         a lead goes to its own account, with its keys
//   right_lead            a result bears its own lead's index, tag and key; a
//                         value is written to the lead that its key names
//   updated_is_applied    UPDATED: applied before, and an answer said so
//   applied_is_told       applied: UPDATED or UNKNOWN
//   not_sent_is_unread    NOT_SENT: no call that carried it was read
//   invalid_is_not_sent   what must not be sent never left
//   failed_was_refused    FAILED and UNPROCESSED: LeadSquared said so, and
//                         never anything better
//   error_means_unsent    RPCs that end with an error that says so sent nothing
//   order_per_key         updates of one key are applied in order of acceptance
//   one_in_flight         and are never in flight together, nor in one call
//   allowance             no more than N calls counted in any W, also across
//                         restarts of a gateway that keeps its state
//   budget                no more calls in a day than the account's budget
//   sent_as_told          calls and attempts are those that the gateway counts
//   over_is_over          no lead leaves after its RPC has ended
//   call_size             at most 25 leads in a call
std::vector<Violation> Audit(const WorldLog& log);

}  // namespace leadgateway::simulation

#endif  // LEADGATEWAY_TESTS_SIMULATION_WORLD_AUDITOR_H_
