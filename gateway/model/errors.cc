#include "gateway/model/errors.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/model/limits.h"
#include "gateway/model/reason.h"
#include "google/rpc/error_details.pb.h"

namespace leadgateway::errors {
namespace {

// A name that a caller gave, as it may stand in a sentence: in quotes, bounded,
// and without control characters.
std::string Name(absl::string_view text, size_t max_bytes) {
  std::string quoted = "\"";
  for (const char c : Bounded(text, max_bytes)) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += absl::ascii_iscntrl(static_cast<unsigned char>(c)) ? ' ' : c;
  }
  return quoted + '"';
}

// Attribute names in messages are cut here; LeadSquared's have at most 50.
constexpr size_t kMaxNameBytes = 100;

absl::Status Make(Reason reason, absl::string_view message) {
  const ReasonInfo& catalogue = InfoOf(reason);
  absl::Status status(catalogue.code, message);
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(catalogue.name));
  info.set_domain(std::string(kDomain));
  status.SetPayload(kErrorInfoUrl, absl::Cord(info.SerializeAsString()));
  return status;
}

void AddMetadata(absl::Status& status, absl::string_view key,
                 absl::string_view value) {
  google::rpc::ErrorInfo info;
  info.ParseFromString(std::string(*status.GetPayload(kErrorInfoUrl)));
  (*info.mutable_metadata())[std::string(key)] = std::string(value);
  status.SetPayload(kErrorInfoUrl, absl::Cord(info.SerializeAsString()));
}

void AddViolation(absl::Status& status, absl::string_view field) {
  google::rpc::BadRequest bad;
  auto* violation = bad.add_field_violations();
  violation->set_field(std::string(field));
  violation->set_description(std::string(status.message()));
  status.SetPayload(kBadRequestUrl, absl::Cord(bad.SerializeAsString()));
}

void AddRetry(absl::Status& status, absl::Duration delay) {
  google::rpc::RetryInfo info;
  // Rounded up to a millisecond: a delay that is a hair short is a wasted try.
  const int64_t ms =
      absl::ToInt64Milliseconds(absl::Ceil(delay, absl::Milliseconds(1)));
  info.mutable_retry_delay()->set_seconds(ms / 1000);
  info.mutable_retry_delay()->set_nanos(static_cast<int32_t>(ms % 1000) *
                                        1'000'000);
  status.SetPayload(kRetryInfoUrl, absl::Cord(info.SerializeAsString()));
}

void AddQuota(absl::Status& status, absl::string_view account) {
  google::rpc::QuotaFailure quota;
  auto* violation = quota.add_violations();
  violation->set_subject(absl::StrCat("account:", account));
  violation->set_description(std::string(status.message()));
  status.SetPayload(kQuotaFailureUrl, absl::Cord(quota.SerializeAsString()));
}

std::string Seconds(absl::Duration duration) {
  return absl::FormatDuration(absl::Ceil(duration, absl::Milliseconds(1)));
}

std::string TimeOfDay(absl::Time time, absl::TimeZone zone) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S %Z",
                          absl::FromUnixSeconds(absl::ToUnixSeconds(
                              time + absl::Milliseconds(999))),
                          zone);
}

std::string RfcTime(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

std::string Quoted(const std::vector<std::string>& names) {
  return absl::StrJoin(names, ", ", [](std::string* out, const std::string& n) {
    absl::StrAppend(out, "\"", n, "\"");
  });
}

// `rest` says how much is spent, and when there is more.
absl::Status BudgetSpent(absl::string_view account, int64_t spent,
                         int64_t budget, absl::Duration retry_after,
                         absl::Time until, absl::string_view rest) {
  absl::Status status =
      Make(Reason::kDailyBudgetSpent,
           absl::StrCat("account \"", account, "\" has spent ", spent,
                        " of its daily budget of ", budget, " calls", rest));
  AddMetadata(status, "until", RfcTime(until));
  AddQuota(status, account);
  AddRetry(status, retry_after);
  return status;
}

}  // namespace

absl::Status EmptyRequest() {
  absl::Status status = Make(Reason::kEmptyRequest,
                             "the request has no leads; send at least one");
  AddViolation(status, "leads");
  return status;
}

absl::Status TooManyLeads(int64_t leads, int64_t limit) {
  absl::Status status =
      Make(Reason::kTooManyLeads,
           absl::StrCat("the request has ", leads, " leads; at most ", limit,
                        " fit in one, so split it"));
  AddMetadata(status, "limit", absl::StrCat(limit));
  AddViolation(status, "leads");
  return status;
}

absl::Status AccountUnknown(absl::string_view account,
                            const std::vector<std::string>& configured) {
  absl::Status status =
      Make(Reason::kAccountUnknown,
           absl::StrCat("no account ", Name(account, 64), " is configured; ",
                        configured.empty()
                            ? "there is none that this caller may use"
                            : absl::StrCat("there is ", Quoted(configured))));
  AddViolation(status, "account");
  return status;
}

absl::Status AccountForbidden(absl::string_view account,
                              absl::string_view caller,
                              absl::string_view known_by,
                              absl::string_view advice) {
  absl::Status status =
      Make(Reason::kAccountForbidden,
           absl::StrCat("caller \"", caller, "\" (known by ", known_by,
                        ") may not use account \"", account, "\": ", advice));
  AddMetadata(status, "caller", caller);
  AddMetadata(status, "known_by", known_by);
  return status;
}

absl::Status IdentityUnreadable(absl::string_view what) {
  return Make(Reason::kIdentityUnreadable,
              absl::StrCat("x-forwarded-client-cert comes from a trusted proxy "
                           "and can't be read, so the caller is not known: ",
                           what, "; nothing was sent"));
}

absl::Status PolicyDenied(absl::string_view method, absl::string_view caller,
                          absl::string_view policy, absl::string_view rule) {
  absl::Status status = Make(
      Reason::kPolicyDenied,
      absl::StrCat("caller \"", caller, "\" may not call ", method,
                   ": in the authorization policy \"", policy, "\" ",
                   rule.empty()
                       ? "no allow rule matches"
                       : absl::StrCat("deny rule \"", rule, "\" matches")));
  AddMetadata(status, "caller", caller);
  AddMetadata(status, "policy", policy);
  if (!rule.empty()) AddMetadata(status, "rule", rule);
  return status;
}

absl::Status SearchKeyUnknown(absl::string_view key,
                              const std::vector<std::string>& nearest) {
  std::string message =
      absl::StrCat("the account has no field ", Name(key, 128));
  if (!nearest.empty()) {
    absl::StrAppend(&message, "; did you mean ", Quoted(nearest), "?");
  }
  absl::Status status = Make(Reason::kSearchKeyUnknown, message);
  AddViolation(status, "search_by_key");
  return status;
}

absl::Status SearchKeyNotUnique(absl::string_view key,
                                const std::vector<std::string>& unique) {
  absl::Status status =
      Make(Reason::kSearchKeyNotUnique,
           absl::StrCat("field ", Name(key, 128),
                        " is not unique on this account, so it can't find "
                        "leads; unique are ",
                        Quoted(unique)));
  AddViolation(status, "search_by_key");
  return status;
}

absl::Status QueueFull(absl::string_view whose, absl::string_view account,
                       int64_t queued, int64_t limit, int64_t asked,
                       absl::string_view unit, absl::Duration retry_after) {
  const std::string advice =
      asked > limit
          ? absl::StrCat("it never has room for this request of ", asked, " ",
                         unit, "; split it")
          : absl::StrCat("there is no room for this request of ", asked, " ",
                         unit, "; try again in ", Seconds(retry_after));
  absl::Status status =
      Make(Reason::kQueueFull,
           absl::StrCat("the queue of ", whose, " holds ", queued, " of ",
                        limit, " ", unit, "; nothing was sent; ", advice));
  AddQuota(status, account);
  AddRetry(status, retry_after);
  return status;
}

absl::Status DeadlineTooShort(absl::string_view account,
                              absl::Duration estimate, absl::Duration left,
                              absl::Duration retry_after) {
  absl::Status status = Make(
      Reason::kDeadlineTooShort,
      absl::StrCat("the last lead would be answered in ", Seconds(estimate),
                   " at the rate of account \"", account,
                   "\", and the deadline is in ", Seconds(left),
                   "; nothing was sent; use a longer deadline or fewer leads"));
  AddQuota(status, account);
  AddRetry(status, retry_after);
  return status;
}

absl::Status DailyBudgetSpent(absl::string_view account, int64_t spent,
                              int64_t budget, absl::Duration retry_after,
                              absl::Time until, absl::TimeZone zone) {
  return BudgetSpent(
      account, spent, budget, retry_after, until,
      absl::StrCat("; nothing was sent; the next day's begins in ",
                   Seconds(retry_after), ", at ", TimeOfDay(until, zone)));
}

absl::Status DailyShareSpent(absl::string_view account, int64_t spent,
                             int64_t budget, absl::Duration retry_after,
                             absl::Time until, absl::TimeZone zone) {
  return BudgetSpent(
      account, spent, budget, retry_after, until,
      absl::StrCat(", and what is released of it by the deadline is too little "
                   "for this request; nothing was sent; calls for this request "
                   "are free in ",
                   Seconds(retry_after), ", at ", TimeOfDay(until, zone),
                   ", or with a longer deadline"));
}

absl::Status DailyBudgetSpentMeanwhile(absl::string_view account,
                                       absl::Duration retry_after,
                                       absl::Time until) {
  absl::Status status = Make(
      Reason::kDailyBudgetSpent,
      absl::StrCat("the daily budget of account \"", account,
                   "\" was spent before it was this request's turn; nothing of "
                   "it was sent; the next calls are free in ",
                   Seconds(retry_after)));
  AddMetadata(status, "until", RfcTime(until));
  AddQuota(status, account);
  AddRetry(status, retry_after);
  return status;
}

absl::Status Draining() {
  absl::Status status = Make(Reason::kDraining,
                             "this gateway is shutting down and takes no new "
                             "requests; nothing was sent");
  AddRetry(status, absl::Seconds(1));
  return status;
}

absl::Status AccountGone(absl::string_view account) {
  absl::Status status = Make(
      Reason::kDraining,
      absl::StrCat("account \"", account,
                   "\" was taken out of this gateway's configuration; nothing "
                   "was sent"));
  AddRetry(status, absl::Seconds(1));
  return status;
}

absl::Status SchemaUnavailable(absl::string_view account) {
  absl::Status status = Make(
      Reason::kSchemaUnavailable,
      absl::StrCat("the fields of account \"", account,
                   "\" could not be loaded from LeadSquared yet; nothing was "
                   "sent"));
  AddRetry(status, absl::Seconds(5));
  return status;
}

absl::Status UpstreamCredentialsRejected(absl::string_view account,
                                         absl::string_view upstream_text) {
  std::string message = absl::StrCat(
      "LeadSquared refuses the gateway's keys for account \"", account,
      "\"; check accessKeyFile, secretKeyFile and baseUrl");
  if (!upstream_text.empty()) {
    absl::StrAppend(&message,
                    "; it says: ", Bounded(upstream_text, kMaxReasonBytes));
  }
  return Make(Reason::kUpstreamCredentialsRejected, message);
}

absl::Status Cancelled() {
  return Make(Reason::kCancelled,
              "the request was cancelled before anything was sent");
}

absl::Status DeadlineExceeded(absl::string_view account) {
  absl::Status status =
      Make(Reason::kDeadline,
           absl::StrCat("the deadline passed while all leads waited for calls "
                        "of account \"",
                        account, "\" to become free; nothing was sent"));
  return status;
}

absl::Duration RetryDelayOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kRetryInfoUrl);
  google::rpc::RetryInfo info;
  if (!payload || !info.ParseFromString(std::string(*payload))) {
    return absl::ZeroDuration();
  }
  return absl::Seconds(info.retry_delay().seconds()) +
         absl::Nanoseconds(info.retry_delay().nanos());
}

std::string ReasonNameOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kErrorInfoUrl);
  google::rpc::ErrorInfo info;
  if (!payload || !info.ParseFromString(std::string(*payload))) return "";
  return info.reason();
}

Problem LeadProblem(Reason reason, absl::string_view upstream_text) {
  Problem problem;
  problem.reason = reason;
  switch (reason) {
    case Reason::kLeadNotFoundOrForbidden:
    case Reason::kRejectedByLeadSquared:
      // LeadSquared's own words say more than any of ours.
      problem.message = upstream_text.empty()
                            ? "LeadSquared refused the lead without a reason"
                            : Bounded(upstream_text, kMaxReasonBytes);
      return problem;
    case Reason::kCallRefused:
      problem.message =
          "LeadSquared refused the whole call that carried this lead; this "
          "lead may be innocent";
      break;
    case Reason::kDeadline:
      problem.message =
          "the deadline passed before a call was free for this lead; it was "
          "not sent";
      break;
    case Reason::kCancelled:
      problem.message = "the request was cancelled before this lead was sent";
      break;
    case Reason::kDraining:
      problem.message =
          "the gateway shut down before this lead was sent; send it again";
      break;
    case Reason::kThrottled:
      problem.message =
          "LeadSquared turned away each call that carried this lead for its "
          "rate limit; the lead was not processed";
      break;
    case Reason::kUpstreamUnavailable:
      problem.message =
          "LeadSquared could not be reached; the lead was not sent";
      break;
    case Reason::kUpstreamCredentialsRejected:
      problem.message =
          "LeadSquared refuses the gateway's keys; the lead was not processed";
      problem.upstream_text = Bounded(upstream_text, kMaxReasonBytes);
      break;
    case Reason::kDailyBudgetSpent:
      problem.message =
          "the account's budget of calls for today is spent; the lead was not "
          "sent";
      break;
    case Reason::kNoAnswer:
      problem.message =
          "the lead was sent and no answer came; it may or may not be updated";
      break;
    case Reason::kAnswerIncomplete:
      problem.message =
          "LeadSquared's answer does not tell what became of this lead; it may "
          "or may not be updated";
      break;
    case Reason::kAnswerUnreadable:
      problem.message =
          "LeadSquared's answer could not be read; the lead may or may not be "
          "updated";
      break;
    default:
      problem.message = std::string(InfoOf(reason).name);
      break;
  }
  if (!upstream_text.empty()) {
    absl::StrAppend(&problem.message,
                    "; LeadSquared: ", Bounded(upstream_text, kMaxReasonBytes));
  }
  return problem;
}

Problem LeadBudgetSpent(absl::Time until, absl::TimeZone zone) {
  Problem problem = LeadProblem(Reason::kDailyBudgetSpent);
  problem.until = until;
  absl::StrAppend(&problem.message, "; the next calls are free at ",
                  TimeOfDay(until, zone));
  return problem;
}

Problem LeadAccountGone(absl::string_view account) {
  Problem problem = LeadProblem(Reason::kDraining);
  problem.message = absl::StrCat(
      "account \"", account,
      "\" was taken out of this gateway's configuration before this lead was "
      "sent");
  return problem;
}

Problem FieldSaidUnknown(int index, absl::string_view attribute,
                         absl::string_view upstream_text, absl::Duration ago) {
  Problem problem;
  problem.reason = Reason::kFieldUnknown;
  std::string description = absl::StrCat(
      "is no field of this account's leads, as LeadSquared said ",
      absl::FormatDuration(absl::Trunc(ago, absl::Seconds(1))),
      " ago of another lead: ", Bounded(upstream_text, kMaxReasonBytes));
  const std::string path = FieldPath(index, attribute);
  problem.message = absl::StrCat(path, " ", description);
  problem.violations = {{Reason::kFieldUnknown, path, std::move(description)}};
  return problem;
}

std::string LeadPath(int index) { return absl::StrCat("leads[", index, "]"); }

std::string FieldPath(int index, absl::string_view attribute) {
  return absl::StrCat(LeadPath(index), ".fields[",
                      Name(attribute, kMaxNameBytes), "]");
}

std::string Bounded(absl::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  size_t end = max_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    --end;
  }
  return absl::StrCat(text.substr(0, end), "...");
}

}  // namespace leadgateway::errors
