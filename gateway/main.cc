#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/core_dumps.h"
#include "gateway/base/log.h"
#include "gateway/config/config.h"
#include "gateway/config/config_printer.h"
#include "gateway/server/config_check.h"
#include "gateway/server/grpc_log.h"
#include "gateway/server/listener.h"
#include "gateway/server/server.h"
#include "gateway/server/service_manager.h"

ABSL_FLAG(std::string, config, "",
          "The configuration: a leadgateway.config.v1.GatewayConfig, as JSON "
          "(*.json) or protobuf text format (*.textproto).");
ABSL_FLAG(bool, check_config, false,
          "Check the configuration and the files that it names, and end: with "
          "exit status 0 if the gateway would start with them, or 2 and one "
          "line per mistake. Opens no port and calls nobody.");
ABSL_FLAG(bool, print_config, false,
          "Print the configuration in force, with all defaults, as JSON that "
          "--config takes, and end. It holds no keys. Opens none of the files "
          "that the configuration names.");

namespace {

constexpr int kBadConfig = 2;

// The drain's timeout of at most 10 minutes, and the calls under way.
constexpr absl::Duration kLongestDrain = absl::Minutes(16);

// Waits for one of the signals, at most that long; the signal, or 0.
int Receive(const sigset_t& signals, absl::Duration most) {
  if (most == absl::InfiniteDuration()) {
    int received = 0;
    return sigwait(&signals, &received) == 0 ? received : 0;
  }
  const timespec time = absl::ToTimespec(most);
  return std::max(0, sigtimedwait(&signals, nullptr, &time));
}

sigset_t SetOf(const std::vector<int>& signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

// Flags as people write them: "--check-config" is "--check_config".
void Underscore(char* argument) {
  if (!absl::StartsWith(argument, "--")) return;
  for (char* c = argument + 2; *c != '\0' && *c != '='; ++c) {
    if (*c == '-') *c = '_';
  }
}

int Fail(const absl::Status& status) {
  fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return kBadConfig;
}

// Does what --check-config and --print-config ask for; the exit status.
int Examine(const leadgateway::GatewayOptions& options) {
  if (absl::GetFlag(FLAGS_check_config)) {
    const absl::StatusOr<std::vector<std::string>> warnings =
        leadgateway::server::CheckFiles(options);
    if (!warnings.ok()) return Fail(warnings.status());
    for (const std::string& warning : *warnings) {
      fprintf(stderr, "warning: %s\n", warning.c_str());
    }
    const size_t accounts = options.accounts.size();
    fprintf(absl::GetFlag(FLAGS_print_config) ? stderr : stdout,
            "%s is sound: %zu account%s\n", absl::GetFlag(FLAGS_config).c_str(),
            accounts, accounts == 1 ? "" : "s");
  }
  if (absl::GetFlag(FLAGS_print_config)) {
    fputs(leadgateway::PrintConfig(options).c_str(), stdout);
  }
  return fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Updates LeadSquared leads in bulk for gRPC callers.\n"
      "  lead_gateway --config=FILE [--check-config] [--print-config]");
  // --help shows the flags of this file and not those of the libraries.
  absl::FlagsUsageConfig usage;
  usage.contains_help_flags = [](absl::string_view file) {
    return absl::EndsWith(file, "gateway/main.cc");
  };
  absl::SetFlagsUsageConfig(usage);
  std::for_each(argv + 1, argv + argc, Underscore);
  absl::ParseCommandLine(argc, argv);
  if (absl::GetFlag(FLAGS_config).empty()) {
    fprintf(stderr, "--config: names no file\n");
    return kBadConfig;
  }

  absl::StatusOr<leadgateway::GatewayOptions> options =
      leadgateway::LoadConfig(absl::GetFlag(FLAGS_config));
  if (!options.ok()) return Fail(options.status());
  // Before any key is read.
  if (!options->allow_core_dumps) {
    if (const absl::Status status = leadgateway::ForbidCoreDumps();
        !status.ok()) {
      leadgateway::LogLine(leadgateway::LogLevel::kWarn, "core_dumps_possible")
          .Add("text", status.message());
    }
  }
  if (absl::GetFlag(FLAGS_check_config) || absl::GetFlag(FLAGS_print_config)) {
    return Examine(*options);
  }

  // Blocked before any thread starts, so that only sigwait below gets them.
  const sigset_t ends = SetOf({SIGTERM, SIGINT});
  const sigset_t signals = SetOf({SIGTERM, SIGINT, SIGHUP});
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  // Debian's library looks for deadlocks at each lock that gRPC takes.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  leadgateway::server::LogForGrpc();
  leadgateway::server::RaiseDescriptorLimit();

  absl::StatusOr<std::unique_ptr<leadgateway::server::Server>> server =
      leadgateway::server::Server::Create(*std::move(options));
  if (!server.ok()) return Fail(server.status());
  leadgateway::LogLine(leadgateway::LogLevel::kInfo, "serving")
      .Add("listen", (*server)->listen_address())
      .Add("admin", (*server)->admin_address());

  leadgateway::server::NotifyReady((*server)->listen_address());
  (*server)->WatchConfig(
      absl::GetFlag(FLAGS_config), leadgateway::server::NotifyReloading,
      [serving = (*server)->listen_address()](const absl::Status& status) {
        leadgateway::server::NotifyReloaded(absl::StrCat(
            "Serving at ", serving,
            status.ok() ? "" : "; the changed configuration was refused"));
      });
  const absl::Duration alive_interval = leadgateway::server::AliveInterval();
  for (int received = 0; received != SIGTERM && received != SIGINT;) {
    received = Receive(signals, alive_interval);
    if (received == SIGHUP) (*server)->ReloadConfig();
    // After a signal, too: many of them must not keep the watchdog waiting.
    if (alive_interval != absl::InfiniteDuration() && (*server)->Alive()) {
      leadgateway::server::NotifyAlive();
    }
  }
  leadgateway::server::NotifyStopping(kLongestDrain);
  std::thread([ends] {
    int again = 0;
    sigwait(&ends, &again);
    _exit(128 + again);
  }).detach();
  (*server)->Drain();
  return 0;
}
