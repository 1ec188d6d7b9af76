#include "client/command_options.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"

namespace leadgateway::leadctl {
namespace {

constexpr std::string_view kDefaultGateway = "127.0.0.1:50051";

// A file may wait for its turn behind other callers; a question should not.
constexpr std::string_view kUpdateTimeout = "10m";
constexpr std::string_view kQuestionTimeout = "10s";

constexpr FlagSpec kGateway = {"gateway", "HOST:PORT",
                               "The gateway (default 127.0.0.1:50051)."};
constexpr FlagSpec kAccount = {"account", "NAME",
                               "The account (default: the gateway's)."};
constexpr FlagSpec kHelp = {"help", "", "Print this."};

absl::Status Wrong(std::string_view flag, const std::string& text) {
  return absl::InvalidArgumentError("--" + std::string(flag) + " " + text);
}

// A flag with a fixed set of values.
template <typename Value>
absl::StatusOr<Value> ReadChoice(
    const FlagValues& values, std::string_view flag,
    const std::vector<std::pair<std::string_view, Value>>& choices) {
  const std::string text = values.Text(flag, choices.front().first);
  std::string names;
  for (const auto& [name, value] : choices) {
    if (text == name) return value;
    if (!names.empty()) names += " or ";
    names += name;
  }
  return Wrong(flag, "must be " + names);
}

absl::StatusOr<CommonOptions> ReadCommon(const FlagValues& values,
                                         std::string_view default_timeout) {
  CommonOptions options;
  options.gateway = values.Text("gateway", kDefaultGateway);
  options.account = values.Text("account", "");
  const absl::StatusOr<Output> output = ReadChoice<Output>(
      values, "output", {{"text", Output::kText}, {"json", Output::kJson}});
  if (!output.ok()) return output.status();
  options.output = *output;
  if (!absl::ParseDuration(values.Text("timeout", default_timeout),
                           &options.timeout) ||
      options.timeout <= absl::ZeroDuration() ||
      options.timeout == absl::InfiniteDuration()) {
    return Wrong("timeout", "must be a time above 0, such as 90s or 10m");
  }
  return options;
}

}  // namespace

const std::vector<FlagSpec>& UpdateFlags() {
  static const auto& flags = *new std::vector<FlagSpec>{
      {"file", "FILE", "The leads; \"-\" is standard input. Needed."},
      kGateway,
      {"search-by", "FIELD",
       "The unique field that finds the leads (default ProspectId)."},
      kAccount,
      {"format", "csv|jsonl", "The file's format (default: by its ending)."},
      {"empty", "skip|clear",
       "An empty CSV cell leaves its field alone, or empties it (default "
       "skip)."},
      {"tag-column", "NAME",
       "The column whose text comes back with each result, as its tag."},
      {"skip-bad-rows", "", "Send the good rows of a file that has bad ones."},
      {"push-non-existent-to-unprocessed", "",
       "Report leads that do not exist as UNPROCESSED, not FAILED."},
      {"validate-only", "", "Check everything, update nothing."},
      {"output", "text|json", "What standard output gets (default text)."},
      {"verbose", "", "Print the UPDATED leads too (text output)."},
      {"timeout", "TIME", "For the whole file (default 10m)."},
      {"no-retry", "", "Give up at once when the gateway is busy."},
      {"caller", "NAME", "Whose share of the allowance it is."},
      {"priority", "bulk|interactive",
       "Whether others go first (default bulk)."},
      kHelp,
  };
  return flags;
}

const std::vector<FlagSpec>& StatusFlags() {
  static const auto& flags = *new std::vector<FlagSpec>{
      kGateway,
      kAccount,
      {"output", "text|json", "What standard output gets (default text)."},
      {"timeout", "TIME", "For the answer (default 10s)."},
      kHelp,
  };
  return flags;
}

const std::vector<FlagSpec>& FieldsFlags() {
  static const auto& flags = *new std::vector<FlagSpec>{
      kGateway,
      kAccount,
      {"filter", "TEXT", "Only fields with this in their names, in any case."},
      {"output", "text|json", "What standard output gets (default text)."},
      {"timeout", "TIME", "For the answer (default 10s)."},
      kHelp,
  };
  return flags;
}

absl::StatusOr<UpdateOptions> ReadUpdateOptions(const FlagValues& values) {
  UpdateOptions options;
  const absl::StatusOr<CommonOptions> common =
      ReadCommon(values, kUpdateTimeout);
  if (!common.ok()) return common.status();
  options.common = *common;

  if (!values.Has("file")) return Wrong("file", "is needed");
  options.file = values.Text("file", "");
  if (values.Has("format")) {
    const auto format = ReadChoice<FileFormat>(
        values, "format",
        {{"csv", FileFormat::kCsv}, {"jsonl", FileFormat::kJsonl}});
    if (!format.ok()) return format.status();
    options.format = *format;
  } else {
    const std::optional<FileFormat> format = FormatByName(options.file);
    if (!format.has_value()) {
      return Wrong("format",
                   "is needed: the file's name ends in neither .csv "
                   "nor .jsonl");
    }
    options.format = *format;
  }

  options.search_by = values.Text("search-by", "");
  if (!options.search_by.empty()) options.rows.search_key = options.search_by;
  options.rows.tag_column = values.Text("tag-column", "");
  if (options.rows.tag_column == options.rows.search_key) {
    return Wrong("tag-column", "must not be the search key");
  }
  const auto empty = ReadChoice<EmptyCells>(
      values, "empty",
      {{"skip", EmptyCells::kSkip}, {"clear", EmptyCells::kClear}});
  if (!empty.ok()) return empty.status();
  options.rows.empty_cells = *empty;

  const auto priority = ReadChoice<client::Priority>(
      values, "priority",
      {{"bulk", client::Priority::kBulk},
       {"interactive", client::Priority::kInteractive}});
  if (!priority.ok()) return priority.status();
  options.priority = *priority;

  options.caller = values.Text("caller", "");
  options.push_non_existent = values.On("push-non-existent-to-unprocessed");
  options.validate_only = values.On("validate-only");
  options.skip_bad_rows = values.On("skip-bad-rows");
  options.retry = !values.On("no-retry");
  options.verbose = values.On("verbose");
  return options;
}

absl::StatusOr<CommonOptions> ReadStatusOptions(const FlagValues& values) {
  return ReadCommon(values, kQuestionTimeout);
}

absl::StatusOr<FieldsOptions> ReadFieldsOptions(const FlagValues& values) {
  FieldsOptions options;
  const absl::StatusOr<CommonOptions> common =
      ReadCommon(values, kQuestionTimeout);
  if (!common.ok()) return common.status();
  options.common = *common;
  options.filter = values.Text("filter", "");
  return options;
}

}  // namespace leadgateway::leadctl
