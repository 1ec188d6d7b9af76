#include "gateway/admin/admin_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Longer than anything here takes, shorter than a test's time-out.
constexpr int kWaitSeconds = 10;

// A plain socket to the server. Nothing waits for longer than kWaitSeconds.
class Client {
 public:
  explicit Client(const std::string& address) {
    const bool v6 = absl::StartsWith(address, "[");
    const size_t colon = address.rfind(':');
    int port = 0;
    EXPECT_TRUE(absl::SimpleAtoi(address.substr(colon + 1), &port));
    fd_ = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    const timeval wait{kWaitSeconds, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    sockaddr_in v4_peer{};
    v4_peer.sin_family = AF_INET;
    v4_peer.sin_port = htons(static_cast<uint16_t>(port));
    v4_peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 v6_peer{};
    v6_peer.sin6_family = AF_INET6;
    v6_peer.sin6_port = htons(static_cast<uint16_t>(port));
    v6_peer.sin6_addr = in6addr_loopback;
    connected_ = (v6 ? connect(fd_, reinterpret_cast<sockaddr*>(&v6_peer),
                               sizeof(v6_peer))
                     : connect(fd_, reinterpret_cast<sockaddr*>(&v4_peer),
                               sizeof(v4_peer))) == 0;
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }

  // False when the server has hung up.
  bool Send(absl::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  void FinishSending() { shutdown(fd_, SHUT_WR); }

  // Everything until the server hangs up. "(nothing came)" stands at the end
  // when it did not within the wait.
  std::string ReadAll() {
    std::string text;
    while (true) {
      char buffer[4096];
      const ssize_t got = recv(fd_, buffer, sizeof(buffer), 0);
      if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return absl::StrCat(text, "(nothing came)");
      }
      if (got <= 0) return text;
      text.append(buffer, static_cast<size_t>(got));
    }
  }

  // Reads until `end` has come.
  std::string ReadThrough(absl::string_view end) {
    std::string text;
    char c = 0;
    while (!absl::EndsWith(text, end) && recv(fd_, &c, 1, 0) == 1) text += c;
    return text;
  }

  // Resets the connection in place of a polite end.
  void Reset() {
    const linger now{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  }

 private:
  int fd_ = -1;
  bool connected_ = false;
};

AdminHandlers Pages() {
  AdminHandlers pages;
  pages["/hello"].get = [](const AdminRequest& request) {
    AdminResponse response;
    response.body = absl::StrCat("hello ", request.query, "\n");
    return response;
  };
  for (AdminHandler* handler : {&pages["/level"].get, &pages["/level"].put}) {
    *handler = [](const AdminRequest& request) {
      AdminResponse response;
      response.body = absl::StrCat("level ", request.query, "\n");
      return response;
    };
  }
  pages["/busy"].get = [](const AdminRequest&) {
    AdminResponse response;
    response.status = 503;
    response.content_type = "text/x-busy";
    response.body = "busy\n";
    return response;
  };
  pages["/large"].get = [](const AdminRequest&) {
    AdminResponse response;
    response.body = std::string(size_t{64} << 20, 'x');
    return response;
  };
  return pages;
}

std::unique_ptr<AdminServer> Start(AdminServer::Options options = {},
                                   const std::string& address = "127.0.0.1:0") {
  absl::StatusOr<std::unique_ptr<AdminServer>> server =
      AdminServer::Create(address, Pages(), options);
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

// The whole response to one request with "Connection: close".
std::string Ask(const AdminServer& server, absl::string_view request_line) {
  Client client(server.bound_address());
  EXPECT_TRUE(client.connected());
  client.Send(absl::StrCat(
      request_line, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  return client.ReadAll();
}

TEST(AdminServer, AnswersWithWhatTheHandlerSays) {
  const auto server = Start();
  const std::string hello = Ask(*server, "GET /hello?name=x%20y");
  EXPECT_THAT(hello, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(hello, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(hello, HasSubstr("Content-Length: 17\r\n"));
  EXPECT_THAT(hello, EndsWith("\r\n\r\nhello name=x%20y\n"));
  const std::string busy = Ask(*server, "GET /busy");
  EXPECT_THAT(busy, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(busy, HasSubstr("Content-Type: text/x-busy\r\n"));
}

TEST(AdminServer, AnswersHeadWithTheHeaderOnly) {
  const auto server = Start();
  const std::string response = Ask(*server, "HEAD /hello");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response, HasSubstr("Content-Length: 7\r\n"));
  EXPECT_THAT(response, EndsWith("\r\n\r\n"));
}

TEST(AdminServer, RefusesOtherPagesAndMethods) {
  const auto server = Start();
  EXPECT_THAT(Ask(*server, "GET /"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Ask(*server, "GET /hello/"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Ask(*server, "GET /../hello"), StartsWith("HTTP/1.1 404 "));
  const std::string response = Ask(*server, "DELETE /hello");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(response, HasSubstr("Allow: GET, HEAD\r\n"));
}

TEST(AdminServer, TakesPutOnlyWhereAPageHasIt) {
  const auto server = Start();
  EXPECT_THAT(Ask(*server, "PUT /level?debug"), EndsWith("level debug\n"));
  EXPECT_THAT(Ask(*server, "PUT /hello"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(Ask(*server, "POST /level?debug"),
              AllOf(StartsWith("HTTP/1.1 405 "),
                    HasSubstr("Allow: GET, HEAD, PUT\r\n")));
}

// Whoever looks at a page of another site in a browser on this machine.
TEST(AdminServer, TakesNoPutFromAWebPage) {
  const auto server = Start();
  Client client(server->bound_address());
  client.Send(
      "PUT /level?debug HTTP/1.1\r\nHost: x\r\nOrigin: http://evil.test\r\n"
      "Connection: close\r\n\r\n");
  EXPECT_THAT(client.ReadThrough("web page\n"), StartsWith("HTTP/1.1 403 "));
}

TEST(AdminServer, KnowsWhoIsOnThisMachine) {
  for (const char* ip : {"127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(IsThisMachine(ip)) << ip;
  }
  for (const char* ip : {"10.0.0.1", "0.0.0.0", "::", "2001:db8::1",
                         "::ffff:10.0.0.1", "128.0.0.1", "", "localhost"}) {
    EXPECT_FALSE(IsThisMachine(ip)) << ip;
  }
}

TEST(AdminServer, LetsNoScriptRunAndNoSiteFrameIt) {
  const auto server = Start();
  EXPECT_THAT(Ask(*server, "GET /hello"),
              AllOf(HasSubstr("Content-Security-Policy: default-src 'none'; "
                              "style-src 'unsafe-inline'; "
                              "frame-ancestors 'none'\r\n"),
                    HasSubstr("X-Content-Type-Options: nosniff\r\n")));
}

TEST(AdminServer, KeepsAConnectionForMoreRequests) {
  const auto server = Start();
  Client client(server->bound_address());
  for (int i = 0; i < 3; ++i) {
    client.Send(absl::StrCat("GET /hello?", i, " HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_THAT(client.ReadThrough(absl::StrCat("hello ", i, "\n")),
                StartsWith("HTTP/1.1 200 "));
  }
  // Two at once.
  client.Send("GET /hello?a HTTP/1.1\r\n\r\nGET /hello?b HTTP/1.1\r\n\r\n");
  EXPECT_THAT(client.ReadThrough("hello a\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(client.ReadThrough("hello b\n"), StartsWith("HTTP/1.1 200 "));
}

TEST(AdminServer, HangsUpOnAnOldClientAfterTheResponse) {
  const auto server = Start();
  Client client(server->bound_address());
  client.Send("GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_THAT(client.ReadAll(), EndsWith("hello \n"));
}

TEST(AdminServer, RefusesLargeHeadersAndBodies) {
  const auto server = Start();
  {
    Client client(server->bound_address());
    client.Send(absl::StrCat(
        "GET /hello HTTP/1.1\r\nX: ", std::string(9000, 'x'), "\r\n\r\n"));
    EXPECT_THAT(client.ReadAll(), StartsWith("HTTP/1.1 431 "));
  }
  {
    Client client(server->bound_address());
    client.Send(absl::StrCat("GET /", std::string(100'000, 'x')));
    EXPECT_THAT(client.ReadAll(), StartsWith("HTTP/1.1 431 "));
  }
  for (const char* request :
       {"POST /hello HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
        "GET /hello HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        "GET /hello HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n0\r\n\r\n"}) {
    Client client(server->bound_address());
    client.Send(request);
    EXPECT_THAT(client.ReadAll(), StartsWith("HTTP/1.1 413 ")) << request;
  }
}

TEST(AdminServer, SurvivesGarbage) {
  const auto server = Start();
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  for (const std::string& garbage :
       {bytes, std::string("\r\n\r\n\r\n"), std::string("GET\r\n\r\n"),
        std::string("GET /hello HTTP/9.9\r\n\r\n"),
        std::string("GET /hello HTTP/1.1\r\nno colon\r\n\r\n"),
        std::string("GET /hello HTTP/1.1\r\nContent-Length: x\r\n\r\n"),
        std::string("GET /hello HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
        std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11)}) {
    Client client(server->bound_address());
    client.Send(garbage);
    client.FinishSending();
    EXPECT_THAT(client.ReadAll(),
                ::testing::AnyOf(StartsWith("HTTP/1.1 400 "), ""))
        << garbage;
  }
  for (const char* beginning : {"", "G", "GET /hello HTTP/1.1\r\n"}) {
    Client client(server->bound_address());
    client.Send(beginning);
    client.Reset();
  }
  EXPECT_THAT(Ask(*server, "GET /hello"), StartsWith("HTTP/1.1 200 "));
}

TEST(AdminServer, HangsUpOnAClientThatDoesNotFinishItsRequest) {
  AdminServer::Options options;
  options.timeout = absl::Milliseconds(200);
  const auto server = Start(options);
  Client silent(server->bound_address());
  Client half(server->bound_address());
  half.Send("GET /hello HTTP/1.1\r\nHo");
  EXPECT_EQ(silent.ReadAll(), "");
  EXPECT_EQ(half.ReadAll(), "");

  // A byte now and then does not prolong the time.
  Client slow(server->bound_address());
  bool hung_up = false;
  for (int i = 0; i < 100 && !hung_up; ++i) {
    hung_up = !slow.Send("x");
    absl::SleepFor(absl::Milliseconds(20));
  }
  EXPECT_TRUE(hung_up);
}

TEST(AdminServer, HangsUpOnAClientThatDoesNotReadItsResponse) {
  AdminServer::Options options;
  options.timeout = absl::Milliseconds(200);
  const auto server = Start(options);
  Client client(server->bound_address());
  client.Send("GET /large HTTP/1.1\r\n\r\n");
  EXPECT_THAT(Ask(*server, "GET /hello"), StartsWith("HTTP/1.1 200 "));
  absl::SleepFor(absl::Seconds(1));
  EXPECT_LT(client.ReadAll().size(), size_t{64} << 20);
}

TEST(AdminServer, MakesRoomByClosingTheQuietestConnection) {
  AdminServer::Options options;
  options.max_connections = 4;
  const auto server = Start(options);
  Client active(server->bound_address());
  active.Send("GET /hello?1 HTTP/1.1\r\n\r\n");
  EXPECT_THAT(active.ReadThrough("hello 1\n"), HasSubstr(" 200 "));
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 20; ++i) {
    idle.push_back(std::make_unique<Client>(server->bound_address()));
    EXPECT_TRUE(idle.back()->connected());
    active.Send("GET /hello?2 HTTP/1.1\r\n\r\n");
    EXPECT_THAT(active.ReadThrough("hello 2\n"), HasSubstr(" 200 "));
  }
  EXPECT_THAT(Ask(*server, "GET /hello"), StartsWith("HTTP/1.1 200 "));
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(idle[static_cast<size_t>(i)]->ReadAll(), "");
  }
}

TEST(AdminServer, ReportsABusyPortByItsAddress) {
  const auto server = Start();
  const absl::Status status =
      AdminServer::Create(server->bound_address(), Pages()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(server->bound_address()));
  EXPECT_THAT(std::string(status.message()), HasSubstr("in use"));
}

TEST(AdminServer, RefusesAnAddressThatIsNone) {
  EXPECT_EQ(AdminServer::Create("nonsense", Pages()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(AdminServer, ListensAtAName) {
  EXPECT_THAT(Ask(*Start({}, "localhost:0"), "GET /hello"),
              StartsWith("HTTP/1.1 200 "));
}

TEST(AdminServer, ListensAtIpv6WhereTheMachineHasIt) {
  absl::StatusOr<std::unique_ptr<AdminServer>> server =
      AdminServer::Create("[::1]:0", Pages());
  if (!server.ok()) GTEST_SKIP() << server.status();
  EXPECT_THAT((*server)->bound_address(), StartsWith("[::1]:"));
  EXPECT_THAT(Ask(**server, "GET /hello"), StartsWith("HTTP/1.1 200 "));
}

TEST(AdminServer, StopsWithClientsConnectedAndFreesThePort) {
  auto server = Start();
  const std::string address = server->bound_address();
  Client idle(address);
  Client half(address);
  half.Send("GET /he");
  Client busy(address);
  busy.Send("GET /large HTTP/1.1\r\n\r\n");
  server->Stop();
  server->Stop();
  EXPECT_EQ(idle.ReadAll(), "");
  EXPECT_FALSE(Client(address).connected());
  EXPECT_TRUE(AdminServer::Create(address, Pages()).ok());
}

}  // namespace
}  // namespace leadgateway
