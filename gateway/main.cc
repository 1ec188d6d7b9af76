#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/statusor.h"
#include "gateway/base/log.h"
#include "gateway/config/config.h"
#include "gateway/server/server.h"

ABSL_FLAG(std::string, config, "",
          "The configuration: a leadgateway.config.v1.GatewayConfig, as JSON "
          "(*.json) or protobuf text format (*.textproto).");

namespace {

constexpr int kBadConfig = 2;

int Fail(const absl::Status& status) {
  fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return kBadConfig;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Updates LeadSquared leads in bulk for gRPC callers.\n"
      "  lead_gateway --config=FILE");
  absl::ParseCommandLine(argc, argv);
  if (absl::GetFlag(FLAGS_config).empty()) {
    fprintf(stderr, "--config: names no file\n");
    return kBadConfig;
  }

  // Blocked before any thread starts, so that only sigwait below gets them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  absl::StatusOr<leadgateway::GatewayOptions> options =
      leadgateway::LoadConfig(absl::GetFlag(FLAGS_config));
  if (!options.ok()) return Fail(options.status());
  absl::StatusOr<std::unique_ptr<leadgateway::server::Server>> server =
      leadgateway::server::Server::Create(*std::move(options));
  if (!server.ok()) return Fail(server.status());
  leadgateway::LogLine(leadgateway::LogLevel::kInfo, "serving")
      .Add("listen", (*server)->listen_address())
      .Add("admin", (*server)->admin_address());

  int received = 0;
  sigwait(&signals, &received);
  std::thread([signals] {
    int again = 0;
    sigwait(&signals, &again);
    _exit(128 + again);
  }).detach();
  (*server)->Drain();
  return 0;
}
