#include "gateway/model/reason.h"

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace leadgateway {
namespace {

using Code = absl::StatusCode;

constexpr ReasonInfo kCatalogue[] = {
    {Reason::kEmptyRequest, "EMPTY_REQUEST", Code::kInvalidArgument, false},
    {Reason::kTooManyLeads, "TOO_MANY_LEADS", Code::kInvalidArgument, false},
    {Reason::kAccountUnknown, "ACCOUNT_UNKNOWN", Code::kNotFound, false},
    {Reason::kAccountForbidden, "ACCOUNT_FORBIDDEN", Code::kPermissionDenied,
     false},
    {Reason::kIdentityUnreadable, "IDENTITY_UNREADABLE", Code::kUnauthenticated,
     false},
    {Reason::kPolicyDenied, "POLICY_DENIED", Code::kPermissionDenied, false},
    {Reason::kSearchKeyUnknown, "SEARCH_KEY_UNKNOWN", Code::kInvalidArgument,
     false},
    {Reason::kSearchKeyNotUnique, "SEARCH_KEY_NOT_UNIQUE",
     Code::kInvalidArgument, false},
    {Reason::kQueueFull, "QUEUE_FULL", Code::kResourceExhausted, true},
    {Reason::kDeadlineTooShort, "DEADLINE_TOO_SHORT", Code::kResourceExhausted,
     true},
    {Reason::kSchemaUnavailable, "SCHEMA_UNAVAILABLE", Code::kUnavailable,
     true},
    {Reason::kDraining, "DRAINING", Code::kUnavailable, true},
    {Reason::kDailyBudgetSpent, "DAILY_BUDGET_SPENT", Code::kResourceExhausted,
     true},
    {Reason::kUpstreamCredentialsRejected, "UPSTREAM_CREDENTIALS_REJECTED",
     Code::kFailedPrecondition, true},
    {Reason::kFieldUnknown, "FIELD_UNKNOWN", Code::kInvalidArgument, false},
    {Reason::kFieldRepeated, "FIELD_REPEATED", Code::kInvalidArgument, false},
    {Reason::kFieldReadOnly, "FIELD_READ_ONLY", Code::kInvalidArgument, false},
    {Reason::kValueMissing, "VALUE_MISSING", Code::kInvalidArgument, false},
    {Reason::kValueTypeMismatch, "VALUE_TYPE_MISMATCH", Code::kInvalidArgument,
     false},
    {Reason::kValueTooLong, "VALUE_TOO_LONG", Code::kInvalidArgument, false},
    {Reason::kValueNotAnOption, "VALUE_NOT_AN_OPTION", Code::kInvalidArgument,
     false},
    {Reason::kSearchKeyMissing, "SEARCH_KEY_MISSING", Code::kInvalidArgument,
     false},
    {Reason::kDuplicateSearchKey, "DUPLICATE_SEARCH_KEY",
     Code::kInvalidArgument, false},
    {Reason::kNoFields, "NO_FIELDS", Code::kInvalidArgument, false},
    {Reason::kTagTooLong, "TAG_TOO_LONG", Code::kInvalidArgument, false},
    {Reason::kLeadNotFoundOrForbidden, "LEAD_NOT_FOUND_OR_FORBIDDEN",
     Code::kNotFound, false},
    {Reason::kRejectedByLeadSquared, "REJECTED_BY_LEADSQUARED",
     Code::kFailedPrecondition, false},
    {Reason::kCallRefused, "CALL_REFUSED", Code::kAborted, true},
    {Reason::kDeadline, "DEADLINE", Code::kDeadlineExceeded, true},
    {Reason::kCancelled, "CANCELLED", Code::kCancelled, true},
    {Reason::kThrottled, "THROTTLED", Code::kUnavailable, true},
    {Reason::kUpstreamUnavailable, "UPSTREAM_UNAVAILABLE", Code::kUnavailable,
     true},
    {Reason::kNoAnswer, "NO_ANSWER", Code::kUnknown, true},
    {Reason::kAnswerIncomplete, "ANSWER_INCOMPLETE", Code::kUnknown, true},
    {Reason::kAnswerUnreadable, "ANSWER_UNREADABLE", Code::kUnknown, true},
};

constexpr bool InOrder() {
  int position = 0;
  for (const ReasonInfo& info : kCatalogue) {
    if (static_cast<int>(info.reason) != position++) return false;
  }
  return position == static_cast<int>(Reason::kAnswerUnreadable) + 1;
}
static_assert(InOrder(), "the catalogue follows the enumeration");

}  // namespace

const ReasonInfo& InfoOf(Reason reason) {
  return kCatalogue[static_cast<int>(reason)];
}

absl::Span<const ReasonInfo> AllReasons() { return kCatalogue; }

}  // namespace leadgateway
