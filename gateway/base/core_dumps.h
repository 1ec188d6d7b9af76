#ifndef LEADGATEWAY_GATEWAY_BASE_CORE_DUMPS_H_
#define LEADGATEWAY_GATEWAY_BASE_CORE_DUMPS_H_

#include "absl/status/status.h"

namespace leadgateway {

// Keeps this process's memory to itself, for good: no core file whatever the
// limit was, nothing piped to a crash handler, and no debugger, /proc/PID/mem
// or /proc/PID/environ for other processes of the same user. What the process
// reads of itself in /proc stays readable.
absl::Status ForbidCoreDumps();

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_BASE_CORE_DUMPS_H_
