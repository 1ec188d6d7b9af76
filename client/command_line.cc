#include "client/command_line.h"

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/command_options.h"
#include "client/flags.h"
#include "client/question_commands.h"
#include "client/update_command.h"

namespace leadgateway::leadctl {
namespace {

struct Command {
  std::string_view name;
  std::string_view summary;
  std::string_view details;
  const std::vector<FlagSpec>& (*flags)();
  ExitStatus (*run)(const FlagValues& values, const Console& console);
};

ExitStatus Complain(const absl::Status& status, const Console& console) {
  console.err << "leadctl: " << status.message() << '\n';
  return kUsage;
}

// Reads a command's options from its flags and runs it with them.
template <auto kRead, auto kRun>
ExitStatus ReadAndRun(const FlagValues& values, const Console& console) {
  const auto options = kRead(values);
  return options.ok() ? kRun(*options, console)
                      : Complain(options.status(), console);
}

constexpr Command kCommands[] = {
    {"update", "Updates the leads of a CSV or JSON lines file.",
     "CSV: the first row has the fields' schema names. JSON lines: one object\n"
     "a line, {\"EmailAddress\":\"a@example.com\",\"mx_City\":null}; null "
     "empties a field.\n"
     "Leads that are not UPDATED are printed as they come, then a summary.\n",
     UpdateFlags, ReadAndRun<ReadUpdateOptions, RunUpdate>},
    {"status", "Shows an account's limit, queue and last throttle.", "",
     StatusFlags, ReadAndRun<ReadStatusOptions, RunStatus>},
    {"fields", "Lists the fields that an account's leads have.", "",
     FieldsFlags, ReadAndRun<ReadFieldsOptions, RunFields>},
};

constexpr std::string_view kExitStatus =
    "Exit status: 0 all leads updated (or valid), 1 some are not, 2 wrong "
    "flags or\n"
    "file (nothing was sent), 3 the call failed, 130 interrupted.\n";

std::string Help() {
  std::string text =
      "leadctl updates LeadSquared leads through Lead Gateway.\n\n"
      "Usage: leadctl COMMAND [--flags]\n\n";
  for (const Command& command : kCommands) {
    std::string line = "  " + std::string(command.name);
    line.resize(10, ' ');
    text += line + std::string(command.summary) + "\n";
  }
  text += "  help    Prints this, or the help of a command.\n\n";
  text += "\"leadctl COMMAND --help\" lists a command's flags.\n";
  return text + std::string(kExitStatus);
}

std::string HelpOf(const Command& command) {
  std::string text = "Usage: leadctl " + std::string(command.name) +
                     " [--flags]\n" + std::string(command.summary) + "\n" +
                     std::string(command.details) + "\n" +
                     FlagHelp(command.flags());
  return text + "\n" + std::string(kExitStatus);
}

const Command* Find(const std::string& name) {
  const auto* found = std::find_if(
      std::begin(kCommands), std::end(kCommands),
      [&](const Command& command) { return command.name == name; });
  return found == std::end(kCommands) ? nullptr : found;
}

ExitStatus RunHelp(const std::vector<std::string>& args,
                   const Console& console) {
  if (args.size() < 2) {
    console.out << Help();
    return kAllUpdated;
  }
  const Command* command = Find(args[1]);
  if (command == nullptr) {
    return Complain(
        absl::InvalidArgumentError("unknown command \"" + args[1] + "\""),
        console);
  }
  console.out << HelpOf(*command);
  return kAllUpdated;
}

}  // namespace

ExitStatus RunCommandLine(const std::vector<std::string>& args,
                          const Console& console) {
  if (args.empty()) {
    console.err << Help();
    return kUsage;
  }
  if (args[0] == "help" || args[0] == "--help" || args[0] == "-h") {
    return RunHelp(args, console);
  }
  const Command* command = Find(args[0]);
  if (command == nullptr) {
    return Complain(absl::InvalidArgumentError("unknown command \"" + args[0] +
                                               "\"; see \"leadctl help\""),
                    console);
  }
  const absl::StatusOr<FlagValues> values =
      ParseFlags(command->flags(), {args.begin() + 1, args.end()});
  if (!values.ok()) return Complain(values.status(), console);
  if (values->On("help")) {
    console.out << HelpOf(*command);
    return kAllUpdated;
  }
  return command->run(*values, console);
}

}  // namespace leadgateway::leadctl
