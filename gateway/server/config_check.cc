#include "gateway/server/config_check.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "gateway/config/config.h"
#include "gateway/server/account_loader.h"
#include "gateway/server/policy_file.h"
#include "gateway/server/tls.h"

namespace leadgateway::server {
namespace {

// The directory that `path` is in.
std::string ParentOf(absl::string_view path) {
  while (path.size() > 1 && absl::ConsumeSuffix(&path, "/")) {
  }
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

absl::Status CheckStateDir(const std::string& path) {
  const auto mistake = [&](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat("stateDir: ", path, ": ", what));
  };
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    // It is made at the start if only its last part is missing.
    if (errno != ENOENT) return mistake(std::strerror(errno));
    if (access(ParentOf(path).c_str(), W_OK | X_OK) != 0) {
      return mistake(absl::StrCat("is not there and can't be made: ",
                                  ParentOf(path), ": ", std::strerror(errno)));
    }
    return absl::OkStatus();
  }
  if (!S_ISDIR(info.st_mode)) return mistake("is no directory");
  if (access(path.c_str(), W_OK | X_OK) != 0) {
    return mistake(absl::StrCat("can't be written to: ", std::strerror(errno)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> CheckFiles(
    const GatewayOptions& options) {
  std::vector<std::string> mistakes;
  const auto take = [&](const absl::Status& status) {
    if (!status.ok()) mistakes.emplace_back(status.message());
  };
  std::vector<std::string> warnings;
  if (const auto accounts = LoadAccounts(options.accounts, /*store=*/nullptr);
      accounts.ok()) {
    for (size_t i = 0; i < accounts->size(); ++i) {
      for (const std::string& warning : (*accounts)[i].credentials->warnings) {
        warnings.push_back(absl::StrCat("accounts[", i, "]: ", warning));
      }
    }
  } else {
    take(accounts.status());
  }
  if (options.listen.tls) take(CheckTlsFiles(*options.listen.tls));
  if (!options.listen.policy_file.empty()) {
    take(CheckPolicyFile(options.listen.policy_file));
  }
  if (!options.state_dir.empty()) take(CheckStateDir(options.state_dir));
  if (!mistakes.empty()) {
    return absl::FailedPreconditionError(absl::StrJoin(mistakes, "\n"));
  }
  return warnings;
}

}  // namespace leadgateway::server
