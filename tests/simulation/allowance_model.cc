#include "tests/simulation/allowance_model.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/time/time.h"

namespace leadgateway::simulation {
namespace {

using Handling = AccountModel::Handling;
using Moment = AccountModel::Moment;

constexpr double kParetoExponent = 2.5;
constexpr absl::Duration kTide = absl::Minutes(10);

}  // namespace

absl::Duration LeastHandling(const AccountModel& model) {
  switch (model.handling) {
    case Handling::kUniform:
    case Handling::kExponential:
    case Handling::kPareto:
    case Handling::kTide:
      return model.a;
    case Handling::kEither:
      return model.a * 0.9;
    case Handling::kLognormal:
      return absl::ZeroDuration();
  }
  return absl::ZeroDuration();
}

ModelAccount::ModelAccount(const AccountModel& model, uint64_t seed,
                           absl::Time start)
    : model_(model),
      start_(start),
      random_(seed),
      phase_(model.window * unit_(random_)),
      tokens_(model.calls),
      refilled_(start) {
  if (model_.other_calls_per_second > 0) {
    to_count_.emplace(
        start + Exponential(absl::Seconds(1 / model_.other_calls_per_second)),
        0);
  }
}

absl::Duration ModelAccount::Exponential(absl::Duration mean) {
  return mean * -std::log1p(-Unit());
}

absl::Duration ModelAccount::NetworkAt(absl::Time now) const {
  return now - start_ < model_.rerouted_after ? model_.network
                                              : model_.network_then;
}

absl::Duration ModelAccount::DrawHandling(absl::Time now) {
  if (model_.spikes > 0 && Unit() < model_.spikes) return model_.spike;
  const absl::Duration uniform = model_.a + (model_.b - model_.a) * Unit();
  switch (model_.handling) {
    case Handling::kUniform:
      return uniform;
    case Handling::kExponential:
      return model_.a + Exponential(model_.b);
    case Handling::kLognormal: {
      // Box and Muller.
      const double normal =
          std::sqrt(-2 * std::log1p(-Unit())) * std::cos(2 * M_PI * Unit());
      return model_.a * std::exp(absl::ToDoubleSeconds(model_.b) * normal);
    }
    case Handling::kPareto:
      return std::min(model_.b,
                      model_.a * std::pow(1 - Unit(), -1 / kParetoExponent));
    case Handling::kEither:
      return (Unit() < 0.5 ? model_.a : model_.b) * (0.9 + 0.2 * Unit());
    case Handling::kTide:
      return uniform *
             (2 - std::cos(2 * M_PI * absl::FDivDuration(now - start_, kTide)));
  }
  return uniform;
}

ModelAccount::Call ModelAccount::Send(absl::Time now) {
  CountUntil(now);
  while (!connections_back_.empty() && connections_back_.top().first <= now) {
    idle_connections_.push_back(connections_back_.top().second);
    connections_back_.pop();
  }
  const absl::Duration network = NetworkAt(now);
  const auto there = [&] {
    return network * model_.share_there + Exponential(model_.jitter);
  };
  const auto back = [&] {
    return network * (1 - model_.share_there) + Exponential(model_.jitter);
  };

  Call call;
  call.id = next_id_++;
  call.sent = now;
  call.round_trip = there() + back();
  if (!idle_connections_.empty()) {
    call.round_trip = std::min(call.round_trip, idle_connections_.back());
    idle_connections_.pop_back();
  }
  const absl::Time arrival = now + there();
  const absl::Duration handling = DrawHandling(now);
  switch (model_.moment) {
    case Moment::kArrival:
      call.counted = arrival;
      break;
    case Moment::kAnswer:
      call.counted = arrival + handling;
      break;
    case Moment::kRandom:
      call.counted = arrival + handling * Unit();
      break;
    case Moment::kEarlyOrLate:
      call.counted = Unit() < 0.5 ? arrival : arrival + handling;
      break;
    case Moment::kOffset:
      call.counted = arrival + std::min(model_.offset, handling);
      break;
    case Moment::kHalf:
      call.counted = arrival + handling / 2;
      break;
  }
  call.ended = arrival + handling + back();
  const absl::Duration least_network =
      model_.rerouted_after == absl::InfiniteDuration()
          ? network
          : std::min(model_.network, model_.network_then);
  excess_ += call.ended - now - least_network;
  if (model_.fixed_moment) excess_ -= LeastHandling(model_);
  if (model_.killed > 0 && Unit() < model_.killed) {
    call.answered = false;
    call.ended = now + (call.ended - now) * Unit();
  } else if (handling > model_.proxy_patience) {
    call.answered = false;
    call.by_proxy = true;
    call.ended = arrival + model_.proxy_patience + back();
  } else if (call.ended - now > model_.call_timeout) {
    call.answered = false;
    call.ended = now + model_.call_timeout;
  }
  if (call.answered) connections_back_.emplace(call.ended, call.round_trip);
  to_count_.emplace(call.counted, call.id);
  return call;
}

void ModelAccount::CountUntil(absl::Time now) {
  while (!to_count_.empty() && to_count_.top().first <= now) {
    const auto [at, id] = to_count_.top();
    to_count_.pop();
    Count(at, id);
  }
}

void ModelAccount::Count(absl::Time at, uint64_t id) {
  const absl::Time theirs = start_ + phase_ + (at - start_) * model_.clock_rate;
  const bool within = WithinLimit(theirs);
  if (id == 0) {
    const absl::Time next =
        at + Exponential(absl::Seconds(1 / model_.other_calls_per_second));
    if (next - start_ < model_.others_until) to_count_.emplace(next, 0);
    return;
  }
  ++counted_;
  digest_ = (digest_ ^ static_cast<uint64_t>(absl::ToUnixNanos(theirs))) *
            0x100000001b3U;
  if (!within) {
    ++throttles_;
    last_throttle_ = at;
    throttled_.insert(id);
  }
  while (!own_.empty() && own_.front() <= theirs - model_.window) {
    own_.pop_front();
  }
  own_.push_back(theirs);
  most_in_window_ = std::max(most_in_window_, static_cast<int>(own_.size()));
  if (static_cast<int>(own_.size()) > model_.calls) {
    ++violations_;
    last_violation_ = at;
  }
}

bool ModelAccount::WithinLimit(absl::Time theirs) {
  switch (model_.counting_window) {
    case AccountModel::Window::kSliding:
      while (!within_.empty() && within_.front() <= theirs - model_.window) {
        within_.pop_front();
      }
      if (static_cast<int>(within_.size()) >= model_.calls) return false;
      within_.push_back(theirs);
      return true;
    case AccountModel::Window::kAligned: {
      absl::Duration rest;
      const int64_t aligned =
          absl::IDivDuration(theirs - absl::UnixEpoch(), model_.window, &rest);
      if (aligned != aligned_) in_aligned_ = 0;
      aligned_ = aligned;
      return ++in_aligned_ <= model_.calls;
    }
    case AccountModel::Window::kBucket:
      tokens_ = std::min<double>(
          model_.calls,
          tokens_ + absl::FDivDuration(theirs - refilled_, model_.window) *
                        model_.calls);
      refilled_ = theirs;
      if (tokens_ < 1) return false;
      tokens_ -= 1;
      return true;
  }
  return true;
}

bool ModelAccount::Throttled(const Call& call) {
  CountUntil(call.ended);
  return throttled_.erase(call.id) > 0;
}

}  // namespace leadgateway::simulation
