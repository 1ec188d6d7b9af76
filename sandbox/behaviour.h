// Every switch of the sandbox that one call can meet.
#ifndef SANDBOX_BEHAVIOUR_H_
#define SANDBOX_BEHAVIOUR_H_

#include <optional>
#include <string>

#include "absl/time/time.h"

namespace leadgateway::sandbox {

enum class Fault {
  kNone,
  kThrottle429,
  kThrottle403,
  kThrottle200,
  kUnauthorized,
  kWrongHost,
  kError500,
  kError412,
  kHtml502,
  kEmptyBody,
  kTruncatedBody,
  kGarbageJson,
  kOversized,
  kResetBeforeReading,
  kResetAfterApplying,
  kResetMidAnswer,
  kCloseWithoutAnswer,
  kNeverAnswer,
};

enum class Duplicates { kFailBoth, kFailCall, kApply };
enum class UnknownAttribute { kFailLead, kFailCall412, kFailCall500, kIgnore };
enum class Locked { kStore, kIgnore, kRefuse };
enum class Keyless { kFailed, kOmitted };
enum class Dollar { kRefuse, kAccept, kDropWrites };

struct Behaviour {
  // What goes wrong with the call as a whole.
  Fault fault = Fault::kNone;
  // Whether the leads are applied all the same. Unset: as the fault implies.
  std::optional<bool> fault_applies;
  std::string error_type = "MXInvalidInputException";
  std::string error_message = "Invalid input";
  std::string right_host = "api-in21.leadsquared.com";
  std::string retry_after;  // empty: no header
  int oversized_bytes = 10 * 1024 * 1024;

  // How calls over the allowance are refused.
  int throttle_status = 429;
  bool throttle_at_once = false;

  // Time.
  absl::Duration latency_min;
  absl::Duration latency_max;
  double spike_probability = 0;
  absl::Duration spike;          // what a spike adds to the latency
  absl::Duration spike_to;       // or what it is instead, where positive
  bool apply_at_answer = false;  // else at the moment of counting

  // The answer of UpdateV2.
  double omit_probability = 0;
  bool echo_trimmed = false;
  bool echo_lower = false;
  bool echo_upper = false;
  bool echo_digits = false;  // phones only
  bool echo_padded = false;  // a stray space, as on the API's page
  bool shuffle = false;
  int wrong_counts = 0;  // added to SuccessCount
  std::string partial_message = "Processed";
  std::string answer_prospect_id = "ProspectID";

  // The rules of UpdateV2.
  Duplicates duplicates = Duplicates::kFailBoth;
  UnknownAttribute unknown_attribute = UnknownAttribute::kFailLead;
  Locked locked_fields = Locked::kStore;
  Keyless keyless_leads = Keyless::kFailed;
  bool refuse_outside_options = false;
  bool refuse_prospectID = false;  // the spelling with a capital D
  Dollar unencoded_dollar = Dollar::kRefuse;
  std::string poison_value;  // empty: no poison
  int poison_status = 500;
  std::string poison_type = "MXInvalidDataTypeException";

  // Metadata.
  bool metadata_is_unique = false;
};

// Whether the leads of a call that meets this fault are applied.
bool Applies(const Behaviour& behaviour);
// Whether a call that meets this fault takes from the allowance.
bool Counts(Fault fault);
// The status of an injected throttle, 0 for other faults.
int ThrottleStatus(Fault fault);

}  // namespace leadgateway::sandbox

#endif  // SANDBOX_BEHAVIOUR_H_
