#include "gateway/dispatch/forecast.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "absl/time/time.h"
#include "gateway/dispatch/fair_queue.h"
#include "gateway/dispatch/job.h"

namespace leadgateway::dispatch {
namespace {

// How fast the mean latency follows: a fifth of the way per call.
constexpr double kLatencyGain = 0.2;
// Stands in for what no call has shown yet.
constexpr absl::Duration kAssumedLatency = absl::Milliseconds(250);
// Before this nobody can say that arrivals are steady.
constexpr int64_t kSecondsToCallSteady = 4;
// The time until all is served and what arrives meanwhile depend on each other;
// each round brings them closer.
constexpr int kRounds = 6;
// Where more arrives than is ever sent, they don't: nothing is foretold beyond
// this.
constexpr absl::Duration kFarthest = absl::Hours(24 * 365);
constexpr double kMostLeads = 1e9;

int64_t SecondOf(absl::Time now) { return absl::ToUnixSeconds(now); }

// What is foreseen of others' leads may be more than any queue holds.
int Bounded(double leads) {
  return static_cast<int>(std::clamp(leads, 0.0, kMostLeads));
}

size_t Slot(int64_t second) {
  return static_cast<size_t>(second % Forecast::kArrivalSeconds);
}

}  // namespace

// ------------------------------------------------------------------ latencies

void Forecast::ObserveLatency(absl::Duration latency, absl::Time now) {
  if (observed_at_ == absl::InfinitePast()) {
    mean_latency_ = latency;
    deviation_ = latency / 4;
  } else {
    deviation_ += (absl::AbsDuration(latency - mean_latency_) - deviation_) *
                  kLatencyGain;
    mean_latency_ += (latency - mean_latency_) * kLatencyGain;
  }
  observed_at_ = now;
}

absl::Duration Forecast::ExpectedLatency() const {
  return observed_at_ == absl::InfinitePast() ? kAssumedLatency : mean_latency_;
}

absl::Duration Forecast::LikelyLatency(absl::Time now) const {
  if (now - observed_at_ > kLatencyFresh) return allowance_.min_latency();
  return mean_latency_ + 2 * deviation_;
}

// ------------------------------------------------------------------- arrivals

void Forecast::Advance(Arrivals& arrivals, int64_t second) {
  if (second - arrivals.last >= kArrivalSeconds) {
    arrivals.leads.fill(0);
    arrivals.first = second;
  } else {
    for (int64_t s = arrivals.last + 1; s <= second; ++s) {
      arrivals.leads[Slot(s)] = 0;
    }
  }
  arrivals.last = std::max(arrivals.last, second);
}

double Forecast::RateOf(Arrivals& arrivals, int64_t second) {
  Advance(arrivals, second);
  const int64_t seen =
      std::min<int64_t>(kArrivalSeconds, arrivals.last - arrivals.first + 1);
  if (seen < kSecondsToCallSteady) return 0;
  // Without the largest second: one large request is no steady stream.
  const int all =
      std::accumulate(arrivals.leads.begin(), arrivals.leads.end(), 0);
  const int largest =
      *std::max_element(arrivals.leads.begin(), arrivals.leads.end());
  return static_cast<double>(all - largest) / static_cast<double>(seen - 1);
}

void Forecast::ObserveArrival(const Flow& flow, int leads, absl::Time now) {
  const int64_t second = SecondOf(now);
  const FlowKey key(flow.caller, static_cast<int>(flow.priority));
  auto it = arrivals_.find(key);
  if (it == arrivals_.end()) {
    if (arrivals_.size() >= kMaxArrivals) {
      std::erase_if(arrivals_, [&](const auto& entry) {
        return second - entry.second.last >= kArrivalSeconds;
      });
      if (arrivals_.size() >= kMaxArrivals) return;
    }
    it = arrivals_.emplace(key, Arrivals{}).first;
    it->second.first = it->second.last = second;
  }
  Advance(it->second, second);
  it->second.weight = flow.weight;
  it->second.leads[Slot(second)] += leads;
}

// ------------------------------------------------------------------- schedule

absl::Duration Forecast::UntilSentByAllowance(int64_t calls,
                                              absl::Time now) const {
  if (calls <= 0) return absl::ZeroDuration();
  // Each slot comes round once in a window and a call's latency.
  const absl::Duration round = allowance_.window() + mean_latency_;
  const int slots =
      std::max(1, static_cast<int>(std::lround(absl::FDivDuration(
                      allowance_.window(), allowance_.spacing()))));
  const int64_t rounds = (calls - 1) / slots;
  const int nth = static_cast<int>((calls - 1) % slots) + 1;
  absl::Time when = allowance_.NthFree(nth, now);
  // That slot's call is under way.
  if (when == absl::InfiniteFuture()) {
    when = now + allowance_.window() + ExpectedLatency();
  }
  when += rounds * round;
  if (breaker_.open()) when = std::max(when, breaker_.next_probe(0));
  return std::max(absl::ZeroDuration(), when - now);
}

absl::Duration Forecast::UntilSent(int64_t calls, absl::Time now) const {
  return std::max(UntilSentByAllowance(calls, now),
                  budget_.WhenFree(calls, now) - now);
}

double Forecast::ServiceOf(const Flow& flow, double leads,
                           absl::Duration horizon, absl::Time now) {
  // Start-time fair queueing in the limit of small turns: when this flow has
  // sent `leads`, each other flow of its class has sent as many by weight, and
  // the other class as many as its class' weight allows, as far as they have
  // or get any.
  const int64_t second = SecondOf(now);
  const double seconds =
      absl::ToDoubleSeconds(std::min(horizon, kLongestArrivals));
  const auto rate_of = [&](const Flow& of) {
    const auto it =
        arrivals_.find(FlowKey(of.caller, static_cast<int>(of.priority)));
    if (it == arrivals_.end()) return 0.0;
    it->second.looked_at = look_;
    return RateOf(it->second, second);
  };
  ++look_;
  const double turns = leads / flow.weight;
  double mine = leads + rate_of(flow) * seconds;
  double other = 0;
  queue_.ForEachFlow([&](const Flow& each) {
    if (&each == &flow) return;
    const double has = each.waiting - each.held + rate_of(each) * seconds;
    if (each.priority == flow.priority) {
      mine += std::min(has, turns * each.weight);
    } else {
      other += has;
    }
  });
  for (auto& [key, arrivals] : arrivals_) {
    if (arrivals.looked_at == look_) continue;
    const double has = RateOf(arrivals, second) * seconds;
    if (key.second == static_cast<int>(flow.priority)) {
      mine += std::min(has, turns * arrivals.weight);
    } else {
      other += has;
    }
  }
  const int priority = static_cast<int>(flow.priority);
  return mine + std::min(other, mine * FairQueue::kClassWeights[1 - priority] /
                                    FairQueue::kClassWeights[priority]);
}

Forecast::Service Forecast::UntilServed(const Flow& flow, double leads,
                                        absl::Time now) {
  Service service;
  for (int round = 0; round < kRounds; ++round) {
    const absl::Duration before = service.duration;
    service.leads = std::min(kMostLeads, ServiceOf(flow, leads, before, now));
    service.duration = std::min(
        kFarthest, UntilSent(static_cast<int64_t>(
                                 std::ceil(service.leads / leads_per_call_)),
                             now));
    if (absl::AbsDuration(service.duration - before) <= before * 0.02) break;
  }
  return service;
}

double Forecast::Waiting() const {
  double waiting = 0;
  queue_.ForEachFlow(
      [&](const Flow& flow) { waiting += flow.waiting - flow.held; });
  return waiting;
}

Forecast::Service Forecast::UntilServed(const Job& job, int64_t siblings,
                                        absl::Time now) {
  return UntilServed(*job.flow, static_cast<double>(job.waiting + siblings),
                     now);
}

JobProgress Forecast::ProgressOf(const Job& job, int64_t siblings,
                                 absl::Time now) {
  JobProgress progress;
  progress.leads_done = job.reported;
  progress.leads_total = static_cast<int>(job.leads.size());
  const Service service = UntilServed(job, siblings, now);
  progress.leads_queued_ahead = Bounded(service.leads - job.waiting);
  progress.estimated_remaining = service.duration + mean_latency_;
  progress.upstream_calls = job.upstream_calls;
  return progress;
}

JobOutlook Forecast::OutlookOf(const Job& job, int64_t siblings,
                               absl::Time now) {
  JobOutlook outlook;
  const Service service = UntilServed(job, siblings, now);
  // Calls are shared with leads of the same search key only.
  const double in_calls = std::min(
      service.leads, static_cast<double>(job.waiting) + job.group->eligible);
  outlook.upstream_calls = std::min(
      job.waiting, static_cast<int>(std::ceil(in_calls / leads_per_call_)));
  outlook.leads_queued_ahead = Bounded(service.leads - job.waiting);
  outlook.duration = service.duration + ExpectedLatency();
  return outlook;
}

}  // namespace leadgateway::dispatch
