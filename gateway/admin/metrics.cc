#include "gateway/admin/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace leadgateway {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Registry;

// An RPC lasts from a millisecond (validation only) to the default deadline.
Histogram::BucketBoundaries RpcSeconds() {
  return {0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1,   2.5,
          5,     10,    30,   60,   120, 300, 600, 1800};
}

// A call takes some tens of milliseconds; its time-out is 30 s by default.
Histogram::BucketBoundaries CallSeconds() {
  return {0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30};
}

// At most 25; the mean over time tells whether calls leave full.
Histogram::BucketBoundaries LeadsPerCall() {
  return {1, 2, 5, 10, 15, 20, 24, 25};
}

template <typename Builder>
auto& Register(Builder builder, Registry& registry, const char* name,
               const char* help) {
  return builder.Name(name).Help(help).Register(registry);
}

constexpr char kOther[] = "other";

}  // namespace

struct Metrics::Families {
  explicit Families(const std::vector<std::string>& names)
      : accounts(names.begin(), names.end()) {
    // Series exist from the start, at 0: a rate can be taken of the first
    // event.
    for (const std::string& account : accounts) {
      const prometheus::Labels labels = {{"account", account}};
      call_seconds.Add(labels, CallSeconds());
      leads_per_call.Add(labels, LeadsPerCall());
      throttles.Add(labels);
      queued.Add(labels);
      free_calls.Add(labels);
    }
    lag.Add({});
  }

  std::string Account(absl::string_view name) const {
    std::string account(name);
    return accounts.contains(account) ? account : kOther;
  }

  const std::set<std::string> accounts;
  Registry registry;
  Family<Counter>& rpcs =
      Register(prometheus::BuildCounter(), registry, "leadgateway_rpcs_total",
               "RPCs that are over, by status code.");
  Family<Histogram>& rpc_seconds =
      Register(prometheus::BuildHistogram(), registry,
               "leadgateway_rpc_duration_seconds",
               "Time from an RPC's start to its end.");
  Family<Counter>& leads =
      Register(prometheus::BuildCounter(), registry, "leadgateway_leads_total",
               "Leads that got their result, by outcome.");
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
  Family<Gauge>& queued =
      Register(prometheus::BuildGauge(), registry, "leadgateway_queued_leads",
               "Leads that wait for a call.");
  Family<Counter>& throttles = Register(
      prometheus::BuildCounter(), registry, "leadgateway_throttles_total",
      "Calls that LeadSquared turned away for the allowance's sake.");
  Family<Gauge>& free_calls = Register(
      prometheus::BuildGauge(), registry, "leadgateway_allowance_free_calls",
      "Calls that the allowance has free now.");
  Family<Gauge>& lag = Register(
      prometheus::BuildGauge(), registry, "leadgateway_loop_lag_seconds",
      "How much later than planned the loop thread woke up last.");
};

Metrics::Metrics(const std::vector<std::string>& accounts)
    : families_(std::make_unique<Families>(accounts)) {}

Metrics::~Metrics() = default;

void Metrics::RpcFinished(absl::string_view method, absl::string_view code,
                          absl::Duration duration) {
  const std::string name(method);
  families_->rpcs.Add({{"method", name}, {"code", std::string(code)}})
      .Increment();
  families_->rpc_seconds.Add({{"method", name}}, RpcSeconds())
      .Observe(absl::ToDoubleSeconds(duration));
}

void Metrics::LeadResults(absl::string_view account, absl::string_view outcome,
                          int64_t count) {
  families_->leads
      .Add({{"account", families_->Account(account)},
            {"outcome", std::string(outcome)}})
      .Increment(static_cast<double>(count));
}

void Metrics::UpstreamCall(absl::string_view account, absl::string_view verdict,
                           absl::Duration duration, int leads) {
  const std::string name = families_->Account(account);
  families_->calls.Add({{"account", name}, {"verdict", std::string(verdict)}})
      .Increment();
  families_->call_seconds.Add({{"account", name}}, CallSeconds())
      .Observe(absl::ToDoubleSeconds(duration));
  if (leads > 0) {
    families_->leads_per_call.Add({{"account", name}}, LeadsPerCall())
        .Observe(leads);
  }
}

void Metrics::Throttled(absl::string_view account) {
  families_->throttles.Add({{"account", families_->Account(account)}})
      .Increment();
}

void Metrics::SetQueuedLeads(absl::string_view account, int64_t leads) {
  families_->queued.Add({{"account", families_->Account(account)}})
      .Set(static_cast<double>(leads));
}

void Metrics::SetAllowanceFreeCalls(absl::string_view account, int64_t calls) {
  families_->free_calls.Add({{"account", families_->Account(account)}})
      .Set(static_cast<double>(calls));
}

void Metrics::SetLoopLag(absl::Duration lag) {
  families_->lag.Add({}).Set(absl::ToDoubleSeconds(lag));
}

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace leadgateway
