#include "gateway/server/result_proto.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "gateway/model/errors.h"
#include "gateway/model/lead.h"
#include "gateway/model/outcome.h"
#include "gateway/model/reason.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace leadgateway::server {

v1::Outcome ToProto(Outcome outcome) {
  switch (outcome) {
    case Outcome::kUpdated:
      return v1::OUTCOME_UPDATED;
    case Outcome::kFailed:
      return v1::OUTCOME_FAILED;
    case Outcome::kUnprocessed:
      return v1::OUTCOME_UNPROCESSED;
    case Outcome::kInvalid:
      return v1::OUTCOME_INVALID;
    case Outcome::kNotSent:
      return v1::OUTCOME_NOT_SENT;
    case Outcome::kUnknown:
      return v1::OUTCOME_UNKNOWN;
    case Outcome::kValid:
      return v1::OUTCOME_VALID;
  }
  return v1::OUTCOME_UNSPECIFIED;
}

void MoveToProto(LeadResult result, v1::LeadResult* out) {
  out->set_index(result.index);
  out->set_tag(std::move(result.tag));
  out->set_outcome(ToProto(result.outcome));
  out->set_identifier(std::move(result.identifier));
  out->set_identifier_value(std::move(result.identifier_value));
  out->set_attempts(result.attempts);
  for (FieldViolation& warning : result.warnings) {
    v1::FieldWarning* const to = out->add_warnings();
    to->set_field(std::move(warning.field));
    to->set_reason(std::string(InfoOf(warning.reason).name));
    to->set_description(std::move(warning.description));
  }
  if (!result.problem) return;

  const ReasonInfo& catalogue = InfoOf(result.problem->reason);
  google::rpc::Status* const status = out->mutable_status();
  status->set_code(static_cast<int>(catalogue.code));
  status->set_message(std::move(result.problem->message));
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(catalogue.name));
  info.set_domain(std::string(errors::kDomain));
  status->add_details()->PackFrom(info);
  if (result.problem->violations.empty()) return;
  google::rpc::BadRequest bad;
  for (FieldViolation& violation : result.problem->violations) {
    auto* field = bad.add_field_violations();
    field->set_field(std::move(violation.field));
    field->set_description(std::string(InfoOf(violation.reason).name) + ": " +
                           violation.description);
  }
  status->add_details()->PackFrom(bad);
}

void ToProto(absl::Duration duration, google::protobuf::Duration* out) {
  const int64_t nanos = absl::ToInt64Nanoseconds(duration);
  out->set_seconds(nanos / 1'000'000'000);
  out->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
}

void ToProto(absl::Time time, google::protobuf::Timestamp* out) {
  const absl::Time second = absl::FromUnixSeconds(absl::ToUnixSeconds(time));
  out->set_seconds(absl::ToUnixSeconds(time));
  out->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - second)));
}

void ToProto(const dispatch::JobProgress& progress, v1::Progress* out) {
  out->set_leads_done(progress.leads_done);
  out->set_leads_total(progress.leads_total);
  out->set_leads_queued_ahead(progress.leads_queued_ahead);
  ToProto(progress.estimated_remaining, out->mutable_estimated_remaining());
  out->set_upstream_calls(progress.upstream_calls);
}

}  // namespace leadgateway::server
