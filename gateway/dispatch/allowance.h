#ifndef LEADGATEWAY_GATEWAY_DISPATCH_ALLOWANCE_H_
#define LEADGATEWAY_GATEWAY_DISPATCH_ALLOWANCE_H_

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "absl/time/time.h"

namespace leadgateway::dispatch {

// Tells when a call may leave so that LeadSquared never counts more than N
// calls in any window of W. A plain object: no clock, no thread, no waiting.
//
// The rule. At most N calls are *held* at any time. A call is held from Take()
// until its release:
//
//   answered at r:       r - R + W + ε
//   no answer, given up at g:  g + W + ε
//   never left:          at once
//
// R is a lower bound on how long before r LeadSquared counted the call, that is
// on the network's way back, plus the way there of a later call. While nothing
// is known, R = 0.
//
// Proof. Let d1 be the time a request takes to get there and d2 the time an
// answer takes to come back; the network needs at least R for both together.
// LeadSquared counts call i at c_i <= r_i - d2_i. Let N + 1 calls be counted,
// and j be the one of them that was taken last. When it was taken, at most N -
// 1 calls were held, so one of the other N, say i, had been released: s_j >=
// r_i - R + W + ε, where s_j is when j left. LeadSquared counts j at c_j >= s_j
// + d1_j. So
//
//   c_j - c_i >= (r_i - R + W + ε + d1_j) - (r_i - d2_i)
//              = W + ε + (d1_j + d2_i - R) >= W + ε.
//
// The N + 1 counts are therefore never within one window of W. The times are
// this machine's; W passes there by another clock, and ε covers what the two
// drift apart in W (200 ppm of 5 s are 1 ms) and the error of R.
//
// Counted at any moment, R is the shortest TCP handshake seen: the way there
// and back and nothing else. Where LeadSquared counts each call at one fixed
// moment of its handling, the same argument holds with the shortest latency
// that there is, which also contains the least handling around that moment. The
// shortest one seen stands for it once enough have been seen; before, the
// handshake does.
//
// A log of send times is not enough: two calls that left W apart are counted
// less than W apart when the first was slow to be counted. A token bucket even
// lets 2N - 1 through in one window.
class Allowance {
 public:
  struct Options {
    int calls = 25;
    absl::Duration window = absl::Seconds(5);
    // LeadSquared counts at one fixed moment of the handling.
    bool fixed_moment = false;
  };

  explicit Allowance(Options options) : options_(options) {}

  // Takes over another configured limit. Calls that are held stay held, and a
  // learned limit that is lower stays in force.
  void Reconfigure(Options options) { options_ = options; }

  // Calls that may leave now.
  int FreeCalls(absl::Time now);

  // When FreeCalls will be above zero: `now` if it is, absl::InfiniteFuture()
  // if that depends on calls that are not answered yet.
  absl::Time NextFree(absl::Time now);

  // When that many calls could have left, as far as is known: `now` if they all
  // may now, absl::InfiniteFuture() if that depends on calls that are not
  // answered yet.
  absl::Time NthFree(int calls, absl::Time now);

  // What a successor must know of the calls that have ended: when each one's
  // window began. Calls under way are not in it.
  std::vector<absl::Time> HeldSince(absl::Time now);
  // A call of a predecessor, whose window began then.
  void HoldSince(absl::Time since) { ended_.insert(since); }

  // One call is about to leave. Needs FreeCalls(now) > 0.
  void Take();

  // What became of a taken call; exactly one of these, once, for each.
  void Answered(absl::Time sent_at, absl::Time answered_at);
  void Lost(absl::Time given_up_at);
  void NeverSent();

  // A TCP handshake on the path to LeadSquared took this long.
  void ObserveHandshake(absl::Duration handshake);

  // A call was turned away for the limit. Call it beside Answered. All calls
  // pause for `retry_after`, or for W. Where the answer named a limit, the
  // limit in force becomes that one, never above the configured one; nonsense
  // (zero or less) is ignored.
  void Throttled(absl::Time now, std::optional<int64_t> named_calls,
                 std::optional<absl::Duration> named_window,
                 std::optional<absl::Duration> retry_after);

  // The limit in force.
  int limit() const;
  absl::Duration window() const;
  bool learned() const { return learned_calls_ || learned_window_; }
  // Calls that are held now.
  int held(absl::Time now);
  // Of these, the ones that have not ended.
  int in_flight() const { return in_flight_; }
  // What one call costs in time when all are used: W / N.
  absl::Duration spacing() const { return window() / usable(); }
  absl::Duration epsilon() const { return epsilon_; }
  absl::Time paused_until() const { return paused_until_; }
  // The shortest latency of an answered call; zero before the first.
  absl::Duration min_latency() const;

  // Covers clock drift (1 ms in 5 s at 200 ppm) and the error of R.
  static constexpr absl::Duration kLeastEpsilon = absl::Milliseconds(4);
  static constexpr absl::Duration kMostEpsilon = absl::Milliseconds(250);
  // Latencies whose shortest stands for the shortest that there is: where they
  // spread evenly over 80 ms, it is within the least epsilon of that except
  // once in 30,000 times.
  static constexpr int kAnswersToTrust = 200;
  // The longest pause that an answer may ask for.
  static constexpr absl::Duration kMaxPause = absl::Minutes(5);

 private:
  // Calls that this gateway takes for itself: the limit, less what others on
  // the account seem to use.
  int usable() const;
  void Release(absl::Time now);
  void Recover(absl::Time now);
  absl::Duration WayThereAndBack() const;
  // When no more than `calls` are held any more, as far as answers are in.
  absl::Time WhenHeld(int calls) const;

  Options options_;
  int in_flight_ = 0;
  // Of calls that are held and ended: the release less W, since an answer may
  // still name a longer W.
  std::multiset<absl::Time> ended_;
  absl::Duration min_handshake_ = absl::InfiniteDuration();
  absl::Duration min_latency_ = absl::InfiniteDuration();
  int answers_ = 0;  // up to kAnswersToTrust
  absl::Duration epsilon_ = kLeastEpsilon;
  std::optional<int> learned_calls_;
  std::optional<absl::Duration> learned_window_;
  // Calls per window left to others: grows by a tenth of the limit at each
  // throttle, shrinks by one in each window without.
  int left_to_others_ = 0;
  absl::Time paused_until_ = absl::InfinitePast();
  absl::Time next_recovery_ = absl::InfiniteFuture();
};

}  // namespace leadgateway::dispatch

#endif  // LEADGATEWAY_GATEWAY_DISPATCH_ALLOWANCE_H_
