// A name server that does not answer, in place of the C library's resolver.

#include <netdb.h>

#include <condition_variable>
#include <mutex>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/http/http_client.h"
#include "gtest/gtest.h"
#include "tests/http/loop_runner.h"
#include "tests/support/raw_http_server.h"

namespace {

std::mutex mutex;
std::condition_variable changed;
int waiting = 0;       // look-ups that wait for an answer
bool answers = false;  // whether they get one

// Lets all look-ups end, and waits for their threads to leave.
void Answer() {
  std::unique_lock<std::mutex> lock(mutex);
  answers = true;
  changed.notify_all();
  changed.wait(lock, [] { return waiting == 0; });
}

}  // namespace

// libcurl calls this one: a program's own symbols come before a library's.
extern "C" int getaddrinfo(const char* /*node*/, const char* /*service*/,
                           const addrinfo* /*hints*/, addrinfo** /*result*/) {
  std::unique_lock<std::mutex> lock(mutex);
  ++waiting;
  changed.notify_all();
  changed.wait(lock, [] { return answers; });
  --waiting;
  changed.notify_all();
  return EAI_AGAIN;
}

namespace leadgateway::http {
namespace {

using ::leadgateway::testing::RawHttpServer;

class LookupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::lock_guard<std::mutex> lock(mutex);
    answers = false;
  }
};

TEST_F(LookupTest, OneThatOutlastsItsTransferDoesNotHoldUpTheLoop) {
  RawHttpServer server([](RawHttpServer::Connection& connection) {
    while (connection.ReadRequest()) connection.Answer(200, "fine");
  });
  LoopRunner runner;
  HttpRequest request = Post("http://stuck.invalid/", "x");
  request.timeout = absl::Milliseconds(50);
  // If the loop waited for the look-up, nobody would ever end it, and the
  // runner would lose its patience.
  const HttpReply reply = runner.Fetch(request);
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(reply.sent_at.has_value());
  EXPECT_TRUE(runner.Fetch(Get(server.Url())).status.ok());
  Answer();
}

TEST_F(LookupTest, OneUnderWayDoesNotHoldUpTheEnd) {
  LoopRunner runner;
  runner.Do([&] {
    runner.loop().Send(Get("http://stuck.invalid/"),
                       [](HttpReply) { ADD_FAILURE(); });
  });
  {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [] { return waiting == 1; });
  }
  runner.Stop();
  Answer();
}

TEST_F(LookupTest, OneThatFailsIsUnavailableWithNothingSent) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    answers = true;
  }
  LoopRunner runner;
  const HttpReply reply = runner.Fetch(Get("http://stuck.invalid/"));
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(reply.status.message(), "the host's name could not be resolved");
  EXPECT_FALSE(reply.sent_at.has_value());
}

}  // namespace
}  // namespace leadgateway::http
