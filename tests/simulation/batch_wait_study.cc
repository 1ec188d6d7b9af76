// How long one-lead requests wait under a steady load, for several rules of
// when a call that isn't full leaves. Runs the production dispatcher in virtual
// time against a window that slides and counts calls at their answers.
//
//   bazel run -c opt //tests/simulation:batch_wait_study --
//     [--seconds=600] [--seed=1] [--calls=25] [--window=5s] [--at_once=1]
//     [--burst_share=B --stretch=S]
//
// Prints, by rule and rate: the median, the 99th percentile and the longest of
// the times from a request to its call's departure, calls, and leads per call.
// Rates are those for 25 calls in 5 s; for another limit, in proportion.
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/time/time.h"
#include "gateway/dispatch/batch_pacer.h"
#include "tests/simulation/allowance_runs.h"

ABSL_FLAG(double, seconds, 600, "Virtual time of each row.");
ABSL_FLAG(uint64_t, seed, 1, "What the requests' times are drawn from.");
ABSL_FLAG(int, calls, 25, "N.");
ABSL_FLAG(absl::Duration, window, absl::Seconds(5), "W.");
ABSL_FLAG(int, at_once, 1, "Requests that arrive together.");
ABSL_FLAG(double, burst_share, 0, "Only our rule, with this b.");
ABSL_FLAG(double, stretch, 0.25, "Only our rule, with this stretch.");

namespace leadgateway::simulation {
namespace {

struct Rule {
  std::string name;
  dispatch::BatchPacer::Options batching;
  int leads_per_call = 25;
};

void Run() {
  const absl::Duration window = absl::GetFlag(FLAGS_window);
  const int calls = absl::GetFlag(FLAGS_calls);
  std::vector<Rule> rules = {
      {"ours", {}},
      {"at once", {.gather = absl::ZeroDuration(), .burst_share = 1}},
      {"fixed 10 ms", {.gather = absl::Milliseconds(10), .burst_share = 1}},
      {"fixed W/N", {.gather = window / calls, .burst_share = 1}},
      {"one each", {.gather = absl::ZeroDuration(), .burst_share = 1}, 1},
  };
  if (absl::GetFlag(FLAGS_burst_share) > 0) {
    rules = {{"b",
              {.burst_share = absl::GetFlag(FLAGS_burst_share),
               .stretch = absl::GetFlag(FLAGS_stretch)}}};
  }
  const double scale = calls / absl::ToDoubleSeconds(window) / 5;
  for (const Rule& rule : rules) {
    for (const double rate : {1, 2, 5, 10, 20, 40, 60, 90, 110}) {
      // One lead a call: beyond 4 a second the queue grows without end.
      if (rule.leads_per_call == 1 && rate > 5) continue;
      WaitOptions options;
      options.batching = rule.batching;
      options.max_leads_per_call = rule.leads_per_call;
      options.calls = calls;
      options.window = window;
      options.rate = rate * scale;
      options.at_once = absl::GetFlag(FLAGS_at_once);
      options.duration = absl::Seconds(absl::GetFlag(FLAGS_seconds));
      options.seed = absl::GetFlag(FLAGS_seed);
      const WaitFigures figures = RunWaits(options);
      std::printf(
          "%-12s %6.1f leads/s  p50 %7.1f ms  p99 %7.1f ms  most %7.1f ms  "
          "%6lld calls  %5.2f leads a call\n",
          rule.name.c_str(), options.rate, figures.p50, figures.p99,
          figures.most, static_cast<long long>(figures.calls),
          figures.leads_per_call);
    }
  }
}

}  // namespace
}  // namespace leadgateway::simulation

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "How long one-lead requests wait, by the rule of when calls leave.");
  absl::ParseCommandLine(argc, argv);
  leadgateway::simulation::Run();
  return 0;
}
