#ifndef LEADGATEWAY_CLIENT_FLAGS_H_
#define LEADGATEWAY_CLIENT_FLAGS_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace leadgateway::leadctl {

// One flag of a command. abseil's flags are one set for the whole process, so
// they cannot say that a flag belongs to another command; hence this table.
struct FlagSpec {
  // Without the dashes.
  std::string_view name;

  // What the value is, for the help: "FILE". Empty: a switch without a value.
  std::string_view value;

  // One sentence for the help.
  std::string_view help;
};

// The flags that a command line gave.
class FlagValues {
 public:
  void Set(std::string_view name, std::string value);

  bool Has(std::string_view name) const;

  // The value, or `otherwise` if the flag was not given.
  std::string Text(std::string_view name, std::string_view otherwise) const;

  // Whether the switch is on.
  bool On(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

// Reads `--name=value`, `--name value`, `--switch` and `--switch=true|false`.
// INVALID_ARGUMENT with one line that names the flag: unknown, without its
// value, given twice, a switch with another value; or an argument that is no
// flag.
absl::StatusOr<FlagValues> ParseFlags(const std::vector<FlagSpec>& specs,
                                      const std::vector<std::string>& args);

// One line a flag, aligned.
std::string FlagHelp(const std::vector<FlagSpec>& specs);

}  // namespace leadgateway::leadctl

#endif  // LEADGATEWAY_CLIENT_FLAGS_H_
