#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/integration/gateway_fixture.h"
#include "tests/support/raw_http2.h"

// What the server does with connections on which nothing, or the wrong thing,
// happens, as a client sees it that reads frames itself: gRPC's own clients
// answer pings and go when they are asked to.
namespace leadgateway::testing {
namespace {

// Of RFC 9113.
constexpr int kMaxConcurrentStreams = 3;
constexpr int kMaxHeaderListSize = 6;
constexpr uint32_t kNoError = 0;
constexpr uint32_t kEnhanceYourCalm = 11;

struct Received {
  FrameType type = FrameType::kData;
  uint8_t flags = 0;
  std::string payload;
  absl::Duration at;  // since the connection was made

  // The error code of a GOAWAY.
  uint32_t error() const {
    uint32_t code = 0;
    for (int i = 4; i < 8; ++i) {
      code = code << 8 | static_cast<uint8_t>(payload.at(i));
    }
    return code;
  }
};

// What SETTINGS say, by identifier.
std::map<int, uint32_t> Settings(const Received& frame) {
  std::map<int, uint32_t> settings;
  for (size_t at = 0; at + 6 <= frame.payload.size(); at += 6) {
    const auto byte = [&frame, at](size_t i) {
      return static_cast<uint32_t>(
          static_cast<uint8_t>(frame.payload.at(at + i)));
    };
    settings[static_cast<int>(byte(0) << 8 | byte(1))] =
        byte(2) << 24 | byte(3) << 16 | byte(4) << 8 | byte(5);
  }
  return settings;
}

// A connection that says what its client was told to say.
class ReadingClient {
 public:
  struct Options {
    bool says_hello = true;     // the preface and its settings
    bool answers_pings = true;  // and settings
  };

  ReadingClient(const std::string& address, Options options)
      : options_(options), fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int port = 0;
    EXPECT_TRUE(
        absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port));
    to.sin_port = htons(static_cast<uint16_t>(port));
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
    if (options_.says_hello) Send(Hello());
    thread_ = std::thread([this] { Read(); });
  }
  ~ReadingClient() {
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    close(fd_);
  }
  ReadingClient(const ReadingClient&) = delete;
  ReadingClient& operator=(const ReadingClient&) = delete;

  void Ping() { Send(Frame(FrameType::kPing, 0, 0, "12345678")); }

  // The first frame of that type that is no acknowledgement; none if the
  // connection ended, or kLongEnough passed, without one.
  std::optional<Received> WaitFor(FrameType type) {
    std::unique_lock<std::mutex> lock(mutex_);
    std::optional<Received> found;
    changed_.wait_for(lock, absl::ToChronoMilliseconds(kLongEnough), [&] {
      for (const Received& frame : frames_) {
        if (frame.type == type && frame.flags == 0) {
          found = frame;
          return true;
        }
      }
      return ended_.has_value();
    });
    return found;
  }
  // When the server closed it; none if it did not within kLongEnough.
  std::optional<absl::Duration> WaitForEnd() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait_for(lock, absl::ToChronoMilliseconds(kLongEnough),
                      [&] { return ended_.has_value(); });
    return ended_;
  }
  bool open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return !ended_.has_value();
  }

 private:
  void Send(absl::string_view bytes) {
    send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  bool ReadAll(char* to, size_t count) {
    for (size_t done = 0; done < count;) {
      const ssize_t got = recv(fd_, to + done, count - done, 0);
      if (got <= 0) return false;
      done += static_cast<size_t>(got);
    }
    return true;
  }

  void Read() {
    std::array<char, 9> head;
    while (ReadAll(head.data(), head.size())) {
      Received frame;
      const auto byte = [&head](int i) {
        return static_cast<uint32_t>(static_cast<uint8_t>(head.at(i)));
      };
      frame.payload.resize(byte(0) << 16 | byte(1) << 8 | byte(2));
      frame.type = static_cast<FrameType>(byte(3));
      frame.flags = static_cast<uint8_t>(byte(4));
      if (!ReadAll(frame.payload.data(), frame.payload.size())) break;
      frame.at = absl::Now() - start_;
      if (options_.answers_pings && frame.flags != kAck) {
        if (frame.type == FrameType::kSettings) {
          Send(Frame(FrameType::kSettings, kAck, 0, ""));
        }
        if (frame.type == FrameType::kPing) {
          Send(Frame(FrameType::kPing, kAck, 0, frame.payload));
        }
      }
      const std::lock_guard<std::mutex> lock(mutex_);
      frames_.push_back(frame);
      changed_.notify_all();
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = absl::Now() - start_;
    changed_.notify_all();
  }

  const Options options_;
  const absl::Time start_ = absl::Now();
  const int fd_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Received> frames_;
  std::optional<absl::Duration> ended_;
  std::thread thread_;
};

TEST(ConnectionTest, ClientsAreToldTheBoundsOnStreamsAndMetadata) {
  GatewaySetup setup;
  setup.listen.connections.max_streams = 17;
  setup.listen.connections.max_metadata_bytes = 5000;
  Gateway gateway(setup);
  ReadingClient client(gateway.server().listen_address(), {});
  const auto frame = client.WaitFor(FrameType::kSettings);
  ASSERT_TRUE(frame);
  std::map<int, uint32_t> settings = Settings(*frame);
  EXPECT_EQ(settings[kMaxConcurrentStreams], 17);
  EXPECT_EQ(settings[kMaxHeaderListSize], 5000);
}

TEST(ConnectionTest, ADrainAsksEveryConnectionToGoAndClosesIt) {
  Gateway gateway;
  std::vector<std::unique_ptr<ReadingClient>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<ReadingClient>(
        gateway.server().listen_address(), ReadingClient::Options{}));
    EXPECT_TRUE(clients.back()->WaitFor(FrameType::kSettings));
  }
  gateway.server().Drain();
  for (const auto& client : clients) {
    const auto goaway = client->WaitFor(FrameType::kGoaway);
    ASSERT_TRUE(goaway);
    EXPECT_EQ(goaway->error(), kNoError);
    EXPECT_TRUE(client->WaitForEnd());
  }
}

// If all went at once, so would all of their clients' new connections come.
TEST(ConnectionTest, ConnectionsAreAskedToGoAtAgesThatDifferByATenth) {
  GatewaySetup setup;
  setup.listen.connections.max_age = absl::Seconds(2);
  Gateway gateway(setup);
  std::vector<std::unique_ptr<ReadingClient>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<ReadingClient>(
        gateway.server().listen_address(), ReadingClient::Options{}));
  }
  absl::Duration first = absl::InfiniteDuration();
  absl::Duration last;
  for (const auto& client : clients) {
    const auto goaway = client->WaitFor(FrameType::kGoaway);
    ASSERT_TRUE(goaway);
    EXPECT_EQ(goaway->error(), kNoError);
    first = std::min(first, goaway->at);
    last = std::max(last, goaway->at);
  }
  EXPECT_GE(first, absl::Seconds(1.75));
  // 20 draws out of 0.4 s: this close together once in 10^12 runs.
  EXPECT_GE(last - first, absl::Milliseconds(50));
}

TEST(ConnectionTest, WhoDoesNotAnswerAPingIsClosedAndWhoDoesIsNot) {
  GatewaySetup setup;
  setup.listen.connections.keepalive_time = absl::Seconds(1);
  setup.listen.connections.keepalive_timeout = absl::Seconds(1);
  Gateway gateway(setup);
  ReadingClient there(gateway.server().listen_address(), {});
  ReadingClient gone(gateway.server().listen_address(),
                     {.answers_pings = false});
  const auto ping = gone.WaitFor(FrameType::kPing);
  ASSERT_TRUE(ping);
  const auto end = gone.WaitForEnd();
  ASSERT_TRUE(end);
  EXPECT_GE(*end - ping->at, absl::Milliseconds(900));
  EXPECT_TRUE(there.WaitFor(FrameType::kPing));
  EXPECT_TRUE(there.open());
}

TEST(ConnectionTest, WhoPingsTooOftenIsToldToCalmDown) {
  Gateway gateway;
  ReadingClient client(gateway.server().listen_address(), {});
  EXPECT_TRUE(client.WaitFor(FrameType::kSettings));
  for (int i = 0; i < 10; ++i) client.Ping();
  const auto goaway = client.WaitFor(FrameType::kGoaway);
  ASSERT_TRUE(goaway);
  EXPECT_EQ(goaway->error(), kEnhanceYourCalm);
  EXPECT_TRUE(client.WaitForEnd());
}

TEST(ConnectionTest, AConnectionWithoutRpcsIsAskedToGo) {
  GatewaySetup setup;
  setup.listen.connections.max_idle = absl::Seconds(1);
  Gateway gateway(setup);
  ReadingClient client(gateway.server().listen_address(), {});
  EXPECT_TRUE(client.WaitFor(FrameType::kGoaway));
  EXPECT_TRUE(client.WaitForEnd());
  // The fixture's own connection is idle by now, too, and comes again.
  ExpectAll(gateway.Update(Updates(0, 5)), 5, v1::OUTCOME_UPDATED);
}

TEST(ConnectionTest, AConnectionThatSaysNothingIsClosed) {
  GatewaySetup setup;
  setup.listen.connections.handshake_timeout = absl::Seconds(1);
  Gateway gateway(setup);
  ReadingClient client(gateway.server().listen_address(),
                       {.says_hello = false, .answers_pings = false});
  const auto end = client.WaitForEnd();
  ASSERT_TRUE(end);
  EXPECT_GE(*end, absl::Milliseconds(900));
}

}  // namespace
}  // namespace leadgateway::testing
