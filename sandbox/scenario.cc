#include "sandbox/scenario.h"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "sandbox/draw.h"
#include "sandbox/switches.h"

namespace leadgateway::sandbox {
namespace {

using rapidjson::Value;

constexpr Endpoint kEndpoints[] = {Endpoint::kUpdate, Endpoint::kMetadata,
                                   Endpoint::kUser, Endpoint::kUnknown};

absl::string_view NameOf(const Value::Member& member) {
  return {member.name.GetString(), member.name.GetStringLength()};
}

absl::Status Unknown(absl::string_view name) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", name, "' is not a known switch"));
}

template <typename Target>
absl::StatusOr<std::vector<std::function<void(Target&)>>> ReadSwitches(
    const std::vector<Switch<Target>>& table, const Value& object) {
  if (!object.IsObject()) {
    return absl::InvalidArgumentError("Switches must be a JSON object");
  }
  std::vector<std::function<void(Target&)>> setters;
  for (const auto& member : object.GetObject()) {
    auto it = std::find_if(table.begin(), table.end(), [&](const auto& s) {
      return s.name == NameOf(member);
    });
    if (it == table.end()) return Unknown(NameOf(member));
    auto setter = it->parse(member.value);
    if (!setter.ok()) return setter.status();
    setters.push_back(*std::move(setter));
  }
  return setters;
}

absl::Status ReadWhen(const Value& object, When& when) {
  if (!object.IsObject()) {
    return absl::InvalidArgumentError("'when' must be a JSON object");
  }
  for (const auto& member : object.GetObject()) {
    const absl::string_view name = NameOf(member);
    const Value& value = member.value;
    std::uint64_t* number = name == "from"    ? &when.from
                            : name == "to"    ? &when.to
                            : name == "every" ? &when.every
                            : name == "times" ? &when.times
                                              : nullptr;
    if (number != nullptr) {
      if (!value.IsUint64() || (name != "times" && value.GetUint64() == 0)) {
        return absl::InvalidArgumentError(
            absl::StrCat("'", name, "' must be a whole number above 0"));
      }
      *number = value.GetUint64();
    } else if (name == "probability") {
      if (!value.IsNumber() || !(value.GetDouble() >= 0) ||
          value.GetDouble() > 1) {
        return absl::InvalidArgumentError(
            "'probability' must be a number from 0 to 1");
      }
      when.probability = value.GetDouble();
    } else if (name == "calls" || name == "endpoints") {
      if (!value.IsArray()) {
        return absl::InvalidArgumentError(
            absl::StrCat("'", name, "' must be a list"));
      }
      for (const Value& entry : value.GetArray()) {
        if (name == "calls" && entry.IsUint64()) {
          when.calls.push_back(entry.GetUint64());
          continue;
        }
        auto endpoint = std::find_if(
            std::begin(kEndpoints), std::end(kEndpoints), [&](Endpoint e) {
              return name == "endpoints" && entry.IsString() &&
                     EndpointName(e) == entry.GetString();
            });
        if (endpoint == std::end(kEndpoints)) {
          return absl::InvalidArgumentError(absl::StrCat(
              "'", name, "' must hold ",
              name == "calls" ? "call numbers"
                              : "update, metadata, user or unknown"));
        }
        when.endpoints.push_back(*endpoint);
      }
      // An empty list matches no call: it is a mistake, not "all calls".
      if (value.Empty()) {
        return absl::InvalidArgumentError(
            absl::StrCat("'", name, "' must not be empty"));
      }
    } else {
      return Unknown(name);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Rule> ReadRule(const Value& object) {
  if (!object.IsObject()) {
    return absl::InvalidArgumentError("A rule must be a JSON object");
  }
  Rule rule;
  for (const auto& member : object.GetObject()) {
    if (NameOf(member) == "when") {
      absl::Status status = ReadWhen(member.value, rule.when);
      if (!status.ok()) return status;
    } else if (NameOf(member) == "set") {
      auto set = ReadSwitches(BehaviourSwitches(), member.value);
      if (!set.ok()) return set.status();
      rule.set = *std::move(set);
    } else {
      return Unknown(NameOf(member));
    }
  }
  if (rule.set.empty()) {
    return absl::InvalidArgumentError("A rule needs a 'set' with switches");
  }
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  object.Accept(writer);
  rule.json.assign(buffer.GetString(), buffer.GetSize());
  return rule;
}

}  // namespace

absl::string_view EndpointName(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::kUpdate:
      return "update";
    case Endpoint::kMetadata:
      return "metadata";
    case Endpoint::kUser:
      return "user";
    case Endpoint::kUnknown:
      break;
  }
  return "unknown";
}

absl::string_view FaultName(Fault fault) { return FaultSwitchName(fault); }

std::shared_ptr<const Behaviour> Scenario::Pick(std::uint64_t call,
                                                Endpoint endpoint) {
  std::shared_ptr<Behaviour> changed;
  for (size_t i = 0; i < rules.size(); ++i) {
    Rule& rule = rules[i];
    const When& when = rule.when;
    if (rule.fired >= when.times || call < when.from || call > when.to ||
        call % when.every != 0) {
      continue;
    }
    if (!when.calls.empty() && std::find(when.calls.begin(), when.calls.end(),
                                         call) == when.calls.end()) {
      continue;
    }
    if (!when.endpoints.empty() &&
        std::find(when.endpoints.begin(), when.endpoints.end(), endpoint) ==
            when.endpoints.end()) {
      continue;
    }
    const auto draw = static_cast<DrawFor>(
        static_cast<std::uint64_t>(DrawFor::kFirstRule) + i);
    if (when.probability < 1 && DrawUnit(seed, draw, call) >= when.probability)
      continue;
    ++rule.fired;
    if (changed == nullptr) changed = std::make_shared<Behaviour>(*always);
    for (const auto& set : rule.set) set(*changed);
  }
  return changed == nullptr ? always : changed;
}

absl::StatusOr<Scenario> Scenario::With(absl::string_view json) const {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag |
                 rapidjson::kParseValidateEncodingFlag>(json.data(),
                                                        json.size());
  if (document.HasParseError() || !document.IsObject()) {
    return absl::InvalidArgumentError("Faults must be one JSON object");
  }
  Scenario next = *this;
  for (const auto& member : std::as_const(document).GetObject()) {
    const absl::string_view name = NameOf(member);
    if (name == "seed") {
      if (!member.value.IsUint64()) {
        return absl::InvalidArgumentError("'seed' must be a whole number");
      }
      next.seed = member.value.GetUint64();
    } else if (name == "allowance") {
      auto set = ReadSwitches(AllowanceSwitches(), member.value);
      if (!set.ok()) return set.status();
      for (const auto& setter : *set) setter(next.allowance);
    } else if (name == "always") {
      auto set = ReadSwitches(BehaviourSwitches(), member.value);
      if (!set.ok()) return set.status();
      auto behaviour = std::make_shared<Behaviour>(*next.always);
      for (const auto& setter : *set) setter(*behaviour);
      next.always = std::move(behaviour);
    } else if (name == "rules") {
      if (!member.value.IsArray()) {
        return absl::InvalidArgumentError("'rules' must be a list");
      }
      next.rules.clear();
      for (const Value& entry : member.value.GetArray()) {
        absl::StatusOr<Rule> rule = ReadRule(entry);
        if (!rule.ok()) return rule.status();
        next.rules.push_back(*std::move(rule));
      }
    } else {
      return Unknown(name);
    }
  }
  if (next.always->latency_max < next.always->latency_min) {
    return absl::InvalidArgumentError(
        "'latency_max_ms' must not be below 'latency_min_ms'");
  }
  return next;
}

std::string Scenario::ToJson() const {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  const auto key = [&](absl::string_view name) {
    writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  };
  writer.StartObject();
  writer.Key("seed");
  writer.Uint64(seed);
  writer.Key("allowance");
  writer.StartObject();
  for (const auto& s : AllowanceSwitches()) {
    key(s.name);
    s.write(allowance, writer);
  }
  writer.EndObject();
  writer.Key("always");
  writer.StartObject();
  for (const auto& s : BehaviourSwitches()) {
    key(s.name);
    s.write(*always, writer);
  }
  writer.EndObject();
  writer.Key("rules");
  writer.StartArray();
  for (const Rule& rule : rules) {
    writer.RawValue(rule.json.data(), rule.json.size(), rapidjson::kObjectType);
  }
  writer.EndArray();
  writer.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize());
}

}  // namespace leadgateway::sandbox
