#include "tests/bench/fault_session.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/simulation/world_auditor.h"

namespace leadgateway::bench {
namespace {

TEST(FaultSessionTest, EveryResultIsTrueOverRealSockets) {
  FaultOptions options;
  options.load = absl::Seconds(8);
  // Few calls are made in so short a time.
  options.trouble = 2;
  auto session = RunFaults(options);
  ASSERT_TRUE(session.ok()) << session.status();
  std::string text;
  for (const simulation::Violation& violation :
       simulation::Audit(session->log)) {
    absl::StrAppend(&text, violation.text, "\n");
  }
  EXPECT_EQ(text, "") << "again: bazel run //tests/bench:fault_run -- "
                         "--seconds=8 --trouble=2";
  EXPECT_EQ(session->stats.throttled, 0);
  EXPECT_LE(session->stats.max_calls_in_window,
            session->log.accounts[0].limit_calls);
  // A run in which nothing happens would prove nothing.
  int faults = 0;
  for (const auto& [name, count] : session->faults) faults += count;
  EXPECT_GT(faults, 5);
  EXPECT_GT(session->applied["UPDATED"], 200);
  EXPECT_EQ(session->key_rotations, 2);
  EXPECT_GT(session->rpc_ends["OK"], 10);
}

}  // namespace
}  // namespace leadgateway::bench
