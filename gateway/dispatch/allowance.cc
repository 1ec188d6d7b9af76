#include "gateway/dispatch/allowance.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "absl/time/time.h"

namespace leadgateway::dispatch {
namespace {

// How much of a widened margin is left after a window without a throttle.
constexpr double kMarginKept = 0.9;
// How much of the slowest latency is left after an answer: half of it after 700
// answers, two minutes and a half of a saturated account.
constexpr double kSlowestKept = 0.999;

// Into ascending times; nearly always at the end.
void Insert(std::deque<absl::Time>& times, absl::Time time) {
  times.insert(std::upper_bound(times.begin(), times.end(), time), time);
}

// How many of the ascending times are after `since`.
int CountAfter(const std::deque<absl::Time>& times, absl::Time since) {
  return static_cast<int>(times.end() -
                          std::upper_bound(times.begin(), times.end(), since));
}

}  // namespace

void Allowance::Caution::Step(absl::Duration window) {
  margin = std::max(kLeastMargin, margin * kMarginKept);
  if (left_to_others > 0 && ++clean_windows >= windows_per_call) {
    --left_to_others;
    clean_windows = 0;
  }
  if (left_to_others == 0 && margin == kLeastMargin) {
    *this = Caution();
  } else {
    next_step += window;
  }
}

int Allowance::limit() const {
  return std::min(options_.calls, learned_calls_.value_or(options_.calls));
}

absl::Duration Allowance::window() const {
  return std::max(options_.window, learned_window_.value_or(options_.window));
}

int Allowance::UsableBeside(int left_to_others) const {
  return std::max(1, limit() - left_to_others);
}

absl::Duration Allowance::EpsilonOf(const Caution& caution) const {
  return caution.margin + window() * kClockDrift;
}

absl::Duration Allowance::min_latency() const {
  return latencies_.seen() == absl::InfiniteDuration() ? absl::ZeroDuration()
                                                       : latencies_.seen();
}

absl::Duration Allowance::Least() const {
  // No answer can come faster than the network: a shorter latency than the
  // round trips seen shows that the way has become shorter since.
  const absl::Duration network = std::min(round_trips_.bound(), min_latency());
  return options_.fixed_moment ? std::max(network, latencies_.bound())
                               : network;
}

absl::Time Allowance::AnsweredSince(absl::Time now) const {
  return LostSince(now) + Least();
}

absl::Time Allowance::LostSince(absl::Time now) const {
  return now - window() - epsilon();
}

void Allowance::Forget(absl::Time now) {
  const absl::Time since = LostSince(now);
  for (std::deque<absl::Time>* const times : {&answered_, &lost_}) {
    while (times->size() > kKeptInMind && times->front() <= since) {
      forgotten_ = std::max(forgotten_, times->front());
      times->pop_front();
    }
  }
}

void Allowance::Recover(absl::Time now) {
  while (now >= caution_.next_step) caution_.Step(window());
}

int Allowance::held(absl::Time now) {
  Recover(now);
  Forget(now);
  return in_flight_ + CountAfter(answered_, AnsweredSince(now)) +
         CountAfter(lost_, LostSince(now));
}

int Allowance::FreeCalls(absl::Time now) {
  const int held_now = held(now);  // first: it may raise what is usable
  return now < paused_until_ ? 0 : std::max(0, usable() - held_now);
}

absl::Time Allowance::WhenHeld(int calls, absl::Time now,
                               absl::Duration epsilon) const {
  auto answered =
      std::upper_bound(answered_.begin(), answered_.end(), AnsweredSince(now));
  auto lost = std::upper_bound(lost_.begin(), lost_.end(), LostSince(now));
  const absl::Duration hold = window() + epsilon;
  const auto ended = (answered_.end() - answered) + (lost_.end() - lost);
  auto more = ended + in_flight_ - calls;
  if (more > ended) return absl::InfiniteFuture();
  absl::Time when = absl::InfinitePast();
  for (; more > 0; --more) {
    const absl::Time next_answered = answered == answered_.end()
                                         ? absl::InfiniteFuture()
                                         : *answered + hold - Least();
    const absl::Time next_lost =
        lost == lost_.end() ? absl::InfiniteFuture() : *lost + hold;
    when = std::min(next_answered, next_lost);
    ++(next_answered <= next_lost ? answered : lost);
  }
  return when;
}

absl::Time Allowance::NextFree(absl::Time now) {
  Recover(now);
  Forget(now);
  absl::Time when = WhenHeld(usable() - 1, now, epsilon());
  // What is forgotten of throttles in the meantime may free a call sooner.
  Caution later = caution_;
  while (later.next_step < when) {
    const absl::Time step = later.next_step;
    later.Step(window());
    when = std::min(
        when, std::max(step, WhenHeld(UsableBeside(later.left_to_others) - 1,
                                      now, EpsilonOf(later))));
  }
  return std::max({now, when, paused_until_});
}

absl::Time Allowance::NthFree(int calls, absl::Time now) {
  Recover(now);
  Forget(now);
  return std::max({now, WhenHeld(std::max(0, usable() - calls), now, epsilon()),
                   paused_until_});
}

std::vector<absl::Time> Allowance::HeldSince(absl::Time now) {
  Recover(now);
  Forget(now);
  std::vector<absl::Time> since;
  const absl::Time released = LostSince(now);
  for (const absl::Time answered : answered_) {
    if (answered > released) since.push_back(answered - Least() + epsilon());
  }
  for (const absl::Time lost : lost_) {
    if (lost > released) since.push_back(lost + epsilon());
  }
  return since;
}

void Allowance::Reconfigure(Options options, absl::Time now) {
  Forget(now);
  if (options.calls > options_.calls || options.window < options_.window) {
    learned_calls_.reset();
    learned_window_.reset();
  }
  options_ = options;
  // Nobody knows how many calls were forgotten.
  if (forgotten_ > LostSince(now)) {
    paused_until_ = std::max(paused_until_, forgotten_ + window() + epsilon());
  }
}

void Allowance::HoldSince(absl::Time since) {
  // Its end is known with R and ε in it: nothing is to be taken off any more.
  Insert(lost_, since - epsilon());
}

void Allowance::HoldUnderWay(absl::Time ends_by) { Insert(lost_, ends_by); }

void Allowance::UnderWayEnded(absl::Time ends_by,
                              std::optional<absl::Time> ended_at) {
  const auto held = std::find(lost_.begin(), lost_.end(), ends_by);
  if (held == lost_.end()) return;
  lost_.erase(held);
  if (ended_at) Insert(lost_, *ended_at);
}

void Allowance::Take() { ++in_flight_; }

void Allowance::Answered(absl::Time sent_at, absl::Time answered_at) {
  --in_flight_;
  const absl::Duration latency =
      std::max(absl::ZeroDuration(), answered_at - sent_at);
  slowest_ = std::max(latency, slowest_ * kSlowestKept);
  latencies_.Observe(latency);
  answers_ = std::min(answers_ + 1, kAnswersToTrust);
  Insert(answered_, answered_at);
}

void Allowance::Lost(absl::Time sent_at, absl::Time given_up_at) {
  HoldAsLost(sent_at, given_up_at, absl::ZeroDuration());
}

void Allowance::AnsweredByOther(absl::Time sent_at, absl::Time answered_at) {
  HoldAsLost(sent_at, answered_at, 2 * (answered_at - sent_at));
}

absl::Duration Allowance::Doubt() const {
  const absl::Duration may_take = 2 * slowest_;
  return answers_ < kAnswersToTrust ? std::max(may_take, kFirstDoubt)
                                    : may_take;
}

void Allowance::HoldAsLost(absl::Time sent_at, absl::Time ended_at,
                           absl::Duration may_take) {
  --in_flight_;
  Insert(lost_, std::max(ended_at, sent_at + std::max(may_take, Doubt())));
}

void Allowance::NeverSent() { --in_flight_; }

void Allowance::ObserveRoundTrip(absl::Duration round_trip) {
  if (round_trip > absl::ZeroDuration()) round_trips_.Observe(round_trip);
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
      *named_window <= kLongestWindow) {
    lowered = lowered || *named_window > window();
    learned_window_ = std::max(*named_window, options_.window);
    if (*learned_window_ == options_.window) learned_window_.reset();
  }
  caution_.margin = std::min(kMostMargin, caution_.margin * 2);
  caution_.clean_windows = 0;
  // The throttle is explained by the lower limit that it names; otherwise
  // somebody else uses the account as well. Several calls that were under way
  // together tell that once.
  if (!lowered && now >= paused_until_) {
    // Again, before all was taken back: they are still there.
    caution_.windows_per_call =
        caution_.left_to_others == 0
            ? 1
            : std::min(kMostWindowsPerCall, 2 * caution_.windows_per_call);
    caution_.left_to_others = std::min(
        limit() - 1, caution_.left_to_others + std::max(1, limit() / 10));
  }
  const absl::Duration pause = std::clamp(retry_after.value_or(window()),
                                          absl::ZeroDuration(), kMaxPause);
  paused_until_ = std::max(paused_until_, now + pause + epsilon());
  caution_.next_step = paused_until_ + window();
}

}  // namespace leadgateway::dispatch
