// What a caller meets on its way into the queue and out of it: the day's budget
// across restarts, and what a client that does not read costs others.

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/config/config.h"
#include "gateway/server/server.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.grpc.pb.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "tests/integration/gateway_fixture.h"

namespace leadgateway::testing {
namespace {

using ::testing::HasSubstr;

TEST(BudgetTest, ARestartDoesNotGiveTheDaysCallsAgain) {
  const TempDir dir;
  GatewaySetup setup;
  setup.Allow(100, absl::Milliseconds(100));
  setup.account.daily_calls = 5;
  setup.account.spread_daily_calls = false;
  setup.state_dir = absl::StrCat(dir.path(), "/state");
  {
    Gateway gateway(setup);
    ExpectAll(gateway.Update(Updates(0, 75)), 75, v1::OUTCOME_UPDATED);
    gateway.server().Drain();
  }
  Gateway gateway(setup);
  EXPECT_EQ(gateway.Status().daily_budget().calls_spent(), 3);
  EXPECT_EQ(gateway.Status().daily_budget().calls_free(), 2);
  EXPECT_TRUE(gateway.Status().keeps_state());
  EXPECT_EQ(gateway.Status().state_problem(), "");
  ExpectAll(gateway.Update(Updates(0, 50)), 50, v1::OUTCOME_UPDATED);
  const Answer refused = gateway.Update(Updates(0, 1));
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(refused.status), "DAILY_BUDGET_SPENT");
  EXPECT_THAT(refused.status.error_message(), HasSubstr("00:00:00 UTC"));
  const Details details = DetailsOf(refused.status);
  ASSERT_TRUE(details.retry_info.has_value());
  EXPECT_GT(details.retry_info->retry_delay().seconds() +
                details.retry_info->retry_delay().nanos(),
            0);
  EXPECT_NE(ValueIn(refused.trailing, "grpc-retry-pushback-ms"), "");
}

TEST(BudgetTest, WhatOthersHaveSpentMeanwhileEndsARequestAsARefusalDoes) {
  GatewaySetup setup;
  setup.Allow(1, absl::Milliseconds(300));
  setup.account.daily_calls = 2;
  setup.account.spread_daily_calls = false;
  setup.HoldAnd();
  Gateway gateway(setup);
  // Its call is turned away, so it takes the day's other one, too.
  const std::unique_ptr<Rpc> first = gateway.Hold();
  const std::unique_ptr<Rpc> second = gateway.Start(Updates(0, 24));
  ASSERT_TRUE(
      Eventually([&] { return gateway.Status().leads_queued() == 25; }));
  ExpectAll(first->Get(), 1, v1::OUTCOME_UPDATED);
  const Answer spent = second->Get();
  EXPECT_EQ(spent.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(spent.status), "DAILY_BUDGET_SPENT");
  EXPECT_TRUE(spent.results.empty());
  const Details details = DetailsOf(spent.status);
  EXPECT_TRUE(details.quota_failure.has_value());
  ASSERT_TRUE(details.retry_info.has_value());
  EXPECT_GT(details.retry_info->retry_delay().seconds() +
                details.retry_info->retry_delay().nanos(),
            0);
  EXPECT_NE(ValueIn(spent.trailing, "grpc-retry-pushback-ms"), "");
  EXPECT_EQ(gateway.stats().leads_applied, 1);
}

TEST(BudgetTest, TwoGatewaysDoNotShareAStateDirectory) {
  const TempDir dir;
  GatewaySetup setup;
  setup.state_dir = dir.path();
  Gateway gateway(setup);
  GatewayOptions second;
  second.state_dir = dir.path();
  second.listen_address = "127.0.0.1:0";
  const auto server = server::Server::Create(second);
  EXPECT_THAT(std::string(server.status().message()),
              HasSubstr("in use by another process"));
}

TEST(BackpressureTest, AClientThatDoesNotReadIsNotSentForAndHoldsNobodyUp) {
  GatewaySetup setup;
  setup.Allow(5, absl::Milliseconds(300));
  Gateway gateway(setup);
  v1::BulkUpdateLeadsRequest request = Updates(0, 1'500);
  for (v1::Lead& lead : *request.mutable_leads()) {
    lead.set_tag(std::string(256, 't'));
  }
  // A channel that buffers no more than it must.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  const auto stub = v1::LeadGatewayService::NewStub(
      grpc::CreateCustomChannel(gateway.server().listen_address(),
                                grpc::InsecureChannelCredentials(), arguments));
  grpc::ClientContext context;
  context.AddMetadata("x-lead-caller", "deaf");
  const auto reader = stub->BulkUpdateLeads(&context, request);
  // Calls are free, leads wait, and nothing is sent.
  const auto held = [&] {
    const v1::GetAccountStatusResponse state = gateway.Status();
    return state.calls_free() == 5 && state.leads_in_flight() == 0 &&
           state.leads_queued() > 0;
  };
  ASSERT_TRUE(Eventually([&] { return held() && held(); }));
  const int waiting = gateway.Status().leads_queued();
  EXPECT_LT(waiting, 1'500);
  ExpectAll(gateway.Update(Updates(1'600, 100)), 100, v1::OUTCOME_UPDATED);
  ExpectAll(gateway.Update(Updates(1'600, 100)), 100, v1::OUTCOME_UPDATED);
  EXPECT_EQ(gateway.Status().leads_queued(), waiting);

  // It reads again, and gets everything.
  v1::BulkUpdateLeadsResponse message;
  v1::Summary summary;
  int results = 0;
  while (reader->Read(&message)) {
    results += message.results_size();
    if (message.has_summary()) summary = message.summary();
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(results, 1'500);
  EXPECT_EQ(summary.updated(), 1'500);
}

}  // namespace
}  // namespace leadgateway::testing
