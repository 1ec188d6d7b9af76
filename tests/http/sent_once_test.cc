#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gateway/http/curl_loop.h"
#include "gateway/http/http_client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/http/loop_runner.h"
#include "tests/support/raw_http_server.h"

namespace leadgateway::http {
namespace {

using ::leadgateway::testing::RawHttpServer;
using Connection = RawHttpServer::Connection;

enum class Death { kReset, kClose };

void Die(Connection& connection, Death death) {
  if (death == Death::kReset) {
    connection.Reset();
  } else {
    connection.Close();
  }
}

// The first connection answers one request, reads the second and dies. The
// others answer all.
auto DieOnTheSecondRequest(Death death) {
  return [death](Connection& connection) {
    if (!connection.ReadRequest()) return;
    connection.Answer(200, "first");
    if (!connection.ReadRequest()) return;
    if (connection.index() == 0) return Die(connection, death);
    connection.Answer(200, "second");
    while (connection.ReadRequest()) connection.Answer(200, "more");
  };
}

TEST(SentOnceTest, APostIsNotSentAgainWhenItsKeptConnectionDies) {
  for (const Death death : {Death::kReset, Death::kClose}) {
    RawHttpServer server(DieOnTheSecondRequest(death));
    LoopRunner runner;
    EXPECT_TRUE(runner.Fetch(Post(server.Url(), "1")).status.ok());
    const HttpReply reply = runner.Fetch(Post(server.Url(), "2"));
    EXPECT_EQ(reply.status.code(), absl::StatusCode::kUnavailable);
    ASSERT_TRUE(reply.sent_at.has_value());
    EXPECT_LE(*reply.sent_at, reply.done_at);
    EXPECT_EQ(reply.http_status, 0);
    EXPECT_EQ(reply.body, "");

    // The client goes on as if nothing had happened.
    EXPECT_TRUE(runner.Fetch(Post(server.Url(), "3")).status.ok());
    runner.Stop();
    EXPECT_THAT(server.Drain().bodies, ::testing::ElementsAre("1", "2", "3"));
  }
}

TEST(SentOnceTest, AGetIsNotSentAgainEither) {
  RawHttpServer server(DieOnTheSecondRequest(Death::kClose));
  LoopRunner runner;
  EXPECT_TRUE(runner.Fetch(Get(server.Url())).status.ok());
  const HttpReply reply = runner.Fetch(Get(server.Url()));
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(reply.sent_at.has_value());
  runner.Stop();
  EXPECT_EQ(server.Drain().gets, 2);
}

// The control: what libcurl does of its own accord, and doesn't mention.
TEST(SentOnceTest, LeftAloneLibcurlSendsAPostTwice) {
  for (const Death death : {Death::kReset, Death::kClose}) {
    RawHttpServer server(DieOnTheSecondRequest(death));
    CurlLoop::Options options;
    options.let_libcurl_resend = true;
    LoopRunner runner(options);
    EXPECT_TRUE(runner.Fetch(Post(server.Url(), "1")).status.ok());
    EXPECT_TRUE(runner.Fetch(Post(server.Url(), "2")).status.ok());
    runner.Stop();
    EXPECT_THAT(server.Drain().bodies, ::testing::ElementsAre("1", "2", "2"));
  }
}

TEST(SentOnceTest, AConnectionKnownToBeClosedIsReplacedBeforeAnythingIsSent) {
  RawHttpServer server([](Connection& connection) {
    if (connection.ReadRequest()) connection.Answer(200, "");
  });
  LoopRunner runner;
  for (int i = 1; i <= 3; ++i) {
    const HttpReply reply = runner.Fetch(Post(server.Url(), "x"));
    EXPECT_TRUE(reply.status.ok()) << reply.status;
    EXPECT_TRUE(reply.handshake.has_value());
    ASSERT_TRUE(server.WaitUntil([&](const RawHttpServer::Counts& counts) {
      return counts.closed == i;
    }));
  }
  EXPECT_EQ(server.counts().connections, 3);
}

// What a server does to a request, chosen by the request's number.
enum class Fate {
  kAnswer,
  // Deaths while the client waits for an answer.
  kResetAfterReading,
  kCloseAfterReading,
  kResetInStatusLine,
  kResetInBody,
  kTruncate,
  kGarbage,
  // Deaths that may catch a request unread: this one, or the next one on the
  // same connection.
  kAnswerAndClose,
  kAnswerAndReset,
  kResetAfterHead,
  kResetUnderTheNext,
};
constexpr Fate kLastThatReadsFirst = Fate::kGarbage;
constexpr Fate kLastOfAll = Fate::kResetUnderTheNext;

Fate FateOf(uint32_t seed, int number, Fate last) {
  std::seed_seq sequence{seed, static_cast<uint32_t>(number)};
  std::minstd_rand random(sequence);
  random.discard(3);
  // Half of the requests are answered, so that connections get reused.
  if (random() % 2 == 0) return Fate::kAnswer;
  return static_cast<Fate>(random() % (static_cast<uint32_t>(last) + 1));
}

struct Outcome {
  // Of each request, by number.
  std::map<int, HttpReply> replies;
  std::map<int, int> arrived_heads;
  std::map<int, int> arrived_whole;
};

int NumberIn(absl::string_view head) {
  // "POST /NUMBER HTTP/1.1"
  const std::vector<std::string> words = absl::StrSplit(head, ' ');
  int number = -1;
  EXPECT_TRUE(absl::SimpleAtoi(words[1].substr(1), &number)) << head;
  return number;
}

// `count` requests, eight at a time, to a server that deals out fates up to
// `last`.
Outcome RunRequests(uint32_t seed, int count, Fate last,
                    CurlLoop::Options options) {
  Outcome outcome;
  std::mutex mutex;
  RawHttpServer server([&](Connection& connection) {
    for (;;) {
      const std::optional<std::string> head = connection.ReadHead();
      if (!head) return;
      const int number = NumberIn(*head);
      const Fate fate = FateOf(seed, number, last);
      {
        std::lock_guard<std::mutex> lock(mutex);
        ++outcome.arrived_heads[number];
      }
      if (fate == Fate::kResetAfterHead) return connection.Reset();
      const std::optional<std::string> body = connection.ReadBody(*head);
      if (!body) return;
      EXPECT_EQ(*body, std::string(1000, 'a' + number % 26));
      {
        std::lock_guard<std::mutex> lock(mutex);
        ++outcome.arrived_whole[number];
      }
      switch (fate) {
        case Fate::kAnswer:
          connection.Answer(200, "fine");
          break;
        case Fate::kAnswerAndClose:
          return connection.Answer(200, "fine");
        case Fate::kAnswerAndReset:
          connection.Answer(200, "fine");
          return connection.Reset();
        case Fate::kResetUnderTheNext:
          connection.Answer(200, "fine");
          connection.WaitForBytes();
          return connection.Reset();
        case Fate::kResetAfterReading:
        case Fate::kResetAfterHead:
          return connection.Reset();
        case Fate::kCloseAfterReading:
          return;
        case Fate::kResetInStatusLine:
          connection.Write("HTTP/1.1 2");
          return connection.Reset();
        case Fate::kResetInBody:
          connection.Write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
          return connection.Reset();
        case Fate::kTruncate:
          return connection.Write(
              "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
        case Fate::kGarbage:
          return connection.Write("garbage\r\n");
      }
    }
  });

  {
    LoopRunner runner(std::move(options));
    std::atomic<int> next{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int number; (number = next++) < count;) {
          HttpReply reply =
              runner.Fetch(Post(server.Url(absl::StrCat("/", number)),
                                std::string(1000, 'a' + number % 26)));
          std::lock_guard<std::mutex> lock(mutex);
          outcome.replies.emplace(number, std::move(reply));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  server.Drain();
  return outcome;
}

// What holds whatever the server does.
void ExpectSentAtMostOnce(const Outcome& outcome, int count) {
  ASSERT_EQ(outcome.replies.size(), count);
  const auto times = [](const std::map<int, int>& arrived, int number) {
    const auto found = arrived.find(number);
    return found == arrived.end() ? 0 : found->second;
  };
  for (const auto& [number, reply] : outcome.replies) {
    const int heads = times(outcome.arrived_heads, number);
    const int whole = times(outcome.arrived_whole, number);
    const bool granted = reply.sent_at.has_value();
    EXPECT_LE(heads, 1) << number;
    if (!granted) {
      EXPECT_EQ(heads, 0) << number;
    }
    if (reply.http_status != 0) {
      EXPECT_EQ(whole, 1) << number;
    }
    if (reply.status.ok()) {
      EXPECT_EQ(reply.http_status, 200);
      EXPECT_EQ(reply.body, "fine");
    } else {
      EXPECT_EQ(reply.status.code(), absl::StatusCode::kUnavailable)
          << reply.status;
    }
  }
}

int CountGranted(const Outcome& outcome) {
  int granted = 0;
  for (const auto& [number, reply] : outcome.replies) {
    granted += reply.sent_at.has_value();
  }
  return granted;
}

int Sum(const std::map<int, int>& counts) {
  int sum = 0;
  for (const auto& [number, count] : counts) sum += count;
  return sum;
}

constexpr int kRequests = 500;

// A server that kills a connection only while its client waits for an answer
// has read everything that was sent, so the counts must agree exactly.
TEST(SentOnceTest, WithAServerThatReadsFirstWhatWasGrantedIsWhatArrived) {
  for (const uint32_t seed : {1u, 2u, 3u}) {
    const Outcome outcome =
        RunRequests(seed, kRequests, kLastThatReadsFirst, {});
    ExpectSentAtMostOnce(outcome, kRequests);
    EXPECT_EQ(Sum(outcome.arrived_whole), CountGranted(outcome));
    EXPECT_EQ(CountGranted(outcome), kRequests);
  }
}

// Killed at any moment, also under a request that nobody has read yet: what
// arrived was granted, and what was granted arrived at most once.
TEST(SentOnceTest, WithAServerThatKillsAtAnyMomentNothingArrivesTwice) {
  for (const uint32_t seed : {4u, 5u, 6u}) {
    const Outcome outcome = RunRequests(seed, kRequests, kLastOfAll, {});
    ExpectSentAtMostOnce(outcome, kRequests);
    EXPECT_LE(Sum(outcome.arrived_heads), CountGranted(outcome));
    EXPECT_LE(Sum(outcome.arrived_whole), Sum(outcome.arrived_heads));
  }
}

// The control: the same server would see duplicates.
TEST(SentOnceTest, LeftAloneLibcurlDuplicatesUnderTheSameServer) {
  CurlLoop::Options options;
  options.let_libcurl_resend = true;
  const Outcome outcome =
      RunRequests(1, kRequests, kLastThatReadsFirst, options);
  EXPECT_GT(Sum(outcome.arrived_whole), kRequests);
}

}  // namespace
}  // namespace leadgateway::http
