#include "gateway/base/memory_trimmer.h"

#include <malloc.h>
#include <pthread.h>

#include <algorithm>
#include <cstdint>
#include <thread>

#include "absl/time/time.h"
#include "gateway/base/process_stats.h"

namespace leadgateway {
namespace {

// Less is not worth the time that it takes, some 10 ms for 100 MB, in which
// allocations wait.
constexpr int64_t kGrowth = int64_t{16} << 20;
// As long as trimming brings nothing, it is done after 1, 2, 4, ... looks.
constexpr int kMostLooks = 64;

}  // namespace

MemoryTrimmer::MemoryTrimmer(absl::Duration interval)
    : thread_([this, interval] { Run(interval); }) {}

MemoryTrimmer::~MemoryTrimmer() {
  stop_.Set();
  thread_.join();
}

void MemoryTrimmer::Run(absl::Duration interval) {
  pthread_setname_np(pthread_self(), "memory");
  int64_t idle = ReadProcessStats().resident_bytes;
  int64_t last = idle;  // after it was trimmed
  int looks = 0;        // since then
  int pause = 1;        // looks until it is trimmed again
  while (!stop_.WaitFor(interval)) {
    const int64_t before = ReadProcessStats().resident_bytes;
    idle = std::min(idle, before);
    last = std::min(last, before);
    if (before < idle + kGrowth) {
      pause = 1;
      looks = 0;
      continue;
    }
    // What was in use the last time may be free by now, and does not tell.
    if (before >= last + kGrowth) pause = 1;
    if (++looks < pause) continue;
    malloc_trim(0);
    looks = 0;
    last = ReadProcessStats().resident_bytes;
    pause = before - last >= kGrowth ? 1 : std::min(2 * pause, kMostLooks);
  }
}

}  // namespace leadgateway
