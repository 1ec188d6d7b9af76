#include "gateway/model/outcome.h"

#include "absl/strings/string_view.h"

namespace leadgateway {

absl::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kUpdated:
      return "UPDATED";
    case Outcome::kFailed:
      return "FAILED";
    case Outcome::kUnprocessed:
      return "UNPROCESSED";
    case Outcome::kInvalid:
      return "INVALID";
    case Outcome::kNotSent:
      return "NOT_SENT";
    case Outcome::kUnknown:
      return "UNKNOWN";
    case Outcome::kValid:
      return "VALID";
  }
  return "";
}

}  // namespace leadgateway
