#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "tests/integration/gateway_fixture.h"

namespace leadgateway::testing {
namespace {

using ::testing::AnyOf;

constexpr char kService[] = "leadgateway.v1.LeadGatewayService";

// Drains on a thread of its own, as a signal would.
class Draining {
 public:
  explicit Draining(Gateway& gateway)
      : thread_([&gateway] { gateway.server().Drain(); }) {
    EXPECT_TRUE(Eventually([&gateway] {
      return HealthOf(gateway.channel(), "") == "NOT_SERVING";
    }));
  }
  ~Draining() { thread_.join(); }

 private:
  std::thread thread_;
};

TEST(DrainTest, WhatWaitsIsWorkedOffWhileNewRequestsAreRefused) {
  GatewaySetup setup;
  setup.Allow(2, absl::Milliseconds(500));
  setup.drain_timeout = absl::Seconds(20);
  Gateway gateway(setup);
  const auto first = gateway.Start(Updates(0, 150));
  const auto second = gateway.Start(Updates(500, 50));
  first->WaitForMessage();
  second->WaitUntilTaken();
  {
    const Draining draining(gateway);
    EXPECT_EQ(HealthOf(gateway.channel(), kService), "NOT_SERVING");
    const Answer refused = gateway.Update(Updates(900, 1));
    EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(ReasonOf(refused.status), "DRAINING");
    EXPECT_TRUE(DetailsOf(refused.status).retry_info.has_value());
    EXPECT_EQ(refused.messages, 0);
    ExpectAll(first->Get(), 150, v1::OUTCOME_UPDATED);
    ExpectAll(second->Get(), 50, v1::OUTCOME_UPDATED);
  }
  EXPECT_EQ(gateway.stats().leads_applied, 200);
}

TEST(DrainTest, WhatDoesNotFitIntoTheTimeIsNotSentAndSaysSo) {
  GatewaySetup setup;
  setup.Allow(2, absl::Seconds(20));
  setup.drain_timeout = absl::Milliseconds(200);
  Gateway gateway(setup);
  CallOptions patient;
  patient.deadline = absl::Minutes(20);
  const auto begun = gateway.Start(Updates(0, 150), patient);
  begun->WaitForMessage();
  const auto untouched = gateway.Start(Updates(500, 50), patient);
  untouched->WaitUntilTaken();
  {
    const Draining draining(gateway);
    const Answer answer = begun->Get();
    ExpectComplete(answer, 150);
    EXPECT_EQ(CountOf(answer, v1::OUTCOME_UPDATED), 50);
    EXPECT_EQ(CountOf(answer, v1::OUTCOME_NOT_SENT), 100);
    for (const auto& [index, result] : answer.results) {
      if (result.outcome() == v1::OUTCOME_NOT_SENT) {
        EXPECT_EQ(ReasonOf(result), "DRAINING");
      }
    }
    const Answer nothing = untouched->Get();
    EXPECT_EQ(nothing.status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(ReasonOf(nothing.status), "DRAINING");
    EXPECT_EQ(nothing.messages, 0);
  }
  EXPECT_EQ(gateway.stats().leads_applied, 50);
}

TEST(DrainTest, CallsUnderWayAreWaitedFor) {
  GatewaySetup setup;
  setup.drain_timeout = absl::ZeroDuration();
  setup.Faults(R"({"always":{"latency_min_ms":600,"latency_max_ms":600}})");
  Gateway gateway(setup);
  const auto rpc = gateway.Start(Updates(0, 25));
  EXPECT_TRUE(
      Eventually([&] { return gateway.Status().leads_in_flight() == 25; }));
  gateway.server().Drain();
  ExpectAll(rpc->Get(), 25, v1::OUTCOME_UPDATED);
}

TEST(DrainTest, UnderLoadEveryStreamEndsProperly) {
  GatewaySetup setup;
  setup.Allow(10, absl::Milliseconds(300));
  setup.drain_timeout = absl::Milliseconds(500);
  setup.Faults(R"({"always":{"latency_min_ms":5,"latency_max_ms":80},)"
               R"("rules":[{"when":{"probability":0.1},)"
               R"("set":{"fault":"reset_after_applying"}}]})");
  Gateway gateway(setup);
  std::vector<std::unique_ptr<Rpc>> rpcs;
  for (int i = 0; i < 50; ++i) {
    rpcs.push_back(gateway.Start(Updates(i * 37, 30 + i)));
  }
  rpcs.front()->WaitForMessage();
  gateway.server().Drain();
  int refused = 0;
  int not_sent = 0;
  int updated = 0;
  for (int i = 0; i < 50; ++i) {
    const Answer answer = rpcs[static_cast<size_t>(i)]->Get();
    if (answer.status.ok()) {
      ExpectComplete(answer, 30 + i);
      not_sent += CountOf(answer, v1::OUTCOME_NOT_SENT);
      updated += CountOf(answer, v1::OUTCOME_UPDATED);
      for (const auto& [index, result] : answer.results) {
        EXPECT_THAT(result.outcome(),
                    AnyOf(v1::OUTCOME_UPDATED, v1::OUTCOME_NOT_SENT,
                          v1::OUTCOME_UNKNOWN));
      }
      continue;
    }
    EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::UNAVAILABLE)
        << answer.status.error_message();
    EXPECT_EQ(answer.messages, 0);
    EXPECT_EQ(ReasonOf(answer.status), "DRAINING");
    ++refused;
  }
  // It was drained while it had much to do.
  EXPECT_GT(updated, 0);
  EXPECT_GT(refused + not_sent, 0);
}

TEST(DrainTest, AnIdleGatewayIsGoneAtOnce) {
  GatewaySetup setup;
  setup.drain_timeout = absl::Seconds(30);
  Gateway gateway(setup);
  ExpectAll(gateway.Update(Updates(0, 1)), 1, v1::OUTCOME_UPDATED);
  const absl::Time start = absl::Now();
  gateway.server().Drain();
  // A connected client that does nothing holds up nothing (it would take gRPC
  // about 5 s). Seconds for slow machines.
  EXPECT_LT(absl::Now() - start, absl::Seconds(3));
}

}  // namespace
}  // namespace leadgateway::testing
