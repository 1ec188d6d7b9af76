#ifndef LEADGATEWAY_GATEWAY_MODEL_LEAD_H_
#define LEADGATEWAY_GATEWAY_MODEL_LEAD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gateway/model/outcome.h"
#include "gateway/model/reason.h"

namespace leadgateway {

// One field as LeadSquared gets it: every value is text there.
struct FieldValue {
  std::string attribute;  // schema name
  std::string value;      // "" empties the field
};

// A validated lead on its way to LeadSquared.
struct LeadUpdate {
  int32_t index = 0;  // position in the request
  std::string tag;
  std::vector<FieldValue> fields;
  size_t key_field = 0;  // position in `fields` of the one that finds the lead
  // The key's value trimmed, case-folded, or a phone's digits: two updates with
  // the same one touch the same lead.
  std::string lane_key;

  const FieldValue& key() const { return fields[key_field]; }
};

// Memory that a lead holds, roughly, in bytes.
size_t FootprintOf(const LeadUpdate& lead);

// One mistake in a lead.
struct FieldViolation {
  Reason reason = Reason::kFieldUnknown;
  std::string field;  // a path in the request: `leads[3].fields["Emial"]`
  std::string description;
};

// Why a lead has not been updated.
struct Problem {
  Reason reason = Reason::kNoAnswer;
  std::string message;
  // kUpstreamCredentialsRejected: LeadSquared's words within the message, which
  // the request's error repeats where all leads end so.
  std::string upstream_text;
  // kDailyBudgetSpent: when the next calls are free, by the time of day.
  absl::Time until = absl::InfinitePast();
  std::vector<FieldViolation> violations;  // of an invalid lead
};

// Memory that a result holds, roughly, in bytes.
struct LeadResult;
size_t FootprintOf(const LeadResult& result);

// What became of a lead.
struct LeadResult {
  int32_t index = 0;
  std::string tag;
  Outcome outcome = Outcome::kUnknown;
  std::string identifier;
  std::string identifier_value;
  std::optional<Problem> problem;  // none for kUpdated and kValid
  // What the account's metadata speaks against and was sent all the same.
  std::vector<FieldViolation> warnings;
  int32_t attempts = 0;
};

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_MODEL_LEAD_H_
