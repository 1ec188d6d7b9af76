#ifndef LEADGATEWAY_TESTS_SIMULATION_WORLD_H_
#define LEADGATEWAY_TESTS_SIMULATION_WORLD_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "tests/simulation/world_log.h"

namespace leadgateway::simulation {

struct WorldOptions {
  uint64_t seed = 1;
  int leads = 1000;  // of all requests together, about
  // No trouble but this: the answer to the first update is cut at this byte,
  // by a broken connection or (a proxy's doing) unnoticed.
  std::optional<size_t> cut_first_answer_at;
  bool cut_unnoticed = false;
};

// Lives through one world: clients with requests, cancels, deadlines and slow
// readers; the gateway, from the intake of a request to the HTTP requests that
// it makes, in the objects that run in production (an Engine and what it owns,
// with its loop, clock and randomness exchanged); the network; LeadSquared. All
// in virtual time on the calling thread: what a seed does, it does again.
WorldLog RunWorld(const WorldOptions& options);

}  // namespace leadgateway::simulation

#endif  // LEADGATEWAY_TESTS_SIMULATION_WORLD_H_
