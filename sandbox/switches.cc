#include "sandbox/switches.h"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace leadgateway::sandbox {
namespace {

using rapidjson::Value;

template <typename Target>
using Setter = std::function<void(Target&)>;

template <typename E>
using Names = std::vector<std::pair<absl::string_view, E>>;

absl::Status Wrong(absl::string_view name, absl::string_view expected) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", name, "' must be ", expected));
}

template <typename T>
Switch<T> Bool(absl::string_view name, bool T::*member) {
  return {name,
          [=](const Value& value) -> absl::StatusOr<Setter<T>> {
            if (!value.IsBool()) return Wrong(name, "true or false");
            return [=, v = value.GetBool()](T& t) { t.*member = v; };
          },
          [=](const T& t, JsonWriter& writer) { writer.Bool(t.*member); }};
}

template <typename T>
Switch<T> Int(absl::string_view name, int T::*member, int min, int max) {
  return {
      name,
      [=](const Value& value) -> absl::StatusOr<Setter<T>> {
        if (!value.IsInt() || value.GetInt() < min || value.GetInt() > max) {
          return Wrong(name,
                       absl::StrCat("a whole number from ", min, " to ", max));
        }
        return [=, v = value.GetInt()](T& t) { t.*member = v; };
      },
      [=](const T& t, JsonWriter& writer) { writer.Int(t.*member); }};
}

template <typename T>
Switch<T> Double(absl::string_view name, double T::*member, double max) {
  return {name,
          [=](const Value& value) -> absl::StatusOr<Setter<T>> {
            if (!value.IsNumber() || !(value.GetDouble() >= 0) ||
                value.GetDouble() > max) {
              return Wrong(name, absl::StrCat("a number from 0 to ", max));
            }
            return [=, v = value.GetDouble()](T& t) { t.*member = v; };
          },
          [=](const T& t, JsonWriter& writer) { writer.Double(t.*member); }};
}

// An hour at most: longer is a typing mistake.
constexpr double kMaxMilliseconds = 3600e3;

template <typename T>
Switch<T> Milliseconds(absl::string_view name, absl::Duration T::*member,
                       double min = 0) {
  return {name,
          [=](const Value& value) -> absl::StatusOr<Setter<T>> {
            if (!value.IsNumber() || !(value.GetDouble() >= min) ||
                value.GetDouble() > kMaxMilliseconds) {
              return Wrong(name, absl::StrCat("milliseconds from ", min, " to ",
                                              kMaxMilliseconds));
            }
            return [=, v = absl::Milliseconds(value.GetDouble())](T& t) {
              t.*member = v;
            };
          },
          [=](const T& t, JsonWriter& writer) {
            writer.Double(absl::ToDoubleMilliseconds(t.*member));
          }};
}

// Values end up in headers and JSON: no control characters.
template <typename T>
Switch<T> Text(absl::string_view name, std::string T::*member) {
  return {name,
          [=](const Value& value) -> absl::StatusOr<Setter<T>> {
            if (!value.IsString()) return Wrong(name, "a string");
            std::string text(value.GetString(), value.GetStringLength());
            for (char c : text) {
              if (static_cast<unsigned char>(c) < 0x20) {
                return Wrong(name, "a string without control characters");
              }
            }
            return [=, v = std::move(text)](T& t) { t.*member = v; };
          },
          [=](const T& t, JsonWriter& writer) {
            writer.String((t.*member).c_str(),
                          static_cast<rapidjson::SizeType>((t.*member).size()));
          }};
}

template <typename E>
std::string Listed(const Names<E>& names) {
  return absl::StrCat("one of ",
                      absl::StrJoin(names, ", ", [](std::string* out, auto& n) {
                        absl::StrAppend(out, n.first);
                      }));
}

template <typename T, typename E>
Switch<T> Enum(absl::string_view name, E T::*member, Names<E> names) {
  return {name,
          [=](const Value& value) -> absl::StatusOr<Setter<T>> {
            if (value.IsString()) {
              for (const auto& [text, e] : names) {
                if (text == value.GetString()) {
                  return [=, v = e](T& t) { t.*member = v; };
                }
              }
            }
            return Wrong(name, Listed(names));
          },
          [=](const T& t, JsonWriter& writer) {
            for (const auto& [text, e] : names) {
              if (e == t.*member) {
                writer.String(text.data(),
                              static_cast<rapidjson::SizeType>(text.size()));
                return;
              }
            }
            writer.Null();
          }};
}

// A list of echo forms in place of five booleans.
Switch<Behaviour> Echo() {
  static constexpr std::pair<absl::string_view, bool Behaviour::*> kForms[] = {
      {"trimmed", &Behaviour::echo_trimmed},
      {"lower", &Behaviour::echo_lower},
      {"upper", &Behaviour::echo_upper},
      {"digits", &Behaviour::echo_digits},
      {"padded", &Behaviour::echo_padded},
  };
  return {"echo",
          [](const Value& value) -> absl::StatusOr<Setter<Behaviour>> {
            const absl::Status wrong =
                Wrong("echo",
                      "a list of any of trimmed, lower, upper, digits, padded");
            if (!value.IsArray()) return wrong;
            std::vector<bool Behaviour::*> chosen;
            for (const Value& entry : value.GetArray()) {
              const size_t before = chosen.size();
              for (const auto& [text, member] : kForms) {
                if (entry.IsString() && text == entry.GetString()) {
                  chosen.push_back(member);
                }
              }
              if (chosen.size() == before) return wrong;
            }
            return [chosen](Behaviour& b) {
              for (const auto& [text, member] : kForms) b.*member = false;
              for (bool Behaviour::*member : chosen) b.*member = true;
            };
          },
          [](const Behaviour& b, JsonWriter& writer) {
            writer.StartArray();
            for (const auto& [text, member] : kForms) {
              if (b.*member) {
                writer.String(text.data(),
                              static_cast<rapidjson::SizeType>(text.size()));
              }
            }
            writer.EndArray();
          }};
}

Switch<Behaviour> FaultApplies() {
  return {"fault_applies",
          [](const Value& value) -> absl::StatusOr<Setter<Behaviour>> {
            if (!value.IsBool() && !value.IsNull()) {
              return Wrong("fault_applies", "true, false or null");
            }
            std::optional<bool> applies;
            if (value.IsBool()) applies = value.GetBool();
            return [applies](Behaviour& b) { b.fault_applies = applies; };
          },
          [](const Behaviour& b, JsonWriter& writer) {
            if (b.fault_applies.has_value()) {
              writer.Bool(*b.fault_applies);
            } else {
              writer.Null();
            }
          }};
}

const Names<Fault>& FaultNames() {
  static const auto& names = *new Names<Fault>{
      {"none", Fault::kNone},
      {"throttle_429", Fault::kThrottle429},
      {"throttle_403", Fault::kThrottle403},
      {"throttle_200", Fault::kThrottle200},
      {"unauthorized", Fault::kUnauthorized},
      {"wrong_host", Fault::kWrongHost},
      {"error_500", Fault::kError500},
      {"error_412", Fault::kError412},
      {"html_502", Fault::kHtml502},
      {"empty_body", Fault::kEmptyBody},
      {"truncated_body", Fault::kTruncatedBody},
      {"garbage_json", Fault::kGarbageJson},
      {"oversized", Fault::kOversized},
      {"reset_before_reading", Fault::kResetBeforeReading},
      {"reset_after_applying", Fault::kResetAfterApplying},
      {"reset_mid_answer", Fault::kResetMidAnswer},
      {"close_without_answer", Fault::kCloseWithoutAnswer},
      {"never_answer", Fault::kNeverAnswer},
  };
  return names;
}

}  // namespace

absl::string_view FaultSwitchName(Fault fault) {
  for (const auto& [name, value] : FaultNames()) {
    if (value == fault) return name;
  }
  return "none";
}

const std::vector<Switch<Behaviour>>& BehaviourSwitches() {
  using B = Behaviour;
  static const auto& switches = *new std::vector<Switch<B>>{
      Enum("fault", &B::fault, FaultNames()),
      FaultApplies(),
      Text("error_type", &B::error_type),
      Text("error_message", &B::error_message),
      Text("right_host", &B::right_host),
      Text("retry_after", &B::retry_after),
      Int("oversized_bytes", &B::oversized_bytes, 0, 1 << 28),
      Int("throttle_status", &B::throttle_status, 200, 599),
      Bool("throttle_at_once", &B::throttle_at_once),
      Milliseconds("latency_min_ms", &B::latency_min),
      Milliseconds("latency_max_ms", &B::latency_max),
      Double("spike_probability", &B::spike_probability, 1),
      Milliseconds("spike_ms", &B::spike),
      Milliseconds("spike_to_ms", &B::spike_to),
      Bool("apply_at_answer", &B::apply_at_answer),
      Double("omit_probability", &B::omit_probability, 1),
      Echo(),
      Bool("shuffle", &B::shuffle),
      Int("wrong_counts", &B::wrong_counts, -1000, 1000),
      Text("partial_message", &B::partial_message),
      Enum("answer_prospect_id", &B::answer_prospect_id,
           Names<std::string>{{"ProspectID", "ProspectID"},
                              {"ProspectId", "ProspectId"}}),
      Enum("duplicates", &B::duplicates,
           Names<Duplicates>{{"fail_both", Duplicates::kFailBoth},
                             {"fail_call", Duplicates::kFailCall},
                             {"apply", Duplicates::kApply}}),
      Enum("unknown_attribute", &B::unknown_attribute,
           Names<UnknownAttribute>{
               {"fail_lead", UnknownAttribute::kFailLead},
               {"fail_call_412", UnknownAttribute::kFailCall412},
               {"fail_call_500", UnknownAttribute::kFailCall500},
               {"ignore", UnknownAttribute::kIgnore}}),
      Enum("locked_fields", &B::locked_fields,
           Names<Locked>{{"store", Locked::kStore},
                         {"ignore", Locked::kIgnore},
                         {"refuse", Locked::kRefuse}}),
      Enum("keyless_leads", &B::keyless_leads,
           Names<Keyless>{{"failed", Keyless::kFailed},
                          {"omitted", Keyless::kOmitted}}),
      Bool("refuse_outside_options", &B::refuse_outside_options),
      Bool("refuse_prospectID", &B::refuse_prospectID),
      Enum("unencoded_dollar", &B::unencoded_dollar,
           Names<Dollar>{{"refuse", Dollar::kRefuse},
                         {"accept", Dollar::kAccept},
                         {"drop_writes", Dollar::kDropWrites}}),
      Text("poison_value", &B::poison_value),
      Int("poison_status", &B::poison_status, 200, 599),
      Text("poison_type", &B::poison_type),
      Bool("metadata_is_unique", &B::metadata_is_unique),
  };
  return switches;
}

const std::vector<Switch<Allowance>>& AllowanceSwitches() {
  using A = Allowance;
  static const auto& switches = *new std::vector<Switch<A>>{
      Int("calls", &A::calls, 1, 1'000'000'000),
      Milliseconds("window_ms", &A::window, 1),
      Enum("kind", &A::kind,
           Names<WindowKind>{{"sliding", WindowKind::kSliding},
                             {"fixed", WindowKind::kFixed},
                             {"bucket", WindowKind::kBucket}}),
      Enum("count_at", &A::count_at,
           Names<CountAt>{{"arrival", CountAt::kArrival},
                          {"answer", CountAt::kAnswer},
                          {"random", CountAt::kRandom},
                          {"fraction", CountAt::kFraction}}),
      Double("count_fraction", &A::count_fraction, 1),
      Bool("refused_count", &A::refused_count),
      Double("other_calls_per_second", &A::other_calls_per_second, 1e5),
  };
  return switches;
}

}  // namespace leadgateway::sandbox
