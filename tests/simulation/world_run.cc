// Lives through simulated worlds and audits each:
//
//   bazel run --config=opt //tests/simulation:world_run -- --seeds=10000
//
// Prints every violation with its seed; `--seed=N` repeats one world exactly.
// Exits with 1 if there was a violation. `--stop_after` bounds the seeds that
// violate something before it gives up.

#include <cstdint>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/simulation/world.h"
#include "tests/simulation/world_auditor.h"
#include "tests/simulation/world_log.h"

ABSL_FLAG(uint64_t, seed, 0, "the one seed to run; 0: many");
ABSL_FLAG(uint64_t, first_seed, 1, "the first of many");
ABSL_FLAG(uint64_t, seeds, 1000, "how many");
ABSL_FLAG(int, leads, 1000, "leads in each world");
ABSL_FLAG(int, stop_after, 5, "seeds with violations before it stops");
ABSL_FLAG(std::string, ignore, "",
          "an invariant whose violations to pass over");

int main(int argc, char** argv) {
  using namespace leadgateway::simulation;  // NOLINT
  absl::ParseCommandLine(argc, argv);
  const uint64_t one = absl::GetFlag(FLAGS_seed);
  const uint64_t first = one != 0 ? one : absl::GetFlag(FLAGS_first_seed);
  const uint64_t seeds = one != 0 ? 1 : absl::GetFlag(FLAGS_seeds);
  const absl::Time started = absl::Now();
  uint64_t ran = 0, leads = 0, rpcs = 0, calls = 0, writes = 0;
  uint64_t late = 0, left_behind = 0;
  std::map<std::string, uint64_t> outcomes;
  std::map<std::string, uint64_t> broken;
  int violating = 0;
  absl::Duration lived;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    WorldOptions options;
    options.seed = seed;
    options.leads = absl::GetFlag(FLAGS_leads);
    const WorldLog log = RunWorld(options);
    std::vector<Violation> violations = Audit(log);
    std::erase_if(violations, [](const Violation& violation) {
      return violation.invariant == absl::GetFlag(FLAGS_ignore);
    });
    ++ran;
    rpcs += log.rpcs.size();
    calls += log.calls.size();
    writes += log.writes.size();
    lived += log.lasted;
    for (const CallFact& call : log.calls) {
      if (call.copy || !call.counted) continue;
      const auto next = static_cast<size_t>(call.generation) + 1;
      if (call.ended) {
        late += *call.counted > *call.ended;
      } else if (log.keeps_state && next < log.lives.size()) {
        left_behind += *call.counted > log.lives[next];
      }
    }
    for (const RpcFact& rpc : log.rpcs) {
      leads += rpc.leads.size();
      for (const ResultFact& result : rpc.results) {
        ++outcomes[result.reason.empty()
                       ? result.outcome
                       : absl::StrCat(result.outcome, " ", result.reason)];
      }
      if (rpc.end == RpcFact::End::kError) {
        outcomes[absl::StrCat("(RPC ", rpc.code, " ", rpc.reason, ")")] +=
            rpc.leads.size();
      } else if (rpc.end == RpcFact::End::kCancelled) {
        outcomes["(RPC cancelled)"] += rpc.leads.size();
      } else if (rpc.end == RpcFact::End::kCrashed) {
        outcomes["(RPC cut off by a crash)"] += rpc.leads.size();
      }
    }
    std::set<std::string> printed;  // one of each kind is enough
    for (const Violation& violation : violations) {
      ++broken[violation.invariant];
      if (!printed.insert(violation.invariant).second) continue;
      std::printf("%s\n", violation.text.c_str());
    }
    if (one != 0) std::printf("digest %016lx\n", log.digest);
    if (!violations.empty() && ++violating >= absl::GetFlag(FLAGS_stop_after)) {
      break;
    }
    if (ran % 1000 == 0) {
      std::printf("%lu seeds, %lu leads, %d with violations\n", ran, leads,
                  violating);
      std::fflush(stdout);
    }
  }
  std::printf("what leads were told:\n");
  for (const auto& [outcome, count] : outcomes) {
    std::printf("  %10lu  %s\n", count, outcome.c_str());
  }
  for (const auto& [invariant, count] : broken) {
    std::printf("broken: %s, %lu times\n", invariant.c_str(), count);
  }
  std::printf(
      "%lu calls were counted after their end, and %lu of a killed gateway's "
      "after its successor had begun\n",
      late, left_behind);
  std::printf(
      "%lu seeds, %lu RPCs, %lu leads, %lu calls, %lu updates applied, %s of "
      "virtual time in %s: %d seeds with violations\n",
      ran, rpcs, leads, calls, writes,
      absl::FormatDuration(absl::Trunc(lived, absl::Seconds(1))).c_str(),
      absl::FormatDuration(
          absl::Trunc(absl::Now() - started, absl::Milliseconds(100)))
          .c_str(),
      violating);
  return violating == 0 ? 0 : 1;
}
