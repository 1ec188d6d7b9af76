// Fuzzes the reader of the configuration: the first byte chooses the format.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/config/config.h"
#include "gateway/config/config_printer.h"

namespace leadgateway {
namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

void Run(const uint8_t* data, size_t size) {
  if (size == 0) return;
  const auto format =
      (data[0] & 1) != 0 ? ConfigFormat::kTextproto : ConfigFormat::kJson;
  const auto options =
      ParseConfig({reinterpret_cast<const char*>(data) + 1, size - 1}, format);
  if (options.ok()) {
    Check(!options->accounts.empty());
    Check(!options->listen_address.empty());
    Check(!options->default_account.empty());
    for (const AccountOptions& account : options->accounts) {
      Check(account.calls >= 1);
      Check(account.window > absl::ZeroDuration());
    }
    // What is printed is taken again, and is the same.
    const auto printed =
        ParseConfig(PrintConfig(*options), ConfigFormat::kJson);
    Check(printed.ok() && *printed == *options);
    return;
  }
  Check(absl::IsInvalidArgument(options.status()));
  // One line for each mistake: where, and what.
  for (const absl::string_view line :
       absl::StrSplit(options.status().message(), '\n')) {
    Check(absl::StrContains(line, ": "));
  }
}

}  // namespace
}  // namespace leadgateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  leadgateway::Run(data, size);
  return 0;
}
