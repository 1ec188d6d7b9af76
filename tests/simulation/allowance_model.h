#ifndef LEADGATEWAY_TESTS_SIMULATION_ALLOWANCE_MODEL_H_
#define LEADGATEWAY_TESTS_SIMULATION_ALLOWANCE_MODEL_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace leadgateway::simulation {

// How LeadSquared and the way to it may behave, as far as an allowance is
// concerned. Everything that is not known of them is a field.
struct AccountModel {
  std::string name = {};

  // What LeadSquared enforces, and what the gateway is told.
  int calls = 25;
  absl::Duration window = absl::Seconds(5);
  int configured_calls = 0;  // 0: the same
  bool fixed_moment = false;

  enum class Window {
    kSliding,
    kAligned,  // windows that begin at multiples of W of their clock
    kBucket,   // holds N, refilled at N / W
  };
  Window counting_window = Window::kSliding;

  enum class Moment {
    kArrival,
    kAnswer,
    kRandom,       // anywhere in the handling
    kEarlyOrLate,  // at the arrival or at the answer, by chance
    kOffset,       // `offset` after the arrival
    kHalf,         // of the handling
  };
  Moment moment = Moment::kRandom;
  absl::Duration offset = absl::Milliseconds(20);

  // The time from arrival to answer.
  enum class Handling {
    kUniform,      // from a to b
    kExponential,  // a and, on average, b more
    kLognormal,    // median a, sigma b / 1 s
    kPareto,       // at least a, the tail's exponent is 2.5; at most b
    kEither,       // a or b, within 10 %
    kTide,         // uniform from a to b, times 1 to 3 and back within 10 min
  };
  Handling handling = Handling::kUniform;
  absl::Duration a = absl::Milliseconds(40);
  absl::Duration b = absl::Milliseconds(120);
  double spikes = 0;  // this share takes `spike` instead
  absl::Duration spike = absl::Milliseconds(250);

  // The network there and back without jitter, the share of it that is the way
  // there, and each way's mean jitter (exponential).
  absl::Duration network = absl::ZeroDuration();
  double share_there = 0.5;
  absl::Duration jitter = absl::ZeroDuration();
  // From then on, the network takes that long.
  absl::Duration rerouted_after = absl::InfiniteDuration();
  absl::Duration network_then = absl::ZeroDuration();

  // Seconds on LeadSquared's clock in a second of ours.
  double clock_rate = 1;

  // This share of the connections dies while the call is under way; the request
  // has arrived and is counted all the same.
  double killed = 0;
  // A proxy in front of it answers with an error of its own after that time
  // from the arrival; the call goes on.
  absl::Duration proxy_patience = absl::InfiniteDuration();
  // The client's patience.
  absl::Duration call_timeout = absl::Seconds(30);

  // Others on the account, Poisson, from the start until then.
  double other_calls_per_second = 0;
  absl::Duration others_until = absl::InfiniteDuration();
};

// One account of a model, as LeadSquared keeps it. By the seed and the calls
// that it gets, it does the same each time.
class ModelAccount {
 public:
  ModelAccount(const AccountModel& model, uint64_t seed, absl::Time start);

  struct Call {
    uint64_t id = 0;
    absl::Time sent;
    absl::Time counted;
    absl::Time ended;  // answered, killed or given up
    bool answered = true;
    bool by_proxy = false;  // it, not LeadSquared
    // The least that TCP has seen on the connection.
    absl::Duration round_trip;
  };
  // A call leaves. Times must not go back.
  Call Send(absl::Time now);
  // Whether the call was within the limit; asked when it ends, once.
  bool Throttled(const Call& call);

  // What has been counted so far.
  int64_t counted() const { return counted_; }
  int64_t throttles() const { return throttles_; }
  // The most of the gateway's own calls in any window of W, by their clock.
  int most_in_window() const { return most_in_window_; }
  // How often more than N of them were in one window.
  int64_t violations() const { return violations_; }
  absl::Time last_violation() const { return last_violation_; }
  absl::Time last_throttle() const { return last_throttle_; }
  absl::Time start() const { return start_; }
  // Changes with every moment of counting.
  uint64_t digest() const { return digest_; }
  // Of latency less what the rule knows to be the least, summed.
  absl::Duration excess() const { return excess_; }

  // Counts everything up to `now`.
  void CountUntil(absl::Time now);

 private:
  double Unit() { return unit_(random_); }
  absl::Duration Exponential(absl::Duration mean);
  absl::Duration DrawHandling(absl::Time now);
  absl::Duration NetworkAt(absl::Time now) const;
  void Count(absl::Time at, uint64_t id);
  bool WithinLimit(absl::Time their_time);

  const AccountModel model_;
  const absl::Time start_;
  std::mt19937_64 random_;
  std::uniform_real_distribution<double> unit_{0, 1};
  // Where the windows begin on their clock.
  const absl::Duration phase_;

  uint64_t next_id_ = 1;
  // The least round trip of each connection that waits for a call, and of those
  // in use, with when they are back.
  std::vector<absl::Duration> idle_connections_;
  using Back = std::pair<absl::Time, absl::Duration>;
  std::priority_queue<Back, std::vector<Back>, std::greater<>>
      connections_back_;
  // Moments of counting to come; id 0 is somebody else's.
  using Due = std::pair<absl::Time, uint64_t>;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> to_count_;
  std::set<uint64_t> throttled_;

  std::deque<absl::Time> within_;  // sliding
  int64_t aligned_ = -1;           // which window, and how many are in it
  int in_aligned_ = 0;
  double tokens_;
  absl::Time refilled_;

  std::deque<absl::Time> own_;  // the gateway's own in the last W
  int64_t counted_ = 0;
  int64_t throttles_ = 0;
  int64_t violations_ = 0;
  absl::Time last_violation_ = absl::InfinitePast();
  absl::Time last_throttle_ = absl::InfinitePast();
  int most_in_window_ = 0;
  uint64_t digest_ = 0xcbf29ce484222325U;
  absl::Duration excess_;
};

// The least that a call can take in handling.
absl::Duration LeastHandling(const AccountModel& model);

}  // namespace leadgateway::simulation

#endif  // LEADGATEWAY_TESTS_SIMULATION_ALLOWANCE_MODEL_H_
