// Random draws without state: each is a function of the seed, of what it is
// for, and of a number. So call 17 meets the same fate in every run with the
// same seed, whatever else happened before it.
#ifndef SANDBOX_DRAW_H_
#define SANDBOX_DRAW_H_

#include <cstdint>

namespace leadgateway::sandbox {

enum class DrawFor : std::uint64_t {
  kLatency = 1,
  kSpike,
  kCountMoment,
  kOmission,
  kShuffle,
  kGarbage,
  kOtherUsers,
  kGeneratedLead,
  // Rule number k draws for kFirstRule + k.
  kFirstRule = 1000,
};

// The finishing step of splitmix64.
inline std::uint64_t MixBits(std::uint64_t bits) {
  bits += 0x9e3779b97f4a7c15U;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebU;
  return bits ^ (bits >> 31);
}

inline std::uint64_t DrawBits(std::uint64_t seed, DrawFor what,
                              std::uint64_t number, std::uint64_t part = 0) {
  return MixBits(
      MixBits(MixBits(MixBits(seed) ^ static_cast<std::uint64_t>(what)) ^
              number) ^
      part);
}

// In [0, 1).
inline double DrawUnit(std::uint64_t seed, DrawFor what, std::uint64_t number,
                       std::uint64_t part = 0) {
  return static_cast<double>(DrawBits(seed, what, number, part) >> 11) *
         0x1.0p-53;
}

}  // namespace leadgateway::sandbox

#endif  // SANDBOX_DRAW_H_
