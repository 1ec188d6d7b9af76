// Which call meets which behaviour, and its JSON form:
//   {"seed":1, "allowance":{...}, "always":{switches},
//    "rules":[{"when":{...}, "set":{switches}}]}
#ifndef SANDBOX_SCENARIO_H_
#define SANDBOX_SCENARIO_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sandbox/allowance.h"
#include "sandbox/behaviour.h"

namespace leadgateway::sandbox {

enum class Endpoint { kUpdate, kMetadata, kUser, kUnknown };
absl::string_view EndpointName(Endpoint endpoint);
absl::string_view FaultName(Fault fault);

// All conditions must hold; an absent one always does.
struct When {
  std::vector<std::uint64_t> calls;  // these call numbers (from 1)
  std::uint64_t from = 1;
  std::uint64_t to = UINT64_MAX;
  std::uint64_t every = 1;  // call numbers that it divides
  double probability = 1;
  std::uint64_t times = UINT64_MAX;  // at most so often
  std::vector<Endpoint> endpoints;
};

struct Rule {
  When when;
  std::vector<std::function<void(Behaviour&)>> set;
  std::uint64_t fired = 0;
  std::string json;  // as it was given, for reading back
};

class Scenario {
 public:
  std::uint64_t seed = 1;
  Allowance allowance;
  std::shared_ptr<const Behaviour> always = std::make_shared<Behaviour>();
  std::vector<Rule> rules;

  // The behaviour of one call; counts the rules' `times`. Later rules win.
  std::shared_ptr<const Behaviour> Pick(std::uint64_t call, Endpoint endpoint);

  // This scenario with the parts that `json` names in place of its own:
  // `always` and `allowance` switch by switch, `rules` as a whole. An unknown
  // name or a value out of range is InvalidArgument and changes nothing.
  absl::StatusOr<Scenario> With(absl::string_view json) const;

  std::string ToJson() const;
};

}  // namespace leadgateway::sandbox

#endif  // SANDBOX_SCENARIO_H_
