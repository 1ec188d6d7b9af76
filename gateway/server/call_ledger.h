#ifndef LEADGATEWAY_GATEWAY_SERVER_CALL_LEDGER_H_
#define LEADGATEWAY_GATEWAY_SERVER_CALL_LEDGER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "gateway/dispatch/allowance.h"
#include "gateway/dispatch/daily_budget.h"
#include "gateway/server/state_file.h"
#include "gateway/server/state_writer.h"

namespace leadgateway::server {

// What a process makes of the file that its predecessor left.
struct Recovery {
  // Calls that count against today.
  int64_t calls_today = 0;
  // Nobody knows when the last calls were made: all slots are held, as if as
  // many calls had just been lost.
  bool hold_all = false;
  // The time of day at which the window of each call that may still count
  // began.
  std::vector<absl::Time> held;
  // What had to be assumed, in a sentence; "" where nothing was.
  std::string assumed;
};

// `released` is what the spread of the day's budget has released of today's
// calls by now: no predecessor has spent more.
Recovery Recover(const absl::StatusOr<SavedState>& saved,
                 const std::string& account, const std::string& zone,
                 absl::CivilDay today, absl::Time wall_now, int64_t released);

// Keeps an account's calls in a file, so that a restart neither gives the day's
// budget again nor lets more calls through a window than the allowance has.
//
// Calls are written down in blocks before they are made: a process that dies
// has counted too many, never too few. What waits for the disk are calls that
// the budget limits, and those at most kMostWait: a disk that can't be written
// is logged and does not stop the account. The file says so when a process has
// ended as it should; only then is it exact, and its successor's calls start at
// once. Lives on the loop thread.
class CallLedger {
 public:
  struct Options {
    std::string account;
    std::string path;
    int calls = 25;  // a window's
    StateWriter::Save save = SaveState;
  };
  // Runs a function on the loop thread.
  using Post = std::function<void(absl::AnyInvocable<void() &&>)>;

  // All must outlive this object, `writer` but for what it still has to call.
  CallLedger(Options options, dispatch::DailyBudget* budget,
             dispatch::Allowance* allowance, StateWriter* writer, Post post);

  // Reads the file, tells budget and allowance, and marks it as in use. Blocks
  // for the disk: at the start only. Fails where the file can't be read or
  // written.
  absl::StatusOr<Recovery> Open(absl::Time now);

  // Sees to it that enough is written down. Returns when to be called next at
  // the latest.
  absl::Time Tick(absl::Time now);

  // Writes the exact state, since no call will follow; `in_flight` calls are
  // under way. Blocks for the disk. Call it when nothing is being written,
  // after the last Tick.
  absl::Status Close(int in_flight, absl::Time now);

  // Whether something is on its way to the disk.
  bool writing() const { return writing_; }

  // What is wrong with the disk; "" if nothing is.
  const std::string& problem() const { return problem_; }

  // The longest that calls wait for the disk.
  static constexpr absl::Duration kMostWait = absl::Seconds(5);

 private:
  SavedState StateNow(int64_t calls, absl::Time now) const;
  int64_t Block() const;
  void Written(absl::CivilDay day, int64_t calls, const absl::Status& status);
  void Grant(absl::CivilDay day, int64_t calls);

  const Options options_;
  dispatch::DailyBudget& budget_;
  dispatch::Allowance& allowance_;
  StateWriter& writer_;
  const Post post_;

  // Written down.
  absl::CivilDay day_;
  int64_t calls_ = 0;
  // Being written.
  bool writing_ = false;
  absl::CivilDay next_day_;
  int64_t next_calls_ = 0;
  absl::Time overdue_at_ = absl::InfiniteFuture();
  std::string problem_;
  // Gone with this object, of which what was written may still be told.
  const std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_CALL_LEDGER_H_
