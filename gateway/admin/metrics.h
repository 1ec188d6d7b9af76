#ifndef LEADGATEWAY_GATEWAY_ADMIN_METRICS_H_
#define LEADGATEWAY_GATEWAY_ADMIN_METRICS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace leadgateway {

// What the gateway counts and measures, in Prometheus's text format. Any
// thread.
//
// Label values are bounded: `account` is one of the names given to the
// constructor ("other" stands for any other text), the rest comes from the
// program's own enumerations. A label value that callers could choose would let
// them fill the memory of gateway and scraper.
class Metrics {
 public:
  explicit Metrics(const std::vector<std::string>& accounts);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // An RPC is over. `method` is the rpc's name ("BulkUpdateLeads"), `code` the
  // status code's ("OK", "RESOURCE_EXHAUSTED").
  //   leadgateway_rpcs_total{method,code}
  //   leadgateway_rpc_duration_seconds{method}
  void RpcFinished(absl::string_view method, absl::string_view code,
                   absl::Duration duration);

  // `count` leads have got their result; `outcome` is the contract's name
  // without its prefix, in lower case ("updated", "not_sent").
  //   leadgateway_leads_total{account,outcome}
  void LeadResults(absl::string_view account, absl::string_view outcome,
                   int64_t count);

  // A call to LeadSquared is over; it carried `leads` leads (0: it was another
  // kind of call, such as one for metadata). `verdict` says what became of it
  // ("answered", "throttled", "ambiguous").
  //   leadgateway_upstream_calls_total{account,verdict}
  //   leadgateway_upstream_call_duration_seconds{account}
  //   leadgateway_leads_per_call{account}, of calls with leads
  void UpstreamCall(absl::string_view account, absl::string_view verdict,
                    absl::Duration duration, int leads);

  // LeadSquared turned a call away for the allowance's sake.
  //   leadgateway_throttles_total{account}
  void Throttled(absl::string_view account);

  // Leads that wait for a call.
  //   leadgateway_queued_leads{account}
  void SetQueuedLeads(absl::string_view account, int64_t leads);

  // Calls that the allowance has free at this moment.
  //   leadgateway_allowance_free_calls{account}
  void SetAllowanceFreeCalls(absl::string_view account, int64_t calls);

  // How much later than planned the loop thread woke up last.
  //   leadgateway_loop_lag_seconds
  void SetLoopLag(absl::Duration lag);

  // All of the above.
  std::string Text() const;

 private:
  struct Families;
  const std::unique_ptr<Families> families_;
};

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_ADMIN_METRICS_H_
