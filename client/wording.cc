#include "client/wording.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/str_format.h"
#include "client/printable.h"
#include "client/rpc_error.h"

namespace leadgateway::leadctl {

using ::leadgateway::v1::Outcome;
using ::leadgateway::v1::Summary;

std::string OutcomeName(Outcome outcome) {
  constexpr std::size_t kPrefix = sizeof("OUTCOME_") - 1;
  const std::string& name = leadgateway::v1::Outcome_Name(outcome);
  return name.size() > kPrefix ? name.substr(kPrefix) : "UNSPECIFIED";
}

std::string OutcomeAdvice(Outcome outcome) {
  switch (outcome) {
    case leadgateway::v1::OUTCOME_FAILED:
      return "LeadSquared refused these for the reasons above; correct them "
             "before sending them again.";
    case leadgateway::v1::OUTCOME_UNPROCESSED:
      return "These do not exist in the account; create them first, or correct "
             "their search key.";
    case leadgateway::v1::OUTCOME_INVALID:
      return "These were never sent; correct the file and send them again.";
    case leadgateway::v1::OUTCOME_NOT_SENT:
      return "These were certainly not processed; it is safe to send them "
             "again.";
    case leadgateway::v1::OUTCOME_UNKNOWN:
      return "These may or may not be applied; sending them again is safe only "
             "if nobody else has changed the same leads since.";
    case leadgateway::v1::OUTCOME_VALID:
      return "These would have been sent; run again without --validate-only.";
    default:
      return "";
  }
}

std::vector<std::pair<Outcome, int>> OutcomeCounts(const Summary& summary) {
  return {
      {leadgateway::v1::OUTCOME_UPDATED, summary.updated()},
      {leadgateway::v1::OUTCOME_VALID, summary.valid()},
      {leadgateway::v1::OUTCOME_FAILED, summary.failed()},
      {leadgateway::v1::OUTCOME_UNPROCESSED, summary.unprocessed()},
      {leadgateway::v1::OUTCOME_INVALID, summary.invalid()},
      {leadgateway::v1::OUTCOME_NOT_SENT, summary.not_sent()},
      {leadgateway::v1::OUTCOME_UNKNOWN, summary.unknown()},
  };
}

double LeadsPerCall(const Summary& summary) {
  if (summary.upstream_calls() == 0) return 0;
  const int sent = summary.updated() + summary.failed() +
                   summary.unprocessed() + summary.unknown();
  return static_cast<double>(sent) / summary.upstream_calls();
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

std::string DurationText(absl::Duration duration) {
  const double seconds = std::max(0.0, absl::ToDoubleSeconds(duration));
  if (seconds < 10) return absl::StrFormat("%.1f s", seconds);
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole < 60) return absl::StrFormat("%d s", whole);
  if (whole < 3600) {
    return absl::StrFormat("%d min %d s", whole / 60, whole % 60);
  }
  return absl::StrFormat("%d h %d min", whole / 3600, whole / 60 % 60);
}

std::string ErrorText(const absl::Status& status) {
  const client::ErrorDetails details = client::ReadErrorDetails(status);
  std::string text = absl::StatusCodeToString(status.code());
  if (!details.reason.empty()) text += " (" + Printable(details.reason) + ")";
  text += ": " + Printable(std::string(status.message()));
  for (const client::FieldViolation& violation : details.violations) {
    text += "\n  " + Printable(violation.field) + ": " +
            Printable(violation.description);
  }
  for (const std::string& quota : details.quotas) {
    text += "\n  " + Printable(quota);
  }
  if (details.retry_delay.has_value()) {
    text += "\n  Try again in " + DurationText(*details.retry_delay) + ".";
  }
  return text;
}

std::string LeadsText(int leads) {
  return std::to_string(leads) + (leads == 1 ? " lead" : " leads");
}

}  // namespace leadgateway::leadctl
