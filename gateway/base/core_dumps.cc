#include "gateway/base/core_dumps.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>

#include "absl/status/status.h"

namespace leadgateway {

absl::Status ForbidCoreDumps() {
  // The limit alone does not keep the kernel from piping a core to a handler,
  // and the flag alone would not outlive an exec: both.
  const rlimit none = {.rlim_cur = 0, .rlim_max = 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0) {
    return absl::ErrnoToStatus(errno, "setrlimit(RLIMIT_CORE)");
  }
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return absl::ErrnoToStatus(errno, "prctl(PR_SET_DUMPABLE)");
  }
  return absl::OkStatus();
}

}  // namespace leadgateway
