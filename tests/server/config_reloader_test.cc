#include "gateway/server/config_reloader.h"

#include <stdio.h>
#include <stdlib.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/mutex.h"
#include "gateway/config/config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr absl::Duration kLongEnough = absl::Seconds(30);

// A file, and what a reloader of it does.
class ConfigReloaderTest : public ::testing::Test {
 protected:
  ConfigReloaderTest() {
    std::string pattern = absl::StrCat(::testing::TempDir(), "/reloadXXXXXX");
    path_ = absl::StrCat(mkdtemp(pattern.data()), "/config.json");
    SetLogSinkForTest([this](absl::string_view line) {
      const MutexLock lock(mutex_);
      log_.emplace_back(line);
    });
    Write(Text(5));
  }
  ~ConfigReloaderTest() override { SetLogSinkForTest(nullptr); }

  static std::string Text(int calls) {
    return absl::StrCat(R"({ "listen": { "address": "127.0.0.1:0" },
        "accounts": [ { "name": "acme", "baseUrl": "http://127.0.0.1:1",
                        "accessKeyFile": "a", "secretKeyFile": "s",
                        "allowance": { "calls": )",
                        calls, "} } ] }");
  }
  // In place of the old one, at once.
  void Write(const std::string& text) {
    std::ofstream(path_ + ".new", std::ios::trunc) << text;
    ASSERT_EQ(rename((path_ + ".new").c_str(), path_.c_str()), 0);
  }
  GatewayOptions Running() { return *LoadConfig(path_); }
  ConfigReloader::Hooks Hooks() {
    return {.apply =
                [this](const GatewayOptions& options) {
                  const MutexLock lock(mutex_);
                  if (refuse_.ok())
                    applied_.push_back(options.accounts[0].calls);
                  return refuse_;
                },
            .begun =
                [this] {
                  const MutexLock lock(mutex_);
                  ++begun_;
                },
            .ended =
                [this](const absl::Status& status) {
                  const MutexLock lock(mutex_);
                  ended_.push_back(status.code());
                  changed_.NotifyAll();
                }};
  }
  // Until so many reloads have ended.
  bool WaitForEnds(size_t ends) {
    const absl::Time until = SystemClock::Get().Now() + kLongEnough;
    const MutexLock lock(mutex_);
    while (ended_.size() < ends) {
      const absl::Duration left = until - SystemClock::Get().Now();
      if (left <= absl::ZeroDuration()) return false;
      changed_.WaitFor(mutex_, left);
    }
    return true;
  }
  std::vector<std::string> LogOf(const std::string& event) {
    std::vector<std::string> lines;
    const MutexLock lock(mutex_);
    for (const std::string& line : log_) {
      if (line.find(absl::StrCat("\"event\":\"", event, "\"")) !=
          std::string::npos) {
        lines.push_back(line);
      }
    }
    return lines;
  }
  std::vector<int> applied() {
    const MutexLock lock(mutex_);
    return applied_;
  }

  std::string path_;
  Mutex mutex_;
  CondVar changed_;
  absl::Status refuse_ ABSL_GUARDED_BY(mutex_);
  std::vector<int> applied_ ABSL_GUARDED_BY(mutex_);
  int begun_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<absl::StatusCode> ended_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> log_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(ConfigReloaderTest, TakesAChangedFileOverByItselfAndOnceOnly) {
  ConfigReloader reloader(path_, Running(), SystemClock::Get(), Hooks());
  Write(Text(7));
  ASSERT_TRUE(WaitForEnds(1));
  EXPECT_THAT(applied(), ElementsAre(7));
  // The same text in another file is no change: what comes next is the next.
  Write(Text(7));
  Write(Text(8));
  ASSERT_TRUE(WaitForEnds(2));
  EXPECT_THAT(applied(), ElementsAre(7, 8));
  const MutexLock lock(mutex_);
  EXPECT_EQ(begun_, 2);
}

TEST_F(ConfigReloaderTest, ReadsTheFileWhenAskedEvenIfItIsTheSame) {
  ConfigReloader reloader(path_, Running(), SystemClock::Get(), Hooks());
  reloader.Reload();
  ASSERT_TRUE(WaitForEnds(1));
  EXPECT_THAT(applied(), ElementsAre(5));
  EXPECT_NE(reloader.state().last_at, absl::InfinitePast());
}

TEST_F(ConfigReloaderTest, RefusesABadFileWholeWithALinePerMistake) {
  ConfigReloader reloader(path_, Running(), SystemClock::Get(), Hooks());
  const std::string secret = "u$r0123456789abcdef0123456789abcdef";
  Write(absl::StrCat(R"({ "listen": { "address": "nowhere" },
      "accounts": [ { "name": "acme", "accessKeyFile": ")",
                     secret, R"(", "secretKey": ")", secret, "\" } ] }"));
  reloader.Reload();
  ASSERT_TRUE(WaitForEnds(1));
  EXPECT_THAT(applied(), IsEmpty());
  EXPECT_EQ(reloader.state().failures, 1);
  const std::vector<std::string> mistakes = reloader.state().mistakes;
  EXPECT_THAT(mistakes, SizeIs(5));
  const std::vector<std::string> lines = LogOf("config_refused");
  ASSERT_THAT(lines, SizeIs(mistakes.size()));
  for (const std::string& line : lines) {
    EXPECT_THAT(line, HasSubstr("the configuration before stays in force"));
    EXPECT_THAT(line, HasSubstr(path_));
    EXPECT_THAT(line, Not(HasSubstr("0123456789abcdef")));
  }
  // What can be read but not taken over is refused the same way.
  {
    const MutexLock lock(mutex_);
    refuse_ = absl::FailedPreconditionError("accounts[0]: a\naccounts[1]: b");
  }
  Write(Text(9));
  reloader.Reload();
  ASSERT_TRUE(WaitForEnds(2));
  EXPECT_THAT(reloader.state().mistakes,
              ElementsAre("accounts[0]: a", "accounts[1]: b"));
  EXPECT_EQ(reloader.state().failures, 2);
  // The old text again is good news.
  {
    const MutexLock lock(mutex_);
    refuse_ = absl::OkStatus();
  }
  Write(Text(5));
  ASSERT_TRUE(WaitForEnds(3));
  EXPECT_THAT(applied(), ElementsAre(5));
  EXPECT_THAT(reloader.state().mistakes, IsEmpty());
  EXPECT_EQ(reloader.state().failures, 2);
}

TEST_F(ConfigReloaderTest, AFileThatIsGoneChangesNothing) {
  ConfigReloader reloader(path_, Running(), SystemClock::Get(), Hooks());
  ASSERT_EQ(remove(path_.c_str()), 0);
  ASSERT_TRUE(WaitForEnds(1));
  EXPECT_THAT(applied(), IsEmpty());
  EXPECT_THAT(reloader.state().mistakes,
              ElementsAre(HasSubstr("can't be read")));
}

TEST_F(ConfigReloaderTest, ManyRequestsAreAsGoodAsTheLast) {
  ConfigReloader reloader(path_, Running(), SystemClock::Get(), Hooks());
  for (int i = 1; i <= 200; ++i) {
    Write(Text(i));
    reloader.Reload();
  }
  EXPECT_TRUE(WaitForEnds(1));
  for (size_t ends = 1; applied().empty() || applied().back() != 200; ++ends) {
    ASSERT_TRUE(WaitForEnds(ends));
    ASSERT_LE(ends, 200u);
  }
}

}  // namespace
}  // namespace leadgateway::server
