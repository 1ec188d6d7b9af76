#ifndef LEADGATEWAY_TESTS_SIMULATION_ALLOWANCE_RUNS_H_
#define LEADGATEWAY_TESTS_SIMULATION_ALLOWANCE_RUNS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/dispatch/batch_pacer.h"
#include "tests/simulation/allowance_model.h"

// What the simulation measures: the allowance, waits and shares.
namespace leadgateway::simulation {

// Who decides when calls leave: the production dispatcher, or a control that
// must fail.
enum class Sender { kGateway, kTokenBucket, kSendLog };

// How leads come.
enum class Load {
  kBacklog,  // always more than can be sent
  kBursts,   // 1 to 2,000 leads, and pauses of up to three windows
  kSingles,  // requests of one lead, Poisson, at half of the calls' rate
             // to four times that, changing
};

struct SimulatedModel {
  AccountModel account;
  Load load = Load::kBacklog;
};

// The models that no call may be throttled in. At least 20 of each way of
// counting.
std::vector<SimulatedModel> HonestModels();

struct AllowanceFigures {
  int64_t calls = 0;
  int64_t throttles = 0;
  // How often more than N were counted in a W, however LeadSquared's window is
  // made, and the most that were.
  int64_t violations = 0;
  int most_in_window = 0;
  double leads_per_call = 0;
  // Of N calls in W: what was used in the steady state, and the most that the
  // slot rule allows.
  double used = 0;
  double bound = 0;
  // The same of the last twenty windows' worth of calls.
  double used_at_the_end = 0;
  // Since the start; negative if there was none.
  absl::Duration last_throttle = -absl::InfiniteDuration();
  absl::Duration last_violation = -absl::InfiniteDuration();
  uint64_t digest = 0;

  bool kept() const { return throttles == 0 && violations == 0; }
  bool operator==(const AllowanceFigures&) const = default;
};

// Makes at least `calls` calls.
AllowanceFigures RunAllowance(const SimulatedModel& model, Sender sender,
                              uint64_t seed, int64_t calls);

// Wait from a request to its call's departure, in ms.
struct WaitFigures {
  double p50 = 0;
  double p99 = 0;
  double most = 0;
  int64_t calls = 0;
  double leads_per_call = 0;
  int64_t throttles = 0;
};

struct WaitOptions {
  dispatch::BatchPacer::Options batching = {};
  int max_leads_per_call = 25;
  int calls = 25;
  absl::Duration window = absl::Seconds(5);
  // Requests of one lead a second, Poisson; each brings so many at once.
  double rate = 10;
  int at_once = 1;
  absl::Duration duration = absl::Seconds(600);
  uint64_t seed = 1;
};
WaitFigures RunWaits(const WaitOptions& options);

// Ten requests beside each other.
struct ShareFigures {
  // By request: leads that were sent until its last one was, divided by those
  // that its max-min fair share would have needed.
  std::vector<double> stretch;
  double most_stretch = 0;
  // Jain's index of what the requests got of their shares, at the worst moment
  // between calls while all still wait.
  double jain = 0;
};
enum class Callers { kOne, kEachItsOwn, kFirstComeFirstServed };
// One request of 10,000 leads, and `later` after it nine of 25.
ShareFigures RunShares(Callers callers, absl::Duration later, uint64_t seed);

}  // namespace leadgateway::simulation

#endif  // LEADGATEWAY_TESTS_SIMULATION_ALLOWANCE_RUNS_H_
