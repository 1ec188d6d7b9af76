#include "gateway/dispatch/allowance.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/time/time.h"

namespace leadgateway::dispatch {

int Allowance::limit() const {
  return std::min(options_.calls, learned_calls_.value_or(options_.calls));
}

absl::Duration Allowance::window() const {
  return std::max(options_.window, learned_window_.value_or(options_.window));
}

int Allowance::usable() const { return std::max(1, limit() - left_to_others_); }

absl::Duration Allowance::min_latency() const {
  return min_latency_ == absl::InfiniteDuration() ? absl::ZeroDuration()
                                                  : min_latency_;
}

absl::Duration Allowance::WayThereAndBack() const {
  if (min_latency_ == absl::InfiniteDuration()) return absl::ZeroDuration();
  if (options_.fixed_moment && answers_ >= kAnswersToTrust) return min_latency_;
  if (min_handshake_ == absl::InfiniteDuration()) return absl::ZeroDuration();
  // No answer can come faster than the network: a shorter latency than the
  // handshakes seen shows that the way has become shorter since.
  return std::min(min_handshake_, min_latency_);
}

void Allowance::Release(absl::Time now) {
  ended_.erase(ended_.begin(), ended_.upper_bound(now - window()));
  Recover(now);
}

void Allowance::Recover(absl::Time now) {
  while (now >= next_recovery_) {
    left_to_others_ = std::max(0, left_to_others_ - 1);
    epsilon_ = std::max(kLeastEpsilon, epsilon_ * 0.9);
    next_recovery_ = left_to_others_ == 0 && epsilon_ == kLeastEpsilon
                         ? absl::InfiniteFuture()
                         : next_recovery_ + window();
  }
}

int Allowance::held(absl::Time now) {
  Release(now);
  return in_flight_ + static_cast<int>(ended_.size());
}

int Allowance::FreeCalls(absl::Time now) {
  const int held_now = held(now);  // first: it may raise what is usable
  return now < paused_until_ ? 0 : std::max(0, usable() - held_now);
}

absl::Time Allowance::WhenHeld(int calls) const {
  const int more = static_cast<int>(ended_.size()) + in_flight_ - calls;
  if (more <= 0) return absl::InfinitePast();
  if (static_cast<size_t>(more) > ended_.size()) return absl::InfiniteFuture();
  return *std::next(ended_.begin(), more - 1) + window();
}

absl::Time Allowance::NextFree(absl::Time now) {
  Release(now);
  absl::Time when = WhenHeld(usable() - 1);
  // Calls that are left to others come back, one in each window.
  absl::Time back = next_recovery_;
  for (int left = left_to_others_ - 1; left >= 0 && back < when; --left) {
    when = std::min(when,
                    std::max(back, WhenHeld(std::max(1, limit() - left) - 1)));
    back += window();
  }
  return std::max({now, when, paused_until_});
}

absl::Time Allowance::NthFree(int calls, absl::Time now) {
  Release(now);
  return std::max(
      {now, WhenHeld(std::max(0, usable() - calls)), paused_until_});
}

std::vector<absl::Time> Allowance::HeldSince(absl::Time now) {
  Release(now);
  return {ended_.begin(), ended_.end()};
}

void Allowance::Take() { ++in_flight_; }

void Allowance::Answered(absl::Time sent_at, absl::Time answered_at) {
  --in_flight_;
  answers_ = std::min(answers_ + 1, kAnswersToTrust);
  min_latency_ = std::min(
      min_latency_, std::max(absl::ZeroDuration(), answered_at - sent_at));
  ended_.insert(answered_at - WayThereAndBack() + epsilon_);
}

void Allowance::Lost(absl::Time given_up_at) {
  --in_flight_;
  ended_.insert(given_up_at + epsilon_);
}

void Allowance::NeverSent() { --in_flight_; }

void Allowance::ObserveHandshake(absl::Duration handshake) {
  if (handshake <= absl::ZeroDuration()) return;
  min_handshake_ = std::min(min_handshake_, handshake);
}

void Allowance::Throttled(absl::Time now, std::optional<int64_t> named_calls,
                          std::optional<absl::Duration> named_window,
                          std::optional<absl::Duration> retry_after) {
  Recover(now);
  bool lowered = false;
  if (named_calls && *named_calls > 0 && *named_calls != limit()) {
    const int before = limit();
    learned_calls_ =
        static_cast<int>(std::min<int64_t>(*named_calls, options_.calls));
    lowered = limit() < before;
    if (*learned_calls_ == options_.calls) learned_calls_.reset();
  }
  if (named_window && *named_window > absl::ZeroDuration() &&
      *named_window <= absl::Hours(1)) {
    lowered = lowered || *named_window > window();
    learned_window_ = std::max(*named_window, options_.window);
    if (*learned_window_ == options_.window) learned_window_.reset();
  }
  epsilon_ = std::min(kMostEpsilon, epsilon_ * 2);
  // The throttle is explained by the lower limit that it names; otherwise
  // somebody else uses the account as well. Several calls that were under way
  // together tell that once.
  if (!lowered && now >= paused_until_) {
    left_to_others_ =
        std::min(limit() - 1, left_to_others_ + std::max(1, limit() / 10));
  }
  const absl::Duration pause = std::clamp(retry_after.value_or(window()),
                                          absl::ZeroDuration(), kMaxPause);
  paused_until_ = std::max(paused_until_, now + pause + epsilon_);
  next_recovery_ = paused_until_ + window();
}

}  // namespace leadgateway::dispatch
