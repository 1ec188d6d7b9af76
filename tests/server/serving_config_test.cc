#include "gateway/server/serving_config.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/config/config.h"
#include "gateway/server/config_page.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "leadgateway/config/v1/gateway_config.pb.h"

namespace leadgateway::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

GatewayOptions Options() {
  GatewayOptions options;
  options.listen_address = "127.0.0.1:50051";
  for (const char* const name : {"acme", "beta"}) {
    AccountOptions& account = options.accounts.emplace_back();
    account.name = name;
    account.base_url = "https://api.leadsquared.com";
    account.access_key_file = "/keys/access";
    account.secret_key_file = "/keys/secret";
  }
  options.default_account = "beta";
  return options;
}

TEST(ServingConfigTest, FindsAccountsByNameAndTheDefaultOneWithout) {
  const ServingConfig config(Options(), 3, absl::UnixEpoch());
  EXPECT_EQ(config.FindAccount("acme")->name, "acme");
  EXPECT_EQ(config.FindAccount("")->name, "beta");
  EXPECT_EQ(config.FindAccount("gamma"), nullptr);
  EXPECT_EQ(config.generation(), 3);
}

TEST(ServingConfigTest, WhoHoldsOneKeepsItWhenAnotherIsInForce) {
  CurrentConfig current(
      std::make_shared<const ServingConfig>(Options(), 1, absl::UnixEpoch()));
  const auto held = current.Get();
  GatewayOptions other = Options();
  other.accounts.pop_back();
  other.default_account = "acme";
  current.Set(
      std::make_shared<const ServingConfig>(other, 2, absl::UnixEpoch()));
  EXPECT_NE(held->FindAccount("beta"), nullptr);
  EXPECT_EQ(current.Get()->FindAccount("beta"), nullptr);
}

TEST(KeepFixedSettingsTest, TakesBackWhatNeedsARestartAndNamesIt) {
  const GatewayOptions running = Options();
  GatewayOptions next = running;
  EXPECT_THAT(KeepFixedSettings(running, next).value(), IsEmpty());

  next.listen_address = "127.0.0.1:1";
  next.listen.tls.emplace();
  next.listen.allow_plaintext = true;
  next.listen.connections.max_streams = 1;
  next.admin_address = "127.0.0.1:2";
  next.limits.max_request_bytes = 70'000;
  next.state_dir = "/elsewhere";
  next.allow_core_dumps = true;
  next.tracing.file = "spans";
  // These can change.
  next.limits.max_leads_per_request = 7;
  next.drain_timeout = absl::Seconds(9);
  next.accounts.pop_back();
  next.default_account = "acme";
  GatewayOptions wanted = running;
  wanted.limits.max_leads_per_request = 7;
  wanted.drain_timeout = absl::Seconds(9);
  wanted.accounts.pop_back();
  wanted.default_account = "acme";
  EXPECT_THAT(KeepFixedSettings(running, next).value(),
              ElementsAre("listen.address", "listen.tls",
                          "listen.allowPlaintext", "listen.connections",
                          "admin.address", "limits.maxRequestBytes", "stateDir",
                          "allowCoreDumps", "tracing"));
  EXPECT_EQ(next, wanted);
}

TEST(KeepFixedSettingsTest, RefusesWhatIsOnlySafeAfterARestart) {
  const GatewayOptions running = Options();
  GatewayOptions next = running;
  next.listen.tls.emplace();
  next.listen.tls->certificate_file = "/tls/cert";
  next.listen.tls->private_key_file = "/tls/key";
  next.listen.tls->client_ca_file = "/tls/ca";
  next.listen.tls->client_certificates =
      TlsOptions::ClientCertificates::kRequired;
  next.accounts[0].allowed_callers = {"spiffe://example.org/ns/crm/sa/sync"};
  const absl::Status refused = KeepFixedSettings(running, next).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.message()),
              AllOf(HasSubstr("listen.tls: can't change while"),
                    HasSubstr("\naccounts[0].allowedCallers[0]: ")));
}

TEST(KeepFixedSettingsTest, EachSettingIsEitherTakenOverOrTakenBack) {
  std::vector<std::string> names;
  const google::protobuf::Descriptor& type =
      *config::v1::GatewayConfig::descriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    names.push_back(type.field(i)->name());
  }
  // A new one belongs here, and into Server::Apply (whoever uses it asks for
  // what is in force) or into KeepFixedSettings.
  EXPECT_THAT(names,
              UnorderedElementsAre("listen", "admin", "state_dir", "tracing",
                                   "allow_core_dumps",  // taken back
                                   "accounts", "default_account", "limits",
                                   "drain_timeout", "log_level"));
}

TEST(ConfigPageTest, SaysWhichConfigurationItIsAndWhatBecameOfTheLastReload) {
  const absl::Time loaded = absl::FromUnixSeconds(1'700'000'000);
  const ServingConfig config(Options(), 4, loaded, {"listen.tls"});
  const std::string alone = ConfigPage(config, nullptr);
  EXPECT_THAT(alone, HasSubstr("\"generation\": 4"));
  EXPECT_THAT(alone, HasSubstr("\"loadedAt\": \"2023-11-14T22:13:20+00:00\""));
  EXPECT_THAT(alone, HasSubstr("\"needsRestart\": [\"listen.tls\"]"));
  EXPECT_THAT(alone, HasSubstr("\"defaultAccount\": \"beta\""));
  EXPECT_THAT(alone, Not(HasSubstr("lastReload")));

  ConfigReloader::State state;
  state.path = "/etc/gate\"way.json";
  EXPECT_THAT(ConfigPage(config, &state), Not(HasSubstr("lastReload")));
  state.failures = 2;
  state.last_at = loaded;
  state.mistakes = {"accounts[0].name: is missing", "listen: \"x\""};
  const std::string page = ConfigPage(config, &state);
  EXPECT_THAT(page, HasSubstr(R"("file": "/etc/gate\"way.json")"));
  EXPECT_THAT(page, HasSubstr("\"reloadsRefused\": 2"));
  EXPECT_THAT(page, HasSubstr(R"("lastReloadMistakes": ["accounts[0].name: is )"
                              R"(missing", "listen: \"x\""])"));
}

}  // namespace
}  // namespace leadgateway::server
