#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "tests/integration/gateway_fixture.h"

namespace leadgateway::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(StatusTest, TheAccountTellsHowItStands) {
  GatewaySetup setup;
  setup.Allow(2, absl::Seconds(10));
  Gateway gateway(setup);
  const v1::GetAccountStatusResponse fresh = gateway.Status();
  EXPECT_EQ(fresh.account(), "acme");
  EXPECT_EQ(fresh.limit_calls(), 2);
  EXPECT_EQ(fresh.limit_window().seconds(), 10);
  EXPECT_EQ(fresh.limit_source(), v1::LIMIT_SOURCE_CONFIGURED);
  EXPECT_EQ(fresh.calls_free(), 2);
  EXPECT_EQ(fresh.next_call_free_in().seconds(), 0);
  EXPECT_EQ(fresh.calls_total(), 0);
  EXPECT_FALSE(fresh.has_last_throttle());
  EXPECT_EQ(fresh.credential_generation(), 1);

  CallOptions caller;
  caller.deadline = absl::Minutes(10);
  caller.metadata = {{"x-lead-caller", "nightly"}};
  const auto rpc = gateway.Start(Updates(0, 80), caller);
  EXPECT_TRUE(Eventually([&] {
    const v1::GetAccountStatusResponse now = gateway.Status();
    return now.calls_total() == 2 && now.leads_in_flight() == 0;
  }));
  const v1::GetAccountStatusResponse busy = gateway.Status();
  EXPECT_EQ(busy.calls_free(), 0);
  EXPECT_GT(busy.next_call_free_in().seconds(), 5);
  EXPECT_EQ(busy.calls_today(), 2);
  EXPECT_EQ(busy.leads_queued(), 30);
  ASSERT_EQ(busy.callers_size(), 1);
  EXPECT_EQ(busy.callers(0).caller(), "nightly");
  EXPECT_EQ(busy.callers(0).leads_queued(), 30);
  EXPECT_EQ(busy.mean_leads_per_call(), 25);
  rpc->Cancel();
}

TEST(StatusTest, TheMetadataOfARequestSaysWhoseItIsAndWhetherItIsBulk) {
  GatewaySetup setup;
  setup.Allow(1, absl::Seconds(60));
  setup.account.caller_weights = {{"nightly", 0.5}};
  Gateway gateway(setup);
  ExpectAll(gateway.Update(Updates(0, 1)), 1, v1::OUTCOME_UPDATED);
  std::vector<std::unique_ptr<Rpc>> rpcs;
  const auto wait = [&](int leads, const Metadata& metadata) {
    CallOptions options;
    options.deadline = absl::Hours(1);
    options.metadata = metadata;
    rpcs.push_back(gateway.Start(
        Updates(100 * (1 + static_cast<int>(rpcs.size())), leads), options));
    rpcs.back()->WaitUntilTaken();
  };
  wait(80, {{"x-lead-caller", "nightly"}, {"x-lead-priority", "bulk"}});
  wait(30, {{"x-lead-caller", "nightly"}, {"x-lead-priority", "interactive"}});
  // Whatever else it says is interactive, too.
  wait(7, {{"x-lead-caller", "web"}, {"x-lead-priority", "Bulk!"}});
  wait(3, {});
  const v1::GetAccountStatusResponse state = gateway.Status();
  EXPECT_EQ(state.leads_queued(), 120);
  ASSERT_EQ(state.callers_size(), 3);
  EXPECT_EQ(state.callers(0).caller(), "nightly");
  EXPECT_EQ(state.callers(0).leads_queued(), 110);
  EXPECT_EQ(state.callers(0).bulk_leads_queued(), 80);
  EXPECT_EQ(state.callers(0).weight(), 0.5);
  EXPECT_EQ(state.callers(1).caller(), "web");
  EXPECT_EQ(state.callers(1).leads_queued(), 7);
  EXPECT_EQ(state.callers(1).bulk_leads_queued(), 0);
  EXPECT_EQ(state.callers(1).weight(), 1);
  // The peer's host.
  EXPECT_EQ(state.callers(2).caller(), "127.0.0.1");
  for (const auto& rpc : rpcs) rpc->Cancel();
}

TEST(StatusTest, TheAccountTellsHowOldItsFieldsAre) {
  GatewaySetup setup;
  EXPECT_FALSE(Gateway(setup).Status().has_fields_fetched_at());
  setup.account.schema_checks = true;
  const absl::Time before = absl::Now();
  Gateway gateway(setup);
  ExpectAll(gateway.Update(Updates(0, 1)), 1, v1::OUTCOME_UPDATED);
  const v1::GetAccountStatusResponse state = gateway.Status();
  ASSERT_TRUE(state.has_fields_fetched_at());
  EXPECT_GE(state.fields_fetched_at().seconds(), absl::ToUnixSeconds(before));
  EXPECT_LE(state.fields_fetched_at().seconds(),
            absl::ToUnixSeconds(absl::Now()));
  // Two calls: the fields' takes a slot as any other.
  EXPECT_EQ(state.calls_total(), 2);
}

TEST(StatusTest, AnUnknownAccountIsAnErrorWithDetails) {
  Gateway gateway;
  grpc::ClientContext context;
  v1::GetAccountStatusRequest request;
  request.set_account("initech");
  v1::GetAccountStatusResponse response;
  const grpc::Status status =
      gateway.stub().GetAccountStatus(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(status), "ACCOUNT_UNKNOWN");
}

TEST(MetadataTest, TheRequestIdComesBackAndIsLogged) {
  Gateway gateway;
  CallOptions options;
  options.metadata = {
      {"x-request-id", "order 66/b"},
      {"traceparent",
       "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}};
  const Answer answer = gateway.Update(Updates(0, 1), options);
  EXPECT_EQ(ValueIn(answer.initial, "x-request-id"), "order 66/b");
  gateway.server().Drain();
  EXPECT_THAT(gateway.log(),
              Contains(AllOf(HasSubstr("\"order 66/b\""),
                             HasSubstr("4bf92f3577b34da6a3ce929d0e0e4736"),
                             HasSubstr("\"updated\":1"))));
}

TEST(MetadataTest, ARequestIdIsMadeWhereNoneCameOrItIsNoGood) {
  Gateway gateway;
  const std::string first =
      ValueIn(gateway.Update(Updates(0, 1)).initial, "x-request-id");
  const std::string second =
      ValueIn(gateway.Update(Updates(0, 1)).initial, "x-request-id");
  EXPECT_EQ(first.size(), 16);
  EXPECT_EQ(second.size(), 16);
  EXPECT_NE(first, second);
  CallOptions options;
  options.metadata = {{"x-request-id", std::string(129, 'x')}};
  EXPECT_EQ(
      ValueIn(gateway.Update(Updates(0, 1), options).initial, "x-request-id")
          .size(),
      16);
  // Refused requests have one, too.
  EXPECT_EQ(ValueIn(gateway.Update({}).initial, "x-request-id").size(), 16);
}

// Anything among the initial metadata would keep clients and proxies from
// trying again.
TEST(MetadataTest, ARefusalThatIsWorthAnotherTryHasNoInitialMetadata) {
  GatewaySetup setup;
  setup.limits.max_queued_leads = 10;
  Gateway gateway(setup);
  CallOptions options;
  options.metadata = {{"x-request-id", "order 67"}};
  const Answer full = gateway.Update(Updates(0, 100), options);
  EXPECT_EQ(full.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(full.initial.size(), 0);
  EXPECT_EQ(ValueIn(full.trailing, "x-request-id"), "order 67");
  // Checks are off, so the fields were never asked for.
  grpc::ClientContext context;
  v1::ListLeadFieldsResponse fields;
  EXPECT_EQ(gateway.stub().ListLeadFields(&context, {}, &fields).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(context.GetServerInitialMetadata().size(), 0);
  EXPECT_EQ(context.GetServerTrailingMetadata().count("x-request-id"), 1);
}

TEST(LogTest, NoLeadsValueIsLogged) {
  GatewaySetup setup;
  setup.Faults(R"({"always":{"poison_value":"Hush500"}})");
  Gateway gateway(setup);
  v1::BulkUpdateLeadsRequest request = Updates(0, 3, "Hush");
  AddLead(request, "EmailAddress", "nobody@example.com", "Hush");
  AddLead(request, "EmailAddress", EmailOf(5), "Hush500");
  gateway.Update(request);
  gateway.server().Drain();
  EXPECT_THAT(gateway.log(), Contains(HasSubstr("upstream_call")));
  EXPECT_THAT(gateway.log(), Not(Contains(HasSubstr("Hush"))));
  EXPECT_THAT(gateway.log(), Not(Contains(HasSubstr("example.com"))));
}

TEST(HealthTest, TheServerAndItsServiceAreServing) {
  Gateway gateway;
  EXPECT_EQ(HealthOf(gateway.channel(), ""), "SERVING");
  EXPECT_EQ(HealthOf(gateway.channel(), "leadgateway.v1.LeadGatewayService"),
            "SERVING");
  EXPECT_EQ(HealthOf(gateway.channel(), "leadgateway.v1.Other"),
            absl::StrCat(grpc::StatusCode::NOT_FOUND));
}

TEST(ReflectionTest, TheServiceAndTheTypesOfDetailsAreKnown) {
  Gateway gateway;
  const std::string method =
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  // ServerReflectionRequest { string list_services = 7; }
  const RawAnswer services = CallRaw(gateway.channel(), method, "\x3a\x01*");
  EXPECT_TRUE(services.status.ok()) << services.status.error_message();
  EXPECT_THAT(services.bytes, HasSubstr("leadgateway.v1.LeadGatewayService"));
  EXPECT_THAT(services.bytes, HasSubstr("grpc.health.v1.Health"));
  for (const std::string type :
       {"google.rpc.ErrorInfo", "google.rpc.BadRequest",
        "google.rpc.QuotaFailure", "google.rpc.RetryInfo"}) {
    // string file_containing_symbol = 4;
    const RawAnswer file = CallRaw(
        gateway.channel(), method,
        absl::StrCat("\x22", std::string(1, static_cast<char>(type.size())),
                     type));
    EXPECT_THAT(file.bytes, HasSubstr("google/rpc/error_details.proto"))
        << type;
  }
  const RawAnswer health =
      CallRaw(gateway.channel(), method, "\x22\x15grpc.health.v1.Health");
  EXPECT_THAT(health.bytes, HasSubstr("HealthCheckRequest"));
}

}  // namespace
}  // namespace leadgateway::testing
