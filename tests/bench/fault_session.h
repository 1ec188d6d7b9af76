#ifndef LEADGATEWAY_TESTS_BENCH_FAULT_SESSION_H_
#define LEADGATEWAY_TESTS_BENCH_FAULT_SESSION_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "sandbox/call_record.h"
#include "tests/simulation/world_log.h"

// The gateway under faults, in real time and over real sockets: gRPC's client,
// the gateway, libcurl, and the sandbox as LeadSquared, all in this process.
namespace leadgateway::bench {

struct FaultOptions {
  uint64_t seed = 1;
  absl::Duration load = absl::Seconds(60);
  // RPCs under way at any time.
  int concurrent_rpcs = 50;
  // How the faults are spread; 0: none.
  double trouble = 1;
};

struct FaultSession {
  // What both ends saw, for the auditor of the simulated worlds.
  simulation::WorldLog log;
  sandbox::CallStats stats;
  std::map<std::string, int> faults;    // calls that met one, by its name
  std::map<std::string, int> clients;   // RPCs, by what their clients did
  std::map<std::string, int> rpc_ends;  // by code and reason
  std::map<std::string, int> outcomes;  // leads, by outcome and reason
  std::map<std::string, int> applied;   // leads that were applied, by outcome
  int key_rotations = 0;
};

// Loads a gateway for that time and then drains it, with requests under way.
// Requests are of 1 to 200 leads, by four search keys, for a few people, so
// that many are for the same; a part of the leads doesn't exist, must not be
// sent, or is refused with its whole call. Clients cancel, have deadlines, stop
// reading for a while. The account's keys change meanwhile. Faults are drawn by
// seed and call number: throttles, errors, pages, resets and closed connections
// at every stage, answers that are cut, wrong or missing, and all the ways in
// which an answer may name leads.
absl::StatusOr<FaultSession> RunFaults(const FaultOptions& options);

}  // namespace leadgateway::bench

#endif  // LEADGATEWAY_TESTS_BENCH_FAULT_SESSION_H_
