#include "gateway/server/grpc_log.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gateway/base/log.h"
#include "grpc/support/log.h"

namespace leadgateway::server {
namespace {

constexpr size_t kMostMessageBytes = 256;

// Parts of gRPC that handle handshakes and sockets, not what travels on them.
constexpr absl::string_view kPlainSpoken[] = {
    "src/core/tsi/", "src/core/lib/security/", "src/core/lib/iomgr/"};

void Write(gpr_log_func_args* args) {
  if (args->severity != GPR_LOG_SEVERITY_ERROR) return;
  absl::string_view file = args->file;
  // As the compiler was told; gRPC's own path begins at "src/".
  if (const size_t at = file.find("src/core/"); at != file.npos) {
    file.remove_prefix(at);
  }
  LogLine line(LogLevel::kWarn, "grpc");
  line.Add("at", absl::StrCat(file, ":", args->line));
  for (const absl::string_view part : kPlainSpoken) {
    if (!absl::StartsWith(file, part)) continue;
    line.Add("text",
             absl::string_view(args->message).substr(0, kMostMessageBytes));
  }
}

}  // namespace

void LogForGrpc() { gpr_set_log_function(Write); }

}  // namespace leadgateway::server
