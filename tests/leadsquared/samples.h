#ifndef LEADGATEWAY_TESTS_LEADSQUARED_SAMPLES_H_
#define LEADGATEWAY_TESTS_LEADSQUARED_SAMPLES_H_

#include "absl/strings/string_view.h"

// The answers on the API's page "Update Leads in Bulk v2", and the throttle in
// the envelope that LeadSquared's errors have.
namespace leadgateway::leadsquared {

inline constexpr absl::string_view kSuccessSample = R"({
  "Status": {
    "TotalCount": 2,
    "SuccessCount": 2,
    "FailureCount": 0,
    "Message": "Processed"
  },
  "Details": {
    "SuccessfulLeads": [
      {
        "Identifier": "EmailAddress",
        "IdentifierValue": "james@gmail.com"
      },
      {
        "Identifier": "EmailAddress",
        "IdentifierValue": "jack@gmail.com"
      }
    ]
  }
})";

inline constexpr absl::string_view kFailedSample = R"({
  "Status": {
    "TotalCount": 1,
    "SuccessCount": 0,
    "FailureCount": 1,
    "Message": "Error"
  },
  "Details": {
    "FailedLeads": [
      {
        "Identifier": "EmailAddress",
        "IdentifierValue": "johnwick@gmail.com",
        "Reason": "Lead does not exist in the system or You do not have permission to update the lead"
      }
    ]
  }
})";

inline constexpr absl::string_view kUnprocessedSample = R"({
  "Status": {
    "TotalCount": 1,
    "SuccessCount": 0,
    "FailureCount": 0,
    "UnProcessedCount": 1,
    "Message": "Error"
  },
  "Details": {
    "UnProcessedLeads": [
      {
        "Identifier": "EmailAddress",
        "IdentifierValue": "johnwick @gmail.com",
        "Reason": "Lead does not exist in the system or You do not have permission to update the lead"
      }
    ]
  }
})";

inline constexpr absl::string_view kThrottleSample =
    R"({"Status":"Error","ExceptionType":"MXAPIRateLimitExceededException",)"
    R"-("ExceptionMessage":"API calls exceeded the limit of 25 in )-"
    R"-(5 second(s)"})-";

}  // namespace leadgateway::leadsquared

#endif  // LEADGATEWAY_TESTS_LEADSQUARED_SAMPLES_H_
