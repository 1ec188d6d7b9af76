#ifndef LEADGATEWAY_GATEWAY_VALIDATION_REQUEST_VALIDATOR_H_
#define LEADGATEWAY_GATEWAY_VALIDATION_REQUEST_VALIDATOR_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/model/lead.h"
#include "gateway/model/limits.h"
#include "gateway/schema/field_catalogue.h"
#include "leadgateway/v1/lead_gateway.pb.h"

// From the request as it came to leads that may be sent. Pure functions.
namespace leadgateway::validation {

struct ValidationOptions {
  int max_leads = kDefaultMaxLeadsPerRequest;
  // The account's fields. Null: names are not checked.
  const schema::FieldCatalogue* catalogue = nullptr;
};

// A request that has been looked at whole.
struct ValidatedRequest {
  std::string search_key;  // "" finds leads by ProspectId
  std::vector<LeadUpdate> leads;
  // One result, with every mistake, for each lead that may not be sent.
  std::vector<LeadResult> invalid;
};

// Fails on what is wrong with the request as such (EMPTY_REQUEST,
// TOO_MANY_LEADS, SEARCH_KEY_UNKNOWN, SEARCH_KEY_NOT_UNIQUE); what is wrong
// with a lead makes that lead invalid and leaves the others alone.
absl::StatusOr<ValidatedRequest> ValidateRequest(
    const v1::BulkUpdateLeadsRequest& request,
    const ValidationOptions& options);

// Whether leads are found by ProspectId, in either of its spellings.
bool IsProspectId(absl::string_view attribute);

// The form in which two values of the search key are the same lead: trimmed and
// case-folded; for fields of phone numbers, the digits.
std::string LaneKey(absl::string_view value, bool is_phone);

}  // namespace leadgateway::validation

#endif  // LEADGATEWAY_GATEWAY_VALIDATION_REQUEST_VALIDATOR_H_
