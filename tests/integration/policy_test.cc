#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/config/config.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.grpc.pb.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "tests/integration/certificates.h"
#include "tests/integration/gateway_fixture.h"

// The authorization policy over real connections.
namespace leadgateway::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kHealth[] = "/grpc.health.v1.Health/Check";
constexpr char kWatch[] = "/grpc.health.v1.Health/Watch";
constexpr char kReflection[] =
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
// ServerReflectionRequest{list_services: "*"}.
constexpr char kListServices[] = "\x3a\x01*";

constexpr char kPolicy[] = R"({
  "name": "crm",
  "allow_rules": [
    { "name": "probes", "request": { "paths": ["/grpc.health.v1.Health/*"] } },
    { "name": "crm",
      "source": { "principals": ["spiffe://td/ns/crm/*"] },
      "request": { "paths": ["/leadgateway.v1.LeadGatewayService/*"] } },
    { "name": "debugging",
      "source": { "principals": ["spiffe://td/ns/ops/*"] },
      "request": { "headers": [ { "key": "X-Debug", "values": ["on*"] } ] } } ],
  "deny_rules": [
    { "name": "no bulk of interns",
      "source": { "principals": ["*/sa/intern"] },
      "request": { "paths": ["*/BulkUpdateLeads"] } } ]
})";

class PolicyTest : public ::testing::Test {
 protected:
  GatewaySetup WithPolicy() {
    const KeyPair own = ca_.IssueServer("gateway");
    GatewaySetup setup;
    TlsOptions& tls = setup.listen.tls.emplace();
    tls.certificate_file = dir_.Write("tls.crt", own.certificate);
    tls.private_key_file = dir_.Write("tls.key", own.key);
    tls.client_ca_file = dir_.Write("ca.crt", ca_.certificate());
    tls.client_certificates = TlsOptions::ClientCertificates::kOptional;
    setup.listen.policy_file = dir_.Write("policy.json", kPolicy);
    setup.listen.policy_refresh = absl::Seconds(1);
    setup.credentials = As("crm/sa/nightly");
    return setup;
  }
  std::shared_ptr<grpc::ChannelCredentials> As(const std::string& who) {
    return ClientCredentials(ca_.certificate(),
                             ca_.Issue({.common_name = "x",
                                        .alternative_names = {absl::StrCat(
                                            "URI:spiffe://td/ns/", who)}}));
  }
  grpc::Status Update(Gateway& gateway, const std::string& who,
                      const CallOptions& options = {}) {
    const auto stub =
        v1::LeadGatewayService::NewStub(gateway.NewChannel(As(who)));
    return Rpc(*stub, Updates(0, 1), options).Get().status;
  }
  grpc::Status Raw(Gateway& gateway, const std::string& who,
                   const std::string& method, const std::string& request = "") {
    return CallRaw(gateway.NewChannel(As(who)), method, request).status;
  }

  TempDir dir_;
  const Authority ca_{"test CA"};
};

TEST_F(PolicyTest, AnRpcIsDeniedOrAllowedByTheRules) {
  Gateway gateway(WithPolicy());
  EXPECT_TRUE(Update(gateway, "crm/sa/nightly").ok());

  const grpc::Status intern = Update(gateway, "crm/sa/intern");
  EXPECT_EQ(intern.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(intern), "POLICY_DENIED");
  EXPECT_EQ(intern.error_message(),
            "caller \"spiffe://td/ns/crm/sa/intern\" may not call "
            "/leadgateway.v1.LeadGatewayService/BulkUpdateLeads: in the "
            "authorization policy \"crm\" deny rule \"no bulk of interns\" "
            "matches");
  EXPECT_EQ(DetailsOf(intern).error_info->metadata().at("rule"),
            "no bulk of interns");

  const grpc::Status web = Update(gateway, "web/sa/x");
  EXPECT_EQ(ReasonOf(web), "POLICY_DENIED");
  EXPECT_THAT(web.error_message(), HasSubstr("no allow rule matches"));

  CallOptions debug;
  debug.metadata = {{"x-debug", "on for a day"}};
  EXPECT_EQ(ReasonOf(Update(gateway, "ops/sa/x")), "POLICY_DENIED");
  EXPECT_TRUE(Update(gateway, "ops/sa/x", debug).ok());
}

TEST_F(PolicyTest, HealthAndReflectionAreHeldToItToo) {
  Gateway gateway(WithPolicy());
  EXPECT_TRUE(Raw(gateway, "web/sa/x", kHealth).ok());
  const grpc::Status refused =
      Raw(gateway, "web/sa/x", kReflection, kListServices);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(refused.error_message(),
              HasSubstr("may not call /grpc.reflection.v1alpha"));

  dir_.Write("policy.json",
             absl::StrReplaceAll(kPolicy, {{"/grpc.health.v1.Health/*",
                                            "/grpc.reflection.*"}}));
  EXPECT_TRUE(Eventually([&] {
    return Raw(gateway, "web/sa/x", kReflection, kListServices).ok();
  }));
  const grpc::Status health = Raw(gateway, "web/sa/x", kHealth);
  EXPECT_EQ(health.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(health.error_message(), HasSubstr("no allow rule matches"));
  EXPECT_EQ(Raw(gateway, "web/sa/x", kWatch).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  // And what is allowed goes on after all that.
  EXPECT_TRUE(Update(gateway, "crm/sa/nightly").ok());
}

TEST_F(PolicyTest, AWrongNewFileIsRefusedAndTheOldPolicyStays) {
  Gateway gateway(WithPolicy());
  const auto refused = [&](const std::string& problem) {
    return Eventually([&] {
      for (const std::string& line : gateway.log()) {
        if (absl::StrContains(line, "policy_not_used") &&
            absl::StrContains(line, problem)) {
          return true;
        }
      }
      return false;
    });
  };
  dir_.Write("policy.json",
             R"({ "name": "x", "allow_rules": [ { "name": "all" } ],
                  "alow_rules": [] })");
  EXPECT_TRUE(refused("alow_rules: is not a setting"));
  EXPECT_EQ(ReasonOf(Update(gateway, "web/sa/x")), "POLICY_DENIED");
  dir_.Write("policy.json", "");
  EXPECT_TRUE(refused("the text ends too early"));
  EXPECT_EQ(ReasonOf(Update(gateway, "web/sa/x")), "POLICY_DENIED");
  EXPECT_TRUE(Update(gateway, "crm/sa/nightly").ok());

  dir_.Write("policy.json",
             R"({ "name": "x", "allow_rules": [ { "name": "all" } ] })");
  EXPECT_TRUE(Eventually([&] { return Update(gateway, "web/sa/x").ok(); }));
}

TEST_F(PolicyTest, OverPlaintextNoPrincipalMatchesUnlessASidecarForwardsIt) {
  GatewaySetup setup;
  setup.listen.policy_file = dir_.Write("policy.json",
                                        R"({ "name": "p", "allow_rules": [
           { "name": "anybody", "source": { "principals": ["", "*"] } } ] })");
  {
    Gateway gateway(setup);
    EXPECT_EQ(ReasonOf(gateway.Update(Updates(0, 1)).status), "POLICY_DENIED");
  }
  setup.listen.trust_local_peers = true;
  Gateway gateway(setup);
  EXPECT_EQ(ReasonOf(gateway.Update(Updates(0, 1)).status), "POLICY_DENIED");
  CallOptions forwarded;
  forwarded.metadata = {{"x-forwarded-client-cert", "URI=spiffe://td/a"}};
  EXPECT_TRUE(gateway.Update(Updates(0, 1), forwarded).status.ok());
  forwarded.metadata = {{"x-forwarded-client-cert", "URI=\"spiffe"}};
  EXPECT_EQ(ReasonOf(gateway.Update(Updates(0, 1), forwarded).status),
            "IDENTITY_UNREADABLE");
}

}  // namespace
}  // namespace leadgateway::testing
