#include "gateway/config/config_printer.h"

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gateway/config/config.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "gtest/gtest.h"
#include "leadgateway/config/v1/gateway_config.pb.h"

namespace leadgateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Every setting there is, and none with its default.
constexpr char kFull[] = R"pb(
  listen {
    address: "[::1]:50051"
    allow_plaintext: true
    tls {
      certificate_file: "/tls/cert \"quoted\" \\ pem"
      private_key_file: "/tls/schlüssel.pem"
      client_ca_file: "/tls/ca.pem"
      client_certificates: OPTIONAL
      refresh_interval { seconds: 11 nanos: 500000000 }
    }
    connections {
      max_connections: 7
      max_streams: 8
      max_metadata_bytes: 2048
      max_memory_bytes: 68719476736
      keepalive_time { seconds: 61 }
      keepalive_timeout { seconds: 21 }
      min_client_keepalive {}
      max_age { seconds: 1801 }
      max_age_grace { seconds: 2101 }
      max_idle { seconds: 901 }
      handshake_timeout { seconds: 1 nanos: 1 }
    }
    trusted_proxies { local_peers: true identities: "spiffe://example/proxy/*" }
    authorization {
      policy_file: "/etc/lead_gateway/policy.json"
      refresh_interval { seconds: 12 }
    }
  }
  admin { address: "127.0.0.1:8081" }
  accounts {
    name: "acme"
    base_url: "HTTPS://api-in21.leadsquared.com/"
    access_key_file: "/keys/access"
    secret_key_file: "/keys/secret"
    allowance {
      calls: 10000
      window { nanos: 100000000 }
      daily_calls: 1000000000
      counting: FIXED_MOMENT
      daily_spread: NONE
      daily_zone: "Asia/Kolkata"
    }
    credentials_in: QUERY
    unique_fields: "mx_Customer_Id"
    unique_fields: "Phone"
    metadata_file: "fields.json"
    allowed_callers: "spiffe://example/crm"
    ambiguous_answers: REPORT
    call_timeout { seconds: 12 nanos: 345678901 }
    schema_checks: OFF
    field_checks {
      names: WARN
      read_only: OFF
      types: WARN
      lengths: REJECT
      options: OFF
    }
    field_refresh {}
    callers { name: "crm" weight: 0.1 }
    callers { name: "bulk" weight: 33.333333333333336 }
  }
  accounts {
    name: "b"
    base_url: "http://localhost:8080"
    access_key_env: "B_ACCESS_KEY"
    secret_key_env: "B_SECRET_KEY"
  }
  default_account: "b"
  limits {
    max_leads_per_request: 100
    max_request_bytes: 65536
    max_queued_leads: 1000
    max_queued_bytes: 1048576
    default_timeout { seconds: 3600 }
    max_queued_leads_per_caller: 10
    max_queued_bytes_per_caller: 65536
  }
  drain_timeout {}
  log_level: DEBUG
  state_dir: "/var/lib/lead_gateway"
  allow_core_dumps: true
  tracing { file: "/var/log/spans" sampled_part: 0.125 max_file_bytes: 1048576 }
)pb";

constexpr char kMinimal[] = R"json(
    { "listen":   { "address": "127.0.0.1:50051" },
      "accounts": [ { "name": "acme",
                      "baseUrl": "https://api-in21.leadsquared.com",
                      "accessKeyFile": "/run/secrets/access_key",
                      "secretKeyFile": "/run/secrets/secret_key" } ] }
)json";

// Adds the JSON names of all settings below `type`.
void AddNames(const google::protobuf::Descriptor& type,
              std::set<std::string>& names) {
  for (int i = 0; i < type.field_count(); ++i) {
    const google::protobuf::FieldDescriptor& field = *type.field(i);
    names.insert(field.json_name());
    if (field.message_type() != nullptr &&
        field.message_type() != google::protobuf::Duration::descriptor()) {
      AddNames(*field.message_type(), names);
    }
  }
}

TEST(PrintConfig, WhatIsPrintedIsTheSameConfigurationAndPrintsItself) {
  for (const auto& [text, format] :
       {std::pair(kFull, ConfigFormat::kTextproto),
        std::pair(kMinimal, ConfigFormat::kJson)}) {
    const absl::StatusOr<GatewayOptions> options = ParseConfig(text, format);
    ASSERT_TRUE(options.ok()) << options.status();
    const std::string printed = PrintConfig(*options);
    const absl::StatusOr<GatewayOptions> again =
        ParseConfig(printed, ConfigFormat::kJson);
    ASSERT_TRUE(again.ok()) << again.status() << "\n" << printed;
    EXPECT_EQ(*again, *options) << printed;
    EXPECT_EQ(PrintConfig(*again), printed);
  }
}

TEST(PrintConfig, EverySettingIsPrinted) {
  // A setting that is new in gateway_config.proto belongs into kFull, too.
  const absl::StatusOr<GatewayOptions> options =
      ParseConfig(kFull, ConfigFormat::kTextproto);
  ASSERT_TRUE(options.ok()) << options.status();
  const std::string printed = PrintConfig(*options);
  std::set<std::string> names;
  AddNames(*config::v1::GatewayConfig::descriptor(), names);
  ASSERT_GT(names.size(), 50u);
  for (const std::string& name : names) {
    EXPECT_THAT(printed, HasSubstr(absl::StrCat("\"", name, "\": ")));
  }
  // With what kFull says of it, not with the default.
  for (const absl::string_view line :
       {R"("calls": 10000,)", R"("window": "0.1s",)", R"("weight": 0.1)",
        R"("weight": 33.333333333333336)", R"("callTimeout": "12.345678901s",)",
        R"("handshakeTimeout": "1.000000001s")", R"("fieldRefresh": "0s",)",
        R"("maxMemoryBytes": 68719476736,)", R"("names": "WARN",)",
        R"("clientCertificates": "OPTIONAL",)", R"("allowPlaintext": true,)",
        R"("baseUrl": "https://api-in21.leadsquared.com",)",
        R"("privateKeyFile": "/tls/schlüssel.pem",)",
        R"("certificateFile": "/tls/cert \"quoted\" \\ pem",)"}) {
    EXPECT_THAT(printed, HasSubstr(line));
  }
}

TEST(PrintConfig, DefaultsAreWrittenOutAndWhatIsNotThereIsLeftOut) {
  const absl::StatusOr<GatewayOptions> options =
      ParseConfig(kMinimal, ConfigFormat::kJson);
  ASSERT_TRUE(options.ok()) << options.status();
  const std::string printed = PrintConfig(*options);
  for (const absl::string_view line :
       {R"("calls": 25,)", R"("window": "5s",)", R"("dailyCalls": 0,)",
        R"("dailyZone": "UTC")", R"("allowedCallers": [],)",
        R"("drainTimeout": "5s",)", R"("defaultAccount": "acme",)",
        R"("allowPlaintext": false,)", R"("logLevel": "INFO")"}) {
    EXPECT_THAT(printed, HasSubstr(line));
  }
  for (const absl::string_view name :
       {"admin", "tls", "stateDir", "accessKeyEnv", "metadataFile"}) {
    EXPECT_THAT(printed, Not(HasSubstr(absl::StrCat("\"", name, "\""))));
  }
}

}  // namespace
}  // namespace leadgateway
