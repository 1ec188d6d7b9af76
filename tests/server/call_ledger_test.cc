#include "gateway/server/call_ledger.h"

#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "gateway/base/mutex.h"
#include "gateway/base/signal.h"
#include "gateway/dispatch/allowance.h"
#include "gateway/dispatch/daily_budget.h"
#include "gateway/server/state_file.h"
#include "gateway/server/state_writer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway::server {
namespace {

using dispatch::Allowance;
using dispatch::DailyBudget;
using ::testing::HasSubstr;

// Monotonic times begin at zero, and that was noon UTC.
const absl::Time kStart = absl::UnixEpoch();
const absl::CivilDay kToday(2026, 3, 10);
const absl::Duration kOffset =
    absl::FromCivil(kToday, absl::UTCTimeZone()) + absl::Hours(12) - kStart;

absl::Time Wall(absl::Time time) { return time + kOffset; }

SavedState Saved(int64_t calls, bool clean = true) {
  SavedState state;
  state.account = "acme";
  state.day = kToday;
  state.zone = "UTC";
  state.calls = calls;
  state.clean = clean;
  state.saved_at = Wall(kStart) - absl::Seconds(1);
  return state;
}

Recovery RecoverFrom(const absl::StatusOr<SavedState>& saved) {
  return Recover(saved, "acme", "UTC", kToday, Wall(kStart), 55);
}

TEST(RecoverTest, ACleanFileOfTodayIsTakenAsItIs) {
  SavedState saved = Saved(40);
  saved.held = {Wall(kStart) - absl::Seconds(2)};
  const Recovery recovery = RecoverFrom(saved);
  EXPECT_EQ(recovery.calls_today, 40);
  EXPECT_FALSE(recovery.hold_all);
  EXPECT_EQ(recovery.held, saved.held);
  EXPECT_EQ(recovery.assumed, "");
}

TEST(RecoverTest, CallsOfYesterdayCountNotAgainstToday) {
  SavedState saved = Saved(40);
  saved.day = kToday - 1;
  const Recovery recovery = RecoverFrom(saved);
  EXPECT_EQ(recovery.calls_today, 0);
  EXPECT_FALSE(recovery.hold_all);
}

TEST(RecoverTest, WithoutAFileTheFirstCallWaitsAWindow) {
  const Recovery recovery = RecoverFrom(absl::NotFoundError(""));
  EXPECT_EQ(recovery.calls_today, 0);
  EXPECT_TRUE(recovery.hold_all);
  EXPECT_THAT(recovery.assumed, HasSubstr("no state file"));
}

TEST(RecoverTest, AfterACrashAllThatWasWrittenDownCounts) {
  const Recovery recovery = RecoverFrom(Saved(41, false));
  EXPECT_EQ(recovery.calls_today, 41);
  EXPECT_TRUE(recovery.hold_all);
  EXPECT_THAT(recovery.assumed, HasSubstr("did not end as it should"));
}

TEST(RecoverTest, AFileThatCannotBeReadCountsForAllThatMayHaveBeenSpent) {
  const Recovery recovery = RecoverFrom(absl::DataLossError("is cut short"));
  EXPECT_EQ(recovery.calls_today, 55);
  EXPECT_TRUE(recovery.hold_all);
  EXPECT_THAT(recovery.assumed, HasSubstr("is cut short"));
}

TEST(RecoverTest, AnotherAccountsFileIsNotBelieved) {
  SavedState saved = Saved(3);
  saved.account = "other";
  const Recovery recovery = RecoverFrom(saved);
  EXPECT_EQ(recovery.calls_today, 55);
  EXPECT_TRUE(recovery.hold_all);
  EXPECT_THAT(recovery.assumed, HasSubstr("another account"));
}

TEST(RecoverTest, AFileFromTheFutureCountsAsToday) {
  SavedState tomorrow = Saved(40);
  tomorrow.day = kToday + 1;
  SavedState later = Saved(40);
  later.saved_at = Wall(kStart) + absl::Hours(1);
  SavedState far = Saved(40);
  far.day = absl::CivilDay(2999, 1, 1);
  far.saved_at = absl::FromCivil(far.day, absl::UTCTimeZone());
  for (const SavedState& saved : {tomorrow, later, far}) {
    const Recovery recovery = RecoverFrom(saved);
    EXPECT_EQ(recovery.calls_today, 40);
    EXPECT_TRUE(recovery.hold_all);
    EXPECT_THAT(recovery.assumed, HasSubstr("from the future"));
  }
}

TEST(RecoverTest, ADayOfAnotherZoneCountsAsToday) {
  SavedState saved = Saved(40);
  saved.zone = "Asia/Kolkata";
  saved.day = kToday - 1;
  EXPECT_EQ(RecoverFrom(saved).calls_today, 40);
}

// One process: budget, allowance, ledger, and a loop that is run by hand.
class Process {
 public:
  explicit Process(std::string path, DailyBudget::Options budget,
                   StateWriter::Save save = SaveState)
      : path_(std::move(path)), budget_(budget), writer_(std::move(save)) {
    budget_.SetWallOffset(kOffset);
    ledger_.emplace(
        CallLedger::Options{.account = "acme", .path = path_, .calls = 25},
        &budget_, &allowance_, &writer_,
        [this](absl::AnyInvocable<void() &&> function) {
          const MutexLock lock(mutex_);
          posted_.push_back(std::move(function));
          changed_.NotifyAll();
        });
  }

  DailyBudget& budget() { return budget_; }
  Allowance& allowance() { return allowance_; }
  CallLedger& ledger() { return *ledger_; }
  void EndLedger() { ledger_.reset(); }

  Recovery Open(absl::Time now) {
    auto recovery = ledger_->Open(now);
    EXPECT_TRUE(recovery.ok()) << recovery.status();
    return recovery.ok() ? *recovery : Recovery{};
  }
  // Runs what was posted, and waits for it.
  void RunPosted() {
    std::vector<absl::AnyInvocable<void() &&>> functions;
    {
      const MutexLock lock(mutex_);
      while (posted_.empty()) changed_.Wait(mutex_);
      functions.swap(posted_);
    }
    for (auto& function : functions) std::move(function)();
  }
  // Calls until the budget is spent, as the engine does it; returns how many.
  int64_t SpendAll(absl::Time now, int64_t most = 1'000'000) {
    int64_t spent = 0;
    while (true) {
      while (budget_.Free(now) > 0 && spent < most) {
        budget_.Take(now);
        ++spent;
        // What a crash at this moment would leave.
        const auto saved = LoadState(path_);
        EXPECT_TRUE(saved.ok());
        EXPECT_GE(saved->calls, budget_.SpentToday(now));
      }
      if (spent == most) return spent;
      if (ledger_->Tick(now) == absl::InfiniteFuture()) return spent;
      RunPosted();
    }
  }

 private:
  const std::string path_;
  DailyBudget budget_;
  Allowance allowance_{{.calls = 25, .window = absl::Seconds(5)}};
  Mutex mutex_;
  CondVar changed_;
  std::vector<absl::AnyInvocable<void() &&>> posted_ ABSL_GUARDED_BY(mutex_);
  std::optional<CallLedger> ledger_;
  StateWriter writer_;  // stops before what it calls goes
};

class CallLedgerTest : public ::testing::Test {
 protected:
  CallLedgerTest() {
    std::string directory = absl::StrCat(::testing::TempDir(), "/ledgerXXXXXX");
    EXPECT_NE(mkdtemp(directory.data()), nullptr);
    path_ = absl::StrCat(directory, "/acme.state");
  }

  static DailyBudget::Options Calls(int64_t calls) {
    return {.calls = calls, .spread = DailyBudget::Spread::kNone};
  }

  std::string path_;
};

TEST_F(CallLedgerTest, ManyRestartsSpendNoMoreThanTheBudget) {
  int64_t spent = 0;
  for (int life = 0; life < 10; ++life) {
    Process process(path_, Calls(100));
    process.Open(kStart);
    EXPECT_EQ(process.budget().SpentToday(kStart), spent);
    spent += process.SpendAll(kStart, 17);
    ASSERT_EQ(process.ledger().Close(0, kStart), absl::OkStatus());
  }
  EXPECT_EQ(spent, 100);
}

TEST_F(CallLedgerTest, CrashesCountTooMuchAndNeverTooLittle) {
  int64_t spent = 0;
  for (int life = 0; life < 50; ++life) {
    Process process(path_, Calls(1'000));
    process.Open(kStart);
    EXPECT_GE(process.budget().SpentToday(kStart), spent);
    spent += process.SpendAll(kStart, 10);
    // No Close: it dies.
  }
  EXPECT_LE(spent, 1'000);
  // A crash costs at most a block, a hundredth of the budget, and what is
  // written ahead of it.
  EXPECT_GE(spent, 400);
}

TEST_F(CallLedgerTest, ATinyBudgetIsNotLostToACrash) {
  int64_t spent = 0;
  for (int life = 0; life < 3; ++life) {
    Process process(path_, Calls(10));
    process.Open(kStart);
    spent += process.SpendAll(kStart, 2);
  }
  EXPECT_EQ(spent, 6);
}

TEST_F(CallLedgerTest, ABudgetBelowWhatIsSpentLeavesNothing) {
  ASSERT_EQ(SaveState(path_, Saved(500)), absl::OkStatus());
  Process process(path_, Calls(100));
  process.Open(kStart);
  EXPECT_TRUE(process.budget().Exhausted(kStart));
  EXPECT_EQ(process.SpendAll(kStart), 0);
  // And the next day's is whole.
  EXPECT_EQ(process.SpendAll(kStart + absl::Hours(13)), 100);
}

TEST_F(CallLedgerTest, TheFirstCallAfterACleanEndLeavesAtOnce) {
  {
    Process process(path_, Calls(1'000));
    process.Open(kStart);
    ASSERT_EQ(process.ledger().Close(0, kStart + absl::Minutes(1)),
              absl::OkStatus());
  }
  Process process(path_, Calls(1'000));
  const absl::Time now = kStart + absl::Minutes(1);
  EXPECT_EQ(process.Open(now).assumed, "");
  EXPECT_EQ(process.allowance().FreeCalls(now), 25);
}

TEST_F(CallLedgerTest, CallsOfTheLastWindowHoldTheirSlotsAcrossARestart) {
  {
    Process process(path_, Calls(1'000));
    process.Open(kStart - absl::Minutes(1));
    for (int i = 0; i < 20; ++i) process.allowance().Take();
    for (int i = 0; i < 19; ++i) {
      process.allowance().Answered(kStart - absl::Milliseconds(80), kStart);
    }
    // One is still under way; it may be counted in a second.
    ASSERT_EQ(process.ledger().Close(1, kStart + absl::Seconds(1)),
              absl::OkStatus());
  }
  Process process(path_, Calls(1'000));
  const absl::Time now = kStart + absl::Seconds(2);
  process.Open(now);
  EXPECT_EQ(process.allowance().FreeCalls(now), 5);
  EXPECT_EQ(process.allowance().FreeCalls(kStart + absl::Seconds(5)), 5);
  EXPECT_EQ(process.allowance().FreeCalls(kStart + absl::Milliseconds(5'100)),
            24);
  EXPECT_EQ(process.allowance().FreeCalls(kStart + absl::Milliseconds(6'900)),
            24);
  EXPECT_EQ(process.allowance().FreeCalls(kStart + absl::Milliseconds(7'100)),
            25);
}

// What was under way when the process died may be counted a moment later.
TEST_F(CallLedgerTest, NoCallLeavesWithinAWindowAndASecondOfACrash) {
  {
    Process process(path_, Calls(1'000));
    process.Open(kStart - absl::Minutes(1));
  }
  Process process(path_, Calls(1'000));
  process.Open(kStart);
  EXPECT_EQ(process.allowance().FreeCalls(kStart + absl::Seconds(6)), 0);
  EXPECT_EQ(process.allowance().FreeCalls(kStart + absl::Milliseconds(6'100)),
            25);
}

TEST_F(CallLedgerTest, GarbageIsReplacedAndCountsAsSpent) {
  std::ofstream(path_) << "nonsense";
  Process process(path_, {.calls = 1'000});
  EXPECT_THAT(process.Open(kStart).assumed, HasSubstr("does not begin"));
  // Half of the day is over: no predecessor has spent more than was released.
  EXPECT_EQ(process.budget().SpentToday(kStart), 550);
  EXPECT_TRUE(LoadState(path_).ok());
}

TEST_F(CallLedgerTest, ADiskThatFailsIsToldAndDoesNotStopTheAccount) {
  Process process(path_, Calls(100), [](const std::string&, const SavedState&) {
    return absl::InvalidArgumentError("No space left on device");
  });
  process.Open(kStart);
  for (int i = 0; i < 3; ++i) {
    while (process.budget().Free(kStart) > 0) process.budget().Take(kStart);
    EXPECT_NE(process.ledger().Tick(kStart), absl::InfiniteFuture());
    process.RunPosted();
    EXPECT_GT(process.budget().Free(kStart), 0);
    EXPECT_THAT(process.ledger().problem(), HasSubstr("No space left"));
  }
}

TEST_F(CallLedgerTest, ADiskThatHangsStopsTheAccountForSecondsOnly) {
  Signal go;
  Process process(path_, Calls(100),
                  [&go](const std::string& path, const SavedState& state) {
                    EXPECT_TRUE(go.WaitFor(absl::Minutes(5)));
                    return SaveState(path, state);
                  });
  process.Open(kStart);
  while (process.budget().Free(kStart) > 0) process.budget().Take(kStart);
  const absl::Time wake = process.ledger().Tick(kStart);
  EXPECT_EQ(wake, kStart + CallLedger::kMostWait);
  EXPECT_EQ(process.budget().Free(wake - absl::Milliseconds(1)), 0);
  process.ledger().Tick(wake);
  EXPECT_GT(process.budget().Free(wake), 0);
  EXPECT_NE(process.ledger().problem(), "");
  go.Set();
  process.RunPosted();
  EXPECT_EQ(process.ledger().problem(), "");
}

TEST_F(CallLedgerTest, WhatWasWrittenIsNotToldToALedgerThatIsGone) {
  Process process(path_, Calls(100));
  process.Open(kStart);
  while (process.budget().Free(kStart) > 0) process.budget().Take(kStart);
  EXPECT_NE(process.ledger().Tick(kStart), absl::InfiniteFuture());
  process.EndLedger();
  process.RunPosted();
  EXPECT_EQ(process.budget().Free(kStart), 0);
}

TEST_F(CallLedgerTest, AFileThatCannotBeWrittenFailsTheStart) {
  Process process("/proc/no/such/file.state", Calls(100));
  EXPECT_FALSE(process.ledger().Open(kStart).ok());
}

}  // namespace
}  // namespace leadgateway::server
