// The promises of results, in simulated worlds. world_run does the same for as
// many seeds as one likes, and repeats one.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/simulation/world.h"
#include "tests/simulation/world_auditor.h"
#include "tests/simulation/world_log.h"

namespace leadgateway::simulation {
namespace {

#ifdef LEADGATEWAY_SANITIZED
constexpr uint64_t kBlocks = 1;
constexpr uint64_t kSeeds = 60;
constexpr size_t kEveryByte = 29;
#else
constexpr uint64_t kBlocks = 4;
constexpr uint64_t kSeeds = 600;
constexpr size_t kEveryByte = 3;
#endif
constexpr int kLeads = 200;

WorldOptions OptionsOf(uint64_t seed, int leads) {
  WorldOptions options;
  options.seed = seed;
  options.leads = leads;
  return options;
}

std::string TextOf(const std::vector<Violation>& violations) {
  std::string text;
  for (const Violation& violation : violations) {
    absl::StrAppend(&text, violation.text, "\n");
  }
  return text;
}

// In blocks of seeds, which may be run beside each other.
class Worlds : public ::testing::TestWithParam<uint64_t> {};

INSTANTIATE_TEST_SUITE_P(Blocks, Worlds,
                         ::testing::Range<uint64_t>(0, kBlocks));

TEST_P(Worlds, EveryResultIsTrueInAnyWeather) {
  std::map<std::string, int> told;
  uint64_t calls = 0;
  const uint64_t first = GetParam() * kSeeds + 1;
  for (uint64_t seed = first; seed < first + kSeeds; ++seed) {
    const WorldLog log = RunWorld(OptionsOf(seed, kLeads));
    const std::vector<Violation> violations = Audit(log);
    ASSERT_TRUE(violations.empty())
        << TextOf(violations)
        << "again: bazel run //tests/simulation:world_run -- --seed=" << seed
        << " --leads=" << kLeads;
    calls += log.calls.size();
    for (const WorldLog::Account& account : log.accounts) {
      told["keys exchanged"] += static_cast<int>(account.rotations.size());
    }
    for (const CallFact& call : log.calls) {
      if (call.what == "401 for its keys") ++told["calls with old keys"];
      const auto& rotations =
          log.accounts[static_cast<size_t>(call.account)].rotations;
      if (!rotations.empty() && call.read && *call.handed > rotations.back()) {
        ++told["calls with new keys"];
      }
      if (log.keeps_state && call.generation > 0 && call.read) {
        ++told["calls after a restart"];
      }
      if (call.account > 0 && call.read) ++told["calls of a second account"];
      if (call.ended && call.counted && *call.counted > *call.ended) {
        ++told["calls counted after their end"];
      }
    }
    for (const RpcFact& rpc : log.rpcs) {
      ++told[absl::StrCat("RPC ", rpc.code, " ", rpc.reason)];
      for (const ResultFact& result : rpc.results) {
        ++told[absl::StrCat(result.outcome, " ", result.reason)];
      }
    }
  }
  // Worlds in which nothing happens would prove nothing.
  EXPECT_GT(calls, kSeeds * 5);
#ifndef LEADGATEWAY_SANITIZED  // so few seeds may miss the rarest
  for (const char* const outcome : {"UPDATED ",
                                    "FAILED LEAD_NOT_FOUND_OR_FORBIDDEN",
                                    "FAILED REJECTED_BY_LEADSQUARED",
                                    "FAILED CALL_REFUSED",
                                    "UNPROCESSED LEAD_NOT_FOUND_OR_FORBIDDEN",
                                    "INVALID FIELD_REPEATED",
                                    "NOT_SENT DEADLINE",
                                    "NOT_SENT THROTTLED",
                                    "NOT_SENT UPSTREAM_UNAVAILABLE",
                                    "NOT_SENT UPSTREAM_CREDENTIALS_REJECTED",
                                    "NOT_SENT DRAINING",
                                    "NOT_SENT DAILY_BUDGET_SPENT",
                                    "UNKNOWN NO_ANSWER",
                                    "UNKNOWN ANSWER_INCOMPLETE",
                                    "UNKNOWN ANSWER_UNREADABLE",
                                    "RPC UNAVAILABLE DRAINING",
                                    "RPC RESOURCE_EXHAUSTED DEADLINE_TOO_SHORT",
                                    "RPC DEADLINE_EXCEEDED DEADLINE",
                                    "keys exchanged",
                                    "calls with old keys",
                                    "calls with new keys",
                                    "calls after a restart",
                                    "calls of a second account",
                                    "calls counted after their end"}) {
    EXPECT_GT(told[outcome], 0) << outcome;
  }
#endif
}

TEST(World, AnAnswerMayBreakOffAtAnyByte) {
  for (const bool unnoticed : {false, true}) {
    for (size_t byte = 0;; byte += kEveryByte) {
      ASSERT_LT(byte, 5000) << "no answer is as long as that";
      WorldOptions options = OptionsOf(7, 12);
      options.cut_first_answer_at = byte;
      options.cut_unnoticed = unnoticed;
      const WorldLog log = RunWorld(options);
      const std::vector<Violation> violations = Audit(log);
      ASSERT_TRUE(violations.empty())
          << "cut at byte " << byte << ": " << TextOf(violations);
      bool cut = false;
      for (const CallFact& call : log.calls) {
        cut |= absl::StrContains(call.what, "cut short");
      }
      if (cut) continue;
      EXPECT_GT(byte, 100) << "the answer is too short to prove anything";
      break;
    }
  }
}

TEST(World, ASeedRepeatsExactly) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const WorldLog once = RunWorld(OptionsOf(seed, kLeads));
    const WorldLog again = RunWorld(OptionsOf(seed, kLeads));
    EXPECT_EQ(once.digest, again.digest) << "seed " << seed;
    EXPECT_NE(once.digest, RunWorld(OptionsOf(seed + 1, kLeads)).digest);
  }
}

}  // namespace
}  // namespace leadgateway::simulation
