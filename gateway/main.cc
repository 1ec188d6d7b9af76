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
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/config/config.h"
#include "gateway/server/listener.h"
#include "gateway/server/server.h"
#include "gateway/server/service_manager.h"

ABSL_FLAG(std::string, config, "",
          "The configuration: a leadgateway.config.v1.GatewayConfig, as JSON "
          "(*.json) or protobuf text format (*.textproto).");

namespace {

constexpr int kBadConfig = 2;

// The drain's timeout of at most 10 minutes, and the calls under way.
constexpr absl::Duration kLongestDrain = absl::Minutes(16);

// Waits for one of the signals, at most that long; whether one came.
bool Received(const sigset_t& signals, absl::Duration most) {
  if (most == absl::InfiniteDuration()) {
    int received = 0;
    return sigwait(&signals, &received) == 0;
  }
  const timespec time = absl::ToTimespec(most);
  return sigtimedwait(&signals, nullptr, &time) > 0;
}

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
  leadgateway::server::RaiseDescriptorLimit();

  absl::StatusOr<leadgateway::GatewayOptions> options =
      leadgateway::LoadConfig(absl::GetFlag(FLAGS_config));
  if (!options.ok()) return Fail(options.status());
  absl::StatusOr<std::unique_ptr<leadgateway::server::Server>> server =
      leadgateway::server::Server::Create(*std::move(options));
  if (!server.ok()) return Fail(server.status());
  leadgateway::LogLine(leadgateway::LogLevel::kInfo, "serving")
      .Add("listen", (*server)->listen_address())
      .Add("admin", (*server)->admin_address());

  leadgateway::server::NotifyReady((*server)->listen_address());
  const absl::Duration alive_interval = leadgateway::server::AliveInterval();
  while (!Received(signals, alive_interval)) {
    if ((*server)->Alive()) leadgateway::server::NotifyAlive();
  }
  leadgateway::server::NotifyStopping(kLongestDrain);
  std::thread([signals] {
    int again = 0;
    sigwait(&signals, &again);
    _exit(128 + again);
  }).detach();
  (*server)->Drain();
  return 0;
}
