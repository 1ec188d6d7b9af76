#include "gateway/server/http2_guard.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace leadgateway::server {
namespace {

constexpr absl::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

constexpr uint8_t kData = 0;
constexpr uint8_t kHeaders = 1;
constexpr uint8_t kRstStream = 3;
constexpr uint8_t kSettings = 4;
constexpr uint8_t kPing = 6;
constexpr uint8_t kWindowUpdate = 8;
constexpr uint8_t kContinuation = 9;
constexpr uint8_t kAck = 1;
constexpr uint8_t kEndStream = 1;

// DATA of less than this, in the middle of a message, is no way to send one.
constexpr size_t kTinyData = 64;

}  // namespace

void RefilledBudget::Earn(double amount) {
  left_ = std::min(most_, left_ + amount);
}

void RefilledBudget::Refill(absl::Duration passed) {
  Earn(absl::ToDoubleSeconds(passed) * per_second_);
}

bool SharedHeaderBudget::Spend(size_t bytes, absl::Time now) {
  const MutexLock lock(mutex_);
  // Threads may come in another order than their times.
  if (now > refilled_) {
    budget_.Refill(now - refilled_);
    refilled_ = now;
  }
  const auto amount = static_cast<double>(bytes);
  if (budget_.Spend(amount)) return true;
  budget_.Earn(amount);
  return false;
}

Http2Guard::Http2Guard(const Limits& limits, SharedHeaderBudget* shared,
                       absl::Time now)
    : limits_(limits),
      shared_(shared),
      headers_(limits.header_bytes, limits.header_bytes_per_second),
      early_(limits.early_resets, limits.early_resets_per_second),
      pings_(limits.pings, limits.pings_per_second),
      window_updates_(limits.window_updates, limits.window_updates_per_second),
      empty_(limits.empty_frames, limits.empty_frames_per_second),
      slice_(now) {}

void Http2Guard::Advance(absl::Time now) {
  const absl::Duration slice = kEarly / kSlices;
  if (now - slice_ < slice) return;
  headers_.Refill(now - slice_);
  early_.Refill(now - slice_);
  pings_.Refill(now - slice_);
  window_updates_.Refill(now - slice_);
  empty_.Refill(now - slice_);
  const int64_t passed = std::min<int64_t>((now - slice_) / slice, kSlices);
  slice_ = now;
  for (int64_t i = 0; i < passed; ++i) {
    std::move_backward(newest_then_.begin(), newest_then_.end() - 1,
                       newest_then_.end());
    newest_then_.front() = newest_;
  }
}

const char* Http2Guard::Read(absl::string_view bytes, absl::Time now) {
  if (blind_) return nullptr;
  now_ = now;
  Advance(now);
  while (!bytes.empty()) {
    if (preface_ < kPreface.size()) {
      const size_t count = std::min(bytes.size(), kPreface.size() - preface_);
      if (bytes.substr(0, count) != kPreface.substr(preface_, count)) {
        blind_ = true;
        return nullptr;
      }
      preface_ += count;
      bytes.remove_prefix(count);
      continue;
    }
    if (payload_left_ > 0) {
      const size_t count = std::min(bytes.size(), payload_left_);
      payload_left_ -= count;
      bytes.remove_prefix(count);
      continue;
    }
    const size_t count = std::min(bytes.size(), head_.size() - head_bytes_);
    std::memcpy(head_.data() + head_bytes_, bytes.data(), count);
    head_bytes_ += count;
    bytes.remove_prefix(count);
    if (head_bytes_ < head_.size()) break;
    head_bytes_ = 0;
    if (const char* const why = Begin()) return why;
  }
  return nullptr;
}

const char* Http2Guard::Begin() {
  const auto number = [this](size_t at, size_t bytes) {
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; ++i) value = value << 8 | head_[at + i];
    return value;
  };
  payload_left_ = number(0, 3);
  const uint32_t stream = number(5, 4) & 0x7fffffff;
  switch (head_[3]) {
    case kHeaders:
      if (stream > newest_) {
        newest_ = stream;
        window_updates_.Earn(limits_.window_updates_per_stream);
        empty_.Earn(limits_.empty_frames_per_stream);
      }
      block_bytes_ = payload_left_;
      continuations_ = 0;
      if (!acknowledged_ && ++streams_ > limits_.streams_before_settings) {
        return "streams without an answer to SETTINGS";
      }
      return Headers();
    case kContinuation:
      block_bytes_ += payload_left_;
      if (++continuations_ > limits_.max_continuations) {
        return "a header block in too many frames";
      }
      return Headers();
    case kSettings:
      acknowledged_ = acknowledged_ || (head_[4] & kAck) != 0;
      return Empty();
    case kRstStream:
      if (stream > newest_then_.back() && !early_.Spend()) {
        return "too many streams taken back at once";
      }
      return Empty();
    case kPing:
      if ((head_[4] & kAck) == 0 && !pings_.Spend()) return "too many pings";
      return Empty();
    case kWindowUpdate:
      return window_updates_.Spend() ? nullptr : "too many updates of windows";
    case kData:
      if (payload_left_ >= kTinyData || (head_[4] & kEndStream) != 0) {
        return nullptr;
      }
      return Empty();
    default:
      return Empty();
  }
}

const char* Http2Guard::Headers() {
  if (block_bytes_ > limits_.max_header_block_bytes) {
    return "a header block too large";
  }
  if (!headers_.Spend(static_cast<double>(payload_left_))) {
    return "too many bytes of headers";
  }
  if (shared_ != nullptr && headers_.spent() > limits_.own_header_bytes &&
      !shared_->Spend(payload_left_, now_)) {
    return "too many bytes of headers on all connections together";
  }
  return nullptr;
}

const char* Http2Guard::Empty() {
  return empty_.Spend() ? nullptr : "too many frames without content";
}

}  // namespace leadgateway::server
