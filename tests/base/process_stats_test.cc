#include "gateway/base/process_stats.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace leadgateway {
namespace {

TEST(ProcessStats, TellWhatThisProcessUses) {
  const ProcessStats stats = ReadProcessStats();
  EXPECT_GT(stats.cpu, absl::ZeroDuration());
  EXPECT_GT(stats.resident_bytes, 1 << 20);
  EXPECT_GT(stats.virtual_bytes, stats.resident_bytes);
  EXPECT_GE(stats.threads, 1);
  EXPECT_GE(stats.max_fds, stats.open_fds);
  // The kernel counts in hundredths of a second from a boot time in seconds.
  EXPECT_LT(stats.started, absl::Now() + absl::Seconds(2));
  EXPECT_GT(stats.started, absl::Now() - absl::Hours(1));
}

TEST(ProcessStats, FollowWhatChanges) {
  const ProcessStats before = ReadProcessStats();
  const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  std::string much(size_t{64} << 20, 'x');
  EXPECT_EQ(ReadProcessStats().open_fds, before.open_fds + 1);
  EXPECT_GT(ReadProcessStats().virtual_bytes, before.virtual_bytes);
  EXPECT_GE(ReadProcessStats().cpu, before.cpu);
  close(fd);
  EXPECT_EQ(ReadProcessStats().open_fds, before.open_fds);
  EXPECT_EQ(much.back(), 'x');
}

}  // namespace
}  // namespace leadgateway
