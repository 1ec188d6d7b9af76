#ifndef LEADGATEWAY_GATEWAY_MODEL_ERRORS_H_
#define LEADGATEWAY_GATEWAY_MODEL_ERRORS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/model/lead.h"
#include "gateway/model/reason.h"

// The catalogue of error sentences. None of them holds a field's value.
//
// The absl::Status of a request carries its details as payloads, under the type
// URLs of google.rpc.ErrorInfo, BadRequest, QuotaFailure and RetryInfo.
namespace leadgateway::errors {

inline constexpr absl::string_view kDomain = "leadgateway.v1";
inline constexpr absl::string_view kErrorInfoUrl =
    "type.googleapis.com/google.rpc.ErrorInfo";
inline constexpr absl::string_view kBadRequestUrl =
    "type.googleapis.com/google.rpc.BadRequest";
inline constexpr absl::string_view kQuotaFailureUrl =
    "type.googleapis.com/google.rpc.QuotaFailure";
inline constexpr absl::string_view kRetryInfoUrl =
    "type.googleapis.com/google.rpc.RetryInfo";

// Of requests.
absl::Status EmptyRequest();
absl::Status TooManyLeads(int64_t leads, int64_t limit);
absl::Status AccountUnknown(absl::string_view account,
                            const std::vector<std::string>& configured);
// `caller` as it is named, `known_by` how ("its certificate"), `advice` what
// keeps it out.
absl::Status AccountForbidden(absl::string_view account,
                              absl::string_view caller,
                              absl::string_view known_by,
                              absl::string_view advice);
// A trusted proxy forwards a client certificate that can't be read: `what` is
// wrong with it.
absl::Status IdentityUnreadable(absl::string_view what);
// The authorization policy lets `caller` not call `method`, by the deny rule
// `rule`, or for want of an allow rule that matches if it is "".
absl::Status PolicyDenied(absl::string_view method, absl::string_view caller,
                          absl::string_view policy, absl::string_view rule);
absl::Status SearchKeyUnknown(absl::string_view key,
                              const std::vector<std::string>& nearest);
absl::Status SearchKeyNotUnique(absl::string_view key,
                                const std::vector<std::string>& unique);
// `whose` has `queued` of `limit` leads or bytes in the account's queue, and
// the request `asked` more.
absl::Status QueueFull(absl::string_view whose, absl::string_view account,
                       int64_t queued, int64_t limit, int64_t asked,
                       absl::string_view unit, absl::Duration retry_after);
absl::Status DeadlineTooShort(absl::string_view account,
                              absl::Duration estimate, absl::Duration left,
                              absl::Duration retry_after);
// All of the day's calls are spent; the next day begins at `until`, by the time
// of day.
absl::Status DailyBudgetSpent(absl::string_view account, int64_t spent,
                              int64_t budget, absl::Duration retry_after,
                              absl::Time until, absl::TimeZone zone);
// The request was taken, and others' calls have spent the budget since.
absl::Status DailyBudgetSpentMeanwhile(absl::string_view account,
                                       absl::Duration retry_after,
                                       absl::Time until);
// The day's calls are spread over it, and the request would take more of them
// than will have been released by its deadline.
absl::Status DailyShareSpent(absl::string_view account, int64_t spent,
                             int64_t budget, absl::Duration retry_after,
                             absl::Time until, absl::TimeZone zone);
absl::Status Draining();
// Nothing of the request was sent when its account was taken out of the
// configuration.
absl::Status AccountGone(absl::string_view account);
absl::Status SchemaUnavailable(absl::string_view account);
absl::Status UpstreamCredentialsRejected(absl::string_view account,
                                         absl::string_view upstream_text);
absl::Status Cancelled();
absl::Status DeadlineExceeded(absl::string_view account);

// The delay of a status' RetryInfo; zero where there is none.
absl::Duration RetryDelayOf(const absl::Status& status);

// The reason in a status' ErrorInfo; "" where there is none.
std::string ReasonNameOf(const absl::Status& status);

// Of leads that are on their way.
Problem LeadProblem(Reason reason, absl::string_view upstream_text = "");

// Of a lead that waits no longer for the next day, which begins at `until`.
Problem LeadBudgetSpent(absl::Time until, absl::TimeZone zone);

// Of a lead that waited when its account was taken out of the configuration.
Problem LeadAccountGone(absl::string_view account);

// Of a lead that is not sent since LeadSquared refused a call for this field,
// which it said does not exist, `ago`.
Problem FieldSaidUnknown(int index, absl::string_view attribute,
                         absl::string_view upstream_text, absl::Duration ago);

// "leads[3]" and `leads[3].fields["Emial"]`: the attribute bounded, quoted, and
// without control characters.
std::string LeadPath(int index);
std::string FieldPath(int index, absl::string_view attribute);

// `text` cut to `max_bytes` without splitting a UTF-8 character.
std::string Bounded(absl::string_view text, size_t max_bytes);

}  // namespace leadgateway::errors

#endif  // LEADGATEWAY_GATEWAY_MODEL_ERRORS_H_
