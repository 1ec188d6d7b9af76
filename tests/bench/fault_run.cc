// The gateway under faults over real sockets, and the auditor over what both
// ends saw:
//
//   bazel run --config=opt //tests/bench:fault_run -- --seconds=60 --seed=1
//
// Prints what happened, and every violation. Exits with 1 if there was one, or
// if the account was throttled in earnest.

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/time/time.h"
#include "tests/bench/fault_session.h"
#include "tests/simulation/world_auditor.h"

ABSL_FLAG(int, seconds, 60, "How long to load the gateway.");
ABSL_FLAG(uint64_t, seed, 1, "Of requests, clients and faults.");
ABSL_FLAG(int, rpcs, 50, "RPCs under way at any time.");
ABSL_FLAG(double, trouble, 1, "How often faults happen; 0: none.");

namespace leadgateway::bench {
namespace {

void Print(const char* title, const std::map<std::string, int>& counts) {
  std::printf("%s\n", title);
  for (const auto& [name, count] : counts) {
    std::printf("  %8d  %s\n", count, name.c_str());
  }
}

int Run() {
  FaultOptions options;
  options.seed = absl::GetFlag(FLAGS_seed);
  options.load = absl::Seconds(absl::GetFlag(FLAGS_seconds));
  options.concurrent_rpcs = absl::GetFlag(FLAGS_rpcs);
  options.trouble = absl::GetFlag(FLAGS_trouble);
  const auto session = RunFaults(options);
  if (!session.ok()) {
    std::fprintf(stderr, "%s\n", session.status().ToString().c_str());
    return 1;
  }
  Print("RPCs, by what their clients did:", session->clients);
  Print("RPCs, by their end:", session->rpc_ends);
  Print("leads, by what they were told:", session->outcomes);
  Print("leads that were applied, by what they were told:", session->applied);
  Print("calls that met a fault:", session->faults);
  const sandbox::CallStats& stats = session->stats;
  std::printf(
      "%zu RPCs, %llu calls (%llu UpdateV2, %llu of them with leads that were "
      "read), %llu leads received, %llu applied; keys changed %d times, %llu "
      "calls with wrong keys\n",
      session->log.rpcs.size(), static_cast<unsigned long long>(stats.calls),
      static_cast<unsigned long long>(stats.posts_arrived),
      static_cast<unsigned long long>(stats.updates_received),
      static_cast<unsigned long long>(stats.leads_received),
      static_cast<unsigned long long>(stats.leads_applied),
      session->key_rotations,
      static_cast<unsigned long long>(stats.unauthorized));
  std::printf(
      "in the fullest window: %d of %d calls; throttles in earnest: "
      "%llu\n",
      stats.max_calls_in_window, session->log.accounts[0].limit_calls,
      static_cast<unsigned long long>(stats.throttled));
  const std::vector<simulation::Violation> violations =
      simulation::Audit(session->log);
  for (const simulation::Violation& violation : violations) {
    std::printf("%s\n", violation.text.c_str());
  }
  std::printf("violations: %zu\n", violations.size());
  return violations.empty() && stats.throttled == 0 ? 0 : 1;
}

}  // namespace
}  // namespace leadgateway::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Audits the gateway under faults.");
  absl::ParseCommandLine(argc, argv);
  return leadgateway::bench::Run();
}
