#include "gateway/http/curl_loop.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/secret.h"
#include "gateway/http/http_client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/http/loop_runner.h"
#include "tests/support/raw_http_server.h"

namespace leadgateway::http {
namespace {

using ::leadgateway::testing::RawHttpServer;
using Connection = RawHttpServer::Connection;

absl::Time Never(absl::Time) { return absl::InfiniteFuture(); }

std::unique_ptr<CurlLoop> NewLoop() {
  return CurlLoop::Create({}, SystemClock::Get()).value();
}

// Holds up whoever waits until it is opened.
class Gate {
 public:
  void Open() {
    // Under the lock: whoever waited may destroy this as soon as it is free.
    std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }
  void Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    opened_.wait(lock, [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

void AnswerAll(Connection& connection) {
  while (connection.ReadRequest()) connection.Answer(200, "fine");
}

TEST(PostTest, WhatEightThreadsPostRunsOnceEachInEachThreadsOrder) {
  constexpr int kThreads = 8;
  constexpr int kPosts = 2000;
  const std::unique_ptr<CurlLoop> loop = NewLoop();
  std::vector<std::vector<int>> ran(kThreads);  // the loop's thread only
  int total = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kPosts; ++i) {
        loop->Post([&, thread, i] {
          ran[thread].push_back(i);
          if (++total == kThreads * kPosts) loop->Stop();
        });
      }
    });
  }
  loop->Run(Never);
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(total, kThreads * kPosts);
  for (const std::vector<int>& numbers : ran) {
    ASSERT_EQ(numbers.size(), kPosts);
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
  }
}

TEST(PostTest, WhatIsPostedBeforeRunRunsInIt) {
  const std::unique_ptr<CurlLoop> loop = NewLoop();
  std::string order;
  loop->Post([&] { order += "a"; });
  loop->Post([&] {
    order += "b";
    loop->Post([&] {
      order += "d";
      loop->Stop();
    });
  });
  loop->Post([&] { order += "c"; });
  loop->Run(Never);
  EXPECT_EQ(order, "abcd");
}

TEST(PostTest, APostWakesALoopThatWaitsForNothing) {
  LoopRunner runner;
  for (int i = 0; i < 100; ++i) {
    const absl::Time before = SystemClock::Get().Now();
    runner.Do([] {});
    // Without the wake-up it would be a minute.
    ASSERT_LE(SystemClock::Get().Now() - before, absl::Seconds(10));
  }
}

TEST(PostTest, AFunctionThatPostsItselfDoesNotKeepRequestsWaiting) {
  RawHttpServer server(AnswerAll);
  LoopRunner runner;
  auto over = std::make_shared<std::atomic<bool>>(false);
  std::function<void()> again = [&, over] {
    if (!*over) runner.loop().Post([&] { again(); });
  };
  runner.loop().Post([&] { again(); });
  EXPECT_TRUE(runner.Fetch(Get(server.Url())).status.ok());
  *over = true;
  runner.Stop();
}

TEST(StopTest, WhatHasNotRunYetIsDestroyedUnrun) {
  const std::unique_ptr<CurlLoop> loop = NewLoop();
  const auto token = std::make_shared<int>(0);
  Gate entered;
  Gate go_on;
  std::atomic<int> ran{0};
  std::thread thread([&] { loop->Run(Never); });
  loop->Post([&] {
    entered.Open();
    go_on.Wait();
  });
  entered.Wait();
  for (int i = 0; i < 10; ++i) loop->Post([&, token] { ++ran; });
  loop->Stop();
  // After Stop: destroyed at once, by the one who posts.
  const auto late = std::make_shared<int>(0);
  loop->Post([&, late] { ++ran; });
  EXPECT_EQ(late.use_count(), 1);
  EXPECT_EQ(token.use_count(), 11);
  go_on.Open();
  thread.join();
  EXPECT_EQ(ran, 0);
  EXPECT_EQ(token.use_count(), 1);
}

TEST(StopTest, CalledWithinTheLoopNothingIsCalledAfterIt) {
  const std::unique_ptr<CurlLoop> loop = NewLoop();
  std::string order;
  loop->Post([&] {
    loop->Send({}, [&](HttpReply) { order += "done"; });
    loop->Stop();
    order += "stopped";
  });
  loop->Post([&] { order += "posted"; });
  loop->Run([&](absl::Time) {
    order += "tick";
    return absl::InfiniteFuture();
  });
  EXPECT_EQ(order, "stopped");
}

TEST(StopTest, BeforeRunMakesItReturnAtOnce) {
  const std::unique_ptr<CurlLoop> loop = NewLoop();
  const auto token = std::make_shared<int>(0);
  loop->Post([token] { ADD_FAILURE(); });
  loop->Stop();
  loop->Stop();
  loop->Run(Never);
  EXPECT_EQ(token.use_count(), 1);
}

TEST(StopTest, TransfersUnderWayAreDroppedAndTheirDoneDestroyed) {
  RawHttpServer server([](Connection& connection) {
    connection.ReadRequest();
    connection.WaitForPeer();
  });
  const auto token = std::make_shared<int>(0);
  LoopRunner runner;
  runner.Do([&] {
    for (int i = 0; i < 5; ++i) {
      runner.loop().Send(Post(server.Url(), "x"),
                         [token](HttpReply) { ADD_FAILURE(); });
    }
  });
  ASSERT_TRUE(server.WaitUntil(
      [](const RawHttpServer::Counts& counts) { return counts.posts == 5; }));
  EXPECT_EQ(token.use_count(), 6);
  runner.Stop();
  EXPECT_EQ(token.use_count(), 1);
  // Their connections are closed, too.
  EXPECT_EQ(server.Drain().closed, 5);
}

TEST(StopTest, ALoopThatNeverRanDropsWhatItHas) {
  RawHttpServer server(AnswerAll);
  const auto token = std::make_shared<int>(0);
  {
    const std::unique_ptr<CurlLoop> loop = NewLoop();
    loop->Post([token] { ADD_FAILURE(); });
    loop->Send(Get(server.Url()), [token](HttpReply) { ADD_FAILURE(); });
    loop->Send({}, [token](HttpReply) { ADD_FAILURE(); });
    EXPECT_EQ(token.use_count(), 4);
  }
  EXPECT_EQ(token.use_count(), 1);
}

// Calls a function when it is destroyed.
struct AtEnd {
  explicit AtEnd(std::function<void()> function) : call(std::move(function)) {}
  ~AtEnd() { call(); }
  std::function<void()> call;
};

TEST(StopTest, WhatIsDroppedMayUseTheLoopOnceMoreInVain) {
  RawHttpServer server(AnswerAll);
  const std::unique_ptr<CurlLoop> loop = NewLoop();
  int ended = 0;
  const auto use = [&] {
    ++ended;
    loop->Post([] { ADD_FAILURE(); });
    loop->Send(Get(server.Url()), [](HttpReply) { ADD_FAILURE(); });
    loop->Stop();
  };
  loop->Post([&] {
    loop->Send(Get(server.Url()),
               [end = std::make_shared<AtEnd>(use)](HttpReply) {});
    loop->Send({}, [end = std::make_shared<AtEnd>(use)](HttpReply) {});
    loop->Post([end = std::make_shared<AtEnd>(use)] {});
    loop->Stop();
  });
  loop->Run(Never);
  EXPECT_EQ(ended, 3);
}

TEST(SendTest, DoneIsNeverCalledFromWithinSend) {
  RawHttpServer server(AnswerAll);
  LoopRunner runner;
  Gate all;
  int calls = 0;
  bool sending = false;
  runner.Do([&] {
    const auto done = [&](HttpReply) {
      EXPECT_FALSE(sending);
      if (++calls == 3) all.Open();
    };
    sending = true;
    runner.loop().Send({}, done);
    runner.loop().Send(Get("http://127.0.0.1:99999/"), done);
    runner.loop().Send(Get(server.Url()), done);
    sending = false;
  });
  all.Wait();
}

TEST(SendTest, DoneMaySendTheNextRequest) {
  RawHttpServer server(AnswerAll);
  LoopRunner runner;
  Gate end;
  int left = 20;
  std::function<void(HttpReply)> done = [&](HttpReply reply) {
    EXPECT_TRUE(reply.status.ok()) << reply.status;
    if (--left == 0) return end.Open();
    runner.loop().Send(Get(server.Url()), done);
  };
  runner.loop().Post([&] { runner.loop().Send(Get(server.Url()), done); });
  end.Wait();
  EXPECT_EQ(server.counts().gets, 20);
  EXPECT_EQ(server.counts().connections, 1);
}

TEST(SendTest, ManyAtOnceAllComeBack) {
  constexpr int kRequests = 300;  // more than are pooled or kept
  RawHttpServer server(AnswerAll);
  LoopRunner runner;
  for (int round = 0; round < 2; ++round) {
    Gate over;
    int left = kRequests;
    runner.Do([&] {
      for (int i = 0; i < kRequests; ++i) {
        runner.loop().Send(Post(server.Url(), absl::StrCat(i)),
                           [&](HttpReply reply) {
                             EXPECT_TRUE(reply.status.ok()) << reply.status;
                             if (--left == 0) over.Open();
                           });
      }
    });
    over.Wait();
  }
  runner.Stop();
  EXPECT_EQ(server.Drain().posts, 2 * kRequests);
}

TEST(SendTest, NoMoreConnectionsAreKeptThanAsked) {
  RawHttpServer server(AnswerAll);
  CurlLoop::Options options;
  options.max_idle_connections = 3;
  LoopRunner runner(options);
  Gate over;
  int left = 10;
  runner.Do([&] {
    for (int i = 0; i < 10; ++i) {
      runner.loop().Send(Get(server.Url()), [&](HttpReply) {
        if (--left == 0) over.Open();
      });
    }
  });
  over.Wait();
  EXPECT_TRUE(server.WaitUntil([](const RawHttpServer::Counts& counts) {
    return counts.connections - counts.closed <= 3;
  }));
}

TEST(TickTest, ComesAfterAnAnswerAndAfterAPost) {
  RawHttpServer server(AnswerAll);
  const std::unique_ptr<CurlLoop> loop = NewLoop();
  bool posted = false;
  bool answered = false;
  loop->Post([&] {
    posted = true;
    loop->Send(Get(server.Url()), [&](HttpReply) { answered = true; });
  });
  bool ticked_between = false;
  loop->Run([&](absl::Time now) {
    EXPECT_LE(now, SystemClock::Get().Now());
    if (posted && !answered) ticked_between = true;
    // Nobody but the answer itself brings this call about.
    if (answered) loop->Stop();
    return absl::InfiniteFuture();
  });
  EXPECT_TRUE(ticked_between);
}

TEST(TickTest, MaySendAndThePostedRequestLeavesWithoutAWait) {
  RawHttpServer server(AnswerAll);
  const std::unique_ptr<CurlLoop> loop = NewLoop();
  bool sent = false;
  bool answered = false;
  loop->Run([&](absl::Time) {
    if (!sent) {
      sent = true;
      loop->Send(Get(server.Url()), [&](HttpReply reply) {
        EXPECT_TRUE(reply.status.ok()) << reply.status;
        answered = true;
      });
    }
    if (answered) loop->Stop();
    return absl::InfiniteFuture();
  });
  EXPECT_TRUE(answered);
}

// Ticks `rounds` times, each `interval` after the last one; how late each was.
struct Lateness {
  std::vector<absl::Duration> late;  // sorted
  int calls = 0;
};
Lateness MeasureTicks(absl::Duration interval, int rounds) {
  const std::unique_ptr<CurlLoop> loop = NewLoop();
  Lateness result;
  absl::Time due = SystemClock::Get().Now() + interval;
  loop->Run([&](absl::Time now) {
    ++result.calls;
    if (now >= due) {
      result.late.push_back(now - due);
      if (static_cast<int>(result.late.size()) == rounds) loop->Stop();
      due = now + interval;
    }
    return due;
  });
  std::sort(result.late.begin(), result.late.end());
  return result;
}

TEST(TickTest, ComesOnTimeToTheMillisecondAndDoesNotSpin) {
  for (const absl::Duration interval :
       {absl::Microseconds(200), absl::Microseconds(1500),
        absl::Microseconds(20'700)}) {
    const Lateness ticks = MeasureTicks(interval, 40);
    // A busy machine delays some: the better half shows what the loop does, and
    // the bound leaves it a little for waking up.
    EXPECT_LE(ticks.late[ticks.late.size() / 2], absl::Microseconds(2500))
        << interval;
    // One piece in whole milliseconds, one for the rest, and one for a wait
    // that ended a little early.
    EXPECT_LE(ticks.calls, 40 * 4) << interval;
  }
}

TEST(TickTest, AnInfiniteWaitIsNotATick) {
  const std::unique_ptr<CurlLoop> loop = NewLoop();
  std::atomic<int> calls{0};
  std::thread thread([&] {
    loop->Run([&](absl::Time) {
      ++calls;
      return absl::InfiniteFuture();
    });
  });
  Gate ran;
  loop->Post([&] { ran.Open(); });
  ran.Wait();
  // Not a condition to wait for but its absence: nothing may happen here.
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_LE(calls, 4);
  loop->Stop();
  thread.join();
}

}  // namespace
}  // namespace leadgateway::http
