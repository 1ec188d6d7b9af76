#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.grpc.pb.h"
#include "sandbox/call_record.h"
#include "sandbox/credentials.h"
#include "sandbox/sandbox.h"
#include "tests/integration/gateway_fixture.h"
#include "tests/integration/program.h"
#include "tests/support/raw_http2.h"

// What one client can take: streams, metadata, memory. (Connections:
// lifetime_test.cc; the size of a request: bad_input_test.cc.)
namespace leadgateway::testing {
namespace {

std::unique_ptr<v1::LeadGatewayService::Stub> Connect(
    const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return v1::LeadGatewayService::NewStub(grpc::CreateCustomChannel(
      address, grpc::InsecureChannelCredentials(), arguments));
}

TEST(StreamLimitTest, ClientsThatKeepToItWaitForTheirTurn) {
  GatewaySetup setup;
  setup.listen.connections.max_streams = 2;
  setup.Faults(R"({"always":{"latency_min_ms":100,"latency_max_ms":100}})");
  Gateway gateway(setup);
  const auto stub = Connect(gateway.server().listen_address());
  std::vector<std::unique_ptr<Rpc>> rpcs;
  for (int i = 0; i < 7; ++i) {
    rpcs.push_back(
        std::make_unique<Rpc>(*stub, Updates(25 * i, 25), CallOptions{}));
  }
  for (const auto& rpc : rpcs) ExpectAll(rpc->Get(), 25, v1::OUTCOME_UPDATED);
  // 25 leads are a call: never more than two of them at once.
  std::vector<std::pair<absl::Time, int>> changes;
  for (const sandbox::CallRecord& call : gateway.calls()) {
    changes.emplace_back(call.arrival, 1);
    changes.emplace_back(call.answered.value_or(absl::InfiniteFuture()), -1);
  }
  EXPECT_EQ(changes.size(), 14);
  std::sort(changes.begin(), changes.end());
  int now = 0;
  int most = 0;
  for (const auto& [when, change] : changes)
    most = std::max(most, now += change);
  EXPECT_EQ(most, 2);
}

TEST(StreamLimitTest, WhoExceedsItIsCutOffAndNobodyElse) {
  GatewaySetup setup;
  setup.listen.connections.max_streams = 4;
  Gateway gateway(setup);
  // The server holds a client to what it has acknowledged.
  const auto begin = [](RawClient& client, uint32_t streams) {
    EXPECT_TRUE(client.SendAll(Hello()));
    EXPECT_TRUE(Eventually([&client] { return !client.Receive().empty(); }));
    std::string bytes = Frame(FrameType::kSettings, kAck, 0, "");
    for (uint32_t i = 0; i < streams; ++i) {
      bytes +=
          Frame(FrameType::kHeaders, kEndHeaders, 2 * i + 1, UpdateHeaders());
    }
    EXPECT_TRUE(client.SendAll(bytes));
  };
  RawClient as_many(gateway.server().listen_address());
  begin(as_many, 4);
  RawClient one_more(gateway.server().listen_address());
  begin(one_more, 5);
  EXPECT_TRUE(Eventually([&one_more] { return one_more.Ended(); }));
  EXPECT_FALSE(as_many.Ended());
  ExpectAll(gateway.Update(Updates(0, 5)), 5, v1::OUTCOME_UPDATED);
}

TEST(MetadataLimitTest, AnRpcWithMoreIsRefusedAndTheNextOneTaken) {
  GatewaySetup setup;
  setup.listen.connections.max_metadata_bytes = 4096;
  Gateway gateway(setup);
  const auto with = [](size_t bytes) {
    CallOptions options;
    options.metadata = {{"x-more", std::string(bytes, 'x')}};
    return options;
  };
  ExpectAll(gateway.Update(Updates(0, 5), with(3000)), 5, v1::OUTCOME_UPDATED);
  const Answer answer = gateway.Update(Updates(5, 5), with(5000));
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED)
      << answer.status.error_message();
  EXPECT_EQ(answer.messages, 0);
  EXPECT_EQ(gateway.stats().leads_applied, 5);
  ExpectAll(gateway.Update(Updates(5, 5), with(3000)), 5, v1::OUTCOME_UPDATED);
}

// ------------------------------------------------------------------- memory

// A request of which all but the end is sent, as fast as the server takes it.
class UnendingRequest {
 public:
  UnendingRequest(const std::string& address, int64_t bytes)
      : client_(address), left_(bytes) {
    rest_ = absl::StrCat(
        HelloAndAcknowledgement(),
        Frame(FrameType::kHeaders, kEndHeaders, 1, UpdateHeaders()),
        Frame(FrameType::kData, 0, 1,
              absl::StrCat(Number(0, 1),
                           Number(static_cast<uint32_t>(bytes + 1), 4))));
    // Of the message's prefix.
    connection_window_ -= 5;
    stream_window_ -= 5;
  }

  // Sends what the server takes now. False when there is no more to send, or
  // when the server has ended the stream or the connection.
  bool GoOn() {
    received_ += client_.Receive();
    if (!ReadFrames() || client_.Ended()) {
      cut_ = true;
      return false;
    }
    while (rest_.empty() && left_ > 0) {
      const int64_t most =
          std::min({left_, connection_window_, stream_window_, int64_t{16384}});
      if (most <= 0) break;
      rest_ = Frame(FrameType::kData, 0, 1,
                    std::string(static_cast<size_t>(most), 'x'));
      left_ -= most;
      connection_window_ -= most;
      stream_window_ -= most;
      const ptrdiff_t sent = client_.Send(rest_);
      if (sent < 0) {
        cut_ = true;
        return false;
      }
      rest_.erase(0, static_cast<size_t>(sent));
    }
    if (!rest_.empty()) {
      rest_.erase(
          0, static_cast<size_t>(std::max<ptrdiff_t>(client_.Send(rest_), 0)));
    }
    return left_ > 0 || !rest_.empty();
  }
  bool cut() const { return cut_; }

 private:
  static uint32_t Read(absl::string_view bytes) {
    uint32_t value = 0;
    for (const char byte : bytes) {
      value = value << 8 | static_cast<uint8_t>(byte);
    }
    return value;
  }
  // False where the stream has ended.
  bool ReadFrames() {
    while (received_.size() >= 9) {
      const size_t size = Read(absl::string_view(received_).substr(0, 3));
      if (received_.size() < 9 + size) return true;
      const auto type = static_cast<FrameType>(received_[3]);
      const uint8_t flags = static_cast<uint8_t>(received_[4]);
      const uint32_t stream = Read(absl::string_view(received_).substr(5, 4));
      const std::string payload = received_.substr(9, size);
      received_.erase(0, 9 + size);
      if (type == FrameType::kWindowUpdate) {
        (stream == 0 ? connection_window_ : stream_window_) += Read(payload);
      } else if (type == FrameType::kSettings && flags != kAck) {
        for (size_t at = 0; at + 6 <= payload.size(); at += 6) {
          if (Read(absl::string_view(payload).substr(at, 2)) != 4) continue;
          const int64_t initial =
              Read(absl::string_view(payload).substr(at + 2, 4));
          stream_window_ += initial - initial_window_;
          initial_window_ = initial;
        }
      } else if (type == FrameType::kPing && flags != kAck) {
        client_.Send(Frame(FrameType::kPing, kAck, 0, payload));
      } else if (stream == 1) {
        return false;  // HEADERS with a status, or RST_STREAM
      }
    }
    return true;
  }

  RawClient client_;
  int64_t left_;
  std::string rest_;
  std::string received_;
  int64_t initial_window_ = 65535;
  int64_t connection_window_ = 65535;
  int64_t stream_window_ = 65535;
  bool cut_ = false;
};

int64_t PeakMemory(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(file, line);) {
    if (!absl::StartsWith(line, "VmHWM:")) continue;
    int64_t kib = 0;
    const size_t digit = line.find_first_of("0123456789");
    const size_t end = line.find_first_not_of("0123456789", digit);
    EXPECT_TRUE(absl::SimpleAtoi(line.substr(digit, end - digit), &kib));
    return kib << 10;
  }
  return 0;
}

class MemoryLimitTest : public ::testing::Test {
 protected:
  struct Outcome {
    int64_t peak = 0;
    int cut = 0;
  };
  // The program with that bound, while 40 clients send 10 MiB each of a
  // message that does not end.
  Outcome Send(int64_t max_memory_bytes, int64_t expected_peak) {
    sandbox::SandboxOptions options;
    options.account.generate_leads = 100;
    const auto sandbox = *sandbox::Sandbox::Create(options);
    TempDir dir;
    const sandbox::KeyPair keys = sandbox::TestKeys();
    dir.Write("access_key", keys.access_key);
    dir.Write("secret_key", keys.secret_key);
    const char* const path = getenv("LEAD_GATEWAY");
    Program program(
        {path == nullptr ? "" : path,
         absl::StrCat("--config=",
                      dir.Write("config.json",
                                absl::StrReplaceAll(
                                    R"({ "listen": { "address": "127.0.0.1:0",
                                "connections": { "maxMemoryBytes": BYTES } },
                                "accounts": [ {
                                  "name": "acme", "baseUrl": "URL",
                                  "accessKeyFile": "DIR/access_key",
                                  "secretKeyFile": "DIR/secret_key",
                                  "schemaChecks": "OFF" } ] })",
                                    {{"BYTES", absl::StrCat(max_memory_bytes)},
                                     {"URL", sandbox->url()},
                                     {"DIR", dir.path()}})))});
    const std::string address =
        MemberOf(program.WaitForLine("\"event\":\"serving\""), "listen");
    Outcome outcome;
    {
      std::vector<std::unique_ptr<UnendingRequest>> requests;
      for (int i = 0; i < 40; ++i) {
        requests.push_back(
            std::make_unique<UnendingRequest>(address, int64_t{10} << 20));
      }
      EXPECT_TRUE(Eventually([&requests] {
        bool more = false;
        for (const auto& each : requests)
          more = (!each->cut() && each->GoOn()) || more;
        return !more;
      }));
      // Part of it may still be with the kernel.
      EXPECT_TRUE(Eventually([&program, expected_peak] {
        return PeakMemory(program.pid()) >= expected_peak;
      })) << PeakMemory(program.pid());
      for (const auto& each : requests) outcome.cut += each->cut();
    }
    // It serves when they are gone.
    const auto stub = Connect(address);
    EXPECT_TRUE(Eventually([&stub] {
      return Rpc(*stub, Updates(0, 5), CallOptions{}).Get().status.ok();
    }));
    ExpectAll(Rpc(*stub, Updates(0, 5), CallOptions{}).Get(), 5,
              v1::OUTCOME_UPDATED);
    outcome.peak = PeakMemory(program.pid());
    program.Signal(SIGTERM);
    EXPECT_EQ(program.Wait(), 0);
    printf("  bound %d MiB: at most %d MiB, %d of 40 cut off\n",
           static_cast<int>(max_memory_bytes >> 20),
           static_cast<int>(outcome.peak >> 20), outcome.cut);
    return outcome;
  }
};

TEST_F(MemoryLimitTest, WhatClientsSendTakesNoMoreThanTheBound) {
  // The control: with room, much of the 400 MiB is held.
  const Outcome unbounded = Send(int64_t{1} << 30, int64_t{130} << 20);
  const Outcome bounded = Send(int64_t{16} << 20, 0);
  EXPECT_GT(bounded.cut, unbounded.cut);
#ifndef LEADGATEWAY_SANITIZED
  EXPECT_LE(bounded.peak, int64_t{100} << 20);
#endif
}

}  // namespace
}  // namespace leadgateway::testing
