// The binary: flags -> options -> Sandbox -> wait for SIGTERM.
#include <signal.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/reflection.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "sandbox/lead_loader.h"
#include "sandbox/sandbox.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:8091",
          "IP address and port to serve on; port 0 takes a free one.");
ABSL_FLAG(bool, allow_non_loopback, false,
          "Permit a --listen address that other machines can reach.");
ABSL_FLAG(std::vector<std::string>, leads_file, {},
          "Files of leads, comma-separated: CSV with a header row of schema "
          "names, or JSON lines.");
ABSL_FLAG(std::uint64_t, generate_leads, 0,
          "Make so many leads: EmailAddress lead<i>@example.com and so on.");
ABSL_FLAG(std::uint64_t, seed, 1,
          "Decides generated leads, latencies and every drawn fault.");
ABSL_FLAG(std::string, access_key_file, "",
          "File with the access key to accept. Without the two key files the "
          "documented test keys are accepted.");
ABSL_FLAG(std::string, secret_key_file, "",
          "File with the secret key to accept.");
ABSL_FLAG(int, limit_calls, 25, "Calls allowed in a window.");
ABSL_FLAG(absl::Duration, limit_window, absl::Seconds(5),
          "Length of the window.");
ABSL_FLAG(std::string, limit_kind, "sliding",
          "How the window moves: sliding, fixed or bucket.");
ABSL_FLAG(std::string, count_at, "arrival",
          "When a call is counted: arrival, answer, random or fraction.");
ABSL_FLAG(double, count_fraction, 0.5,
          "With --count_at=fraction: the part of the latency, 0 to 1.");
ABSL_FLAG(bool, refused_count, false,
          "Whether refused calls count against the allowance.");
ABSL_FLAG(double, other_calls_per_second, 0,
          "Calls a second by other users of the account (Poisson).");
ABSL_FLAG(absl::Duration, latency_min, absl::ZeroDuration(),
          "Least time from a call's arrival to its answer.");
ABSL_FLAG(absl::Duration, latency_max, absl::ZeroDuration(),
          "Greatest such time, without spikes.");
ABSL_FLAG(double, spike_probability, 0, "Part of the calls with a spike.");
ABSL_FLAG(absl::Duration, spike, absl::ZeroDuration(),
          "What a spike adds to the latency.");
ABSL_FLAG(std::string, faults_file, "",
          "File with the faults JSON of sandbox/README.md.");
ABSL_FLAG(std::string, faults, "", "The faults JSON itself.");
ABSL_FLAG(std::uint64_t, max_leads_per_call, 25,
          "Leads that one call may bring.");
ABSL_FLAG(std::uint64_t, record_limit, 1'000'000,
          "Calls kept in the record; older ones are dropped.");
ABSL_FLAG(std::string, history_field, "",
          "Attribute whose successive values are kept per lead; * keeps whole "
          "updates; empty keeps nothing.");
ABSL_FLAG(std::string, api_host, "api-in21.leadsquared.com",
          "The host that UserByAccessKey.Get names.");

namespace leadgateway::sandbox {
namespace {

constexpr int kExitUsage = 2;

// absl::ParseCommandLine ends the process with 1 and several lines; this says
// the same in one line first.
absl::Status CheckFlags(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    absl::string_view arg = argv[i];
    if (!absl::ConsumePrefix(&arg, "-")) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", arg, "' is not a flag"));
    }
    absl::ConsumePrefix(&arg, "-");
    if (absl::StartsWith(arg, "help")) return absl::OkStatus();
    const size_t equals = arg.find('=');
    const absl::string_view name = arg.substr(0, equals);
    absl::CommandLineFlag* flag = absl::FindCommandLineFlag(name);
    if (flag == nullptr && absl::StartsWith(name, "no") &&
        equals == absl::string_view::npos) {
      flag = absl::FindCommandLineFlag(name.substr(2));
      if (flag != nullptr && flag->IsOfType<bool>()) continue;
    }
    if (flag == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no flag --", name));
    }
    absl::string_view value;
    if (equals != absl::string_view::npos) {
      value = arg.substr(equals + 1);
    } else if (flag->IsOfType<bool>()) {
      continue;
    } else if (i + 1 < argc) {
      value = argv[++i];
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("--", name, " needs a value"));
    }
    std::string error;
    if (!flag->ParseFrom(value, &error)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", name, " cannot be '", value, "'",
                       error.empty() ? "" : absl::StrCat(": ", error)));
    }
  }
  return absl::OkStatus();
}

template <typename E>
absl::Status Choose(
    absl::string_view flag, absl::string_view text,
    std::initializer_list<std::pair<absl::string_view, E>> names, E& out) {
  std::string known;
  for (const auto& [name, value] : names) {
    if (name == text) {
      out = value;
      return absl::OkStatus();
    }
    absl::StrAppend(&known, known.empty() ? "" : ", ", name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, " must be one of ", known));
}

absl::Status SetListen(SandboxOptions& options) {
  const std::string listen = absl::GetFlag(FLAGS_listen);
  const size_t colon = listen.rfind(':');
  std::uint32_t port = 0;
  if (colon == std::string::npos ||
      !absl::SimpleAtoi(listen.substr(colon + 1), &port) || port > 65535) {
    return absl::InvalidArgumentError("--listen must be ADDRESS:PORT");
  }
  absl::string_view host(listen.data(), colon);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  if (host != "::1" && !absl::StartsWith(host, "127.") &&
      !absl::GetFlag(FLAGS_allow_non_loopback)) {
    return absl::InvalidArgumentError(
        "--listen must be a loopback address unless --allow_non_loopback");
  }
  options.host = std::string(host);
  options.port = static_cast<std::uint16_t>(port);
  return absl::OkStatus();
}

absl::Status SetKeys(AccountOptions& account) {
  const std::string access_file = absl::GetFlag(FLAGS_access_key_file);
  const std::string secret_file = absl::GetFlag(FLAGS_secret_key_file);
  if (access_file.empty() && secret_file.empty()) return absl::OkStatus();
  if (access_file.empty() || secret_file.empty()) {
    return absl::InvalidArgumentError(
        "--access_key_file and --secret_key_file go together");
  }
  absl::StatusOr<std::string> access = ReadWholeFile(access_file);
  if (!access.ok()) return access.status();
  absl::StatusOr<std::string> secret = ReadWholeFile(secret_file);
  if (!secret.ok()) return secret.status();
  KeyPair pair;
  pair.label = "file";
  pair.access_key = std::string(absl::StripAsciiWhitespace(*access));
  pair.secret_key = std::string(absl::StripAsciiWhitespace(*secret));
  if (pair.access_key.empty() || pair.secret_key.empty()) {
    return absl::InvalidArgumentError("A key file is empty");
  }
  account.keys.push_back(std::move(pair));
  return absl::OkStatus();
}

bool IsFraction(double value) { return value >= 0 && value <= 1; }

absl::StatusOr<SandboxOptions> OptionsFromFlags() {
  SandboxOptions options;
  AccountOptions& account = options.account;
  Allowance& allowance = account.allowance;
  Behaviour& always = account.always;
  for (absl::Status status :
       {SetListen(options), SetKeys(account),
        Choose("limit_kind", absl::GetFlag(FLAGS_limit_kind),
               {{"sliding", WindowKind::kSliding},
                {"fixed", WindowKind::kFixed},
                {"bucket", WindowKind::kBucket}},
               allowance.kind),
        Choose("count_at", absl::GetFlag(FLAGS_count_at),
               {{"arrival", CountAt::kArrival},
                {"answer", CountAt::kAnswer},
                {"random", CountAt::kRandom},
                {"fraction", CountAt::kFraction}},
               allowance.count_at)}) {
    if (!status.ok()) return status;
  }
  account.seed = absl::GetFlag(FLAGS_seed);
  account.generate_leads = absl::GetFlag(FLAGS_generate_leads);
  account.lead_files = absl::GetFlag(FLAGS_leads_file);
  account.max_leads_per_call = absl::GetFlag(FLAGS_max_leads_per_call);
  account.api_host = absl::GetFlag(FLAGS_api_host);
  account.record_limit = absl::GetFlag(FLAGS_record_limit);
  account.history_field = absl::GetFlag(FLAGS_history_field);
  allowance.calls = absl::GetFlag(FLAGS_limit_calls);
  allowance.window = absl::GetFlag(FLAGS_limit_window);
  allowance.count_fraction = absl::GetFlag(FLAGS_count_fraction);
  allowance.refused_count = absl::GetFlag(FLAGS_refused_count);
  allowance.other_calls_per_second =
      absl::GetFlag(FLAGS_other_calls_per_second);
  always.latency_min = absl::GetFlag(FLAGS_latency_min);
  always.latency_max =
      std::max(always.latency_min, absl::GetFlag(FLAGS_latency_max));
  always.spike_probability = absl::GetFlag(FLAGS_spike_probability);
  always.spike = absl::GetFlag(FLAGS_spike);
  if (!IsFraction(allowance.count_fraction) ||
      !IsFraction(always.spike_probability)) {
    return absl::InvalidArgumentError(
        "--count_fraction and --spike_probability must be from 0 to 1");
  }
  if (!(allowance.other_calls_per_second >= 0) ||
      allowance.other_calls_per_second > 1e5) {
    return absl::InvalidArgumentError(
        "--other_calls_per_second must be from 0 to 100000");
  }
  if (always.spike < absl::ZeroDuration()) {
    return absl::InvalidArgumentError("--spike must not be negative");
  }
  account.faults_json = absl::GetFlag(FLAGS_faults);
  const std::string faults_file = absl::GetFlag(FLAGS_faults_file);
  if (!faults_file.empty()) {
    if (!account.faults_json.empty()) {
      return absl::InvalidArgumentError(
          "--faults and --faults_file exclude each other");
    }
    absl::StatusOr<std::string> text = ReadWholeFile(faults_file);
    if (!text.ok()) return text.status();
    account.faults_json = *std::move(text);
  }
  return options;
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "leadsquared_sandbox: %s\n",
               std::string(status.message()).c_str());
  return status.code() == absl::StatusCode::kUnavailable ? 1 : kExitUsage;
}

int Main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "A stand-in for LeadSquared's API on loopback. See sandbox/README.md.");
  if (absl::Status status = CheckFlags(argc, argv); !status.ok()) {
    return Fail(status);
  }
  absl::ParseCommandLine(argc, argv);
  absl::StatusOr<SandboxOptions> options = OptionsFromFlags();
  if (!options.ok()) return Fail(options.status());

  // Blocked before the server's thread begins, so that only sigwait sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  absl::StatusOr<std::unique_ptr<Sandbox>> sandbox =
      Sandbox::Create(*std::move(options));
  if (!sandbox.ok()) return Fail(sandbox.status());
  std::fprintf(stderr, "{\"event\":\"serving\",\"listen\":\"%s\"}\n",
               (*sandbox)->host_port().c_str());
  int signal = 0;
  sigwait(&signals, &signal);
  (*sandbox)->Stop();
  return 0;
}

}  // namespace
}  // namespace leadgateway::sandbox

int main(int argc, char** argv) {
  return leadgateway::sandbox::Main(argc, argv);
}
