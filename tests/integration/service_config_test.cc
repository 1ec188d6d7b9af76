// deploy/grpc/service_config.json, as a client's gRPC takes it.

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/status.h"
#include "grpcpp/support/validate_service_config.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.grpc.pb.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "tests/integration/gateway_fixture.h"

namespace leadgateway::testing {
namespace {

std::string ServiceConfig() {
  const char* const path = std::getenv("SERVICE_CONFIG");
  std::ifstream file(path == nullptr ? "" : path);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_NE(text.str(), "");
  return text.str();
}

// A client of two gateways that takes turns between them.
std::unique_ptr<v1::LeadGatewayService::Stub> StubOf(
    Gateway& one, Gateway& other, const std::string& service_config) {
  grpc::ChannelArguments arguments;
  arguments.SetLoadBalancingPolicyName("round_robin");
  if (service_config.empty()) {
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  } else {
    arguments.SetServiceConfigJSON(service_config);
  }
  return v1::LeadGatewayService::NewStub(grpc::CreateCustomChannel(
      absl::StrCat("ipv4:", one.server().listen_address(), ",",
                   other.server().listen_address()),
      grpc::InsecureChannelCredentials(), arguments));
}

TEST(ServiceConfigTest, IsAsGrpcWantsIt) {
  EXPECT_EQ(grpc::experimental::ValidateServiceConfigJSON(ServiceConfig()), "");
}

// Both replicas are connected, one of them drains: every other RPC meets it.
TEST(ServiceConfigTest, ARequestThatADrainingReplicaRefusesGoesToAnother) {
  GatewaySetup slow;
  slow.Allow(1, absl::Seconds(3));
  slow.drain_timeout = kLongEnough;
  Gateway draining(slow);
  Gateway serving;
  const auto retrying = StubOf(draining, serving, ServiceConfig());
  const auto plain = StubOf(draining, serving, "");

  const auto update = [](v1::LeadGatewayService::Stub& stub, int lead) {
    return Rpc(stub, Updates(lead, 1), CallOptions()).Get();
  };
  // Until both are connected.
  int lead = 0;
  for (auto* const stub : {retrying.get(), plain.get()}) {
    for (Gateway* const gateway : {&draining, &serving}) {
      EXPECT_TRUE(Eventually([&] {
        grpc::ClientContext context;
        context.set_wait_for_ready(true);
        v1::GetAccountStatusResponse ignored;
        v1::GetAccountStatusRequest request;
        EXPECT_TRUE(stub->GetAccountStatus(&context, request, &ignored).ok());
        return context.peer() ==
               absl::StrCat("ipv4:", gateway->server().listen_address());
      }));
    }
  }
  // Two calls, the second in 3 s: so long it drains.
  const auto queued = draining.Start(Updates(1000, 50));
  queued->WaitForMessage();
  std::thread drain([&] { draining.server().Drain(); });
  EXPECT_TRUE(Eventually(
      [&] { return HealthOf(draining.channel(), "") == "NOT_SERVING"; }));

  int refused = 0;
  for (int i = 0; i < 2; ++i) {
    refused += update(*plain, lead++).status.error_code() ==
               grpc::StatusCode::UNAVAILABLE;
  }
  EXPECT_EQ(refused, 1) << "without the service config";
  for (int i = 0; i < 2; ++i) {
    ExpectAll(update(*retrying, lead++), 1, v1::OUTCOME_UPDATED);
  }
  ExpectAll(queued->Get(), 50, v1::OUTCOME_UPDATED);
  drain.join();
  // Log lines of both are in one place. One refusal without the service config,
  // and at least one with it.
  int refusals = 0;
  for (Gateway* const gateway : {&draining, &serving}) {
    for (const std::string& line : gateway->log()) {
      refusals += line.find("\"DRAINING\"") != std::string::npos;
    }
  }
  EXPECT_GE(refusals, 2);
}

}  // namespace
}  // namespace leadgateway::testing
