#ifndef LEADGATEWAY_GATEWAY_BASE_MEMORY_TRIMMER_H_
#define LEADGATEWAY_GATEWAY_BASE_MEMORY_TRIMMER_H_

#include <thread>

#include "absl/time/time.h"
#include "gateway/base/signal.h"

namespace leadgateway {

// Gives memory that is free back to the system while it exists. The C library
// keeps what was freed below something that is still in use: after an hour with
// a full queue, a process stays as large as it was then.
class MemoryTrimmer {
 public:
  // It looks every `interval`, on a thread of its own, and acts while the
  // process is larger than it was at its least: at once when it has grown, and
  // ever less often as long as nothing comes back.
  explicit MemoryTrimmer(absl::Duration interval = absl::Seconds(5));
  ~MemoryTrimmer();
  MemoryTrimmer(const MemoryTrimmer&) = delete;
  MemoryTrimmer& operator=(const MemoryTrimmer&) = delete;

 private:
  void Run(absl::Duration interval);

  Signal stop_;
  std::thread thread_;
};

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_BASE_MEMORY_TRIMMER_H_
