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

}  // namespace

MemoryTrimmer::MemoryTrimmer(absl::Duration interval)
    : thread_([this, interval] { Run(interval); }) {}

MemoryTrimmer::~MemoryTrimmer() {
  stop_.Set();
  thread_.join();
}

void MemoryTrimmer::Run(absl::Duration interval) {
  pthread_setname_np(pthread_self(), "memory");
  int64_t least = ReadProcessStats().resident_bytes;
  while (!stop_.WaitFor(interval)) {
    const int64_t resident = ReadProcessStats().resident_bytes;
    least = std::min(least, resident);
    if (resident < least + kGrowth) continue;
    malloc_trim(0);
    // What is left is in use, or can't be given back.
    least = ReadProcessStats().resident_bytes;
  }
}

}  // namespace leadgateway
