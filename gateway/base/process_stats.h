#ifndef LEADGATEWAY_GATEWAY_BASE_PROCESS_STATS_H_
#define LEADGATEWAY_GATEWAY_BASE_PROCESS_STATS_H_

#include <cstdint>

#include "absl/time/time.h"

namespace leadgateway {

// What this process uses, as the kernel tells. What can't be read is 0.
struct ProcessStats {
  absl::Duration cpu;  // of all threads, user and system
  int64_t resident_bytes = 0;
  int64_t virtual_bytes = 0;
  int open_fds = 0;
  int64_t max_fds = 0;  // the soft limit
  int threads = 0;
  absl::Time started = absl::UnixEpoch();
};

// Reads /proc: tens of microseconds, and more with many descriptors. Any
// thread.
ProcessStats ReadProcessStats();

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_BASE_PROCESS_STATS_H_
