// Clients that vanish: no cancel, no goodbye, a connection that breaks. Each
// write of the gateway fails once, at every place of the stream.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.grpc.pb.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/account.h"
#include "sandbox/call_record.h"
#include "tests/integration/gateway_fixture.h"
#include "tests/support/tcp_relay.h"

namespace leadgateway::testing {
namespace {

int PortOf(const std::string& address) {
  int port = 0;
  EXPECT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port));
  return port;
}

// A client behind the relay, with a connection of its own. It makes no other
// one when that breaks.
class Client {
 public:
  explicit Client(const TcpRelay& relay) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    stub_ = v1::LeadGatewayService::NewStub(grpc::CreateCustomChannel(
        absl::StrCat("127.0.0.1:", relay.port()),
        grpc::InsecureChannelCredentials(), arguments));
  }
  v1::LeadGatewayService::Stub& stub() { return *stub_; }

 private:
  std::unique_ptr<v1::LeadGatewayService::Stub> stub_;
};

bool Idle(Gateway& gateway) {
  return Eventually([&gateway] {
    const v1::GetAccountStatusResponse state = gateway.Status();
    return state.leads_queued() == 0 && state.leads_in_flight() == 0;
  });
}

// What each lead was told before the connection broke is true.
void ExpectTrue(Gateway& gateway, const Answer& answer, int first) {
  EXPECT_EQ(answer.repeated, 0);
  for (const auto& [index, result] : answer.results) {
    EXPECT_EQ(result.outcome(), v1::OUTCOME_UPDATED)
        << result.ShortDebugString();
    EXPECT_EQ(gateway.account()
                  .History("EmailAddress", EmailOf(first + index))
                  .size(),
              1);
  }
}

TEST(VanishTest, AConnectionMayBreakAtAnyByteOfTheAnswer) {
  GatewaySetup setup;
  setup.Allow(1000, absl::Seconds(1));
  setup.Faults(R"({"always":{"latency_min_ms":1,"latency_max_ms":4}})");
  Gateway gateway(setup);
  constexpr int kLeads = 60;  // three calls, several messages
#ifdef LEADGATEWAY_SANITIZED
  constexpr size_t kStep = 499;
#else
  constexpr size_t kStep = 97;
#endif
  int broken = 0;
  int first = 0;
  size_t whole = 0;
  for (size_t limit = 1;; limit += kStep) {
    ASSERT_LT(limit, 100'000) << "no answer is as long as that";
    TcpRelay relay(PortOf(gateway.server().listen_address()),
                   {.to_client = limit});
    Client client(relay);
    Rpc rpc(client.stub(), Updates(first, kLeads), {});
    const Answer answer = rpc.Get();
    ASSERT_TRUE(Idle(gateway)) << "broken after " << limit << " bytes";
    ExpectTrue(gateway, answer, first);
    for (int i = 0; i < kLeads; ++i) {
      EXPECT_LE(
          gateway.account().History("EmailAddress", EmailOf(first + i)).size(),
          1)
          << "sent again after the client was gone";
    }
    first = (first + kLeads) % 1'800;
    gateway.account().Reset();
    if (!relay.broken()) {
      ExpectComplete(answer, kLeads);
      whole = relay.to_client();
      break;
    }
    EXPECT_FALSE(answer.status.ok());
    ++broken;
  }
  EXPECT_GT(broken, 5);
  EXPECT_GT(whole, 1'000) << "too short to prove anything";
  // Others are served as before.
  ExpectAll(gateway.Update(Updates(1900, 30)), 30, v1::OUTCOME_UPDATED);
}

TEST(VanishTest, AConnectionMayBreakAtAnyByteOfTheRequest) {
  GatewaySetup setup;
  setup.Allow(1000, absl::Seconds(1));
  Gateway gateway(setup);
  constexpr int kLeads = 30;
#ifdef LEADGATEWAY_SANITIZED
  constexpr size_t kStep = 499;
#else
  constexpr size_t kStep = 97;
#endif
  int unsent = 0;
  for (size_t limit = 1;; limit += kStep) {
    ASSERT_LT(limit, 100'000) << "no request is as long as that";
    TcpRelay relay(PortOf(gateway.server().listen_address()),
                   {.to_server = limit});
    Client client(relay);
    Rpc rpc(client.stub(), Updates(0, kLeads), {});
    const Answer answer = rpc.Get();
    ASSERT_TRUE(Idle(gateway)) << "broken after " << limit << " bytes";
    ExpectTrue(gateway, answer, 0);
    // A request that did not come whole is none.
    if (gateway.stats().leads_received == 0) ++unsent;
    gateway.account().Reset();
    if (!relay.broken()) {
      ExpectComplete(answer, kLeads);
      break;
    }
  }
  EXPECT_GT(unsent, 3);
}

TEST(VanishTest, WhatWaitsIsNotSentOnceTheClientIsGone) {
  GatewaySetup setup;
  setup.Allow(1, absl::Seconds(2));
  Gateway gateway(setup);
  TcpRelay relay(PortOf(gateway.server().listen_address()), {});
  Client client(relay);
  Rpc rpc(client.stub(), Updates(0, 100), {});
  rpc.WaitForMessage();  // the first call's 25
  relay.Break();
  EXPECT_FALSE(rpc.Get().status.ok());
  EXPECT_TRUE(Idle(gateway));
  // The next call that is free goes to another request.
  ExpectAll(gateway.Update(Updates(500, 1)), 1, v1::OUTCOME_UPDATED);
  const std::vector<sandbox::CallRecord> calls = gateway.calls();
  ASSERT_EQ(calls.size(), 2);
  EXPECT_EQ(calls[0].lead_count, 25);
  EXPECT_EQ(calls[1].lead_count, 1);
}

TEST(VanishTest, ACallUnderWayIsFinishedForTheOthersInIt) {
  GatewaySetup setup;
  setup.HoldAnd(R"("latency_min_ms":300,"latency_max_ms":300)");
  Gateway gateway(setup);
  const auto held = gateway.Hold();
  TcpRelay relay(PortOf(gateway.server().listen_address()), {});
  Client client(relay);
  Rpc gone(client.stub(), Updates(0, 10), {});
  gone.WaitUntilTaken();
  const auto stays = gateway.Start(Updates(100, 10));
  stays->WaitUntilTaken();
  // In one call, together.
  ASSERT_TRUE(Eventually([&] {
    const std::vector<sandbox::CallRecord> calls = gateway.calls();
    return !calls.empty() && calls.back().lead_count >= 20;
  }));
  relay.Break();
  EXPECT_FALSE(gone.Get().status.ok());
  ExpectAll(stays->Get(), 10, v1::OUTCOME_UPDATED);
  held->Get();
  EXPECT_TRUE(Idle(gateway));
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(gateway.account().History("EmailAddress", EmailOf(i)).size(), 1);
  }
}

TEST(VanishTest, AClientThatDoesNotReadAndVanishesLeavesNothingBehind) {
  GatewaySetup setup;
  setup.Allow(10'000, absl::Seconds(1));
  setup.drain_timeout = absl::Seconds(20);
  Gateway gateway(setup);
  {
    TcpRelay relay(PortOf(gateway.server().listen_address()), {});
    Client client(relay);
    grpc::ClientContext context;
    // Nobody reads: the gateway's writes come to a halt.
    auto reader = client.stub().BulkUpdateLeads(&context, Updates(0, 2'000));
    reader->WaitForInitialMetadata();
    EXPECT_TRUE(
        Eventually([&] { return gateway.stats().leads_received >= 500; }));
    relay.Break();
    v1::BulkUpdateLeadsResponse message;
    while (reader->Read(&message)) {
    }
    EXPECT_FALSE(reader->Finish().ok());
  }
  EXPECT_TRUE(Idle(gateway));
  const absl::Time start = absl::Now();
  gateway.server().Drain();
  // An RPC that is still open would hold it up.
  EXPECT_LT(absl::Now() - start, absl::Seconds(15));
}

}  // namespace
}  // namespace leadgateway::testing
