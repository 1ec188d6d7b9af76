#ifndef LEADGATEWAY_GATEWAY_BASE_TRACE_H_
#define LEADGATEWAY_GATEWAY_BASE_TRACE_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/random/bit_gen_ref.h"
#include "absl/strings/string_view.h"

namespace leadgateway {

// Where something stands in a trace, as W3C Trace Context has it: the trace, a
// span of it, and whether the trace is recorded. All zero: in none.
struct TraceContext {
  std::array<uint8_t, 16> trace_id = {};
  std::array<uint8_t, 8> span_id = {};
  bool sampled = false;

  bool valid() const { return trace_id != std::array<uint8_t, 16>{}; }
  // 32 and 16 digits of lower-case hex.
  std::string TraceIdText() const;
  std::string SpanIdText() const;
};

// What a traceparent header says; not valid() where it breaks the rules of W3C
// Trace Context: then it is as if there were none.
TraceContext ParseTraceparent(absl::string_view header);

// A new span below `parent` with a new id; where that is not valid, the first
// span of a new trace, which is not sampled.
TraceContext NewSpan(const TraceContext& parent, absl::BitGenRef random);

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_BASE_TRACE_H_
