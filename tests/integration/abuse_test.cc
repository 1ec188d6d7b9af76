#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.grpc.pb.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/credentials.h"
#include "sandbox/sandbox.h"
#include "tests/integration/gateway_fixture.h"
#include "tests/integration/program.h"
#include "tests/support/raw_http2.h"

// Clients that mean harm, or are broken, against the program itself, while one
// that behaves goes on.
namespace leadgateway::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

#ifdef LEADGATEWAY_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int kMany = 1000;
// For a gateway with that many streams.
constexpr int64_t kMostMemory = 64 * kMiB + kMany * (int64_t{128} << 10);

// A member of /proc/PID/status in bytes.
int64_t Memory(pid_t pid, const std::string& name) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, absl::StrCat(name, ":"))) {
      int64_t kib = 0;
      const size_t digit = line.find_first_of("0123456789");
      const size_t end = line.find_first_not_of("0123456789", digit);
      EXPECT_TRUE(absl::SimpleAtoi(line.substr(digit, end - digit), &kib));
      return kib << 10;
    }
  }
  return 0;
}

int Descriptors(pid_t pid) {
  int count = 0;
  DIR* const dir = opendir(absl::StrCat("/proc/", pid, "/fd").c_str());
  if (dir == nullptr) return 0;
  while (readdir(dir) != nullptr) ++count;
  closedir(dir);
  return count;
}

// A client that behaves, with one RPC of 5 leads after the other.
class Behaved {
 public:
  explicit Behaved(const std::string& address) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stub_ = v1::LeadGatewayService::NewStub(grpc::CreateCustomChannel(
        address, grpc::InsecureChannelCredentials(), arguments));
    thread_ = std::thread([this] {
      for (int i = 0; !stop_; i = (i + 5) % 1000) {
        CallOptions options;
        options.metadata.emplace("x-lead-caller", "behaved");
        const Answer answer = Rpc(*stub_, Updates(i, 5), options).Get();
        if (!answer.status.ok() || CountOf(answer, v1::OUTCOME_UPDATED) != 5) {
          if (failed_++ == 0) first_failure_ = answer.status.error_message();
        }
        took_.push_back(answer.took);
        done_ = static_cast<int>(took_.size());
      }
    });
  }
  ~Behaved() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

  // RPCs that have ended.
  int done() const { return done_; }

  // Ends it: each RPC has succeeded within `most`.
  void Expect(absl::Duration most) {
    stop_ = true;
    thread_.join();
    EXPECT_EQ(failed_, 0) << first_failure_;
    ASSERT_GE(took_.size(), 10);
    std::sort(took_.begin(), took_.end());
    EXPECT_LE(took_.back(), most);
    printf("  %d RPCs beside it: p50 %s, p99 %s, most %s\n", done(),
           absl::FormatDuration(took_[took_.size() / 2]).c_str(),
           absl::FormatDuration(took_[took_.size() * 99 / 100]).c_str(),
           absl::FormatDuration(took_.back()).c_str());
  }

 private:
  std::unique_ptr<v1::LeadGatewayService::Stub> stub_;
  std::atomic<bool> stop_{false};
  std::atomic<int> done_{0};
  int failed_ = 0;
  std::string first_failure_;
  std::vector<absl::Duration> took_;
  std::thread thread_;
};

class AbuseTest : public ::testing::Test {
 protected:
  AbuseTest() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 20000);
    setrlimit(RLIMIT_NOFILE, &limit);
    sandbox::SandboxOptions options;
    options.account.generate_leads = 2000;
    options.account.allowance.calls = 10'000;
    options.account.allowance.window = absl::Seconds(1);
    sandbox_ = *sandbox::Sandbox::Create(options);
    const sandbox::KeyPair keys = sandbox::TestKeys();
    dir_.Write("access_key", keys.access_key);
    dir_.Write("secret_key", keys.secret_key);
  }

  // Starts the program, with `calls` a second; connections that are half open
  // or don't answer are given up soon.
  void Start(int calls = 10'000, absl::string_view keepalive_timeout = "5s") {
    const char* const path = getenv("LEAD_GATEWAY");
    program_ = std::make_unique<Program>(std::vector<std::string>{
        path == nullptr ? "" : path,
        absl::StrCat("--config=",
                     dir_.Write("config.json",
                                absl::StrReplaceAll(
                                    R"({ "listen": { "address": "127.0.0.1:0",
                           "connections": { "handshakeTimeout": "1s",
                                            "keepaliveTime": "1s",
                                            "keepaliveTimeout": "TIMEOUT" } },
                         "admin": { "address": "127.0.0.1:0" },
                         "accounts": [ {
                           "name": "acme", "baseUrl": "URL",
                           "accessKeyFile": "DIR/access_key",
                           "secretKeyFile": "DIR/secret_key",
                           "schemaChecks": "OFF",
                           "allowance": { "calls": CALLS, "window": "1s" } } ]
                       })",
                                    {{"URL", sandbox_->url()},
                                     {"DIR", dir_.path()},
                                     {"CALLS", absl::StrCat(calls)},
                                     {"TIMEOUT", keepalive_timeout}})))});
    const std::string serving = program_->WaitForLine("\"event\":\"serving\"");
    address_ = MemberOf(serving, "listen");
    admin_ = MemberOf(serving, "admin");
    ASSERT_NE(address_, "");
    behaved_ = std::make_unique<Behaved>(address_);
    // Its connections are made, its caches are warm.
    ASSERT_TRUE(Eventually([this] { return behaved_->done() >= 20; }));
    descriptors_ = Descriptors(program_->pid());
    memory_ = Memory(program_->pid(), "VmRSS");
  }

  std::vector<RawClient> Connect(int count) {
    std::vector<RawClient> clients;
    for (int i = 0; i < count; ++i) {
      clients.emplace_back(address_);
      EXPECT_TRUE(clients.back().connected());
    }
    return clients;
  }

  // Whether the gateway ends all of them by itself.
  static bool AllEnd(std::vector<RawClient>& clients) {
    return Eventually([&clients] {
      return std::all_of(clients.begin(), clients.end(),
                         [](RawClient& client) { return client.Ended(); });
    });
  }

  // Sends `bytes` over and over on each of some connections, which are made
  // anew when the gateway ends them, without reading what comes unless `read`.
  // Goes on until one was ended if one `must_end`. Returns how many bytes went
  // out.
  int64_t Flood(int connections, absl::Duration how_long, bool read,
                const std::function<std::string(int64_t round)>& hello,
                const std::function<std::string(int64_t round)>& bytes,
                bool must_end = false) {
    struct Flooder {
      std::unique_ptr<RawClient> client;
      std::string rest;
      int64_t round = 0;
    };
    std::vector<Flooder> flooders(static_cast<size_t>(connections));
    int64_t sent_in_all = 0;
    int ended = 0;
    const absl::Time until = absl::Now() + how_long;
    const absl::Time at_last = until + kLongEnough;
    for (absl::Time now = absl::Now();
         now < until || (must_end && ended == 0 && now < at_last);
         now = absl::Now()) {
      for (Flooder& each : flooders) {
        if (each.client == nullptr) {
          each.client = std::make_unique<RawClient>(address_);
          each.round = 0;
          each.rest = hello(0);
        }
        if (each.rest.empty()) each.rest = bytes(each.round++);
        const ptrdiff_t sent = each.client->Send(each.rest);
        if (sent < 0 || (read && each.client->Ended())) {
          each.client = nullptr;
          ++ended;
          continue;
        }
        each.rest.erase(0, static_cast<size_t>(sent));
        sent_in_all += sent;
      }
    }
    EXPECT_TRUE(ended > 0 || !must_end);
    printf("  %d connections ended\n", ended);
    return sent_in_all;
  }

  // The client that behaves was served throughout, no more memory was ever
  // used, and all comes back.
  void ExpectUnharmed(absl::Duration most = absl::Seconds(5)) {
    const int64_t peak = Memory(program_->pid(), "VmHWM");
    printf("  memory: %d MiB before, most %d MiB, now %d MiB\n",
           static_cast<int>(memory_ / kMiB), static_cast<int>(peak / kMiB),
           static_cast<int>(Memory(program_->pid(), "VmRSS") / kMiB));
    EXPECT_THAT(HttpGet(admin_, "/healthz"), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(HttpGet(admin_, "/readyz"), StartsWith("HTTP/1.1 200"));
    // It is there when the abuse is over, too.
    const int done = behaved_->done();
    EXPECT_TRUE(
        Eventually([this, done] { return behaved_->done() > done + 5; }));
    behaved_->Expect(most);
    // Connections to LeadSquared come and go.
    EXPECT_TRUE(Eventually([this] {
      return Descriptors(program_->pid()) <= descriptors_ + 100;
    })) << descriptors_
        << " before, now " << Descriptors(program_->pid());
    // A sanitizer keeps what was freed.
    if (!kSanitized) {
      EXPECT_LE(peak, kMostMemory);
      EXPECT_TRUE(Eventually([this, peak] {
        return Memory(program_->pid(), "VmRSS") <=
               std::max(memory_ + 32 * kMiB, peak / 2);
      })) << Memory(program_->pid(), "VmRSS")
          << " bytes, most " << peak;
    }
    program_->Signal(SIGTERM);
    EXPECT_EQ(program_->Wait(), 0);
  }

  TempDir dir_;
  std::unique_ptr<sandbox::Sandbox> sandbox_;
  std::unique_ptr<Program> program_;
  std::string address_;
  std::string admin_;
  std::unique_ptr<Behaved> behaved_;
  int descriptors_ = 0;
  int64_t memory_ = 0;
};

constexpr absl::Duration kFlood = absl::Seconds(1);

TEST_F(AbuseTest, AThousandConnectionsThatDoNothing) {
  Start();
  std::vector<RawClient> clients = Connect(kMany);
  EXPECT_TRUE(AllEnd(clients));
  ExpectUnharmed();
}

TEST_F(AbuseTest, AThousandConnectionsThatBeginAndStop) {
  Start();
  std::vector<RawClient> clients = Connect(kMany);
  const std::string headers =
      Frame(FrameType::kHeaders, kEndHeaders, 1, UpdateHeaders());
  const std::string data = Frame(FrameType::kData, 0, 1, "half");
  const std::vector<std::string> beginnings = {
      std::string(kPreface.substr(0, 10)),
      std::string(kPreface),
      Hello().substr(0, kPreface.size() + 4),
      absl::StrCat(Hello(), headers.substr(0, 5)),
      absl::StrCat(Hello(), headers.substr(0, 40)),
      absl::StrCat(Hello(), headers),
      absl::StrCat(Hello(), headers, data.substr(0, 11)),
  };
  for (size_t i = 0; i < clients.size(); ++i) {
    EXPECT_TRUE(clients[i].SendAll(beginnings[i % beginnings.size()]));
  }
  // The first ones at the end of the handshake's time; the others, since they
  // don't answer when they are asked whether they are there.
  EXPECT_TRUE(AllEnd(clients));
  ExpectUnharmed();
}

TEST_F(AbuseTest, AThousandStreamsWithHalfAMessage) {
  Start();
  std::vector<RawClient> clients = Connect(kMany / 10);
  const std::string request = Updates(0, 100).SerializeAsString();
  for (RawClient& client : clients) {
    std::string bytes = Hello();
    for (uint32_t i = 0; i < 10; ++i) {
      const uint32_t stream = 2 * i + 1;
      // Half of them promise 10 MiB and send little.
      const std::string message =
          i % 2 == 0 ? GrpcMessage(request)
                     : absl::StrCat(Number(0, 1), Number(10 << 20, 4), request);
      absl::StrAppend(
          &bytes,
          Frame(FrameType::kHeaders, kEndHeaders, stream, UpdateHeaders()),
          Frame(FrameType::kData, 0, stream,
                message.substr(0, message.size() / 2)));
    }
    EXPECT_TRUE(client.SendAll(bytes));
  }
  EXPECT_TRUE(AllEnd(clients));
  ExpectUnharmed();
}

TEST_F(AbuseTest, AThousandConnectionsOfAByteAtATime) {
  Start();
  std::vector<RawClient> clients = Connect(kMany);
  const std::string bytes =
      absl::StrCat(Hello(), UpdateFrames(1, Updates(0, 1).SerializeAsString()));
  for (size_t i = 0; i < 40; ++i) {
    const absl::Time next = absl::Now() + absl::Milliseconds(50);
    for (RawClient& client : clients) client.Send(bytes.substr(i, 1));
    absl::SleepFor(next - absl::Now());
  }
  // It took longer than the handshake may.
  EXPECT_TRUE(AllEnd(clients));
  ExpectUnharmed();
}

TEST_F(AbuseTest, AThousandConnectionsOfGarbage) {
  Start();
  std::mt19937 random(1);
  const auto noise = [&random](size_t size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
  };
  const auto frame = [](int type, int flags, uint32_t stream,
                        absl::string_view payload) {
    return absl::StrCat(Hello(),
                        Frame(static_cast<FrameType>(type),
                              static_cast<uint8_t>(flags), stream, payload));
  };
  const std::vector<std::function<std::string()>> kinds = {
      [&] { return noise(1 + random() % 5000); },
      [&] { return absl::StrCat(Hello(), noise(1 + random() % 5000)); },
      [&] {
        std::string bytes = absl::StrCat(
            Hello(), UpdateFrames(1, Updates(0, 20).SerializeAsString()));
        for (int i = 0; i < 10; ++i) {
          bytes[kPreface.size() + random() % (bytes.size() - kPreface.size())] =
              static_cast<char>(random());
        }
        return bytes;
      },
      [&] { return std::string("GET / HTTP/1.1\r\nHost: gateway\r\n\r\n"); },
      [&] { return absl::StrCat("\x16\x03\x01\x02", noise(512)); },
      // A frame of 16 MiB less one byte, as announced.
      [&] { return absl::StrCat(Hello(), "\xff\xff\xff", noise(20000)); },
      [&] { return frame(1, kEndHeaders, 0, UpdateHeaders()); },
      [&] { return frame(1, kEndHeaders, 2, UpdateHeaders()); },
      [&] { return frame(1, kEndHeaders | kPadded, 1, "\xff"); },
      [&] { return frame(1, kEndHeaders, 1, noise(2000)); },
      [&] { return frame(0, 0, 1, "data for no stream"); },
      [&] { return frame(4, 0, 0, "odd"); },
      [&] { return frame(4, 0, 0, Setting(4, 0xffffffff)); },
      [&] { return frame(4, 0, 0, Setting(5, 1)); },
      [&] { return frame(8, 0, 0, Number(0, 4)); },
      [&] {
        return absl::StrCat(
            frame(8, 0, 0, Number(0x7fffffff, 4)),
            Frame(FrameType::kWindowUpdate, 0, 0, Number(0x7fffffff, 4)));
      },
      [&] { return frame(9, kEndHeaders, 1, UpdateHeaders()); },
      [&] { return frame(6, 0, 0, "short"); },
      [&] { return frame(3, 0, 0, Number(8, 4)); },
      [&] { return frame(200, 255, 7, noise(100)); },
  };
  std::vector<RawClient> clients = Connect(kMany);
  for (size_t i = 0; i < clients.size(); ++i) {
    clients[i].SendAll(kinds[i % kinds.size()]());
  }
  EXPECT_TRUE(AllEnd(clients));
  ExpectUnharmed();
}

// ------------------------------------------------------------- header bombs

class HeaderBombTest : public AbuseTest {
 protected:
  void Bomb(const std::function<std::string(int64_t)>& first,
            const std::function<std::string(int64_t)>& then) {
    const int64_t sent = Flood(20, kFlood, /*read=*/true, first, then);
    printf("  %.1f MB of headers\n", static_cast<double>(sent) * 1e-6);
    ExpectUnharmed();
  }
  static std::string Continued(absl::string_view fragment) {
    return Frame(FrameType::kContinuation, 0, 1, fragment);
  }
};

TEST_F(HeaderBombTest, ManyHeaders) {
  Start();
  std::string headers = UpdateHeaders();
  for (int i = 0; i < 400; ++i) {
    headers += Header(absl::StrCat("x-bomb-", i), std::string(20, 'x'));
  }
  Bomb([](int64_t) { return HelloAndAcknowledgement(); },
       [&](int64_t round) {
         return Frame(FrameType::kHeaders, kEndHeaders | kEndStream,
                      static_cast<uint32_t>(2 * round + 1), headers);
       });
}

TEST_F(HeaderBombTest, HeadersThatNeverEnd) {
  Start();
  std::string fragment;
  while (fragment.size() < 16000) {
    fragment += Header("x-bomb", std::string(100, 'x'));
  }
  Bomb(
      [](int64_t) {
        return Hello() + Frame(FrameType::kHeaders, 0, 1, UpdateHeaders());
      },
      [&](int64_t) { return Continued(fragment); });
}

TEST_F(HeaderBombTest, OneHeaderOfAGigabyte) {
  Start();
  const std::string fragment(16000, 'x');
  Bomb(
      [](int64_t) {
        return absl::StrCat(
            Hello(), Frame(FrameType::kHeaders, 0, 1,
                           absl::StrCat(UpdateHeaders(), std::string(1, '\0'),
                                        HpackInteger(0, 7, 6), "x-bomb",
                                        HpackInteger(0, 7, 1 << 30))));
      },
      [&](int64_t) { return Continued(fragment); });
}

TEST_F(HeaderBombTest, ANumberThatNeverEnds) {
  Start();
  const std::string fragment(16000, '\x80');
  Bomb(
      [](int64_t) {
        return Hello() + Frame(FrameType::kHeaders, 0, 1,
                               absl::StrCat(UpdateHeaders(), "\x7f\x80"));
      },
      [&](int64_t) { return Continued(fragment); });
}

TEST_F(HeaderBombTest, AFragmentOfAByteEach) {
  Start();
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += Continued("x");
  Bomb(
      [](int64_t) {
        return absl::StrCat(
            Hello(), Frame(FrameType::kHeaders, 0, 1,
                           absl::StrCat(UpdateHeaders(), std::string(1, '\0'),
                                        HpackInteger(0, 7, 6), "x-bomb",
                                        HpackInteger(0, 7, 1 << 30))));
      },
      [&](int64_t) { return bytes; });
}

TEST_F(HeaderBombTest, AByteThatStandsForFourKilobytes) {
  Start();
  // The newest entry of the dynamic table.
  const std::string again(16000, '\xbe');
  Bomb(
      [](int64_t) {
        return absl::StrCat(
            Hello(Setting(1, 0x7fffffff)),
            Frame(FrameType::kHeaders, 0, 1,
                  absl::StrCat(UpdateHeaders(),
                               Header("x-bomb", std::string(3900, 'x'),
                                      /*indexed=*/true))));
      },
      [&](int64_t) { return Continued(again); });
}

TEST_F(HeaderBombTest, TablesThatGrowAndShrink) {
  Start();
  std::string headers = UpdateHeaders();
  // "Dynamic table size update", to more than is allowed: a connection error.
  Bomb([](int64_t) { return Hello(Setting(1, 0x7fffffff)); },
       [&](int64_t round) {
         return Frame(
             FrameType::kHeaders, kEndHeaders | kEndStream,
             static_cast<uint32_t>(2 * round + 1),
             absl::StrCat(
                 HpackInteger(0x20, 5, 0), HpackInteger(0x20, 5, 4096), headers,
                 round % 100 == 99 ? HpackInteger(0x20, 5, 1 << 30) : ""));
       });
}

// ------------------------------------------------------------------- floods

class FloodTest : public AbuseTest {
 protected:
  void FloodWith(const std::string& bytes, bool read) {
    std::string many;
    while (many.size() < 16000) many += bytes;
    const int64_t sent = Flood(
        20, kFlood, read, [](int64_t) { return Hello(); },
        [&many](int64_t) { return many; });
    printf(
        "  %.0f thousand frames\n",
        static_cast<double>(sent) / static_cast<double>(bytes.size()) * 1e-3);
    ExpectUnharmed();
  }
};

TEST_F(FloodTest, StreamsThatAreTakenBackAtOnce) {
  Start();
  const std::string request = Updates(0, 5).SerializeAsString();
  uint32_t frames = 0;
  Flood(
      20, kFlood, /*read=*/true, [](int64_t) { return Hello(); },
      [&](int64_t round) {
        std::string bytes;
        for (uint32_t i = 0; i < 20; ++i) {
          const uint32_t stream =
              2 * (static_cast<uint32_t>(round) * 20 + i) + 1;
          bytes += UpdateFrames(stream, request);
          bytes += Frame(FrameType::kRstStream, 0, stream, Number(8, 4));
          ++frames;
        }
        return bytes;
      },
      /*must_end=*/true);
  printf("  %u streams\n", frames);
  EXPECT_THAT(program_->WaitForLine("\"event\":\"abusive_connection\""),
              AllOf(HasSubstr("taken back"), HasSubstr("\"peer\":\"127")));
  ExpectUnharmed();
}

TEST_F(FloodTest, StreamsWithoutAMessageThatAreTakenBackAtOnce) {
  Start();
  uint32_t frames = 0;
  Flood(
      20, kFlood, /*read=*/true, [](int64_t) { return Hello(); },
      [&](int64_t round) {
        std::string bytes;
        for (uint32_t i = 0; i < 100; ++i) {
          const uint32_t stream =
              2 * (static_cast<uint32_t>(round) * 100 + i) + 1;
          bytes +=
              Frame(FrameType::kHeaders, kEndHeaders, stream, UpdateHeaders());
          bytes += Frame(FrameType::kRstStream, 0, stream, Number(8, 4));
          ++frames;
        }
        return bytes;
      },
      /*must_end=*/true);
  printf("  %u streams\n", frames);
  EXPECT_THAT(program_->WaitForLine("\"event\":\"abusive_connection\""),
              AllOf(HasSubstr("taken back"), HasSubstr("\"peer\":\"127")));
  ExpectUnharmed();
}

TEST_F(FloodTest, Settings) {
  Start();
  FloodWith(Frame(FrameType::kSettings, 0, 0, Setting(4, 65535)), true);
}

TEST_F(FloodTest, SettingsWhoseAnswersAreNotRead) {
  Start();
  FloodWith(Frame(FrameType::kSettings, 0, 0, ""), false);
}

TEST_F(FloodTest, Pings) {
  Start();
  FloodWith(Frame(FrameType::kPing, 0, 0, "12345678"), false);
}

TEST_F(FloodTest, PingsThatNobodyAskedFor) {
  Start();
  FloodWith(Frame(FrameType::kPing, kAck, 0, "12345678"), true);
}

TEST_F(FloodTest, WindowsThatGrow) {
  Start();
  FloodWith(Frame(FrameType::kWindowUpdate, 0, 0, Number(1, 4)), true);
}

TEST_F(FloodTest, Connections) {
  Start();
  int count = 0;
  const absl::Time until = absl::Now() + kFlood;
  while (absl::Now() < until) {
    std::vector<RawClient> clients = Connect(50);
    for (RawClient& client : clients) client.Send(Hello());
    count += 50;
  }
  printf("  %d connections\n", count);
  ExpectUnharmed();
}

// ---------------------------------------------------------------- no readers

TEST_F(AbuseTest, AThousandClientsThatDoNotRead) {
  // 100 calls a second are 2,500 leads; 250,000 come at once, ten times as many
  // as can be sent in ten seconds.
  Start(/*calls=*/100, /*keepalive_timeout=*/"1s");
  std::vector<RawClient> clients = Connect(kMany);
  for (size_t i = 0; i < clients.size(); ++i) {
    // Some have no window, others never read what fits in theirs.
    const std::string request =
        Updates(1000 + static_cast<int>(i) * 250, 250).SerializeAsString();
    EXPECT_TRUE(clients[i].SendAll(absl::StrCat(
        Hello(i % 2 == 0 ? Setting(4, 0) : ""), UpdateFrames(1, request))));
  }
  absl::SleepFor(absl::Seconds(10));
  clients.clear();
  ExpectUnharmed();
}

}  // namespace
}  // namespace leadgateway::testing
