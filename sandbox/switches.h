// The names of the switches in JSON, one table for reading and writing.
#ifndef SANDBOX_SWITCHES_H_
#define SANDBOX_SWITCHES_H_

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sandbox/allowance.h"
#include "sandbox/behaviour.h"

namespace leadgateway::sandbox {

using JsonWriter = rapidjson::Writer<rapidjson::StringBuffer>;

template <typename Target>
struct Switch {
  absl::string_view name;
  // What the value does to a target, or why it cannot be taken.
  std::function<absl::StatusOr<std::function<void(Target&)>>(
      const rapidjson::Value&)>
      parse;
  std::function<void(const Target&, JsonWriter&)> write;
};

const std::vector<Switch<Behaviour>>& BehaviourSwitches();
const std::vector<Switch<Allowance>>& AllowanceSwitches();

// The name of a fault in JSON ("none", "throttle_429", ...).
absl::string_view FaultSwitchName(Fault fault);

}  // namespace leadgateway::sandbox

#endif  // SANDBOX_SWITCHES_H_
