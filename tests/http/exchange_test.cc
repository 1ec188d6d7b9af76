#include <stdlib.h>
#include <algorithm>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gateway/base/clock.h"
#include "gateway/base/secret.h"
#include "gateway/http/curl_loop.h"
#include "gateway/http/http_client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/http/loop_runner.h"
#include "tests/support/raw_http_server.h"

namespace leadgateway::http {
namespace {

using ::leadgateway::testing::DeafListener;
using ::leadgateway::testing::RawHttpServer;
using ::leadgateway::testing::UnusedPort;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Connection = RawHttpServer::Connection;

// Answers every request with `answer`, then closes.
std::function<void(Connection&)> AnswerWith(std::string answer) {
  return [answer](Connection& connection) {
    if (!connection.ReadRequest()) return;
    connection.Write(answer);
  };
}

void AnswerAll(Connection& connection) {
  while (const auto request = connection.ReadRequest()) {
    connection.Answer(200, request->body);
  }
}

TEST(ExchangeTest, APostGoesOutAndItsAnswerComesBack) {
  RawHttpServer server([](Connection& connection) {
    connection.ReadRequest();
    connection.Answer(429, "{\"a\":1}", "Retry-After: 7\r\nX-Other: b\r\n");
    connection.WaitForPeer();
  });
  LoopRunner runner;

  const absl::Time before = SystemClock::Get().Now();
  const HttpReply reply = runner.Fetch(Post(server.Url("/p?q=1"), "[1,2]"));
  const absl::Time after = SystemClock::Get().Now();

  EXPECT_TRUE(reply.status.ok()) << reply.status;
  EXPECT_EQ(reply.http_status, 429);
  EXPECT_EQ(reply.body, "{\"a\":1}");
  EXPECT_EQ(reply.retry_after, absl::Seconds(7));
  ASSERT_TRUE(reply.sent_at.has_value());
  EXPECT_LE(before, *reply.sent_at);
  EXPECT_LE(*reply.sent_at, reply.done_at);
  EXPECT_LE(reply.done_at, after);
  ASSERT_TRUE(reply.handshake.has_value());
  EXPECT_GE(*reply.handshake, absl::ZeroDuration());
  EXPECT_LE(*reply.handshake, *reply.sent_at - before);
  EXPECT_THAT(server.counts().bodies, ElementsAre("[1,2]"));
}

TEST(ExchangeTest, OnTheWireThereIsOnlyWhatIsMeant) {
  RawHttpServer server([](Connection& connection) {
    if (const auto request = connection.ReadRequest()) {
      connection.Answer(200, request->head, "Set-Cookie: a=b; Path=/\r\n");
    }
    AnswerAll(connection);
  });
  LoopRunner runner;
  HttpRequest request = Post(server.Url("/path?a=%24b"), "body");
  request.headers.emplace_back("x-LSQ-AccessKey: u$rabc");
  // Long enough for libcurl to add "Expect: 100-continue" by itself.
  request.body = std::string(size_t{3} << 20, 'x');
  const std::string head = runner.Fetch(request).body;

  EXPECT_TRUE(absl::StartsWith(head, "POST /path?a=%24b HTTP/1.1\r\n")) << head;
  EXPECT_THAT(head, HasSubstr("\r\nContent-Length: 3145728"));
  EXPECT_THAT(head, HasSubstr("\r\nContent-Type: application/json"));
  EXPECT_THAT(head, HasSubstr("\r\nx-LSQ-AccessKey: u$rabc"));
  for (const char* absent : {"Expect", "Accept-Encoding", "Cookie", "Upgrade",
                             "Transfer-Encoding", "Authorization", "Referer"}) {
    EXPECT_THAT(head, Not(HasSubstr(absent)));
  }
}

TEST(ExchangeTest, BytesOfAnyKindSurviveInBothDirections) {
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes += static_cast<char>(i * 7 + i / 256);
  RawHttpServer server(AnswerAll);
  LoopRunner runner;
  const HttpReply reply = runner.Fetch(Post(server.Url(), bytes));
  EXPECT_TRUE(reply.status.ok()) << reply.status;
  EXPECT_TRUE(reply.body == bytes);
}

TEST(ExchangeTest, ABodyThatChangesAsItLeavesArrivesChanged) {
  // Short enough to go with the head, and too long for that.
  for (const size_t length : {size_t{20}, size_t{300'000}}) {
    RawHttpServer server(AnswerAll);
    LoopRunner runner;
    HttpRequest request = Post(server.Url(), std::string(length, 'x'));
    int asked = 0;
    request.leave = [&asked](absl::Span<char> body) {
      ++asked;
      std::fill(body.begin(), body.begin() + 10, 'y');
      std::fill(body.begin() + 10, body.end(), ' ');
      return true;
    };
    const HttpReply reply = runner.Fetch(request);
    EXPECT_TRUE(reply.status.ok()) << reply.status;
    EXPECT_EQ(asked, 1);
    EXPECT_THAT(
        server.counts().bodies,
        ElementsAre(std::string(10, 'y') + std::string(length - 10, ' ')));
  }
}

TEST(ExchangeTest, ARequestThatMayNotLeaveDoesNotArrive) {
  RawHttpServer server(AnswerAll);
  LoopRunner runner;
  HttpRequest request = Post(server.Url(), "body");
  request.leave = [](absl::Span<char>) { return false; };
  const HttpReply reply = runner.Fetch(request);
  EXPECT_FALSE(reply.status.ok());
  EXPECT_FALSE(reply.sent_at.has_value());
  EXPECT_THAT(server.counts().bodies, ElementsAre());
}

TEST(ExchangeTest, AnEmptyBodyAndAnEmptyAnswerAreFine) {
  RawHttpServer server(AnswerAll);
  LoopRunner runner;
  const HttpReply reply = runner.Fetch(Post(server.Url(), ""));
  EXPECT_TRUE(reply.status.ok()) << reply.status;
  EXPECT_EQ(reply.http_status, 200);
  EXPECT_EQ(reply.body, "");
  EXPECT_THAT(server.counts().bodies, ElementsAre(""));
}

TEST(ExchangeTest, AChunkedAnswerIsPutTogether) {
  RawHttpServer server(
      AnswerWith("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"));
  LoopRunner runner;
  const HttpReply reply = runner.Fetch(Get(server.Url()));
  EXPECT_TRUE(reply.status.ok()) << reply.status;
  EXPECT_EQ(reply.body, "abcdefg");
}

TEST(ExchangeTest, AConnectionIsKeptAndOnlyItsFirstRequestSeesAHandshake) {
  RawHttpServer server(AnswerAll);
  LoopRunner runner;
  EXPECT_TRUE(runner.Fetch(Get(server.Url())).handshake.has_value());
  for (int i = 0; i < 5; ++i) {
    const HttpReply reply = runner.Fetch(Post(server.Url(), "x"));
    EXPECT_TRUE(reply.status.ok()) << reply.status;
    EXPECT_FALSE(reply.handshake.has_value());
    EXPECT_TRUE(reply.sent_at.has_value());
  }
  EXPECT_EQ(server.counts().connections, 1);
}

TEST(ExchangeTest, AHandleThatWasUsedBeforeCarriesNothingOver) {
  RawHttpServer server([](Connection& connection) {
    while (const auto request = connection.ReadRequest()) {
      connection.Answer(200, absl::StrCat(request->head, request->body));
    }
  });
  LoopRunner runner;
  HttpRequest first = Post(server.Url("/?key=SECRET"), "SECRET");
  first.headers.emplace_back("X-Key: SECRET");
  EXPECT_THAT(runner.Fetch(first).body, HasSubstr("SECRET"));
  const HttpReply second = runner.Fetch(Get(server.Url()));
  EXPECT_TRUE(absl::StartsWith(second.body, "GET / HTTP/1.1\r\n"));
  EXPECT_THAT(second.body, Not(HasSubstr("SECRET")));
  EXPECT_THAT(second.body, Not(HasSubstr("Content-")));
}

TEST(ExchangeTest, ARefusedConnectionLeavesNothingSent) {
  LoopRunner runner;
  const HttpReply reply =
      runner.Fetch(Post(absl::StrCat("http://127.0.0.1:", UnusedPort()), "x"));
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(reply.status.message()),
              HasSubstr("Connection refused"));
  EXPECT_FALSE(reply.sent_at.has_value());
  EXPECT_FALSE(reply.handshake.has_value());
  EXPECT_EQ(reply.http_status, 0);
}

TEST(ExchangeTest, AnAnswerThatDoesNotComeEndsInATimeOutWithSentAt) {
  RawHttpServer server([](Connection& connection) {
    connection.ReadRequest();
    connection.WaitForPeer();
  });
  LoopRunner runner;
  HttpRequest request = Post(server.Url(), "x");
  request.timeout = absl::Milliseconds(100);
  const HttpReply reply = runner.Fetch(request);
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kDeadlineExceeded);
  ASSERT_TRUE(reply.sent_at.has_value());
  EXPECT_GE(reply.done_at - *reply.sent_at, absl::Milliseconds(80));
  EXPECT_LE(reply.done_at - *reply.sent_at, absl::Seconds(10));
}

TEST(ExchangeTest, AnAnswerThatStallsHalfWayEndsInATimeOutWithWhatCame) {
  RawHttpServer server([](Connection& connection) {
    connection.ReadRequest();
    connection.Write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    connection.WaitForPeer();
  });
  LoopRunner runner;
  HttpRequest request = Post(server.Url(), "x");
  request.timeout = absl::Milliseconds(200);
  const HttpReply reply = runner.Fetch(request);
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(reply.http_status, 200);
  EXPECT_EQ(reply.body, "abc");
}

TEST(ExchangeTest, AConnectionThatDoesNotComeEndsInATimeOutWithoutSentAt) {
  const DeafListener listener;
  LoopRunner runner;
  HttpRequest request =
      Post(absl::StrCat("http://127.0.0.1:", listener.port()), "x");
  request.connect_timeout = absl::Milliseconds(100);
  const HttpReply reply = runner.Fetch(request);
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(reply.sent_at.has_value());
  EXPECT_FALSE(reply.handshake.has_value());
}

TEST(ExchangeTest, AnAnswerAsLongAsAllowedIsTaken) {
  RawHttpServer server(AnswerAll);
  LoopRunner runner;
  HttpRequest request = Post(server.Url(), std::string(1000, 'x'));
  request.max_answer_bytes = 1000;
  const HttpReply reply = runner.Fetch(request);
  EXPECT_TRUE(reply.status.ok()) << reply.status;
  EXPECT_EQ(reply.body.size(), 1000);
}

TEST(ExchangeTest, ALongerAnswerIsCutAndResourceExhausted) {
  RawHttpServer server(AnswerAll);
  LoopRunner runner;
  HttpRequest request = Post(server.Url(), std::string(1001, 'x'));
  request.max_answer_bytes = 1000;
  const HttpReply reply = runner.Fetch(request);
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(reply.body, std::string(1000, 'x'));
  EXPECT_EQ(reply.http_status, 200);
  EXPECT_TRUE(reply.sent_at.has_value());
}

TEST(ExchangeTest, AnAnswerWithoutEndIsResourceExhausted) {
  RawHttpServer server([](Connection& connection) {
    connection.ReadRequest();
    connection.Write("HTTP/1.1 200 OK\r\n\r\n");
    for (int i = 0; i < 100; ++i) connection.Write(std::string(4096, 'x'));
  });
  LoopRunner runner;
  HttpRequest request = Get(server.Url());
  request.max_answer_bytes = 10'000;
  const HttpReply reply = runner.Fetch(request);
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(reply.body.size(), 10'000);
}

TEST(ExchangeTest, HeadersWithoutEndAreResourceExhausted) {
  RawHttpServer server([](Connection& connection) {
    connection.ReadRequest();
    connection.Write("HTTP/1.1 200 OK\r\n");
    const std::string line =
        absl::StrCat("A: ", std::string(1000, 'x'), "\r\n");
    for (int i = 0; i < 1000; ++i) connection.Write(line);
  });
  LoopRunner runner;
  const HttpReply reply = runner.Fetch(Get(server.Url()));
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(reply.sent_at.has_value());
}

TEST(ExchangeTest, ATruncatedBodyIsUnavailableWithWhatCame) {
  RawHttpServer server(
      AnswerWith("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"));
  LoopRunner runner;
  const HttpReply reply = runner.Fetch(Post(server.Url(), "x"));
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(reply.http_status, 200);
  EXPECT_EQ(reply.body, "abc");
  EXPECT_TRUE(reply.sent_at.has_value());
}

TEST(ExchangeTest, ATruncatedChunkIsUnavailable) {
  RawHttpServer server(AnswerWith(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"));
  LoopRunner runner;
  const HttpReply reply = runner.Fetch(Post(server.Url(), "x"));
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(reply.body, "abc");
}

TEST(ExchangeTest, GarbageInsteadOfAStatusLineIsUnavailableWithSentAt) {
  for (const char* garbage :
       {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/9.9 hello\r\n\r\n", "\x01\x02\x03",
        "HTTP/1.1 2\r\n\r\n", "<html>oops</html>\n"}) {
    RawHttpServer server(AnswerWith(garbage));
    LoopRunner runner;
    const HttpReply reply = runner.Fetch(Post(server.Url(), "x"));
    EXPECT_EQ(reply.status.code(), absl::StatusCode::kUnavailable)
        << garbage << reply.status;
    EXPECT_TRUE(reply.sent_at.has_value()) << garbage;
  }
}

TEST(ExchangeTest, AConnectionThatClosesWithoutAnAnswerIsUnavailable) {
  for (const bool reset : {false, true}) {
    RawHttpServer server([reset](Connection& connection) {
      connection.ReadRequest();
      if (reset) connection.Reset();
    });
    LoopRunner runner;
    const HttpReply reply = runner.Fetch(Post(server.Url(), "x"));
    EXPECT_EQ(reply.status.code(), absl::StatusCode::kUnavailable);
    EXPECT_TRUE(reply.sent_at.has_value());
    EXPECT_EQ(reply.http_status, 0);
  }
}

TEST(ExchangeTest, WhatCannotBeSentIsRefusedWithoutAConnection) {
  using namespace std::string_literals;
  RawHttpServer server(AnswerAll);
  LoopRunner runner;
  std::vector<HttpRequest> requests;
  for (const std::string& line : {"A: b\r\nX-Evil: c"s, "A: b\nX-Evil: c"s,
                                  "A: b\0c"s, "A: b\r\n\r\nGET / HTTP/1.1"s}) {
    requests.push_back(Post(server.Url(), "x"));
    requests.back().headers.emplace_back(line);
  }
  for (const std::string& path : {"/\r\nX-Evil: c"s, "/\n"s, "/\0"s, "/ "s}) {
    requests.push_back(Post(server.Url(path), "x"));
  }
  for (HttpRequest& request : requests) {
    const HttpReply reply = runner.Fetch(std::move(request));
    EXPECT_EQ(reply.status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_FALSE(reply.sent_at.has_value());
    EXPECT_NE(reply.done_at, absl::Time());
  }
  runner.Stop();
  EXPECT_EQ(server.Drain().connections, 0);
}

TEST(ExchangeTest, RetryAfterIsReadInSecondsAndFromTheFinalAnswerOnly) {
  const auto retry_after = [](const std::string& answer) {
    RawHttpServer server(AnswerWith(answer));
    LoopRunner runner;
    const HttpReply reply = runner.Fetch(Get(server.Url()));
    EXPECT_TRUE(reply.status.ok()) << reply.status;
    return reply.retry_after;
  };
  constexpr char kEnd[] = "Content-Length: 0\r\n\r\n";
  EXPECT_EQ(retry_after(
                absl::StrCat("HTTP/1.1 503 No\r\nretry-after:  30 \r\n", kEnd)),
            absl::Seconds(30));
  EXPECT_EQ(retry_after(absl::StrCat("HTTP/1.1 503 No\r\nRetry-After: "
                                     "Fri, 31 Dec 1999 23:59:59 GMT\r\n",
                                     kEnd)),
            std::nullopt);
  EXPECT_EQ(retry_after(absl::StrCat("HTTP/1.1 503 No\r\n", kEnd)),
            std::nullopt);
  EXPECT_EQ(retry_after(absl::StrCat("HTTP/1.1 102 Wait\r\nRetry-After: "
                                     "5\r\n\r\nHTTP/1.1 200 OK\r\n",
                                     kEnd)),
            std::nullopt);
}

TEST(ExchangeTest, ARedirectIsAnAnswerLikeAnyOther) {
  RawHttpServer elsewhere(AnswerAll);
  RawHttpServer server(
      AnswerWith(absl::StrCat("HTTP/1.1 307 Go\r\nLocation: ", elsewhere.Url(),
                              "\r\nContent-Length: 0\r\n\r\n")));
  LoopRunner runner;
  EXPECT_EQ(runner.Fetch(Post(server.Url(), "x")).http_status, 307);
  runner.Stop();
  EXPECT_EQ(elsewhere.Drain().connections, 0);
}

TEST(ExchangeTest, AProxyInTheEnvironmentIsIgnored) {
  RawHttpServer proxy(AnswerAll);
  RawHttpServer server(AnswerAll);
  for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) {
    setenv(name, proxy.Url().c_str(), 1);
  }
  {
    LoopRunner runner;
    EXPECT_TRUE(runner.Fetch(Post(server.Url(), "x")).status.ok());
  }
  for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) {
    unsetenv(name);
  }
  EXPECT_EQ(server.Drain().posts, 1);
  EXPECT_EQ(proxy.Drain().connections, 0);
}

TEST(ExchangeTest, AStatusNeverContainsAKey) {
  constexpr char kUrlEnd[] = "/SECRET?accessKey=SECRET&secretKey=SECRET";
  using Answer = std::function<void(Connection&)>;
  const std::vector<Answer> failures = {
      [](Connection& connection) { connection.Reset(); },
      [](Connection&) {},
      [](Connection& connection) {
        connection.ReadRequest();
        connection.Reset();
      },
      [](Connection& connection) {
        connection.ReadRequest();
        connection.WaitForPeer();
      },
      AnswerWith("SECRET\r\n"),
      AnswerWith("HTTP/1.1 SECRET\r\n\r\n"),
      AnswerWith("HTTP/1.1 200 SECRET\r\nContent-Length: 10\r\n\r\nSECRET"),
      AnswerWith("HTTP/1.1 200 OK\r\nContent-Length: SECRET\r\n\r\n"),
      AnswerWith("HTTP/1.1 200 OK\r\nTransfer-Encoding: SECRET\r\n\r\nSECRET"),
      AnswerWith("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nSECRET"),
      AnswerWith(absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
                              std::string(5000, 'x'))),
      AnswerWith(absl::StrCat(
          "HTTP/1.1 200 OK\r\nA: ", std::string(200'000, 'x'), "\r\n\r\n")),
  };
  const auto request_to = [&](std::string url) {
    HttpRequest request = Post(std::move(url), "SECRET");
    request.headers.emplace_back("x-LSQ-SecretKey: SECRET");
    request.timeout = absl::Milliseconds(250);
    request.max_answer_bytes = 1000;
    return request;
  };
  const auto expect_silence = [](const HttpReply& reply) {
    EXPECT_FALSE(reply.status.ok());
    EXPECT_THAT(reply.status.ToString(), Not(HasSubstr("SECRET")));
    EXPECT_THAT(reply.status.ToString(), Not(HasSubstr("secret")));
  };
  for (const Answer& failure : failures) {
    RawHttpServer server(failure);
    LoopRunner runner;
    expect_silence(runner.Fetch(request_to(server.Url(kUrlEnd))));
  }
  {
    // A TLS handshake with a server that knows nothing of it.
    RawHttpServer server([](Connection& connection) {
      connection.Write("HTTP/1.1 400 SECRET\r\n\r\n");
      connection.WaitForPeer();
    });
    LoopRunner runner;
    expect_silence(runner.Fetch(request_to(
        absl::StrCat("https://127.0.0.1:", server.port(), kUrlEnd))));
  }
  LoopRunner runner;
  const std::string nobody = absl::StrCat("127.0.0.1:", UnusedPort(), kUrlEnd);
  const DeafListener deaf;
  for (const std::string& url :
       {absl::StrCat("http://", nobody), absl::StrCat("ftp://", nobody), nobody,
        absl::StrCat("http://127.0.0.1:", deaf.port(), kUrlEnd),
        std::string("http://SECRET.invalid/"),
        std::string("http://SECRET:99999"), std::string("http://[SECRET]/"),
        std::string("http://SE\nCRET/SECRET"),
        absl::StrCat("http://", std::string(70'000, 'x'), "SECRET/")}) {
    expect_silence(runner.Fetch(request_to(url)));
  }
  HttpRequest request = request_to(absl::StrCat("http://", nobody));
  request.headers.emplace_back("SECRET: SECRET\r\nSECRET");
  expect_silence(runner.Fetch(request));
}

TEST(CreateTest, OptionsThatCannotWorkAreRefused) {
  CurlLoop::Options options;
  options.max_idle_connections = 0;
  EXPECT_EQ(CurlLoop::Create(options, SystemClock::Get()).status().code(),
            absl::StatusCode::kInvalidArgument);
  options = {};
  options.ca_file = "/nowhere/ca.pem";
  EXPECT_EQ(CurlLoop::Create(options, SystemClock::Get()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace leadgateway::http
