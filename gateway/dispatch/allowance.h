#ifndef LEADGATEWAY_GATEWAY_DISPATCH_ALLOWANCE_H_
#define LEADGATEWAY_GATEWAY_DISPATCH_ALLOWANCE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "gateway/dispatch/shortest.h"

namespace leadgateway::dispatch {

// Tells when a call may leave so that LeadSquared never counts more than N
// calls in any window of W. A plain object: no clock, no thread, no waiting.
//
// The rule. At most N calls are *held* at any time. A call that left at s is
// held from Take() until
//
//   answered at r:             r - R + W + ε
//   no answer, given up at g:  max(g, s + D) + W + ε
//   another's answer at g:     max(g, s + D, s + 2 (g - s)) + W + ε
//   never left:                at once
//
// R is the least time that the network needs there and back, judged by what TCP
// has measured; 0 while too little is known. D is twice the slowest latency of
// late.
//
// Proof. Let d1 be the time a request takes to get there and d2 the time an
// answer takes to come back, so that LeadSquared counts call i in
// [s_i + d1_i, r_i - d2_i]. Let N + 1 calls be counted, and j be the one of
// them that was taken last. When it was taken, at most N - 1 calls were held,
// so one of the other N, say i, had been released: s_j >= r_i - R + W + ε. So
//
//   c_j - c_i >= (s_j + d1_j) - (r_i - d2_i)
//             >= W + ε + (d1_j + d2_i - R) >= W + ε.
//
// The N + 1 counts are therefore never within one window of W. If i had no
// answer, it was counted by max(g, s_i + D), and c_j - c_i >= W + ε as well.
// The times are this machine's, and W passes there by another clock: ε covers
// what two clocks at 200 ppm drift apart in W, and the error of R.
//
// R must hold when j leaves, not when i is released: it is therefore applied
// when the question is asked, to all calls that may still be held. When the way
// becomes shorter, every call that is answered from then on tells so, and calls
// that were released by the former R and have not been replaced are held again.
// What no rule can cover is a call that leaves on a shorter way before anything
// has come back on it: it can be counted too early by as much as the way became
// shorter, less ε.
//
// Counted at a fixed moment. Let x be the time from a call's departure to its
// count and y from its count to its answer. "Fixed" means that the least x, the
// least y and the least latency L = x + y belong together: no call is counted
// sooner, and none answered sooner after its count, than the fastest one is.
// That is so for a limiter at the door (x varies with the network alone, y with
// the handling), for one at the very end, and for one in the middle of work
// that takes each call equally long or in proportion. Then with L in R's place
//
//   c_j - c_i = (s_j + x_j) - (r_i - y_i) >= W + ε + (x_j + y_i - L) >= W + ε.
//
// L must not be taken too long, and the shortest latency seen is always longer
// than the shortest that there is. For a limiter at the door that does no harm,
// as i itself is among those seen: x_j + y_i is its latency but for the
// network's jitter. For a later moment it does: j may be faster than all
// before. So L is the bound that Shortest makes of the latencies. Of n that
// spread evenly over a range it lies 4 / n of that below the shortest: for
// 80 ms, 3 ms after 100 answers. The chance that any later call is faster than
// that by more than ε is below 1 % from the start on, and below 1 in 100,000
// after 200 answers.
//
// No answer. A call whose connection died may be waiting in LeadSquared's queue
// still, and be counted after g. It is held as if it took twice as long as the
// slowest call of late (at least kFirstDoubt until kAnswersToTrust answers have
// shown how slow calls are). One that outlasted even that,
// such as one that ran into the call time-out, is held from g: what is counted
// later than that is beyond what can be known.
//
// Another's answer. A proxy that has lost patience answers in LeadSquared's
// place, and the call goes on behind it: an answer that is not LeadSquared's
// own proves nothing. Such calls are the slow ones, and their latencies are
// never seen, so D alone would be short: it is held as if it took twice as long
// as it has taken so far.
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

  // Takes over another configured limit. Calls that are held stay held; with a
  // longer window, calls that had been released by the shorter one are held
  // again until they are out of it, so that no window sees more than N of the
  // calls before and after together. A learned limit that is lower stays in
  // force, unless the configured one has been raised: whoever does that knows
  // better than an old answer.
  void Reconfigure(Options options, absl::Time now);

  // Calls that may leave now. `now` must not go back from one question to the
  // next, here and in the other methods.
  int FreeCalls(absl::Time now);

  // When FreeCalls will be above zero: `now` if it is, absl::InfiniteFuture()
  // if that depends on calls that are not answered yet.
  absl::Time NextFree(absl::Time now);

  // When that many calls could have left, as far as is known: `now` if they all
  // may now, absl::InfiniteFuture() if that depends on calls that are not
  // answered yet.
  absl::Time NthFree(int calls, absl::Time now);

  // What a successor must know of the calls that have ended: when each one's
  // window began. Calls under way are not in it; those may be counted until
  // Doubt() from now, as far as is known.
  std::vector<absl::Time> HeldSince(absl::Time now);
  absl::Duration Doubt() const;
  // A call of a predecessor, whose window began then.
  void HoldSince(absl::Time since);

  // A call of a predecessor that is under way: it ends by then. And: it has
  // ended; `ended_at` is none if it never left.
  void HoldUnderWay(absl::Time ends_by);
  void UnderWayEnded(absl::Time ends_by, std::optional<absl::Time> ended_at);

  // One call is about to leave. Needs FreeCalls(now) > 0.
  void Take();

  // What became of a taken call; exactly one of these, once, for each.
  void Answered(absl::Time sent_at, absl::Time answered_at);
  void Lost(absl::Time sent_at, absl::Time given_up_at);
  // Something on the way answered in LeadSquared's place.
  void AnsweredByOther(absl::Time sent_at, absl::Time answered_at);
  void NeverSent();

  // TCP measured this time there and back: in a handshake, or the least that it
  // has seen on a connection.
  void ObserveRoundTrip(absl::Duration round_trip);

  // A call was turned away for the limit. Call it beside Answered. All calls
  // pause for `retry_after`, or for W. Where the answer named a limit, the
  // limit in force becomes that one, never above the configured one; nonsense
  // (zero or less, a window of more than kLongestWindow) is ignored.
  void Throttled(absl::Time now, std::optional<int64_t> named_calls,
                 std::optional<absl::Duration> named_window,
                 std::optional<absl::Duration> retry_after);

  // The limit in force.
  int limit() const;
  absl::Duration window() const;
  bool learned() const { return learned_calls_ || learned_window_; }
  // Calls that this gateway takes for itself: the limit, less what others on
  // the account seem to use.
  int usable() const { return UsableBeside(caution_.left_to_others); }
  // Calls that are held now.
  int held(absl::Time now);
  // Of these, the ones that have not ended.
  int in_flight() const { return in_flight_; }
  // What one call costs in time when all are used.
  absl::Duration spacing() const { return window() / usable(); }
  absl::Duration epsilon() const { return EpsilonOf(caution_); }
  absl::Time paused_until() const { return paused_until_; }
  // The shortest latency of an answered call; zero before the first.
  absl::Duration min_latency() const;

  // How far two clocks drift apart: quartz is within 100 ppm.
  static constexpr double kClockDrift = 200e-6;
  // ε beside the drift: the error of R.
  static constexpr absl::Duration kLeastMargin = absl::Milliseconds(2);
  static constexpr absl::Duration kMostMargin = absl::Milliseconds(250);
  // A killed call is held for at least this long after it left, and W, until so
  // many answers are in.
  static constexpr absl::Duration kFirstDoubt = absl::Seconds(1);
  static constexpr int kAnswersToTrust = 100;
  // Calls that have ended are kept in mind beyond their release, up to this
  // many, for a window that becomes longer.
  static constexpr size_t kKeptInMind = 1000;
  // The longest pause that an answer may ask for.
  static constexpr absl::Duration kMaxPause = absl::Minutes(5);
  // The longest window that is learned; the longest that can be configured.
  static constexpr absl::Duration kLongestWindow = absl::Hours(1);
  // After repeated throttles, others are given this many windows before the
  // next call is taken back.
  static constexpr int kMostWindowsPerCall = 4;

 private:
  // What throttles have taught, and how it is forgotten.
  struct Caution {
    absl::Duration margin = kLeastMargin;
    // Calls per window left to others: grows by a tenth of the limit at each
    // throttle, shrinks by one call in so many windows without.
    int left_to_others = 0;
    int windows_per_call = 1;
    int clean_windows = 0;
    absl::Time next_step = absl::InfiniteFuture();

    // A window without a throttle is over.
    void Step(absl::Duration window);
  };

  int UsableBeside(int left_to_others) const;
  absl::Duration EpsilonOf(const Caution& caution) const;
  // R, or L where counted at a fixed moment.
  absl::Duration Least() const;
  void HoldAsLost(absl::Time sent_at, absl::Time ended_at,
                  absl::Duration may_take);
  void Recover(absl::Time now);
  void Forget(absl::Time now);
  // Since when calls that ended must not have ended to be released at `now`:
  // those answered, and those lost.
  absl::Time AnsweredSince(absl::Time now) const;
  absl::Time LostSince(absl::Time now) const;
  // When no more than `calls` are held any more, as far as answers are in.
  absl::Time WhenHeld(int calls, absl::Time now, absl::Duration epsilon) const;

  Options options_;
  int in_flight_ = 0;
  // When calls were answered, and until when those without an answer may be
  // counted. Ascending; kept until they are released even with R = 0, and then
  // the last kKeptInMind of each.
  std::deque<absl::Time> answered_;
  std::deque<absl::Time> lost_;
  // The last one that is not kept.
  absl::Time forgotten_ = absl::InfinitePast();
  Shortest round_trips_;
  Shortest latencies_;
  // The longest latency, forgotten bit by bit with each answer.
  absl::Duration slowest_ = absl::ZeroDuration();
  int answers_ = 0;  // up to kAnswersToTrust
  std::optional<int> learned_calls_;
  std::optional<absl::Duration> learned_window_;
  Caution caution_;
  absl::Time paused_until_ = absl::InfinitePast();
};

}  // namespace leadgateway::dispatch

#endif  // LEADGATEWAY_GATEWAY_DISPATCH_ALLOWANCE_H_
