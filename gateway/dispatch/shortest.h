#ifndef LEADGATEWAY_GATEWAY_DISPATCH_SHORTEST_H_
#define LEADGATEWAY_GATEWAY_DISPATCH_SHORTEST_H_

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/time/time.h"

namespace leadgateway::dispatch {

// How short something can be, judged by how short it has been. The shortest of
// some measurements is always longer than the shortest that there is; by how
// much, the distances between the shortest ones tell: where n measurements
// spread evenly over a range, these are range / n on average.
class Shortest {
 public:
  // Measurements must be independent; one that repeats an earlier one exactly
  // is taken for the same.
  void Observe(absl::Duration measured) {
    if (values_.size() == kKept && measured >= values_.back()) return;
    const auto at = std::lower_bound(values_.begin(), values_.end(), measured);
    if (at != values_.end() && *at == measured) return;
    values_.insert(at, measured);
    if (values_.size() > kKept) values_.pop_back();
  }

  // The shortest so far; absl::InfiniteDuration() before the first.
  absl::Duration seen() const {
    return values_.empty() ? absl::InfiniteDuration() : values_.front();
  }

  // What there is hardly anything below: zero until kKept measurements are
  // there.
  absl::Duration bound() const {
    if (values_.size() < kKept) return absl::ZeroDuration();
    const absl::Duration spread = values_.back() - values_.front();
    return std::max(absl::ZeroDuration(),
                    values_.front() - spread * kUnseenShare);
  }

  // Of a range that is filled evenly, the end lies further below the shortest
  // than kUnseenShare of the way from there to the kKept-th shortest with a
  // probability of (1 + kUnseenShare)^-(kKept - 1): 2.6 %.
  static constexpr size_t kKept = 21;
  static constexpr double kUnseenShare = 0.2;

 private:
  std::vector<absl::Duration> values_;  // ascending
};

}  // namespace leadgateway::dispatch

#endif  // LEADGATEWAY_GATEWAY_DISPATCH_SHORTEST_H_
