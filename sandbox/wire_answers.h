// The API's answers, byte for byte (compact JSON, the page's key order).
#ifndef SANDBOX_WIRE_ANSWERS_H_
#define SANDBOX_WIRE_ANSWERS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace leadgateway::sandbox {

inline constexpr absl::string_view kReasonNotFound =
    "Lead does not exist in the system or You do not have permission to "
    "update the lead";
inline constexpr absl::string_view kReasonNoFields = "Fields cannot be empty";
inline constexpr absl::string_view kReasonUnknownField =
    "Non-existent field(s) provided";

struct LeadLine {
  std::string identifier;
  std::string value;
  std::string reason;  // not written for successful leads
};

struct UpdateAnswer {
  int total = 0;
  int success = 0;
  int failure = 0;
  std::optional<int> unprocessed;
  std::string message;
  // Written only when not empty.
  std::vector<LeadLine> successful_leads;
  std::vector<LeadLine> failed_leads;
  std::vector<LeadLine> unprocessed_leads;
};

std::string UpdateAnswerJson(const UpdateAnswer& answer);

// {"Status":"Error","ExceptionType":"...","ExceptionMessage":"..."}
std::string ErrorJson(absl::string_view type, absl::string_view message);

// "API calls exceeded the limit of 25 in 5 second(s)"
std::string RateLimitMessage(int calls, absl::Duration window);

// The answer of UserByAccessKey.Get, with the region's host.
std::string UserJson(absl::string_view api_host);

// "2 Duplicate Lead(s) provided"
std::string DuplicateReason(int copies);

}  // namespace leadgateway::sandbox

#endif  // SANDBOX_WIRE_ANSWERS_H_
