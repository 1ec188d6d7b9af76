#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/call_record.h"
#include "tests/integration/gateway_fixture.h"

namespace leadgateway::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

CallOptions Within(absl::Duration deadline) {
  CallOptions options;
  options.deadline = deadline;
  return options;
}

TEST(DeadlineTest, LeadsThatCannotBeDoneInTimeAreRefusedAtOnce) {
  GatewaySetup setup;
  setup.Allow(2, absl::Seconds(5));
  Gateway gateway(setup);
  const Answer answer =
      gateway.Update(Updates(0, 250), Within(absl::Seconds(4)));
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(answer.status), "DEADLINE_TOO_SHORT");
  EXPECT_LT(answer.took, absl::Seconds(4));
  const Details details = DetailsOf(answer.status);
  ASSERT_TRUE(details.quota_failure.has_value());
  EXPECT_EQ(details.quota_failure->violations(0).subject(), "account:acme");
  ASSERT_TRUE(details.retry_info.has_value());
  EXPECT_EQ(details.others, 0);
  int64_t pushback = 0;
  ASSERT_TRUE(absl::SimpleAtoi(
      ValueIn(answer.trailing, "grpc-retry-pushback-ms"), &pushback));
  EXPECT_EQ(pushback, details.retry_info->retry_delay().seconds() * 1000 +
                          details.retry_info->retry_delay().nanos() / 1000000);
  EXPECT_GT(pushback, 0);
  EXPECT_THAT(gateway.calls(), IsEmpty());

  // What can be done in that time is.
  ExpectAll(gateway.Update(Updates(0, 50), Within(absl::Seconds(4))), 50,
            v1::OUTCOME_UPDATED);
}

TEST(DeadlineTest, AStalledUpstreamLeavesDoubtAndNotALateAnswer) {
  GatewaySetup setup;
  // Calls under way are waited for at the end.
  setup.account.call_timeout = absl::Seconds(2);
  setup.Faults(R"({"always":{"latency_min_ms":10000,"latency_max_ms":10000}})");
  Gateway gateway(setup);
  const Answer answer =
      gateway.Update(Updates(0, 30), Within(absl::Seconds(1)));
  ExpectAll(answer, 30, v1::OUTCOME_UNKNOWN, "NO_ANSWER");
  EXPECT_LT(answer.took, absl::Seconds(1));
}

TEST(DeadlineTest, AnUpstreamThatNeverAnswersLeavesDoubtWhenTheCallTimesOut) {
  GatewaySetup setup;
  setup.account.call_timeout = absl::Milliseconds(300);
  setup.account.retry_ambiguous = false;
  setup.Faults(R"({"always":{"fault":"never_answer"}})");
  Gateway gateway(setup);
  ExpectAll(gateway.Update(Updates(0, 3)), 3, v1::OUTCOME_UNKNOWN, "NO_ANSWER");
}

TEST(DeadlineTest, LeadsThatAreStillWaitingAtTheDeadlineAreNotSent) {
  GatewaySetup setup;
  // The pause that a throttle asks for outlasts the deadline.
  setup.Faults(R"({"rules":[{"when":{"endpoints":["update"],"times":2},)"
               R"("set":{"fault":"throttle_429","retry_after":"20"}}]})");
  Gateway gateway(setup);
  const Answer answer =
      gateway.Update(Updates(0, 25), Within(absl::Seconds(1)));
  ExpectAll(answer, 25, v1::OUTCOME_NOT_SENT, "THROTTLED");
  EXPECT_LT(answer.took, absl::Seconds(1));
  EXPECT_EQ(gateway.stats().leads_applied, 0);
}

TEST(CancelTest, WhatIsQueuedIsNotSentAnyMore) {
  GatewaySetup setup;
  setup.Allow(1, absl::Seconds(1));
  Gateway gateway(setup);
  const auto rpc = gateway.Start(Updates(0, 100));
  rpc->WaitForMessage();  // the first call's 25
  rpc->Cancel();
  EXPECT_EQ(rpc->Get().status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(Eventually([&] {
    const v1::GetAccountStatusResponse state = gateway.Status();
    return state.leads_queued() == 0 && state.leads_in_flight() == 0;
  }));
  EXPECT_THAT(gateway.Status().callers(), IsEmpty());

  // The next call that is free goes to another request.
  ExpectAll(gateway.Update(Updates(500, 1)), 1, v1::OUTCOME_UPDATED);
  const std::vector<sandbox::CallRecord> calls = gateway.calls();
  ASSERT_THAT(calls, SizeIs(2));
  EXPECT_EQ(calls[0].lead_count, 25);
  EXPECT_EQ(calls[1].lead_count, 1);
}

// From the client's cancel until GetAccountStatus tells of an empty queue: both
// ways over loopback are in it. The goal is 10 ms; the bound leaves room for
// sanitizers and a busy machine.
TEST(CancelTest, TheQueueIsEmptySoonAfterACancel) {
  GatewaySetup setup;
  setup.Allow(1, absl::Seconds(60));
  Gateway gateway(setup);
  ExpectAll(gateway.Update(Updates(0, 1)), 1, v1::OUTCOME_UPDATED);
  constexpr int kRounds = 20;
  std::vector<absl::Duration> took;
  for (int round = 0; round < kRounds; ++round) {
    CallOptions options;
    options.deadline = absl::Hours(1);
    const auto rpc = gateway.Start(Updates(100, 500), options);
    rpc->WaitUntilTaken();
    ASSERT_TRUE(
        Eventually([&] { return gateway.Status().leads_queued() == 500; }));
    const absl::Time start = absl::Now();
    rpc->Cancel();
    while (gateway.Status().leads_queued() != 0) {
      ASSERT_LT(absl::Now() - start, kLongEnough);
    }
    took.push_back(absl::Now() - start);
    EXPECT_EQ(rpc->Get().status.error_code(), grpc::StatusCode::CANCELLED);
  }
  std::sort(took.begin(), took.end());
  std::printf("from a cancel to an empty queue: median %.2f ms, most %.2f ms\n",
              absl::ToDoubleMilliseconds(took[kRounds / 2]),
              absl::ToDoubleMilliseconds(took.back()));
  EXPECT_LT(took[kRounds / 2], absl::Milliseconds(50));
  EXPECT_THAT(gateway.calls(), SizeIs(1));
}

TEST(CancelTest, ManyCancelledRequestsLeaveNothingBehind) {
  GatewaySetup setup;
  setup.Faults(R"({"always":{"latency_min_ms":1,"latency_max_ms":30}})");
  setup.Allow(10, absl::Milliseconds(300));
  Gateway gateway(setup);
  std::vector<std::unique_ptr<Rpc>> rpcs;
  for (int i = 0; i < 40; ++i) {
    rpcs.push_back(gateway.Start(Updates(i * 20, 60)));
    if (i % 2 == 0) rpcs.back()->WaitUntilTaken();
    if (i % 4 == 3) rpcs[static_cast<size_t>(i - 1)]->Cancel();
    if (i % 3 == 0) rpcs.back()->Cancel();
  }
  for (const auto& rpc : rpcs) {
    const Answer answer = rpc->Get();
    EXPECT_EQ(answer.repeated, 0);
    if (answer.status.ok()) {
      ExpectAll(answer, 60, v1::OUTCOME_UPDATED);
    } else {
      EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::CANCELLED);
    }
  }
  EXPECT_TRUE(Eventually([&] {
    const v1::GetAccountStatusResponse state = gateway.Status();
    return state.leads_queued() == 0 && state.leads_in_flight() == 0;
  }));
  EXPECT_EQ(gateway.stats().throttled, 0);
  ExpectAll(gateway.Update(Updates(0, 100)), 100, v1::OUTCOME_UPDATED);
}

}  // namespace
}  // namespace leadgateway::testing
