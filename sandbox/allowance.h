// "N calls in W", in each of the ways in which LeadSquared may count them.
// Pure: time is an argument and must not run backwards.
#ifndef SANDBOX_ALLOWANCE_H_
#define SANDBOX_ALLOWANCE_H_

#include <cstdint>
#include <deque>
#include <optional>

#include "absl/time/time.h"

namespace leadgateway::sandbox {

enum class WindowKind {
  kSliding,  // at most N in (t - W, t], for every t
  kFixed,    // windows that begin at multiples of W of the clock
  kBucket,   // N tokens at most, refilled at N / W
};

// The moment of a call's handling at which it is counted.
enum class CountAt { kArrival, kAnswer, kRandom, kFraction };

struct Allowance {
  int calls = 25;
  absl::Duration window = absl::Seconds(5);
  WindowKind kind = WindowKind::kSliding;
  CountAt count_at = CountAt::kArrival;
  double count_fraction = 0.5;  // of the latency, with kFraction
  bool refused_count = false;
  // Other users of the same account: calls a second, Poisson. 0: none.
  double other_calls_per_second = 0;
};

class WindowJudge {
 public:
  explicit WindowJudge(const Allowance& allowance);

  // Counts a call at `now`: true when it is within the allowance.
  bool Count(absl::Time now);

 private:
  Allowance allowance_;
  std::deque<absl::Time> counted_;       // sliding
  std::optional<std::int64_t> current_;  // fixed: which window
  int in_current_ = 0;
  double tokens_;  // bucket
  std::optional<absl::Time> refilled_;
};

// The greatest number of moments in any (t - W, t].
class WindowPeak {
 public:
  explicit WindowPeak(absl::Duration window) : window_(window) {}

  void Count(absl::Time now);
  int peak() const { return peak_; }

 private:
  absl::Duration window_;
  std::deque<absl::Time> recent_;
  int peak_ = 0;
};

// Moments of a Poisson process, by seed.
class OtherUsers {
 public:
  OtherUsers(std::uint64_t seed, double calls_per_second, absl::Time start);

  // The next moment at or before `now`, each given once, in order.
  std::optional<absl::Time> NextUntil(absl::Time now);

 private:
  void Advance();

  std::uint64_t seed_;
  double rate_;
  std::uint64_t number_ = 0;
  absl::Time next_;
};

}  // namespace leadgateway::sandbox

#endif  // SANDBOX_ALLOWANCE_H_
