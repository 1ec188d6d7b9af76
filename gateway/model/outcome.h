#ifndef LEADGATEWAY_GATEWAY_MODEL_OUTCOME_H_
#define LEADGATEWAY_GATEWAY_MODEL_OUTCOME_H_

#include "absl/strings/string_view.h"

namespace leadgateway {

// What became of a lead; the contract's Outcome, whose comments say what each
// one promises.
enum class Outcome {
  kUpdated,
  kFailed,
  kUnprocessed,
  kInvalid,
  kNotSent,
  kUnknown,
  kValid,
};
inline constexpr int kOutcomeCount = 7;

// "UPDATED", "FAILED", ...
absl::string_view OutcomeName(Outcome outcome);

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_MODEL_OUTCOME_H_
