#include "gateway/admin/activity.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gateway/base/mutex.h"
#include "gateway/model/lead.h"

namespace leadgateway {

int64_t Activity::NumberOf(absl::Time now) {
  return absl::ToUnixNanos(now) / absl::ToInt64Nanoseconds(kSlice);
}

Activity::Slice* Activity::At(absl::Time now) {
  const int64_t number = NumberOf(now);
  const auto place = static_cast<size_t>(number % kSlices);
  if (numbers_[place] > number) return nullptr;
  if (numbers_[place] < number) {
    numbers_[place] = number;
    slices_[place] = {};
  }
  return &slices_[place];
}

void Activity::AddResults(absl::Span<const LeadResult> results,
                          absl::Time now) {
  const MutexLock lock(mutex_);
  Slice* const slice = At(now);
  if (slice == nullptr) return;
  for (const LeadResult& result : results) {
    ++slice->results[static_cast<size_t>(result.outcome)];
  }
}

void Activity::AddCall(int leads, bool throttled, absl::Time now) {
  const MutexLock lock(mutex_);
  Slice* const slice = At(now);
  if (slice == nullptr) return;
  ++slice->calls;
  slice->leads_sent += leads;
  if (throttled) ++slice->throttles;
}

std::vector<Activity::Slice> Activity::Last(absl::Time now) const {
  const int64_t last = NumberOf(now);
  std::vector<Slice> slices(kSlices);
  const MutexLock lock(mutex_);
  for (int64_t number = last - kSlices + 1; number <= last; ++number) {
    if (number < 0) continue;
    const auto place = static_cast<size_t>(number % kSlices);
    if (numbers_[place] != number) continue;
    slices[static_cast<size_t>(number - last + kSlices - 1)] = slices_[place];
  }
  return slices;
}

}  // namespace leadgateway
