#include "sandbox/allowance.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "sandbox/draw.h"

namespace leadgateway::sandbox {

WindowJudge::WindowJudge(const Allowance& allowance)
    : allowance_(allowance), tokens_(allowance.calls) {}

bool WindowJudge::Count(absl::Time now) {
  bool within = false;
  switch (allowance_.kind) {
    case WindowKind::kSliding: {
      while (!counted_.empty() && counted_.front() <= now - allowance_.window) {
        counted_.pop_front();
      }
      within = counted_.size() < static_cast<size_t>(allowance_.calls);
      if (within || allowance_.refused_count) counted_.push_back(now);
      break;
    }
    case WindowKind::kFixed: {
      absl::Duration rest;
      const std::int64_t window =
          absl::IDivDuration(now - absl::UnixEpoch(), allowance_.window, &rest);
      if (current_ != window) {
        current_ = window;
        in_current_ = 0;
      }
      within = in_current_ < allowance_.calls;
      if (within || allowance_.refused_count) ++in_current_;
      break;
    }
    case WindowKind::kBucket: {
      if (refilled_.has_value()) {
        const double refill =
            absl::FDivDuration(now - *refilled_, allowance_.window) *
            allowance_.calls;
        tokens_ = std::min<double>(allowance_.calls, tokens_ + refill);
      }
      refilled_ = now;
      within = tokens_ >= 1;
      if (within) {
        tokens_ -= 1;
      } else if (allowance_.refused_count) {
        // A refused call costs what is left, so hammering never recovers.
        tokens_ = 0;
      }
      break;
    }
  }
  return within;
}

void WindowPeak::Count(absl::Time now) {
  while (!recent_.empty() && recent_.front() <= now - window_) {
    recent_.pop_front();
  }
  recent_.push_back(now);
  peak_ = std::max(peak_, static_cast<int>(recent_.size()));
}

OtherUsers::OtherUsers(std::uint64_t seed, double calls_per_second,
                       absl::Time start)
    : seed_(seed), rate_(calls_per_second), next_(start) {
  Advance();
}

std::optional<absl::Time> OtherUsers::NextUntil(absl::Time now) {
  if (next_ > now) return std::nullopt;
  const absl::Time moment = next_;
  Advance();
  return moment;
}

void OtherUsers::Advance() {
  if (rate_ <= 0) {
    next_ = absl::InfiniteFuture();
    return;
  }
  const double unit = DrawUnit(seed_, DrawFor::kOtherUsers, number_++);
  next_ += absl::Seconds(-std::log1p(-unit) / rate_);
}

}  // namespace leadgateway::sandbox
