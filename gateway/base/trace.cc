#include "gateway/base/trace.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/random/bit_gen_ref.h"
#include "absl/random/random.h"
#include "absl/strings/string_view.h"

namespace leadgateway {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

template <size_t kBytes>
std::string ToHex(const std::array<uint8_t, kBytes>& bytes) {
  std::string text;
  text.reserve(2 * kBytes);
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

// The value of a lower-case digit; the standard takes no others. 16: it is
// none.
unsigned DigitValue(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  return 16;
}

// Whether `text` is the hex of as many bytes as `bytes` has, not all zero.
template <size_t kBytes>
bool FromHex(absl::string_view text, std::array<uint8_t, kBytes>& bytes) {
  for (size_t i = 0; i < kBytes; ++i) {
    const unsigned high = DigitValue(text[2 * i]);
    const unsigned low = DigitValue(text[2 * i + 1]);
    if (high > 15 || low > 15) return false;
    bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return bytes != std::array<uint8_t, kBytes>{};
}

template <size_t kBytes>
void Fill(std::array<uint8_t, kBytes>& bytes, absl::BitGenRef random) {
  do {
    for (uint8_t& byte : bytes) byte = absl::Uniform<uint8_t>(random);
  } while (bytes == std::array<uint8_t, kBytes>{});
}

}  // namespace

std::string TraceContext::TraceIdText() const { return ToHex(trace_id); }
std::string TraceContext::SpanIdText() const { return ToHex(span_id); }

TraceContext ParseTraceparent(absl::string_view header) {
  // version "-" trace-id "-" parent-id "-" flags; later versions may add more,
  // after another "-".
  constexpr size_t kLength = 55;
  const bool shaped = header.size() >= kLength && header[2] == '-' &&
                      header[35] == '-' && header[52] == '-';
  if (!shaped) return {};
  const unsigned high = DigitValue(header[0]);
  const unsigned low = DigitValue(header[1]);
  const unsigned flags_high = DigitValue(header[53]);
  const unsigned flags_low = DigitValue(header[54]);
  if (high > 15 || low > 15 || flags_high > 15 || flags_low > 15) return {};
  const unsigned version = high << 4 | low;
  if (version == 0xff) return {};
  if (header.size() > kLength && (version == 0 || header[kLength] != '-')) {
    return {};
  }
  TraceContext context;
  if (!FromHex(header.substr(3, 32), context.trace_id) ||
      !FromHex(header.substr(36, 16), context.span_id)) {
    return {};
  }
  context.sampled = (flags_low & 1) != 0;
  return context;
}

TraceContext NewSpan(const TraceContext& parent, absl::BitGenRef random) {
  TraceContext span = parent;
  if (!span.valid()) {
    Fill(span.trace_id, random);
    span.sampled = false;
  }
  Fill(span.span_id, random);
  return span;
}

}  // namespace leadgateway
