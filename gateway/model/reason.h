#ifndef LEADGATEWAY_GATEWAY_MODEL_REASON_H_
#define LEADGATEWAY_GATEWAY_MODEL_REASON_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace leadgateway {

// Why a request or a lead failed: the ErrorInfo.reason of the contract.
enum class Reason {
  // Of a request.
  kEmptyRequest,
  kTooManyLeads,
  kAccountUnknown,
  kAccountForbidden,
  kIdentityUnreadable,
  kPolicyDenied,
  kSearchKeyUnknown,
  kSearchKeyNotUnique,
  kQueueFull,
  kDeadlineTooShort,
  kSchemaUnavailable,
  // Of a request, or of a lead that was not sent.
  kDraining,
  kDailyBudgetSpent,
  kUpstreamCredentialsRejected,
  // Of an invalid lead.
  kFieldUnknown,
  kFieldRepeated,
  kFieldReadOnly,
  kValueMissing,
  kValueTypeMismatch,
  kValueTooLong,
  kValueNotAnOption,
  kSearchKeyMissing,
  kDuplicateSearchKey,
  kNoFields,
  kTagTooLong,
  // Of a lead that LeadSquared refused.
  kLeadNotFoundOrForbidden,
  kRejectedByLeadSquared,
  kCallRefused,
  // Of a lead that was not sent.
  kDeadline,
  kCancelled,
  kThrottled,
  kUpstreamUnavailable,
  // Of a lead whose outcome is unknown.
  kNoAnswer,
  kAnswerIncomplete,
  kAnswerUnreadable,
};

// What the catalogue says of a reason.
struct ReasonInfo {
  Reason reason;
  absl::string_view name;  // "EMPTY_REQUEST", ...
  absl::StatusCode code;   // of the RPC's or the lead's status
  // Whether sending the same again, unchanged, can help.
  bool retry_helps;
};

// Never fails: every Reason has an entry.
const ReasonInfo& InfoOf(Reason reason);

// All of it, in the order of the enumeration.
absl::Span<const ReasonInfo> AllReasons();

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_MODEL_REASON_H_
