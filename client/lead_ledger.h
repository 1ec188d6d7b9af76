#ifndef LEADGATEWAY_CLIENT_LEAD_LEDGER_H_
#define LEADGATEWAY_CLIENT_LEAD_LEDGER_H_

#include <string>
#include <vector>

#include "client/request_splitter.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::client {

// Adds one outcome to the counts, `total` included.
void Count(leadgateway::v1::Outcome outcome, leadgateway::v1::Summary& summary);

// Keeps account of which leads of an Update have their result, so that each one
// gets exactly one, whatever the stream brings. Not thread-safe.
class LeadLedger {
 public:
  explicit LeadLedger(int leads) : has_result_(leads) {}

  // Takes a result that came for the request with the leads of `range`: its
  // index counts from the range's begin, and is changed to count from the first
  // lead of all. An outcome that this library does not know becomes UNKNOWN.
  // Returns whether the result counts; if not (no index, one out of range, or a
  // second result), it is an anomaly and nothing else changes.
  bool Accept(LeadRange range, leadgateway::v1::LeadResult& result);

  // Makes the results, one for each lead of `range` that has none, with the
  // given outcome and status, and counts them.
  std::vector<leadgateway::v1::LeadResult> FillGaps(
      LeadRange range, const leadgateway::v1::BulkUpdateLeadsRequest& request,
      leadgateway::v1::Outcome outcome, const google::rpc::Status& status);

  // How many leads have a result.
  int done() const { return summary_.total(); }
  int Missing(LeadRange range) const;

  // The counts so far. `upstream_calls` and `elapsed` are not set.
  const leadgateway::v1::Summary& summary() const { return summary_; }

  // What the stream did against the contract; the first few, in words.
  const std::vector<std::string>& anomalies() const { return anomalies_; }
  void AddAnomaly(std::string text);

 private:
  std::vector<bool> has_result_;
  leadgateway::v1::Summary summary_;
  std::vector<std::string> anomalies_;
};

}  // namespace leadgateway::client

#endif  // LEADGATEWAY_CLIENT_LEAD_LEDGER_H_
