#include "gateway/admin/metrics.h"

#include <prometheus/client_metric.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/model/lead.h"
#include "gateway/model/outcome.h"
#include "gateway/model/reason.h"

namespace leadgateway {
namespace {

using dispatch::Block;
using dispatch::CallVerdict;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Registry;

constexpr int kVerdicts = 6;
constexpr int kStatusCodes = 17;

// An RPC lasts from a millisecond (validation only) to the default deadline.
const Histogram::BucketBoundaries& RpcSeconds() {
  static const auto* const kBuckets = new Histogram::BucketBoundaries{
      0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1,   2.5,
      5,     10,    30,   60,   120, 300, 600, 1800};
  return *kBuckets;
}

// A call takes some tens of milliseconds; its time-out is 30 s by default.
const Histogram::BucketBoundaries& CallSeconds() {
  static const auto* const kBuckets = new Histogram::BucketBoundaries{
      0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30};
  return *kBuckets;
}

// From "at once" over a window (5 s) to the default deadline.
const Histogram::BucketBoundaries& WaitSeconds() {
  static const auto* const kBuckets = new Histogram::BucketBoundaries{
      0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 1800};
  return *kBuckets;
}

// At most 25; the mean over time tells whether calls leave full.
const Histogram::BucketBoundaries& LeadsPerCall() {
  static const auto* const kBuckets =
      new Histogram::BucketBoundaries{1, 2, 5, 10, 15, 20, 24, 25};
  return *kBuckets;
}

// libcurl's waits are as fine as a millisecond; 2 s is called stuck.
const Histogram::BucketBoundaries& LagSeconds() {
  static const auto* const kBuckets = new Histogram::BucketBoundaries{
      0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5};
  return *kBuckets;
}

template <typename Builder>
auto& Register(Builder builder, Registry& registry, const char* name,
               const char* help) {
  return builder.Name(name).Help(help).Register(registry);
}

// A counter whose series is made when it is first needed.
class LazyCounter {
 public:
  Counter& Get(Family<Counter>& family, const prometheus::Labels& labels) {
    Counter* counter = counter_.load(std::memory_order_acquire);
    if (counter == nullptr) {
      // Two threads get the same one: a family has one for the same labels.
      counter = &family.Add(labels);
      counter_.store(counter, std::memory_order_release);
    }
    return *counter;
  }
  Counter* Known() const { return counter_.load(std::memory_order_acquire); }

 private:
  std::atomic<Counter*> counter_{nullptr};
};

absl::string_view BlockName(Block block) {
  switch (block) {
    case Block::kKeys:
      return "keys";
    case Block::kBudget:
      return "budget";
    case Block::kThrottle:
      return "throttle";
    case Block::kUpstream:
      return "upstream";
    case Block::kDraining:
      return "draining";
    case Block::kNone:
      break;
  }
  return "";
}

constexpr Block kBlocks[] = {Block::kKeys, Block::kBudget, Block::kThrottle,
                             Block::kUpstream, Block::kDraining};

prometheus::MetricFamily NewGauges(const char* name, const char* help) {
  prometheus::MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = prometheus::MetricType::Gauge;
  return family;
}

void AddGauge(prometheus::MetricFamily& family, double value,
              std::vector<prometheus::ClientMetric::Label> labels = {}) {
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  metric.gauge.value = value;
  family.metric.push_back(std::move(metric));
}

prometheus::MetricFamily OneGauge(const char* name, const char* help,
                                  double value) {
  prometheus::MetricFamily family = NewGauges(name, help);
  AddGauge(family, value);
  return family;
}

prometheus::MetricFamily OneCounter(const char* name, const char* help,
                                    double value) {
  prometheus::MetricFamily family = NewGauges(name, help);
  family.type = prometheus::MetricType::Counter;
  prometheus::ClientMetric metric;
  metric.counter.value = value;
  family.metric.push_back(std::move(metric));
  return family;
}

void AddAccountGauges(absl::Span<const AccountGauges> accounts,
                      std::vector<prometheus::MetricFamily>& out) {
  const auto add = [&](const char* name, const char* help, auto value) {
    prometheus::MetricFamily family = NewGauges(name, help);
    for (const AccountGauges& account : accounts) {
      AddGauge(family, static_cast<double>(value(account)),
               {{"account", account.account}});
    }
    out.push_back(std::move(family));
  };
  using Of = const AccountGauges&;
  add("leadgateway_queued_leads", "Leads that wait for a call.",
      [](Of of) { return of.state.leads_queued; });
  add("leadgateway_queue_limit_leads",
      "Leads that may wait; requests beyond are refused.",
      [](Of of) { return of.queue_limit_leads; });
  add("leadgateway_queued_bytes", "Bytes of the leads that wait.",
      [](Of of) { return of.state.bytes_queued; });
  add("leadgateway_in_flight_leads", "Leads in calls that are under way.",
      [](Of of) { return of.state.leads_in_flight; });
  add("leadgateway_allowance_free_calls",
      "Calls that the allowance has free now.",
      [](Of of) { return of.state.calls_free; });
  add("leadgateway_allowance_held_calls",
      "Calls that the window holds now, those under way included.",
      [](Of of) { return of.state.calls_held; });
  add("leadgateway_allowance_limit_calls",
      "Calls that may be made in a window, as in force: less than configured "
      "once LeadSquared has named a lower limit.",
      [](Of of) { return of.state.limit_calls; });
  add("leadgateway_allowance_configured_calls",
      "Calls that may be made in a window, as configured.",
      [](Of of) { return of.state.configured_calls; });
  add("leadgateway_allowance_window_seconds", "The window, as in force.",
      [](Of of) { return absl::ToDoubleSeconds(of.state.limit_window); });
  add("leadgateway_daily_budget_calls",
      "Calls that may be made in a day of the account's dailyZone; 0: no "
      "budget.",
      [](Of of) { return of.daily_calls; });
  add("leadgateway_daily_used_calls",
      "Calls made in this day of the account's dailyZone.",
      [](Of of) { return of.state.calls_today; });
  add("leadgateway_key_generation",
      "How many times keys were read, the first time included.",
      [](Of of) { return of.credential_generation; });

  prometheus::MetricFamily blocked =
      NewGauges("leadgateway_account_blocked",
                "1 for the reason why nothing is sent now, 0 for the others.");
  prometheus::MetricFamily age =
      NewGauges("leadgateway_catalogue_age_seconds",
                "Age of the account's field metadata; +Inf: there is none.");
  for (const AccountGauges& account : accounts) {
    for (const Block block : kBlocks) {
      AddGauge(blocked, account.state.block == block ? 1 : 0,
               {{"account", account.account},
                {"reason", std::string(BlockName(block))}});
    }
    if (account.schema_checks) {
      AddGauge(age,
               absl::ToDoubleSeconds(
                   account.catalogue_age.value_or(absl::InfiniteDuration())),
               {{"account", account.account}});
    }
  }
  out.push_back(std::move(blocked));
  out.push_back(std::move(age));
}

void AddConfig(const ConfigGauges& config,
               std::vector<prometheus::MetricFamily>& out) {
  out.push_back(OneGauge("leadgateway_config_generation",
                         "Configurations that have been in force, the one of "
                         "the start included.",
                         static_cast<double>(config.generation)));
  out.push_back(
      OneGauge("leadgateway_config_last_reload_success_timestamp_seconds",
               "When the configuration in force was taken up.",
               absl::ToDoubleSeconds(config.loaded_at - absl::UnixEpoch())));
  out.push_back(OneGauge("leadgateway_config_last_reload_successful",
                         "1 unless the last reload was refused.",
                         config.last_reload_ok ? 1 : 0));
  out.push_back(OneCounter("leadgateway_config_reload_failures_total",
                           "Reloads that were refused.",
                           static_cast<double>(config.reload_failures)));
  out.push_back(OneGauge("leadgateway_config_restart_needed",
                         "1 if settings of the file wait for a restart.",
                         config.needs_restart ? 1 : 0));
}

void AddProcess(const ProcessGauges& gauges,
                std::vector<prometheus::MetricFamily>& out) {
  AddConfig(gauges.config, out);
  const ProcessStats& process = gauges.process;
  out.push_back(OneGauge("leadgateway_loop_silent_seconds",
                         "Time since the dispatch loop came round last; it "
                         "does so once a second at least.",
                         absl::ToDoubleSeconds(gauges.loop_silent_for)));
  out.push_back(
      OneCounter("leadgateway_spans_dropped_total",
                 "Spans that were not written since the file was too slow.",
                 static_cast<double>(gauges.spans_dropped)));
  out.push_back(OneCounter("process_cpu_seconds_total",
                           "CPU time of all threads, user and system.",
                           absl::ToDoubleSeconds(process.cpu)));
  out.push_back(OneGauge("process_resident_memory_bytes",
                         "Memory that is in RAM.",
                         static_cast<double>(process.resident_bytes)));
  out.push_back(OneGauge("process_virtual_memory_bytes",
                         "Size of the address space.",
                         static_cast<double>(process.virtual_bytes)));
  out.push_back(
      OneGauge("process_open_fds", "Open file descriptors.", process.open_fds));
  out.push_back(OneGauge("process_max_fds",
                         "File descriptors that may be open.",
                         static_cast<double>(process.max_fds)));
  out.push_back(OneGauge("process_threads", "Threads.", process.threads));
  out.push_back(OneGauge(
      "process_start_time_seconds", "When the process started, in Unix time.",
      absl::ToDoubleSeconds(process.started - absl::UnixEpoch())));
}

}  // namespace

absl::string_view VerdictName(CallVerdict verdict) {
  switch (verdict) {
    case CallVerdict::kAnswered:
      return "answered";
    case CallVerdict::kThrottled:
      return "throttled";
    case CallVerdict::kCredentialsRejected:
      return "credentials_rejected";
    case CallVerdict::kRefused:
      return "refused";
    case CallVerdict::kNotSent:
      return "not_sent";
    case CallVerdict::kInDoubt:
      return "in_doubt";
  }
  return "";
}

const std::string& OutcomeLabel(Outcome outcome) {
  static const auto* const kLabels = [] {
    auto* const labels = new std::array<std::string, kOutcomeCount>();
    for (int i = 0; i < kOutcomeCount; ++i) {
      (*labels)[static_cast<size_t>(i)] =
          absl::AsciiStrToLower(OutcomeName(static_cast<Outcome>(i)));
    }
    return labels;
  }();
  return (*kLabels)[static_cast<size_t>(outcome)];
}

absl::string_view RpcMethodName(RpcMethod method) {
  switch (method) {
    case RpcMethod::kBulkUpdateLeads:
      return "BulkUpdateLeads";
    case RpcMethod::kListLeadFields:
      return "ListLeadFields";
    case RpcMethod::kGetAccountStatus:
      return "GetAccountStatus";
  }
  return "";
}

struct Metrics::Families {
  // The series of one method.
  struct Method {
    std::string name;
    Gauge* under_way = nullptr;
    Histogram* seconds = nullptr;
    std::array<LazyCounter, kStatusCodes> by_code;
  };

  Families() {
    // Series exist from the start, at 0: a rate can be taken of the first
    // event.
    for (int i = 0; i < kRpcMethods; ++i) {
      Method& method = methods[static_cast<size_t>(i)];
      method.name = std::string(RpcMethodName(static_cast<RpcMethod>(i)));
      const prometheus::Labels labels = {{"method", method.name}};
      method.under_way = &under_way.Add(labels);
      method.seconds = &rpc_seconds.Add(labels, RpcSeconds());
      Code(method, absl::StatusCode::kOk);
    }
  }

  Counter& Code(Method& method, absl::StatusCode code) {
    const size_t index =
        std::min(static_cast<size_t>(code), size_t{kStatusCodes - 1});
    LazyCounter& counter = method.by_code[index];
    if (Counter* const known = counter.Known()) return *known;
    return counter.Get(rpcs, {{"method", method.name},
                              {"code", absl::StatusCodeToString(code)}});
  }

  Registry registry;
  Family<Counter>& rpcs =
      Register(prometheus::BuildCounter(), registry, "leadgateway_rpcs_total",
               "RPCs that are over, by status code.");
  Family<Histogram>& rpc_seconds =
      Register(prometheus::BuildHistogram(), registry,
               "leadgateway_rpc_duration_seconds",
               "Time from an RPC's start to its end.");
  Family<Gauge>& under_way =
      Register(prometheus::BuildGauge(), registry,
               "leadgateway_rpcs_in_progress", "RPCs that are under way.");
  Family<Counter>& leads =
      Register(prometheus::BuildCounter(), registry, "leadgateway_leads_total",
               "Leads that got their result, by outcome.");
  Family<Counter>& problems = Register(
      prometheus::BuildCounter(), registry, "leadgateway_lead_problems_total",
      "Leads whose result names a reason, by that reason.");
  Family<Counter>& calls = Register(
      prometheus::BuildCounter(), registry, "leadgateway_upstream_calls_total",
      "Calls to LeadSquared, by what became of them.");
  Family<Histogram>& call_seconds =
      Register(prometheus::BuildHistogram(), registry,
               "leadgateway_upstream_call_duration_seconds",
               "Time from a call's start to its answer or failure.");
  Family<Histogram>& leads_per_call = Register(
      prometheus::BuildHistogram(), registry, "leadgateway_leads_per_call",
      "Leads that an update call carried.");
  Family<Histogram>& wait_seconds = Register(
      prometheus::BuildHistogram(), registry, "leadgateway_queue_wait_seconds",
      "Time from a lead's acceptance to the departure of its first call.");
  Family<Counter>& throttles = Register(
      prometheus::BuildCounter(), registry, "leadgateway_throttles_total",
      "Calls that LeadSquared turned away for the allowance's sake.");
  Histogram& lag =
      Register(prometheus::BuildHistogram(), registry,
               "leadgateway_loop_lag_seconds",
               "How much later than planned the dispatch loop came round.")
          .Add({}, LagSeconds());
  std::array<Method, kRpcMethods> methods;
};

struct Metrics::Account::Series {
  Series(const std::string& name, Families& families)
      : account(name),
        problem_family(families.problems),
        problems(AllReasons().size()),
        call_seconds(
            families.call_seconds.Add({{"account", name}}, CallSeconds())),
        leads_per_call(
            families.leads_per_call.Add({{"account", name}}, LeadsPerCall())),
        wait_seconds(
            families.wait_seconds.Add({{"account", name}}, WaitSeconds())),
        throttles(families.throttles.Add({{"account", name}})) {
    for (int i = 0; i < kOutcomeCount; ++i) {
      leads[static_cast<size_t>(i)] = &families.leads.Add(
          {{"account", name},
           {"outcome", OutcomeLabel(static_cast<Outcome>(i))}});
    }
    for (int i = 0; i < kVerdicts; ++i) {
      calls[static_cast<size_t>(i)] = &families.calls.Add(
          {{"account", name},
           {"verdict", std::string(VerdictName(static_cast<CallVerdict>(i)))}});
    }
  }

  void Problem(Reason reason, int count) {
    LazyCounter& counter = problems[static_cast<size_t>(reason)];
    Counter* known = counter.Known();
    if (known == nullptr) {
      known = &counter.Get(
          problem_family,
          {{"account", account}, {"reason", std::string(InfoOf(reason).name)}});
    }
    known->Increment(count);
  }

  const std::string account;
  Family<Counter>& problem_family;
  std::vector<LazyCounter> problems;  // by Reason
  std::array<Counter*, kOutcomeCount> leads;
  std::array<Counter*, kVerdicts> calls;
  Histogram& call_seconds;
  Histogram& leads_per_call;
  Histogram& wait_seconds;
  Counter& throttles;
};

Metrics::Account::Account(std::unique_ptr<Series> series)
    : series_(std::move(series)) {}

Metrics::Account::~Account() = default;

void Metrics::Account::Results(absl::Span<const LeadResult> results) {
  std::array<int, kOutcomeCount> outcomes = {};
  // Leads that end together mostly end for the same reason.
  std::optional<Reason> reason;
  int same = 0;
  for (const LeadResult& result : results) {
    ++outcomes[static_cast<size_t>(result.outcome)];
    if (!result.problem) continue;
    if (reason != result.problem->reason) {
      if (reason) series_->Problem(*reason, same);
      reason = result.problem->reason;
      same = 0;
    }
    ++same;
  }
  if (reason) series_->Problem(*reason, same);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i] > 0) series_->leads[i]->Increment(outcomes[i]);
  }
}

void Metrics::Account::UpdateCall(const dispatch::CallRecord& record) {
  OtherCall(record.report->verdict, record.duration);
  series_->leads_per_call.Observe(record.leads);
  const Histogram::BucketBoundaries& bounds = WaitSeconds();
  std::vector<double> waits(bounds.size() + 1);
  double sum = 0;
  bool any = false;
  for (const dispatch::CallShare& share : record.shares) {
    if (share.first_time == 0) continue;
    const double seconds = absl::ToDoubleSeconds(share.waited);
    const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), seconds);
    waits[static_cast<size_t>(bucket - bounds.begin())] += share.first_time;
    sum += seconds * share.first_time;
    any = true;
  }
  if (any) series_->wait_seconds.ObserveMultiple(waits, sum);
}

void Metrics::Account::OtherCall(CallVerdict verdict, absl::Duration duration) {
  series_->calls[static_cast<size_t>(verdict)]->Increment();
  series_->call_seconds.Observe(absl::ToDoubleSeconds(duration));
  if (verdict == CallVerdict::kThrottled) series_->throttles.Increment();
}

Metrics::Metrics(const std::vector<std::string>& accounts)
    : families_(std::make_unique<Families>()) {
  for (const std::string& account : accounts) ForAccount(account);
}

Metrics::~Metrics() = default;

Metrics::Account& Metrics::ForAccount(const std::string& name) {
  const MutexLock lock(mutex_);
  std::unique_ptr<Account>& account = accounts_[name];
  if (account == nullptr) {
    account.reset(
        new Account(std::make_unique<Account::Series>(name, *families_)));
  }
  return *account;
}

void Metrics::RpcStarted(RpcMethod method) {
  families_->methods[static_cast<size_t>(method)].under_way->Increment();
}

void Metrics::RpcFinished(RpcMethod method, absl::StatusCode code,
                          absl::Duration duration) {
  Families::Method& series = families_->methods[static_cast<size_t>(method)];
  series.under_way->Decrement();
  series.seconds->Observe(absl::ToDoubleSeconds(duration));
  families_->Code(series, code).Increment();
}

void Metrics::LoopLag(absl::Duration lag) {
  families_->lag.Observe(absl::ToDoubleSeconds(lag));
}

std::string Metrics::Text(absl::Span<const AccountGauges> accounts,
                          const ProcessGauges& process) const {
  std::vector<prometheus::MetricFamily> families =
      families_->registry.Collect();
  AddAccountGauges(accounts, families);
  AddProcess(process, families);
  // A family without a series is noise.
  std::erase_if(families, [](const prometheus::MetricFamily& family) {
    return family.metric.empty();
  });
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace leadgateway
