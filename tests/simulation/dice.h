#ifndef LEADGATEWAY_TESTS_SIMULATION_DICE_H_
#define LEADGATEWAY_TESTS_SIMULATION_DICE_H_

#include <cstdint>
#include <random>

#include "absl/time/time.h"

namespace leadgateway::simulation {

// Draws that are the same everywhere for the same seed: std::mt19937_64 is
// specified to the bit, the distributions of the standard library are not.
class Dice {
 public:
  explicit Dice(uint64_t seed) : bits_(seed) {}

  // In [0, 1).
  double Unit() { return static_cast<double>(bits_() >> 11) * 0x1.0p-53; }
  bool Chance(double probability) { return Unit() < probability; }
  // In [0, sides).
  int Roll(int sides) {
    return static_cast<int>(bits_() % static_cast<uint64_t>(sides));
  }
  int Between(int least, int most) { return least + Roll(most - least + 1); }
  absl::Duration Between(absl::Duration least, absl::Duration most) {
    return least + absl::Microseconds(static_cast<int64_t>(
                       Unit() * static_cast<double>(
                                    absl::ToInt64Microseconds(most - least))));
  }
  std::mt19937_64& bits() { return bits_; }

 private:
  std::mt19937_64 bits_;
};

}  // namespace leadgateway::simulation

#endif  // LEADGATEWAY_TESTS_SIMULATION_DICE_H_
