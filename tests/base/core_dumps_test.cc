#include "gateway/base/core_dumps.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <utility>

#include "absl/status/status.h"
#include "gateway/base/process_stats.h"
#include "gtest/gtest.h"

namespace leadgateway {
namespace {

std::pair<rlim_t, rlim_t> CoreLimits() {
  rlimit limit{};
  getrlimit(RLIMIT_CORE, &limit);
  return {limit.rlim_cur, limit.rlim_max};
}

TEST(CoreDumpsTest, AreForbiddenForGoodAndTheProcessStillReadsItsOwnFigures) {
  ASSERT_EQ(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1);
  EXPECT_EQ(ForbidCoreDumps(), absl::OkStatus());
  EXPECT_EQ(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
  EXPECT_EQ(CoreLimits(), std::make_pair(rlim_t{0}, rlim_t{0}));
  EXPECT_EQ(ForbidCoreDumps(), absl::OkStatus());

  const ProcessStats stats = ReadProcessStats();
  EXPECT_GT(stats.resident_bytes, 0);
  EXPECT_GT(stats.open_fds, 0);
  EXPECT_GT(stats.max_fds, 0);
  EXPECT_GT(stats.threads, 0);
}

}  // namespace
}  // namespace leadgateway
