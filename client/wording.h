#ifndef LEADGATEWAY_CLIENT_WORDING_H_
#define LEADGATEWAY_CLIENT_WORDING_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::leadctl {

// "FAILED" for OUTCOME_FAILED.
std::string OutcomeName(leadgateway::v1::Outcome outcome);

// One sentence: what to do about leads with this outcome. Empty for UPDATED.
std::string OutcomeAdvice(leadgateway::v1::Outcome outcome);

// Each outcome with its count, in the order in which people want to read them.
std::vector<std::pair<leadgateway::v1::Outcome, int>> OutcomeCounts(
    const leadgateway::v1::Summary& summary);

// Leads that went out, by upstream call that carried them; 0 without calls.
double LeadsPerCall(const leadgateway::v1::Summary& summary);

absl::Duration ToDuration(const google::protobuf::Duration& duration);

// "0.8 s", "42 s", "3 min 20 s", "2 h 5 min".
std::string DurationText(absl::Duration duration);

// An error of an RPC: code, reason, message; below, indented, what is wrong in
// the request, the limits met, and when to try again. No line end at the end.
std::string ErrorText(const absl::Status& status);

// "1 lead", "2 leads".
std::string LeadsText(int leads);

}  // namespace leadgateway::leadctl

#endif  // LEADGATEWAY_CLIENT_WORDING_H_
