#include <stdlib.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
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
#include "tests/integration/program.h"

// Whom the gateway takes callers for, by what they show and say.
namespace leadgateway::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kCrm[] = "spiffe://td/ns/crm/sa/nightly";
constexpr char kForwarded[] = "x-forwarded-client-cert";

// What one RPC of each kind is answered.
struct Answers {
  grpc::Status update;
  grpc::Status fields;
  grpc::Status status;
};

Answers CallAll(v1::LeadGatewayService::Stub& stub,
                const std::string& account = "",
                const CallOptions& options = {}) {
  Answers answers;
  v1::BulkUpdateLeadsRequest update = Updates(0, 1);
  update.set_account(account);
  answers.update = Rpc(stub, update, options).Get().status;
  const auto set_up = [&](grpc::ClientContext& context) {
    context.set_deadline(absl::ToChronoTime(absl::Now() + kLongEnough));
    for (const auto& [key, value] : options.metadata) {
      context.AddMetadata(key, value);
    }
  };
  {
    grpc::ClientContext context;
    set_up(context);
    v1::ListLeadFieldsRequest request;
    request.set_account(account);
    v1::ListLeadFieldsResponse response;
    answers.fields = stub.ListLeadFields(&context, request, &response);
  }
  grpc::ClientContext context;
  set_up(context);
  v1::GetAccountStatusRequest request;
  request.set_account(account);
  v1::GetAccountStatusResponse response;
  answers.status = stub.GetAccountStatus(&context, request, &response);
  return answers;
}

void ExpectAll(const Answers& answers, grpc::StatusCode code,
               const std::string& reason, const std::string& text = "") {
  for (const grpc::Status& status :
       {answers.update, answers.fields, answers.status}) {
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    EXPECT_EQ(code == grpc::StatusCode::OK ? "" : ReasonOf(status), reason);
    EXPECT_THAT(status.error_message(), HasSubstr(text));
  }
}

// The "caller" of the last log line of an RPC.
std::string CallerIn(const Gateway& gateway) {
  std::string caller;
  for (const std::string& line : gateway.log()) {
    if (MemberOf(line, "event") == "rpc") caller = MemberOf(line, "caller");
  }
  return caller;
}

class IdentityTest : public ::testing::Test {
 protected:
  GatewaySetup Tls(TlsOptions::ClientCertificates certificates) {
    const KeyPair own = ca_.IssueServer("gateway");
    GatewaySetup setup;
    setup.account.schema_checks = true;
    TlsOptions& tls = setup.listen.tls.emplace();
    tls.certificate_file = dir_.Write("tls.crt", own.certificate);
    tls.private_key_file = dir_.Write("tls.key", own.key);
    tls.client_ca_file = dir_.Write("ca.crt", ca_.certificate());
    tls.client_certificates = certificates;
    setup.credentials = By({.common_name = "crm",
                            .alternative_names = {absl::StrCat("URI:", kCrm)}});
    return setup;
  }
  std::shared_ptr<grpc::ChannelCredentials> By(
      const CertificateRequest& request) {
    return ClientCredentials(ca_.certificate(), ca_.Issue(request));
  }
  static std::unique_ptr<v1::LeadGatewayService::Stub> StubOf(
      Gateway& gateway,
      const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
    return v1::LeadGatewayService::NewStub(gateway.NewChannel(credentials));
  }

  TempDir dir_;
  // Short: an address holds 107 bytes.
  const TempDir socket_dir_{"/tmp"};
  const Authority ca_{"test CA"};
};

TEST_F(IdentityTest, ACertificateSaysWhoCallsWhateverTheCallerSays) {
  GatewaySetup setup = Tls(TlsOptions::ClientCertificates::kRequired);
  setup.account.allowed_callers = {"spiffe://td/ns/crm/*"};
  AccountOptions billing = setup.account;
  billing.name = "billing";
  billing.allowed_callers = {"spiffe://td/ns/billing/sa/x"};
  setup.other_accounts = {billing};
  Gateway gateway(setup);
  CallOptions liar;
  liar.metadata = {{"x-lead-caller", "spiffe://td/ns/billing/sa/x"},
                   {kForwarded, "URI=spiffe://td/ns/billing/sa/x"}};
  ExpectAll(CallAll(gateway.stub(), "", liar), grpc::StatusCode::OK, "");
  EXPECT_EQ(CallerIn(gateway), kCrm);

  ExpectAll(CallAll(gateway.stub(), "billing", liar),
            grpc::StatusCode::PERMISSION_DENIED, "ACCOUNT_FORBIDDEN",
            "caller \"spiffe://td/ns/crm/sa/nightly\" (known by its "
            "certificate) may not use account \"billing\": the account's "
            "allowedCallers do not name it");
  // Names of accounts are for those who may use them.
  ExpectAll(CallAll(gateway.stub(), "initech"), grpc::StatusCode::NOT_FOUND,
            "ACCOUNT_UNKNOWN", "there is \"");
  EXPECT_THAT(CallAll(gateway.stub(), "initech").status.error_message(),
              Not(HasSubstr("billing")));
}

TEST_F(IdentityTest, DnsNamesAndSubjectsAreIdentitiesToo) {
  GatewaySetup setup = Tls(TlsOptions::ClientCertificates::kRequired);
  setup.account.allowed_callers = {"web.example.org", "crm.example.org",
                                   "CN=batch,O=Example"};
  Gateway gateway(setup);
  ExpectAll(CallAll(*StubOf(
                gateway, By({.common_name = "x",
                             .alternative_names = {"DNS:crm.example.org"}}))),
            grpc::StatusCode::OK, "");
  EXPECT_EQ(CallerIn(gateway), "crm.example.org");
  ExpectAll(CallAll(*StubOf(gateway, By({.common_name = "batch"}))),
            grpc::StatusCode::OK, "");
  EXPECT_EQ(CallerIn(gateway), "CN=batch,O=Example");
  ExpectAll(CallAll(*StubOf(gateway, By({.common_name = "crm.example.org"}))),
            grpc::StatusCode::PERMISSION_DENIED, "ACCOUNT_FORBIDDEN",
            "\"CN=crm.example.org,O=Example\"");
}

TEST_F(IdentityTest, WithoutACertificateAClaimOpensNothing) {
  GatewaySetup setup = Tls(TlsOptions::ClientCertificates::kOptional);
  setup.account.allowed_callers = {kCrm, "crm"};
  AccountOptions open = setup.account;
  open.name = "open";
  open.allowed_callers = {};
  setup.other_accounts = {open};
  Gateway gateway(setup);
  const auto nobody = StubOf(gateway, ClientCredentials(ca_.certificate()));
  CallOptions claim;
  for (const char* const name : {kCrm, "crm"}) {
    claim.metadata = {{"x-lead-caller", name}};
    ExpectAll(CallAll(*nobody, "", claim), grpc::StatusCode::PERMISSION_DENIED,
              "ACCOUNT_FORBIDDEN", "it must show a certificate");
    ExpectAll(CallAll(*nobody, "open", claim), grpc::StatusCode::OK, "");
    EXPECT_EQ(CallerIn(gateway), absl::StrCat("unverified:", name));
  }
  ExpectAll(CallAll(*nobody, "open"), grpc::StatusCode::OK, "");
  EXPECT_EQ(CallerIn(gateway), "127.0.0.1");
}

TEST_F(IdentityTest, ASidecarOnLoopbackIsBelievedWhereTheConfigurationSaysSo) {
  GatewaySetup setup;
  setup.account.schema_checks = true;
  setup.account.allowed_callers = {"spiffe://td/ns/crm/*"};
  setup.listen.trust_local_peers = true;
  Gateway gateway(setup);
  CallOptions forwarded;
  forwarded.metadata = {
      {kForwarded,
       "By=spiffe://td/gw;URI=spiffe://td/ns/billing/sa/x,By=spiffe://td/gw;"
       "Hash=00;Subject=\"CN=crm,O=Example\";URI=spiffe://td/ns/crm/sa/"
       "nightly"}};
  ExpectAll(CallAll(gateway.stub(), "", forwarded), grpc::StatusCode::OK, "");
  EXPECT_EQ(CallerIn(gateway), kCrm);

  // Of several headers the last counts.
  forwarded.metadata = {{kForwarded, "URI=spiffe://td/ns/crm/sa/nightly"},
                        {kForwarded, "URI=spiffe://td/ns/billing/sa/x"}};
  ExpectAll(CallAll(gateway.stub(), "", forwarded),
            grpc::StatusCode::PERMISSION_DENIED, "ACCOUNT_FORBIDDEN",
            "\"spiffe://td/ns/billing/sa/x\" (known by the certificate that "
            "its proxy forwards)");

  // What can't be read is nobody's, and not anybody's.
  forwarded.metadata = {
      {kForwarded, "URI=spiffe://td/ns/crm/sa/x;Subject=\"a"}};
  ExpectAll(CallAll(gateway.stub(), "", forwarded),
            grpc::StatusCode::UNAUTHENTICATED, "IDENTITY_UNREADABLE",
            "a quote is not closed at byte 39 of 38");
  // Without the header nobody has shown a certificate.
  ExpectAll(CallAll(gateway.stub()), grpc::StatusCode::PERMISSION_DENIED,
            "ACCOUNT_FORBIDDEN", "it must show a certificate");
}

TEST_F(IdentityTest, ANamedProxyIsBelievedAndNobodyElse) {
  GatewaySetup setup = Tls(TlsOptions::ClientCertificates::kRequired);
  setup.account.allowed_callers = {kCrm};
  setup.listen.trusted_identities = {"spiffe://td/ns/edge/*"};
  Gateway gateway(setup);
  CallOptions forwarded;
  forwarded.metadata = {{kForwarded, absl::StrCat("URI=", kCrm)}};
  const auto edge = StubOf(
      gateway, By({.common_name = "edge",
                   .alternative_names = {"URI:spiffe://td/ns/edge/sa/envoy"}}));
  ExpectAll(CallAll(*edge, "", forwarded), grpc::StatusCode::OK, "");
  EXPECT_EQ(CallerIn(gateway), kCrm);
  ExpectAll(CallAll(*edge), grpc::StatusCode::PERMISSION_DENIED,
            "ACCOUNT_FORBIDDEN", "\"spiffe://td/ns/edge/sa/envoy\"");

  const auto web = StubOf(
      gateway, By({.common_name = "web",
                   .alternative_names = {"URI:spiffe://td/ns/web/sa/x"}}));
  ExpectAll(
      CallAll(*web, "", forwarded), grpc::StatusCode::PERMISSION_DENIED,
      "ACCOUNT_FORBIDDEN",
      "\"spiffe://td/ns/web/sa/x\" (known by its certificate) may not use "
      "account");
  EXPECT_THAT(CallAll(*web, "", forwarded).update.error_message(),
              HasSubstr("x-forwarded-client-cert is not believed"));
}

TEST_F(IdentityTest, AUnixSocketServesAndItsPeersAreLocal) {
  GatewaySetup setup;
  setup.account.schema_checks = true;
  setup.listen_address = absl::StrCat("unix:", socket_dir_.path(), "/lg.sock");
  Gateway gateway(setup);
  ExpectAll(CallAll(gateway.stub()), grpc::StatusCode::OK, "");
  EXPECT_EQ(CallerIn(gateway), "unix:");
  CallOptions named;
  named.metadata = {{"x-lead-caller", "nightly"},
                    {kForwarded, absl::StrCat("URI=", kCrm)}};
  ExpectAll(CallAll(gateway.stub(), "", named), grpc::StatusCode::OK, "");
  EXPECT_EQ(CallerIn(gateway), "nightly");
}

TEST_F(IdentityTest, ASidecarOnAUnixSocketIsBelieved) {
  GatewaySetup setup;
  setup.account.schema_checks = true;
  setup.account.allowed_callers = {kCrm};
  setup.listen_address = absl::StrCat("unix:", socket_dir_.path(), "/lg.sock");
  setup.listen.trust_local_peers = true;
  Gateway gateway(setup);
  CallOptions forwarded;
  forwarded.metadata = {{kForwarded, absl::StrCat("URI=", kCrm)}};
  ExpectAll(CallAll(gateway.stub(), "", forwarded), grpc::StatusCode::OK, "");
  ExpectAll(CallAll(gateway.stub()), grpc::StatusCode::PERMISSION_DENIED,
            "ACCOUNT_FORBIDDEN");
}

// The program, started with what the test writes into "listen".
std::vector<std::string> LinesOf(const TempDir& dir, absl::string_view listen) {
  dir.Write("access_key", "access");
  dir.Write("secret_key", "secret");
  const std::string config = dir.Write(
      "config.json", absl::StrReplaceAll(
                         R"({ "listen": { "address": "127.0.0.1:0", LISTEN },
               "accounts": [ { "name": "acme",
                               "baseUrl": "http://127.0.0.1:1",
                               "accessKeyFile": "DIR/access_key",
                               "secretKeyFile": "DIR/secret_key" } ] })",
                         {{"LISTEN", listen}, {"DIR", dir.path()}}));
  const char* const path = getenv("LEAD_GATEWAY");
  Program program(
      {path == nullptr ? "" : path, absl::StrCat("--config=", config)});
  EXPECT_EQ(program.Wait(), 2);
  return program.lines();
}

TEST_F(IdentityTest, FilesThatAreMissingAtTheStartEndItWithTwoAndALineEach) {
  EXPECT_THAT(
      LinesOf(dir_, R"("tls": { "certificateFile": "/nonexistent/tls.crt",
                                "privateKeyFile": "/nonexistent/tls.key",
                                "clientCaFile": "/nonexistent/ca.crt" })"),
      ElementsAre("listen.tls.certificateFile: /nonexistent/tls.crt: can't be "
                  "read: No such file or directory",
                  "listen.tls.privateKeyFile: /nonexistent/tls.key: can't be "
                  "read: No such file or directory",
                  "listen.tls.clientCaFile: /nonexistent/ca.crt: can't be "
                  "read: No such file or directory"));
  EXPECT_THAT(
      LinesOf(dir_,
              R"("authorization": { "policyFile": "/nonexistent/policy" })"),
      ElementsAre("listen.authorization.policyFile: /nonexistent/policy: can't "
                  "be read: No such file or directory"));
  const std::string policy = dir_.Write("policy.json", R"({ "name": "" })");
  EXPECT_THAT(
      LinesOf(dir_, absl::StrCat(R"("authorization": { "policyFile": ")",
                                 policy, R"(" })")),
      ElementsAre(absl::StrCat("listen.authorization.policyFile: ", policy,
                               ": name: is missing"),
                  absl::StrCat("listen.authorization.policyFile: ", policy,
                               ": allow_rules: must hold at least one rule: "
                               "without, every RPC is refused")));
}

}  // namespace
}  // namespace leadgateway::testing
