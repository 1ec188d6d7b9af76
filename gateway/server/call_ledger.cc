#include "gateway/server/call_ledger.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/base/status_macros.h"

namespace leadgateway::server {
namespace {

// A file from further ahead than this is from the future; clocks differ by
// less.
constexpr absl::Duration kClockSlack = absl::Minutes(1);
// A block is a hundredth of the day's calls and at most so many windows': what
// a process that dies has counted too much.
constexpr int64_t kBlocksADay = 100;
constexpr int64_t kMostWindowsABlock = 4;
// A call of a predecessor is counted no later than this from now: its window
// begins in the past or, for calls that were in doubt, soon.
constexpr absl::Duration kLatestCount = absl::Minutes(1);
// Without a budget the count is for people only.
constexpr int64_t kBlockWithoutBudget = 1000;

}  // namespace

Recovery Recover(const absl::StatusOr<SavedState>& saved,
                 const std::string& account, const std::string& zone,
                 absl::CivilDay today, absl::Time wall_now, int64_t released) {
  Recovery recovery;
  recovery.hold_all = true;
  if (absl::IsNotFound(saved.status())) {
    recovery.assumed =
        "there is no state file, so today's calls are counted from 0 and the "
        "first call waits a window and a second";
    return recovery;
  }
  if (!saved.ok() || saved->account != account) {
    recovery.calls_today = released;
    recovery.assumed = absl::StrCat(
        "the state file ",
        saved.ok() ? "is another account's" : saved.status().message(),
        ", so all calls that may have been made today, ", released,
        ", count as made and the first call waits a window and a second");
    return recovery;
  }
  const bool from_future =
      saved->day > today || saved->saved_at > wall_now + kClockSlack;
  if (from_future) {
    recovery.calls_today = saved->calls;
    recovery.assumed =
        absl::StrCat("the state file is from the future (",
                     absl::FormatTime(saved->saved_at, absl::UTCTimeZone()),
                     "), so the clock is wrong or was; its ", saved->calls,
                     " calls count as made today and the first call waits a "
                     "window and a second");
    return recovery;
  }
  if (saved->day == today || saved->zone != zone) {
    recovery.calls_today = saved->calls;
  }
  if (!saved->clean) {
    recovery.assumed = absl::StrCat(
        "the last process did not end as it should, so all calls that it had "
        "written down, ",
        recovery.calls_today,
        " of today, count as made and the first call waits a window and a "
        "second");
    return recovery;
  }
  recovery.hold_all = false;
  recovery.held = saved->held;
  return recovery;
}

CallLedger::CallLedger(Options options, dispatch::DailyBudget* budget,
                       dispatch::Allowance* allowance, StateWriter* writer,
                       Post post)
    : options_(std::move(options)),
      budget_(*budget),
      allowance_(*allowance),
      writer_(*writer),
      post_(std::move(post)) {}

int64_t CallLedger::Block() const {
  if (!budget_.limited()) return kBlockWithoutBudget;
  return std::clamp<int64_t>(budget_.calls() / kBlocksADay, 1,
                             kMostWindowsABlock * options_.calls);
}

SavedState CallLedger::StateNow(int64_t calls, absl::Time now) const {
  SavedState state;
  state.account = options_.account;
  state.day = budget_.Today(now);
  state.zone = budget_.zone().name();
  state.calls = calls;
  state.saved_at = budget_.WallOf(now);
  return state;
}

void CallLedger::Grant(absl::CivilDay day, int64_t calls) {
  day_ = day;
  calls_ = calls;
  if (budget_.limited()) budget_.Grant(day, calls);
}

absl::StatusOr<Recovery> CallLedger::Open(absl::Time now) {
  const absl::StatusOr<SavedState> saved = LoadState(options_.path);
  if (absl::IsInvalidArgument(saved.status())) return saved.status();
  const Recovery recovery = Recover(
      saved, options_.account, budget_.zone().name(), budget_.Today(now),
      budget_.WallOf(now), budget_.limited() ? budget_.Released(now) : 0);
  budget_.Restore(recovery.calls_today, now);
  if (recovery.hold_all) {
    // As if a window's calls were under way still: a process that was killed
    // left its calls to themselves.
    for (int i = 0; i < options_.calls; ++i) {
      allowance_.HoldSince(now + allowance_.Doubt() + allowance_.epsilon());
    }
  }
  for (const absl::Time held : recovery.held) {
    allowance_.HoldSince(now +
                         std::min(kLatestCount, held - budget_.WallOf(now)));
  }
  const int64_t calls = budget_.SpentToday(now) + Block();
  LG_RETURN_IF_ERROR(options_.save(options_.path, StateNow(calls, now)));
  Grant(budget_.Today(now), calls);
  return recovery;
}

absl::Time CallLedger::Tick(absl::Time now) {
  if (writing_) {
    if (now < overdue_at_) return overdue_at_;
    if (overdue_at_ != absl::InfiniteFuture()) {
      overdue_at_ = absl::InfiniteFuture();
      problem_ = "the disk is slow";
      LogLine(LogLevel::kError, "state_not_saved")
          .Add("account", options_.account)
          .Add("path", options_.path)
          .Add("text",
               "the disk takes too long; calls go on, and a crash now would "
               "forget them");
      Grant(next_day_, next_calls_);
    }
    return absl::InfiniteFuture();
  }
  const absl::CivilDay today = budget_.Today(now);
  const int64_t spent = budget_.SpentToday(now);
  const bool enough = today == day_ && calls_ - spent > Block() / 2;
  const bool all = today == day_ && budget_.limited() &&
                   calls_ >= std::max(spent, budget_.calls());
  if (enough || all) return absl::InfiniteFuture();
  writing_ = true;
  next_day_ = today;
  next_calls_ = spent + Block();
  overdue_at_ = now + kMostWait;
  writer_.Write(options_.path, StateNow(next_calls_, now),
                [this, alive = std::weak_ptr<const bool>(alive_), post = post_,
                 day = next_day_, calls = next_calls_](absl::Status status) {
                  // Closed meanwhile, the ledger has written all there is.
                  post([this, alive, day, calls, status = std::move(status)] {
                    if (!alive.expired()) Written(day, calls, status);
                  });
                });
  return overdue_at_;
}

void CallLedger::Written(absl::CivilDay day, int64_t calls,
                         const absl::Status& status) {
  writing_ = false;
  overdue_at_ = absl::InfiniteFuture();
  problem_ = std::string(status.message());
  if (!status.ok()) {
    LogLine(LogLevel::kError, "state_not_saved")
        .Add("account", options_.account)
        .Add("path", options_.path)
        .Add("text",
             absl::StrCat(status.message(),
                          "; calls go on, and a crash now would forget them"));
  }
  Grant(day, calls);
}

absl::Status CallLedger::Close(int in_flight, absl::Time now) {
  SavedState state = StateNow(budget_.SpentToday(now), now);
  state.clean = true;
  for (const absl::Time since : allowance_.HeldSince(now)) {
    state.held.push_back(budget_.WallOf(since));
  }
  state.held.insert(state.held.end(), static_cast<size_t>(in_flight),
                    state.saved_at + allowance_.Doubt() + allowance_.epsilon());
  return options_.save(options_.path, state);
}

}  // namespace leadgateway::server
