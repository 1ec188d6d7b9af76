#ifndef LEADGATEWAY_GATEWAY_VALIDATION_REQUEST_VALIDATOR_H_
#define LEADGATEWAY_GATEWAY_VALIDATION_REQUEST_VALIDATOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/model/field_checks.h"
#include "gateway/model/lead.h"
#include "gateway/model/limits.h"
#include "gateway/schema/field_catalogue.h"
#include "leadgateway/v1/lead_gateway.pb.h"

// From the request as it came to leads that may be sent. Pure functions.
namespace leadgateway::validation {

struct ValidationOptions {
  int max_leads = kDefaultMaxLeadsPerRequest;
  // The account's fields. Null: neither names nor values are checked against
  // them.
  const schema::FieldCatalogue* catalogue = nullptr;
  FieldChecks checks;
  // A request that would be refused, or have a lead refused, for a name that
  // the catalogue does not have is left as it is, since newer fields may have
  // it: `unknown_name` is set, and nothing else.
  bool stop_at_unknown_name = false;
};

// A request that has been looked at whole.
struct ValidatedRequest {
  std::string search_key;  // "" finds leads by ProspectId
  std::vector<LeadUpdate> leads;
  // One result, with every mistake, for each lead that may not be sent.
  std::vector<LeadResult> invalid;
  // Of `leads`, by index: what is sent although the metadata speaks against it.
  absl::flat_hash_map<int32_t, std::vector<FieldViolation>> warnings;
  bool unknown_name = false;
};

// Fails on what is wrong with the request as such (EMPTY_REQUEST,
// TOO_MANY_LEADS, SEARCH_KEY_UNKNOWN, SEARCH_KEY_NOT_UNIQUE); what is wrong
// with a lead makes that lead invalid and leaves the others alone.
//
// Takes the texts out of the request's leads, since they are not copied.
//
// A lead lists at most kMaxMistakesPerLead mistakes and kMaxWarningsPerLead
// warnings, and a request some kMaxMistakesPerRequest of both; where more are
// found, the last one listed counts the rest.
absl::StatusOr<ValidatedRequest> ValidateRequest(
    v1::BulkUpdateLeadsRequest& request, const ValidationOptions& options);

// Whether leads are found by ProspectId, in either of its spellings.
bool IsProspectId(absl::string_view attribute);

// The form in which two values of the search key are the same lead: trimmed and
// case-folded; for fields of phone numbers, the digits.
std::string LaneKey(absl::string_view value, bool is_phone);

}  // namespace leadgateway::validation

#endif  // LEADGATEWAY_GATEWAY_VALIDATION_REQUEST_VALIDATOR_H_
