// The simulated world against a gateway with one deliberate bug: the auditor
// must catch it. Each of these binaries has one source of the gateway in a
// changed copy (mutants/*.sed), linked in place of the true one.

#include <cstdint>
#include <iostream>
#include <set>
#include <string>

#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/simulation/world.h"
#include "tests/simulation/world_auditor.h"

namespace leadgateway::simulation {
namespace {

// Seeds within which it has to be caught, and what it has to break.
constexpr uint64_t kSeeds = 40;

TEST(Mutant, IsCaught) {
  std::set<std::string> missing = absl::StrSplit(MUTANT_BREAKS, ',');
  std::set<std::string> broken;
  for (uint64_t seed = 1; seed <= kSeeds && !missing.empty(); ++seed) {
    WorldOptions options;
    options.seed = seed;
    options.leads = 200;
    for (const Violation& violation : Audit(RunWorld(options))) {
      if (missing.erase(violation.invariant) > 0) {
        std::cout << violation.text << "\n";
      }
      broken.insert(violation.invariant);
    }
  }
  for (const std::string& invariant : broken) {
    std::cout << "broken: " << invariant << "\n";
  }
  EXPECT_TRUE(missing.empty()) << *missing.begin() << " still holds";
}

}  // namespace
}  // namespace leadgateway::simulation
