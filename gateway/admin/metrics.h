#ifndef LEADGATEWAY_GATEWAY_ADMIN_METRICS_H_
#define LEADGATEWAY_GATEWAY_ADMIN_METRICS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gateway/base/mutex.h"
#include "gateway/base/process_stats.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/model/lead.h"
#include "gateway/model/outcome.h"

namespace leadgateway {

// "answered", "in_doubt": as logs and metrics have it.
absl::string_view VerdictName(dispatch::CallVerdict verdict);
// "updated", "not_sent": the contract's name without its prefix, in lower case.
const std::string& OutcomeLabel(Outcome outcome);

enum class RpcMethod { kBulkUpdateLeads, kListLeadFields, kGetAccountStatus };
inline constexpr int kRpcMethods = 3;
// "BulkUpdateLeads".
absl::string_view RpcMethodName(RpcMethod method);

// How an account stands when it is looked at.
struct AccountGauges {
  std::string account;
  dispatch::AccountState state;
  int queue_limit_leads = 0;
  int64_t daily_calls = 0;  // the budget; 0: none
  int64_t credential_generation = 0;
  bool schema_checks = true;
  // Of the fields; none if there are none yet.
  std::optional<absl::Duration> catalogue_age;
};

// Which configuration is in force, and what became of the reloads.
struct ConfigGauges {
  int64_t generation = 1;  // how many have been in force
  absl::Time loaded_at;    // time of day
  int64_t reload_failures = 0;
  bool last_reload_ok = true;
  bool needs_restart = false;  // for some of its settings
};

// How the process stands when it is looked at.
struct ProcessGauges {
  ConfigGauges config;
  // Since the dispatch loop came round last.
  absl::Duration loop_silent_for;
  int64_t spans_dropped = 0;
  ProcessStats process;
};

// What the gateway counts and measures, in Prometheus's text format. Any
// thread. docs/operating.md lists the metrics.
//
// Label values are bounded: `account` is a name from the configuration, the
// rest comes from the program's own enumerations. A label value that callers
// could choose would let them fill the memory of gateway and scraper.
class Metrics {
 public:
  // What is counted of one account. Any thread.
  class Account {
   public:
    ~Account();
    Account(const Account&) = delete;
    Account& operator=(const Account&) = delete;

    // Leads have got their results.
    void Results(absl::Span<const LeadResult> results);
    // A call with leads is over.
    void UpdateCall(const dispatch::CallRecord& record);
    // Another call, such as one for metadata, is over.
    void OtherCall(dispatch::CallVerdict verdict, absl::Duration duration);

   private:
    friend class Metrics;
    struct Series;
    explicit Account(std::unique_ptr<Series> series);
    const std::unique_ptr<Series> series_;
  };

  // With the series of these accounts from the start.
  explicit Metrics(const std::vector<std::string>& accounts = {});
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // What is counted of this account of the configuration; made when it is asked
  // for first, and there as long as this object.
  Account& ForAccount(const std::string& name);

  // An RPC has begun, and is over. RPCs that are under way are those with the
  // first and without the second.
  void RpcStarted(RpcMethod method);
  void RpcFinished(RpcMethod method, absl::StatusCode code,
                   absl::Duration duration);

  // The loop thread came round this much later than it had asked for.
  void LoopLag(absl::Duration lag);

  // All metrics, with gauges as they are told here.
  std::string Text(absl::Span<const AccountGauges> accounts,
                   const ProcessGauges& process) const;

 private:
  struct Families;

  const std::unique_ptr<Families> families_;
  Mutex mutex_;
  std::map<std::string, std::unique_ptr<Account>> accounts_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_ADMIN_METRICS_H_
