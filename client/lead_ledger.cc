#include "client/lead_ledger.h"

#include <string>
#include <utility>

namespace leadgateway::client {
namespace {

using ::leadgateway::v1::BulkUpdateLeadsRequest;
using ::leadgateway::v1::Lead;
using ::leadgateway::v1::LeadField;
using ::leadgateway::v1::LeadResult;
using ::leadgateway::v1::Outcome;
using ::leadgateway::v1::Summary;

constexpr std::size_t kMaxAnomalies = 20;

// What finds a lead by the search key "" of a request.
constexpr char kDefaultSearchKey[] = "ProspectId";

// The identifier as the gateway would have filled it in, so that a local result
// says which lead it is about. Only text is worth it: keys are text.
void FillIdentifier(const BulkUpdateLeadsRequest& request, const Lead& lead,
                    LeadResult& result) {
  const std::string& key = request.search_by_key();
  result.set_identifier(key.empty() ? kDefaultSearchKey : key);
  for (const LeadField& field : lead.fields()) {
    if (field.attribute() == result.identifier()) {
      result.set_identifier_value(field.string_value());
    }
  }
}

}  // namespace

void Count(Outcome outcome, Summary& summary) {
  summary.set_total(summary.total() + 1);
  switch (outcome) {
    case leadgateway::v1::OUTCOME_UPDATED:
      return summary.set_updated(summary.updated() + 1);
    case leadgateway::v1::OUTCOME_FAILED:
      return summary.set_failed(summary.failed() + 1);
    case leadgateway::v1::OUTCOME_UNPROCESSED:
      return summary.set_unprocessed(summary.unprocessed() + 1);
    case leadgateway::v1::OUTCOME_INVALID:
      return summary.set_invalid(summary.invalid() + 1);
    case leadgateway::v1::OUTCOME_NOT_SENT:
      return summary.set_not_sent(summary.not_sent() + 1);
    case leadgateway::v1::OUTCOME_VALID:
      return summary.set_valid(summary.valid() + 1);
    default:
      return summary.set_unknown(summary.unknown() + 1);
  }
}

bool LeadLedger::Accept(LeadRange range, LeadResult& result) {
  const int size = range.end - range.begin;
  if (!result.has_index()) {
    AddAnomaly("a result without an index");
    return false;
  }
  if (result.index() < 0 || result.index() >= size) {
    AddAnomaly("a result for index " + std::to_string(result.index()) +
               " of a request of " + std::to_string(size) + " leads");
    return false;
  }
  const int index = range.begin + result.index();
  if (has_result_[index]) {
    AddAnomaly("a second result for lead " + std::to_string(index));
    return false;
  }
  has_result_[index] = true;
  result.set_index(index);
  if (!leadgateway::v1::Outcome_IsValid(result.outcome()) ||
      result.outcome() == leadgateway::v1::OUTCOME_UNSPECIFIED) {
    AddAnomaly("an outcome with the unknown number " +
               std::to_string(static_cast<int>(result.outcome())));
    result.set_outcome(leadgateway::v1::OUTCOME_UNKNOWN);
  }
  Count(result.outcome(), summary_);
  return true;
}

std::vector<LeadResult> LeadLedger::FillGaps(
    LeadRange range, const BulkUpdateLeadsRequest& request, Outcome outcome,
    const google::rpc::Status& status) {
  std::vector<LeadResult> results;
  for (int index = range.begin; index < range.end; ++index) {
    if (has_result_[index]) continue;
    has_result_[index] = true;
    LeadResult& result = results.emplace_back();
    result.set_index(index);
    result.set_tag(request.leads(index).tag());
    result.set_outcome(outcome);
    *result.mutable_status() = status;
    FillIdentifier(request, request.leads(index), result);
    Count(outcome, summary_);
  }
  return results;
}

int LeadLedger::Missing(LeadRange range) const {
  int missing = 0;
  for (int index = range.begin; index < range.end; ++index) {
    if (!has_result_[index]) ++missing;
  }
  return missing;
}

void LeadLedger::AddAnomaly(std::string text) {
  if (anomalies_.size() < kMaxAnomalies) anomalies_.push_back(std::move(text));
}

}  // namespace leadgateway::client
