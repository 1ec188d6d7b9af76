// The production dispatcher in virtual time, against models of how LeadSquared
// counts calls: the share of the allowance that is used, and whether a call is
// throttled or more than N are counted in any W.
//
//   bazel run -c opt //tests/simulation:allowance_simulation --
//     [--calls=10000000] [--seed=1] [--model=NAME] [--sender=gateway]
//
// Prints a line for each model. Exits with 1 at a throttle or a window with too
// many calls, and then prints the options that repeat that run exactly. With
// --sender=token_bucket or --sender=send_log a control sends in the gateway's
// place; it must fail.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/string_view.h"
#include "tests/simulation/allowance_runs.h"

ABSL_FLAG(int64_t, calls, 1'000'000, "Calls of all models together.");
ABSL_FLAG(uint64_t, seed, 1, "What everything random is drawn from.");
ABSL_FLAG(std::string, model, "", "One model alone, with all the calls.");
ABSL_FLAG(std::string, sender, "gateway", "gateway, token_bucket or send_log.");

namespace leadgateway::simulation {
namespace {

int Run() {
  const std::string sender_name = absl::GetFlag(FLAGS_sender);
  Sender sender = Sender::kGateway;
  if (sender_name == "token_bucket") {
    sender = Sender::kTokenBucket;
  } else if (sender_name == "send_log") {
    sender = Sender::kSendLog;
  } else if (sender_name != "gateway") {
    std::fprintf(stderr,
                 "--sender must be gateway, token_bucket or send_log\n");
    return 2;
  }
  const std::string only = absl::GetFlag(FLAGS_model);
  std::vector<SimulatedModel> models;
  for (SimulatedModel& model : HonestModels()) {
    if (only.empty() || model.account.name == only) {
      models.push_back(std::move(model));
    }
  }
  if (models.empty()) {
    std::fprintf(stderr, "--model must be one of");
    for (const SimulatedModel& model : HonestModels()) {
      std::fprintf(stderr, " %s", model.account.name.c_str());
    }
    std::fprintf(stderr, "\n");
    return 2;
  }
  const int64_t calls = std::max<int64_t>(
      1, absl::GetFlag(FLAGS_calls) / static_cast<int64_t>(models.size()));
  const uint64_t seed = absl::GetFlag(FLAGS_seed);

  int64_t total = 0;
  int failed = 0;
  double least_share = 1;
  for (const SimulatedModel& model : models) {
    const AllowanceFigures figures = RunAllowance(model, sender, seed, calls);
    total += figures.calls;
    std::printf("%-24s %9lld calls, %5.2f leads each",
                model.account.name.c_str(),
                static_cast<long long>(figures.calls), figures.leads_per_call);
    if (figures.used > 0) {
      std::printf("; used %6.2f %%, %.4f of the bound of %6.2f %%",
                  100 * figures.used, figures.used / figures.bound,
                  100 * figures.bound);
      least_share = std::min(least_share, figures.used / figures.bound);
    }
    std::printf("; throttles %lld, fullest window %d of %d\n",
                static_cast<long long>(figures.throttles),
                figures.most_in_window, model.account.calls);
    if (!figures.kept()) {
      ++failed;
      std::printf(
          "FAILED: %lld throttles, %lld windows with too many calls. Again: "
          "--model=%s --seed=%llu --calls=%lld --sender=%s\n",
          static_cast<long long>(figures.throttles),
          static_cast<long long>(figures.violations),
          model.account.name.c_str(), static_cast<unsigned long long>(seed),
          static_cast<long long>(calls), sender_name.c_str());
    }
    std::fflush(stdout);
  }
  std::printf(
      "%zu models, %lld calls, seed %llu: %d failed; the least of the bound "
      "that was used: %.4f\n",
      models.size(), static_cast<long long>(total),
      static_cast<unsigned long long>(seed), failed, least_share);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace leadgateway::simulation

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "The allowance in virtual time, against models of LeadSquared.");
  absl::ParseCommandLine(argc, argv);
  return leadgateway::simulation::Run();
}
