#include "client/flags.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"

namespace leadgateway::leadctl {
namespace {

constexpr std::string_view kOn = "true";
constexpr std::string_view kOff = "false";

absl::Status Wrong(const std::string& text) {
  return absl::InvalidArgumentError(text);
}

std::string Synopsis(const FlagSpec& spec) {
  std::string text = "--" + std::string(spec.name);
  if (!spec.value.empty()) text += "=" + std::string(spec.value);
  return text;
}

}  // namespace

void FlagValues::Set(std::string_view name, std::string value) {
  values_.insert_or_assign(std::string(name), std::move(value));
}

bool FlagValues::Has(std::string_view name) const {
  return values_.find(name) != values_.end();
}

std::string FlagValues::Text(std::string_view name,
                             std::string_view otherwise) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string(otherwise) : found->second;
}

bool FlagValues::On(std::string_view name) const {
  return Text(name, kOff) == kOn;
}

absl::StatusOr<FlagValues> ParseFlags(const std::vector<FlagSpec>& specs,
                                      const std::vector<std::string>& args) {
  FlagValues values;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (arg.size() < 3 || arg.compare(0, 2, "--") != 0) {
      return Wrong("\"" + arg + "\" is not a flag; flags look like --name");
    }
    const std::size_t equals = arg.find('=');
    const std::string name = arg.substr(2, equals - 2);
    const auto spec =
        std::find_if(specs.begin(), specs.end(),
                     [&](const FlagSpec& s) { return s.name == name; });
    if (spec == specs.end()) return Wrong("unknown flag --" + name);
    if (values.Has(name)) return Wrong("--" + name + " is given twice");

    const bool is_switch = spec->value.empty();
    std::string value;
    if (equals != std::string::npos) {
      value = arg.substr(equals + 1);
    } else if (is_switch) {
      value = kOn;
    } else if (i + 1 < args.size() && args[i + 1].compare(0, 2, "--") != 0) {
      value = args[++i];
    }
    if (is_switch && value != kOn && value != kOff) {
      return Wrong("--" + name + " is a switch: it takes no value but true " +
                   "or false");
    }
    if (value.empty()) return Wrong("--" + name + " needs a value");
    values.Set(name, std::move(value));
  }
  return values;
}

std::string FlagHelp(const std::vector<FlagSpec>& specs) {
  std::size_t width = 0;
  for (const FlagSpec& spec : specs) {
    width = std::max(width, Synopsis(spec).size());
  }
  std::string text;
  for (const FlagSpec& spec : specs) {
    std::string line = "  " + Synopsis(spec);
    line.resize(width + 4, ' ');
    text += line + std::string(spec.help) + "\n";
  }
  return text;
}

}  // namespace leadgateway::leadctl
