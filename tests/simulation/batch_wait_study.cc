// How long one-lead requests wait under a steady load, for several rules of
// when a call that isn't full leaves. Runs the production dispatcher in virtual
// time against a window that slides and counts calls at their answers.
//
//   bazel run -c opt //tests/simulation:batch_wait_study [-- SECONDS [SEED]]
//
// Prints, by rule and rate: the median and the 99th percentile of the time from
// a request to its call's departure, calls, and leads per call.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/dispatch/batch_pacer.h"
#include "tests/support/dispatch_world.h"

namespace leadgateway {
namespace {

struct Rule {
  const char* name;
  dispatch::BatchPacer::Options batching;
};

constexpr Rule kRules[] = {
    {"ours", {}},
    {"at once", {.gather = absl::ZeroDuration(), .burst_share = 1}},
    {"fixed 10 ms", {.gather = absl::Milliseconds(10), .burst_share = 1}},
    {"fixed W/N", {.gather = absl::Milliseconds(200), .burst_share = 1}},
};

double Percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto at = static_cast<size_t>(share * (values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<long>(at),
                   values.end());
  return values[at];
}

void Run(const Rule& rule, double rate, double seconds, uint64_t seed) {
  dispatch::AccountDispatcher::Options options;
  options.batching = rule.batching;
  testing::DispatchWorld world(options, seed);
  std::mt19937_64 random(seed);
  world.script = [&random](testing::SentCall& call) {
    call.latency = absl::Milliseconds(
        std::uniform_real_distribution<double>(40, 120)(random));
    testing::AnswerUpdated(call);
  };
  std::map<std::string, absl::Time> asked;
  std::vector<std::shared_ptr<testing::JobWatch>> jobs;
  std::exponential_distribution<double> gap(rate);
  int number = 0;
  for (double at = gap(random); at < seconds; at += gap(random)) {
    const std::string name = absl::StrCat("r", number++);
    world.At(absl::Seconds(at), [&world, &asked, &jobs, name] {
      asked.emplace(absl::StrCat(name, ":0"), world.now());
      jobs.push_back(world.Submit(name, 1));
    });
  }
  world.RunFor(absl::Seconds(seconds));
  world.RunUntilIdle();

  std::vector<double> waits;
  int leads = 0;
  for (const testing::SentCall& call : world.calls) {
    leads += static_cast<int>(call.leads.size());
    for (const testing::SentLead& lead : call.leads) {
      waits.push_back(absl::ToDoubleMilliseconds(call.at - asked[lead.tag]));
    }
  }
  std::printf(
      "%-12s %6.0f leads/s  p50 %7.1f ms  p99 %7.1f ms  %6zu calls  %5.2f "
      "leads a call\n",
      rule.name, rate, Percentile(waits, 0.5), Percentile(waits, 0.99),
      world.calls.size(),
      static_cast<double>(leads) / static_cast<double>(world.calls.size()));
}

}  // namespace
}  // namespace leadgateway

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 600;
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  for (const leadgateway::Rule& rule : leadgateway::kRules) {
    for (const double rate : {1, 2, 5, 10, 20, 40, 60, 90, 110}) {
      leadgateway::Run(rule, rate, seconds, seed);
    }
  }
  return 0;
}
