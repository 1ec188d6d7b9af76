#include <openssl/tls1.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/config/config.h"
#include "gateway/server/certificate_files.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.grpc.pb.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "tests/integration/certificates.h"
#include "tests/integration/gateway_fixture.h"

// The gRPC listener over TLS, with certificates made here.
namespace leadgateway::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using Certificates = TlsOptions::ClientCertificates;

constexpr char kCrm[] = "spiffe://td/ns/crm/sa/nightly";

// The code of a status request on a connection of its own.
grpc::StatusCode Ask(Gateway& gateway,
                     const std::shared_ptr<grpc::ChannelCredentials>& by) {
  const auto stub = v1::LeadGatewayService::NewStub(gateway.NewChannel(by));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kLongEnough));
  v1::GetAccountStatusResponse response;
  return stub->GetAccountStatus(&context, {}, &response).error_code();
}

class TlsTest : public ::testing::Test {
 protected:
  // Writes the gateway's files, and has it ask for client certificates.
  GatewaySetup Asking(Certificates certificates) {
    Write(ca_.IssueServer("first"));
    GatewaySetup setup;
    TlsOptions& tls = setup.listen.tls.emplace();
    tls.certificate_file = absl::StrCat(dir_.path(), "/tls.crt");
    tls.private_key_file = absl::StrCat(dir_.path(), "/tls.key");
    tls.client_certificates = certificates;
    tls.refresh_interval = absl::Seconds(1);
    if (certificates != Certificates::kNone) {
      tls.client_ca_file = dir_.Write("ca.crt", client_ca_.certificate());
    }
    setup.credentials = Crm();
    return setup;
  }

  void Write(const KeyPair& pair) {
    dir_.Write("tls.crt", pair.certificate);
    dir_.Write("tls.key", pair.key);
  }

  std::shared_ptr<grpc::ChannelCredentials> Crm() {
    return ClientCredentials(
        ca_.certificate(),
        client_ca_.Issue({.common_name = "crm",
                          .alternative_names = {absl::StrCat("URI:", kCrm)}}));
  }
  std::shared_ptr<grpc::ChannelCredentials> Nobody() {
    return ClientCredentials(ca_.certificate());
  }

  TempDir dir_;
  const Authority ca_{"server CA"};
  const Authority client_ca_{"client CA"};
};

TEST_F(TlsTest, ServesThoseWhoTrustItsAuthorityAndNoPlaintext) {
  GatewaySetup setup = Asking(Certificates::kNone);
  setup.credentials = Nobody();
  Gateway gateway(setup);
  ExpectAll(gateway.Update(Updates(0, 30)), 30, v1::OUTCOME_UPDATED);

  const Authority other("other CA");
  EXPECT_EQ(Ask(gateway, ClientCredentials(other.certificate())),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Ask(gateway, grpc::InsecureChannelCredentials()),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Ask(gateway, Nobody()), grpc::StatusCode::OK);
}

TEST_F(TlsTest, SpeaksTls12AndNewer) {
  GatewaySetup setup = Asking(Certificates::kNone);
  setup.credentials = Nobody();
  Gateway gateway(setup);
  const std::string& address = gateway.server().listen_address();
  EXPECT_EQ(ShakeHands(address).version, "TLSv1.3");
  EXPECT_EQ(ShakeHands(address, TLS1_2_VERSION).version, "TLSv1.2");
  EXPECT_FALSE(ShakeHands(address, TLS1_1_VERSION).done);
  EXPECT_FALSE(ShakeHands(address, TLS1_VERSION).done);
}

TEST_F(TlsTest, RequiredCertificatesKeepOutWhoeverHasNoGoodOne) {
  Gateway gateway(Asking(Certificates::kRequired));
  ExpectAll(gateway.Update(Updates(0, 3)), 3, v1::OUTCOME_UPDATED);

  EXPECT_EQ(Ask(gateway, Nobody()), grpc::StatusCode::UNAVAILABLE);
  // Of the server's authority, which is not that of clients.
  EXPECT_EQ(Ask(gateway, ClientCredentials(ca_.certificate(),
                                           ca_.Issue({.common_name = "crm"}))),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(
      Ask(gateway, ClientCredentials(
                       ca_.certificate(),
                       client_ca_.Issue({.common_name = "crm",
                                         .not_after = -absl::Minutes(1)}))),
      grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(
      Ask(gateway, ClientCredentials(
                       ca_.certificate(),
                       client_ca_.Issue({.common_name = "crm",
                                         .not_before = absl::Minutes(30)}))),
      grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Ask(gateway, Crm()), grpc::StatusCode::OK);
}

TEST_F(TlsTest, OptionalCertificatesMustBeGoodWhenTheyAreShown) {
  GatewaySetup setup = Asking(Certificates::kOptional);
  setup.account.allowed_callers = {"spiffe://td/ns/crm/*"};
  Gateway gateway(setup);
  EXPECT_EQ(Ask(gateway, Crm()), grpc::StatusCode::OK);
  EXPECT_EQ(Ask(gateway, Nobody()), grpc::StatusCode::PERMISSION_DENIED);
  const Authority other("other CA");
  EXPECT_EQ(Ask(gateway, ClientCredentials(
                             ca_.certificate(),
                             other.Issue({.common_name = "crm",
                                          .alternative_names = {absl::StrCat(
                                              "URI:", kCrm)}}))),
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, NewConnectionsGetTheNewCertificateWhileOldRpcsGoOn) {
  GatewaySetup setup = Asking(Certificates::kOptional);
  setup.HoldAnd();
  setup.Allow(2, absl::Seconds(1));
  Gateway gateway(setup);
  const std::string& address = gateway.server().listen_address();
  EXPECT_EQ(ShakeHands(address).common_name, "first");
  const auto hold = gateway.Hold();
  const auto old = gateway.Start(Updates(0, 250));
  old->WaitUntilTaken();

  Write(ca_.IssueServer("second"));
  EXPECT_TRUE(
      Eventually([&] { return ShakeHands(address).common_name == "second"; }));
  EXPECT_EQ(Ask(gateway, Crm()), grpc::StatusCode::OK);
  ExpectAll(old->Get(), 250, v1::OUTCOME_UPDATED);
  ExpectComplete(hold->Get(), 1);
  EXPECT_THAT(gateway.log(), Contains(AllOf(HasSubstr("certificates_in_use"),
                                            HasSubstr("CN=second,O=Example"))));
}

TEST_F(TlsTest, TheAuthoritiesOfClientsChangeToo) {
  Gateway gateway(Asking(Certificates::kRequired));
  const Authority next("next client CA");
  const auto by_next =
      ClientCredentials(ca_.certificate(), next.Issue({.common_name = "crm"}));
  EXPECT_EQ(Ask(gateway, by_next), grpc::StatusCode::UNAVAILABLE);
  dir_.Write("ca.crt",
             absl::StrCat(client_ca_.certificate(), next.certificate()));
  EXPECT_TRUE(Eventually(
      [&] { return Ask(gateway, by_next) == grpc::StatusCode::OK; }));
  EXPECT_EQ(Ask(gateway, Crm()), grpc::StatusCode::OK);
}

// The control: why the gateway does not leave its files to gRPC.
TEST_F(TlsTest, GrpcsOwnWatcherGivesTheOldCertificateUpForHalfWrittenFiles) {
  const GatewaySetup setup = Asking(Certificates::kNone);
  const TlsOptions& tls = *setup.listen.tls;
  grpc::experimental::TlsServerCredentialsOptions options(
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
          tls.private_key_file, tls.certificate_file, 1));
  options.watch_identity_key_cert_pairs();
  v1::LeadGatewayService::Service service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(
      "127.0.0.1:0", grpc::experimental::TlsServerCredentials(options), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const std::string address = absl::StrCat("127.0.0.1:", port);
  EXPECT_EQ(ShakeHands(address).common_name, "first");
  dir_.Write("tls.crt", ca_.IssueServer("second").certificate);
  EXPECT_TRUE(Eventually([&] { return !ShakeHands(address).done; }));
  server->Shutdown(std::chrono::system_clock::now());
}

TEST_F(TlsTest, HalfWrittenFilesLeaveTheOldCertificateInUse) {
  GatewaySetup setup = Asking(Certificates::kNone);
  setup.credentials = Nobody();
  Gateway gateway(setup);
  const std::string& address = gateway.server().listen_address();
  const KeyPair second = ca_.IssueServer("second");
  const auto refused = [&](absl::string_view problem) {
    EXPECT_TRUE(Eventually([&] {
      for (const std::string& line : gateway.log()) {
        if (absl::StrContains(line, "certificates_not_used") &&
            absl::StrContains(line, problem)) {
          return true;
        }
      }
      return false;
    })) << problem;
  };
  const auto stays = [&] {
    // gRPC looks at what it is given once a second.
    for (int i = 0; i < 25; ++i) {
      ASSERT_EQ(ShakeHands(address).common_name, "first");
      absl::SleepFor(absl::Milliseconds(100));
    }
  };
  dir_.Write("tls.crt", second.certificate);
  refused("is not the key of the certificate");
  stays();
  dir_.Write("tls.crt",
             second.certificate.substr(0, second.certificate.size() / 2));
  refused("is cut short or damaged");
  dir_.Write("tls.key", "");
  refused("holds no private key");
  std::remove(setup.listen.tls->certificate_file.c_str());
  refused("can't be read");
  stays();

  Write(second);
  EXPECT_TRUE(
      Eventually([&] { return ShakeHands(address).common_name == "second"; }));
  EXPECT_EQ(Ask(gateway, Nobody()), grpc::StatusCode::OK);
}

TEST_F(TlsTest, ItReadsChainsAndSaysWhatIsWrongWithFiles) {
  const GatewaySetup setup = Asking(Certificates::kRequired);
  TlsOptions tls = *setup.listen.tls;
  const KeyPair pair = ca_.IssueServer("chain");
  Write({absl::StrCat(pair.certificate, ca_.certificate()), pair.key});
  EXPECT_TRUE(server::ReadCertificates(tls).ok());
  EXPECT_EQ(server::ReadCertificates(tls)->subject, "CN=chain,O=Example");

  // The second certificate of a chain is cut short.
  const std::string cut =
      absl::StrCat(pair.certificate, ca_.certificate().substr(0, 200));
  Write({cut, pair.key});
  EXPECT_EQ(server::ReadCertificates(tls).status().message(),
            absl::StrCat("listen.tls.certificateFile: ", tls.certificate_file,
                         ": holds a certificate that is cut short or damaged"));

  Write({pair.certificate, ca_.IssueServer("other").key});
  EXPECT_EQ(server::ReadCertificates(tls).status().message(),
            absl::StrCat("listen.tls.privateKeyFile: ", tls.private_key_file,
                         ": is not the key of the certificate"));

  // All mistakes at once.
  Write({"no certificate", "no key"});
  tls.client_ca_file = "/nonexistent/ca.crt";
  EXPECT_EQ(
      server::ReadCertificates(tls).status().message(),
      absl::StrCat("listen.tls.certificateFile: ", tls.certificate_file,
                   ": holds no certificate in PEM format\n"
                   "listen.tls.privateKeyFile: ",
                   tls.private_key_file,
                   ": holds no private key in PEM format without a password\n"
                   "listen.tls.clientCaFile: /nonexistent/ca.crt: can't be "
                   "read: No such file or directory"));
}

}  // namespace
}  // namespace leadgateway::testing
