#ifndef LEADGATEWAY_GATEWAY_ADMIN_ACTIVITY_H_
#define LEADGATEWAY_GATEWAY_ADMIN_ACTIVITY_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gateway/base/mutex.h"
#include "gateway/model/lead.h"
#include "gateway/model/outcome.h"

namespace leadgateway {

// What an account did in the last minutes, for the status page: a ring of
// counts. Any thread. Times are the monotonic clock's; they may come in any
// order.
class Activity {
 public:
  static constexpr absl::Duration kSlice = absl::Seconds(10);
  static constexpr int kSlices = 60;

  struct Slice {
    std::array<int64_t, kOutcomeCount> results = {};
    int64_t calls = 0;       // with leads
    int64_t leads_sent = 0;  // in these calls
    int64_t throttles = 0;
  };

  void AddResults(absl::Span<const LeadResult> results, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void AddCall(int leads, bool throttled, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // The last kSlices slices, oldest first; the last one is the one of `now`,
  // which is not over yet.
  std::vector<Slice> Last(absl::Time now) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  static int64_t NumberOf(absl::Time now);
  // The slice of that time; null if it is out of the ring's past.
  Slice* At(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  std::array<Slice, kSlices> slices_ ABSL_GUARDED_BY(mutex_);
  // Which slice each place holds.
  std::array<int64_t, kSlices> numbers_ ABSL_GUARDED_BY(mutex_) = {};
};

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_ADMIN_ACTIVITY_H_
