#include "gateway/base/memory_trimmer.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/base/process_stats.h"
#include "gtest/gtest.h"

namespace leadgateway {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
// Small enough that the C library does not map each on its own.
constexpr size_t kBlock = 32 << 10;

using Blocks = std::vector<std::unique_ptr<char[]>>;

Blocks Fill(int64_t bytes) {
  Blocks blocks;
  for (int64_t i = 0; i < bytes; i += kBlock) {
    blocks.push_back(std::make_unique<char[]>(kBlock));
    std::memset(blocks.back().get(), 1, kBlock);
  }
  return blocks;
}

int64_t Resident() { return ReadProcessStats().resident_bytes; }

bool EventuallyBelow(int64_t bytes) {
  const absl::Time until = absl::Now() + absl::Seconds(30);
  while (Resident() >= bytes) {
    if (absl::Now() > until) return false;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return true;
}

TEST(MemoryTrimmerTest, WhatIsFreedAfterTheFirstTrimComesBackToo) {
#ifdef LEADGATEWAY_SANITIZED
  GTEST_SKIP() << "A sanitizer keeps what was freed.";
#endif
  const int64_t before = Resident();
  MemoryTrimmer trimmer(absl::Milliseconds(5));
  Blocks blocks = Fill(128 * kMiB);
  ASSERT_GE(Resident(), before + 128 * kMiB);
  // Above all else: the C library itself gives back only what is at the end.
  const Blocks last = Fill(kMiB);
  // It has looked at the peak by then, and found nothing to give back. Twice
  // that, and more turns are left out in between.
  absl::SleepFor(absl::Milliseconds(100));
  for (size_t i = 0; i < blocks.size(); i += 2) blocks[i] = nullptr;
  EXPECT_TRUE(EventuallyBelow(before + 80 * kMiB)) << Resident() - before;
  absl::SleepFor(absl::Milliseconds(100));
  blocks.clear();
  EXPECT_TRUE(EventuallyBelow(before + 16 * kMiB)) << Resident() - before;
}

}  // namespace
}  // namespace leadgateway
