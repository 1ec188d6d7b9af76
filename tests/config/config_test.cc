#include "gateway/config/config.h"

#include <sys/stat.h>

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kMinimal[] = R"json(
    { "listen":   { "address": "127.0.0.1:50051" },
      "admin":    { "address": "127.0.0.1:8081" },
      "accounts": [ { "name": "acme",
                      "baseUrl": "https://api-in21.leadsquared.com",
                      "accessKeyFile": "/run/secrets/access_key",
                      "secretKeyFile": "/run/secrets/secret_key",
                      "allowance": { "calls": 25, "window": "5s" } } ] }
)json";

constexpr char kFull[] = R"json({
  "listen": { "address": "[::]:50051", "allowPlaintext": true,
              "trustedProxies": { "localPeers": true,
                                  "identities": [ "spiffe://example/proxy/*" ] } },
  "accounts": [
    { "name": "acme",
      "baseUrl": "https://api-in21.leadsquared.com/",
      "accessKeyFile": "access", "secretKeyFile": "secret",
      "allowance": { "calls": 10000, "window": "0.1s", "dailyCalls": 1000000,
                     "counting": "FIXED_MOMENT" },
      "credentialsIn": "QUERY",
      "uniqueFields": [ "mx_Customer_Id", "Phone" ],
      "metadataFile": "fields.json",
      "allowedCallers": [ "spiffe://example/crm" ],
      "ambiguousAnswers": "REPORT",
      "callTimeout": "12.5s",
      "schemaChecks": "OFF",
      "fieldChecks": { "names": "WARN", "readOnly": "OFF", "types": "WARN",
                       "lengths": "REJECT", "options": "OFF" },
      "fieldRefresh": "0s" },
    { "name": "b-2_x.y", "base_url": "http://localhost:8080",
      "access_key_file": "a", "secret_key_file": "s" } ],
  "defaultAccount": "b-2_x.y",
  "limits": { "maxLeadsPerRequest": 100, "maxRequestBytes": 65536,
              "maxQueuedLeads": 1000, "maxQueuedBytes": 68719476736,
              "defaultTimeout": "3600s" },
  "drainTimeout": "0s",
  "logLevel": "DEBUG",
  "stateDir": "/var/lib/lead_gateway"
})json";

constexpr char kFullTextproto[] = R"pb(
  # As kFull.
  listen {
    address: "[::]:50051"
    allow_plaintext: true
    trusted_proxies { local_peers: true identities: "spiffe://example/proxy/*" }
  }
  accounts {
    name: "acme"
    base_url: "https://api-in21.leadsquared.com/"
    access_key_file: "access"
    secret_key_file: "secret"
    allowance {
      calls: 10000
      window { nanos: 100000000 }
      daily_calls: 1000000
      counting: FIXED_MOMENT
    }
    credentials_in: QUERY
    unique_fields: "mx_Customer_Id"
    unique_fields: "Phone"
    metadata_file: "fields.json"
    allowed_callers: [ "spiffe://example/crm" ]
    ambiguous_answers: REPORT
    call_timeout { seconds: 12 nanos: 500000000 }
    schema_checks: OFF
    field_checks {
      names: WARN
      read_only: OFF
      types: WARN
      lengths: REJECT
      options: OFF
    }
    field_refresh {}
  }
  accounts {
    name: "b-2_x.y"
    base_url: "http://localhost:8080"
    access_key_file: "a"
    secret_key_file: "s"
  }
  default_account: "b-2_x.y"
  limits {
    max_leads_per_request: 100
    max_request_bytes: 65536
    max_queued_leads: 1000
    max_queued_bytes: 68719476736
    default_timeout { seconds: 3600 }
  }
  drain_timeout {}
  log_level: DEBUG
  state_dir: "/var/lib/lead_gateway"
)pb";

constexpr char kName[] = "\"name\": \"acme\"";

std::string MistakesOf(absl::string_view text,
                       ConfigFormat format = ConfigFormat::kJson) {
  const absl::StatusOr<GatewayOptions> options = ParseConfig(text, format);
  if (options.ok()) return "";
  EXPECT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(options.status().message());
}

// kMinimal with one piece of it replaced.
std::string With(absl::string_view piece, absl::string_view replacement) {
  std::string text = kMinimal;
  EXPECT_EQ(absl::StrReplaceAll({{piece, replacement}}, &text), 1) << piece;
  return text;
}

TEST(ParseConfig, RefusesAKeyWhereTheNameOfItsPlaceBelongs) {
  for (const std::string key :
       {"u$r0123456789abcdef0123456789abcdef", "u$r12ab",
        "0123456789ABCDEF0123456789abcdef01234567"}) {
    for (const auto& [file, variable] :
         {std::pair("accessKeyFile", "accessKeyEnv"),
          std::pair("secretKeyFile", "secretKeyEnv")}) {
      const std::string name = file[0] == 'a' ? "access_key" : "secret_key";
      const std::string good =
          absl::StrCat("\"", file, "\": \"/run/secrets/", name, "\"");
      for (const std::string setting : {file, variable}) {
        const std::string mistakes = MistakesOf(
            With(good, absl::StrCat("\"", setting, "\": \"", key, "\"")));
        EXPECT_THAT(mistakes, HasSubstr(absl::StrCat("accounts[0].", setting,
                                                     ": looks like a key")));
        EXPECT_THAT(mistakes, Not(HasSubstr(key)));
        EXPECT_THAT(mistakes, Not(HasSubstr("\n")));
      }
    }
  }
  // A file that is named by a digest lies in some directory.
  EXPECT_EQ(MistakesOf(With("/run/secrets/access_key",
                            "./0123456789abcdef0123456789abcdef")),
            "");
}

TEST(ParseConfig, FillsTheDefaultsIntoTheLeastThatWorks) {
  const absl::StatusOr<GatewayOptions> options =
      ParseConfig(kMinimal, ConfigFormat::kJson);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->listen_address, "127.0.0.1:50051");
  EXPECT_EQ(options->admin_address, "127.0.0.1:8081");
  EXPECT_EQ(options->default_account, "acme");
  EXPECT_EQ(options->drain_timeout, absl::Seconds(5));
  EXPECT_EQ(options->log_level, LogLevel::kInfo);
  EXPECT_EQ(options->limits.max_leads_per_request, 10'000);
  EXPECT_EQ(options->limits.max_request_bytes, 16 << 20);
  EXPECT_EQ(options->limits.max_queued_leads, 200'000);
  EXPECT_EQ(options->limits.max_queued_bytes, 256 << 20);
  EXPECT_EQ(options->limits.default_timeout, absl::Minutes(30));
  ASSERT_EQ(options->accounts.size(), 1U);
  const AccountOptions& account = options->accounts[0];
  EXPECT_EQ(account.name, "acme");
  EXPECT_EQ(account.base_url, "https://api-in21.leadsquared.com");
  EXPECT_EQ(account.access_key_file, "/run/secrets/access_key");
  EXPECT_EQ(account.secret_key_file, "/run/secrets/secret_key");
  EXPECT_EQ(account.calls, 25);
  EXPECT_EQ(account.window, absl::Seconds(5));
  EXPECT_EQ(account.daily_calls, 0);
  EXPECT_FALSE(account.fixed_moment);
  EXPECT_FALSE(account.credentials_in_query);
  EXPECT_THAT(account.unique_fields, IsEmpty());
  EXPECT_THAT(account.metadata_file, IsEmpty());
  EXPECT_THAT(account.allowed_callers, IsEmpty());
  EXPECT_TRUE(account.retry_ambiguous);
  EXPECT_EQ(account.call_timeout, absl::Seconds(30));
  EXPECT_TRUE(account.schema_checks);
  EXPECT_EQ(account.field_checks.names, CheckPolicy::kReject);
  EXPECT_EQ(account.field_checks.read_only, CheckPolicy::kReject);
  EXPECT_EQ(account.field_checks.types, CheckPolicy::kReject);
  EXPECT_EQ(account.field_checks.lengths, CheckPolicy::kWarn);
  EXPECT_EQ(account.field_checks.options, CheckPolicy::kWarn);
  EXPECT_EQ(account.field_refresh, absl::Minutes(10));
  EXPECT_EQ(options->state_dir, "");
}

void ExpectFull(const absl::StatusOr<GatewayOptions>& options) {
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->listen_address, "[::]:50051");
  EXPECT_TRUE(options->listen.trust().verifies);
  EXPECT_TRUE(options->listen.trust_local_peers);
  EXPECT_THAT(options->listen.trusted_identities,
              ElementsAre("spiffe://example/proxy/*"));
  EXPECT_EQ(options->admin_address, "");
  EXPECT_EQ(options->default_account, "b-2_x.y");
  EXPECT_EQ(options->drain_timeout, absl::ZeroDuration());
  EXPECT_EQ(options->log_level, LogLevel::kDebug);
  EXPECT_EQ(options->limits.max_leads_per_request, 100);
  EXPECT_EQ(options->limits.max_request_bytes, 65536);
  EXPECT_EQ(options->limits.max_queued_leads, 1000);
  EXPECT_EQ(options->limits.max_queued_bytes, int64_t{64} << 30);
  EXPECT_EQ(options->limits.default_timeout, absl::Hours(1));
  ASSERT_EQ(options->accounts.size(), 2U);
  const AccountOptions& account = options->accounts[0];
  EXPECT_EQ(account.base_url, "https://api-in21.leadsquared.com");
  EXPECT_EQ(account.access_key_file, "access");
  EXPECT_EQ(account.secret_key_file, "secret");
  EXPECT_EQ(account.calls, 10'000);
  EXPECT_EQ(account.window, absl::Milliseconds(100));
  EXPECT_EQ(account.daily_calls, 1'000'000);
  EXPECT_TRUE(account.fixed_moment);
  EXPECT_TRUE(account.credentials_in_query);
  EXPECT_THAT(account.unique_fields, ElementsAre("mx_Customer_Id", "Phone"));
  EXPECT_EQ(account.metadata_file, "fields.json");
  EXPECT_THAT(account.allowed_callers, ElementsAre("spiffe://example/crm"));
  EXPECT_FALSE(account.retry_ambiguous);
  EXPECT_EQ(account.call_timeout, absl::Milliseconds(12'500));
  EXPECT_FALSE(account.schema_checks);
  EXPECT_EQ(account.field_checks.names, CheckPolicy::kWarn);
  EXPECT_EQ(account.field_checks.read_only, CheckPolicy::kOff);
  EXPECT_EQ(account.field_checks.types, CheckPolicy::kWarn);
  EXPECT_EQ(account.field_checks.lengths, CheckPolicy::kReject);
  EXPECT_EQ(account.field_checks.options, CheckPolicy::kOff);
  EXPECT_EQ(account.field_refresh, absl::ZeroDuration());
  EXPECT_EQ(options->state_dir, "/var/lib/lead_gateway");
  EXPECT_EQ(options->accounts[1].base_url, "http://localhost:8080");
  EXPECT_EQ(options->accounts[1].calls, 25);
}

TEST(ParseConfig, TakesAPlaintextListenerBeyondLoopbackByAnExplicitWordOnly) {
  const auto listen = [](absl::string_view rest) {
    return MistakesOf(With("\"address\": \"127.0.0.1:50051\"", rest));
  };
  EXPECT_THAT(listen(R"("address": "10.0.0.7:50051")"),
              HasSubstr("listen.allowPlaintext"));
  EXPECT_THAT(listen(R"("address": "[::]:50051", "allowPlaintext": false)"),
              HasSubstr("listen.allowPlaintext"));
  for (const char* const good :
       {R"("address": "10.0.0.7:50051", "allowPlaintext": true)",
        R"("address": "0.0.0.0:50051", "tls": { "certificateFile": "c",
                                                "privateKeyFile": "k" })",
        R"("address": "[::1]:50051")", R"("address": "localhost:50051")",
        R"("address": "unix:/run/lead_gateway.sock")"}) {
    EXPECT_EQ(listen(good), "") << good;
  }
}

TEST(ParseConfig, TakesIdentitiesWhereTheListenerCanTellThem) {
  const auto listen = [](absl::string_view rest) {
    std::string text =
        With(kName,
             absl::StrCat(kName, R"(, "allowedCallers": [ "spiffe://td/ns/x/*",
                                   "CN=crm,O=Example", "*" ])"));
    absl::StrReplaceAll(
        {{"\"127.0.0.1:50051\"", absl::StrCat("\"127.0.0.1:50051\", ", rest)}},
        &text);
    return MistakesOf(text);
  };
  EXPECT_EQ(listen(R"("tls": { "certificateFile": "c", "privateKeyFile": "k",
                               "clientCaFile": "ca" })"),
            "");
  EXPECT_EQ(listen(R"("trustedProxies": { "localPeers": true })"), "");
  EXPECT_THAT(listen(R"("tls": { "certificateFile": "c",
                                 "privateKeyFile": "k" })"),
              HasSubstr("accounts[0].allowedCallers[2]: names an identity"));
}

TEST(ParseConfig, ReadsEverySettingOfJson) {
  ExpectFull(ParseConfig(kFull, ConfigFormat::kJson));
}

TEST(ParseConfig, ReadsEverySettingOfTextproto) {
  ExpectFull(ParseConfig(kFullTextproto, ConfigFormat::kTextproto));
}

TEST(ParseConfig, SkipsAByteOrderMark) {
  EXPECT_EQ(MistakesOf(absl::StrCat("\xEF\xBB\xBF", kMinimal)), "");
}

TEST(ParseConfig, TakesNullForLeftOut) {
  EXPECT_EQ(MistakesOf(With("\"calls\": 25", "\"calls\": null")), "");
}

struct Malformed {
  std::string text;
  const char* line;
};

class MalformedJson : public ::testing::TestWithParam<Malformed> {};

TEST_P(MalformedJson, IsOneLineThatSaysWhereAndWhat) {
  EXPECT_EQ(MistakesOf(GetParam().text), GetParam().line) << GetParam().text;
}

constexpr char kCalls[] = "\"calls\": 25";
constexpr char kWindow[] = "\"window\": \"5s\"";
constexpr char kListen[] = "\"listen\":   { \"address\": \"127.0.0.1:50051\" }";
constexpr char kAdmin[] = "\"admin\":    { \"address\": \"127.0.0.1:8081\" }";
constexpr char kUrl[] = "\"https://api-in21.leadsquared.com\"";
constexpr char kAccess[] = "\"accessKeyFile\": \"/run/secrets/access_key\"";

INSTANTIATE_TEST_SUITE_P(
    Syntax, MalformedJson,
    ::testing::Values(
        Malformed{"", "line 1, column 1: is empty"},
        Malformed{" \n\t", "line 1, column 1: is empty"},
        Malformed{"[]", "line 1, column 1: must be an object in { }"},
        Malformed{With("\"acme\",", "\"acme\""),
                  "line 5, column 23: expected \",\" or \"}\""},
        Malformed{With("acme", "ac\xFFme"),
                  "line 4, column 34: is not UTF-8 text"},
        Malformed{With("\"acme\"", std::string(2000, '[')),
                  "line 4, column 61: is nested too deeply"},
        Malformed{With("} ] }", ""),
                  "line 9, column 1: the text ends too early"},
        Malformed{absl::StrCat(kMinimal, "x"),
                  "line 9, column 1: expected the end of the file"},
        Malformed{absl::StrCat(kMinimal, std::string(1 << 20, ' ')),
                  "line 1, column 1: is larger than 1 MiB"}));

INSTANTIATE_TEST_SUITE_P(
    Shape, MalformedJson,
    ::testing::Values(
        Malformed{With("\"baseUrl\"", "\"baseURI\""),
                  "accounts[0].baseURI: is not a setting; did you mean "
                  "\"baseUrl\"?\n"
                  "accounts[0].baseUrl: is missing; such as "
                  "\"https://api.leadsquared.com\""},
        Malformed{With("\"admin\"", "\"acc\\u006funts\": [], \"admin\""),
                  "acc?u006funts: is not a setting; here may stand listen, "
                  "admin, accounts, defaultAccount, limits, drainTimeout, "
                  "logLevel, stateDir, allowCoreDumps, tracing"},
        Malformed{With(kAccess,
                       absl::StrCat(kAccess, ", \"accessKey\": \"hunter2\"")),
                  "accounts[0].accessKey: is not a setting; did you mean "
                  "\"accessKeyFile\"?"},
        Malformed{With(kCalls, "\"calls\": 25, \"calls\": 26"),
                  "accounts[0].allowance.calls: is given twice; keep one of "
                  "them"},
        Malformed{With("\"baseUrl\"", "\"base_url\": \"x\", \"baseUrl\""),
                  "accounts[0].baseUrl: is given twice; keep one of "
                  "them"},
        Malformed{
            With("{ \"address\": \"127.0.0.1:50051\" }", "\"127.0.0.1:50051\""),
            "listen: must be an object in { }"},
        Malformed{With("\"acme\"", "17"),
                  "accounts[0].name: must be text in double quotes"},
        Malformed{With("[ {", "[ null, {"),
                  "accounts[0]: must be an object in { }"},
        Malformed{With(kName, absl::StrCat(kName, ", \"uniqueFields\": \"x\"")),
                  "accounts[0].uniqueFields: must be a list in [ ]"},
        Malformed{
            With(kName, absl::StrCat(kName, ", \"uniqueFields\": [\"x\", 1]")),
            "accounts[0].uniqueFields[1]: must be text in double quotes"},
        Malformed{With(kWindow, "\"window\": 5"),
                  "accounts[0].allowance.window: must be seconds in quotes "
                  "with an \"s\", such as \"1.5s\""},
        Malformed{With(kWindow, "\"window\": \"5m\""),
                  "accounts[0].allowance.window: must be seconds in quotes "
                  "with an \"s\", such as \"1.5s\""},
        Malformed{With(kWindow, "\"window\": \"999999999999999s\""),
                  "accounts[0].allowance.window: must be seconds in quotes "
                  "with an \"s\", such as \"1.5s\""},
        Malformed{With(kCalls, "\"calls\": \"many\""),
                  "accounts[0].allowance.calls: must be a whole number from 1 "
                  "to 10,000"},
        Malformed{With(kCalls, "\"calls\": 2.5"),
                  "accounts[0].allowance.calls: must be a whole number from 1 "
                  "to 10,000"},
        Malformed{With(kCalls, "\"counting\": \"SOMETIMES\""),
                  "accounts[0].allowance.counting: must be one of ANY_MOMENT, "
                  "FIXED_MOMENT"},
        Malformed{With(kName, absl::StrCat(kName, ", \"schemaChecks\": true")),
                  "accounts[0].schemaChecks: must be one of ON, OFF"},
        Malformed{With(kName, absl::StrCat(kName,
                                           ", \"fieldChecks\": "
                                           "{\"names\": \"ON\"}")),
                  "accounts[0].fieldChecks.names: must be one of REJECT, WARN, "
                  "OFF"},
        Malformed{With(kName, absl::StrCat(kName,
                                           ", \"fieldRefresh\": "
                                           "\"0.5s\"")),
                  "accounts[0].fieldRefresh: must be 0s, or at least 1s: each "
                  "time costs a call"},
        Malformed{With(kName, absl::StrCat(kName,
                                           ", \"fieldRefresh\": "
                                           "\"86401s\"")),
                  "accounts[0].fieldRefresh: must be from 0s to 86400s"}));

INSTANTIATE_TEST_SUITE_P(
    Ranges, MalformedJson,
    ::testing::Values(
        Malformed{With(kCalls, "\"calls\": 0"),
                  "accounts[0].allowance.calls: must be a whole number from 1 "
                  "to 10,000"},
        Malformed{With(kCalls, "\"calls\": 10001"),
                  "accounts[0].allowance.calls: must be a whole number from 1 "
                  "to 10,000"},
        Malformed{With(kCalls, "\"calls\": 99999999999999999999"),
                  "accounts[0].allowance.calls: must be a whole number from 1 "
                  "to 10,000"},
        Malformed{With(kCalls, "\"dailyCalls\": -1"),
                  "accounts[0].allowance.dailyCalls: must be a whole number "
                  "from 0 to 1,000,000,000"},
        Malformed{With(kWindow, "\"window\": \"0.099999999s\""),
                  "accounts[0].allowance.window: must be from 0.1s to 3600s"},
        Malformed{With(kWindow, "\"window\": \"-5s\""),
                  "accounts[0].allowance.window: must be from 0.1s to 3600s"},
        Malformed{With(kWindow, "\"window\": \"3600.000000001s\""),
                  "accounts[0].allowance.window: must be from 0.1s to 3600s"},
        Malformed{With(kName, absl::StrCat(kName, ", \"callTimeout\": \"0s\"")),
                  "accounts[0].callTimeout: must be from 1s to 300s"},
        Malformed{With(kListen,
                       absl::StrCat(kListen, ", \"drainTimeout\": \"601s\"")),
                  "drainTimeout: must be from 0s to 600s"},
        Malformed{With(kListen, absl::StrCat(kListen,
                                             ", \"limits\": "
                                             "{\"maxLeadsPerRequest\": 0}")),
                  "limits.maxLeadsPerRequest: must be a whole number from 1 to "
                  "100,000"},
        Malformed{With(kListen, absl::StrCat(kListen,
                                             ", \"limits\": "
                                             "{\"maxRequestBytes\": 65535}")),
                  "limits.maxRequestBytes: must be a whole number from 65,536 "
                  "to 268,435,456"},
        Malformed{With(kListen, absl::StrCat(kListen,
                                             ", \"limits\": {\"defaultTimeout\""
                                             ": \"100000s\"}")),
                  "limits.defaultTimeout: must be from 1s to 86400s"}));

INSTANTIATE_TEST_SUITE_P(
    Rules, MalformedJson,
    ::testing::Values(
        Malformed{With(kListen, "\"limits\": {}"),
                  "listen.address: is missing; such as \"127.0.0.1:50051\""},
        Malformed{With(kAdmin, "\"admin\": {}"),
                  "admin.address: is missing; such as \"127.0.0.1:8081\""},
        Malformed{With("127.0.0.1:50051", "127.0.0.1:65536"),
                  "listen.address: must have a port from 0 to 65535"},
        Malformed{With("127.0.0.1:50051", "::1:50051"),
                  "listen.address: has more than one \":\"; an IPv6 address "
                  "stands in brackets, such as [::1]"},
        Malformed{With("127.0.0.1:8081", "localhost"),
                  "admin.address: must end with a port, such as \":50051\""},
        Malformed{With("127.0.0.1:8081", "127.0.0.1:50051"),
                  "admin.address: must differ from listen.address"},
        Malformed{With("\"acme\"", "\"\""),
                  "accounts[0].name: is missing; requests name the account by "
                  "it"},
        Malformed{With("\"acme\"", "\"Acme Ltd\""),
                  "accounts[0].name: must be 1 to 63 of a-z, 0-9, \"-\", "
                  "\"_\", \".\""},
        Malformed{With("acme", std::string(64, 'a')),
                  "accounts[0].name: must be 1 to 63 of a-z, 0-9, \"-\", "
                  "\"_\", \".\""},
        Malformed{
            With(kUrl, "\"http://api.leadsquared.com\""),
            "accounts[0].baseUrl: must start with \"https://\"; "
            "\"http://\" would send the keys in the clear and is accepted "
            "for loopback hosts only"},
        Malformed{With(kUrl, "\"https://api.leadsquared.com/v2\""),
                  "accounts[0].baseUrl: must end after the host and port; the "
                  "gateway adds the path"},
        Malformed{With(kUrl, "\"https://u:p@api.leadsquared.com\""),
                  "accounts[0].baseUrl: must not hold a user name or password; "
                  "keys go into key files"},
        Malformed{With("\"admin\"", "\"tracing\": {}, \"admin\""),
                  "tracing.file: is missing; name the file that spans are "
                  "written to"},
        Malformed{With("\"admin\"",
                       "\"tracing\": {\"file\": \"s\", \"sampledPart\": 1.5},"
                       " \"admin\""),
                  "tracing.sampledPart: must be a number from 0 to 1"},
        Malformed{With("/run/secrets/access_key", ""),
                  "accounts[0].accessKeyFile: is missing; name the file that "
                  "holds the access key"},
        Malformed{With("/run/secrets/access_key", "/run/secrets/secret_key"),
                  "accounts[0].secretKeyFile: must differ from "
                  "accounts[0].accessKeyFile"},
        Malformed{
            With(kAccess, absl::StrCat(kAccess, ", \"accessKeyEnv\": \"KEY\"")),
            "accounts[0].accessKeyEnv: can't stand beside "
            "accounts[0].accessKeyFile; keep one of them"},
        Malformed{
            With(kAccess, "\"accessKeyEnv\": \"1 KEY\""),
            "accounts[0].accessKeyEnv: must be the name of an environment "
            "variable: letters, digits and \"_\", no digit first"},
        Malformed{With("/run/secrets/access_key", "a\\u0000b"),
                  "accounts[0].accessKeyFile: must not hold control characters "
                  "or line breaks"},
        Malformed{With(kName, absl::StrCat(kName,
                                           ", \"allowedCallers\": "
                                           "[\"a\", \"\"]")),
                  "accounts[0].allowedCallers[1]: must not be empty"},
        Malformed{With(kName, absl::StrCat(kName,
                                           ", \"allowedCallers\": "
                                           "[\"a*b\"]")),
                  "accounts[0].allowedCallers[0]: may have one \"*\", at its "
                  "end, for all that begin so"},
        Malformed{
            With(kName, absl::StrCat(kName,
                                     ", \"allowedCallers\": "
                                     "[\"a\", \"spiffe://td/*\"]")),
            "accounts[0].allowedCallers[1]: names an identity, and the "
            "listener can't tell who callers are: set "
            "listen.tls.clientCaFile, or listen.trustedProxies.localPeers "
            "behind a proxy on this machine"},
        Malformed{With(kListen,
                       "\"listen\": { \"address\": \"127.0.0.1:50051\", "
                       "\"trustedProxies\": { \"identities\": "
                       "[ \"spiffe://td/proxy\" ] } }"),
                  "listen.trustedProxies.identities: can't be known: set "
                  "listen.tls with clientCaFile"},
        // Beyond loopback only with an explicit word, or TLS.
        Malformed{
            With("127.0.0.1:50051", "0.0.0.0:50051"),
            "listen.address: can be reached from other machines, and the "
            "listener is plaintext: set listen.tls, or bind a loopback "
            "address, or say listen.allowPlaintext if the network encrypts "
            "by itself"},
        Malformed{With("127.0.0.1:50051", "unix:gateway.sock"),
                  "listen.address: must name the socket file by its whole path "
                  "of at most 107 bytes, such as "
                  "\"unix:/run/lead_gateway.sock\""},
        Malformed{With("127.0.0.1:50051",
                       absl::StrCat("unix:/", std::string(107, 'x'))),
                  "listen.address: must name the socket file by its whole path "
                  "of at most 107 bytes, such as "
                  "\"unix:/run/lead_gateway.sock\""},
        Malformed{
            With(kListen, absl::StrCat(kListen, ", \"defaultAccount\": \"x\"")),
            "defaultAccount: must be the name of one of the accounts"},
        Malformed{R"({"listen": {"address": "localhost:1"}, "accounts": []})",
                  "accounts: must hold at least one account"},
        Malformed{R"({"listen": {"address": "localhost:1"}, "accounts": [
                    {"name": "a", "baseUrl": "https://x.example",
                     "accessKeyFile": "a", "secretKeyFile": "s"},
                    {"name": "a", "baseUrl": "https://y.example",
                     "accessKeyFile": "a", "secretKeyFile": "s"}]})",
                  "accounts[1].name: is the name of accounts[0] too; each name "
                  "once"}));

TEST(ParseConfig, ReportsEveryMistakeAtOnce) {
  EXPECT_EQ(
      MistakesOf(R"json({
        "listne": { "address": "localhost:1" },
        "admin": { "address": "localhost:99999" },
        "drainTimeout": 5,
        "accounts": [
          { "name": 1, "baseUrl": "api.leadsquared.com",
            "allowance": { "calls": 0, "window": "2h" } },
          7 ] })json"),
      "listne: is not a setting; did you mean \"listen\"?\n"
      "drainTimeout: must be seconds in quotes with an \"s\", such as "
      "\"1.5s\"\n"
      "accounts[0].name: must be text in double quotes\n"
      "accounts[0].allowance.calls: must be a whole number from 1 to 10,000\n"
      "accounts[0].allowance.window: must be seconds in quotes with an \"s\", "
      "such as \"1.5s\"\n"
      "accounts[1]: must be an object in { }\n"
      "listen.address: is missing; such as \"127.0.0.1:50051\"\n"
      "admin.address: must have a port from 0 to 65535\n"
      "accounts[0].baseUrl: must start with \"https://\"\n"
      "accounts[0].accessKeyFile: is missing; name the file that holds the "
      "access key\n"
      "accounts[0].secretKeyFile: is missing; name the file that holds the "
      "secret key");
}

TEST(ParseConfig, RepeatsNoValueOfTheFile) {
  for (const char* text :
       {R"({"listen": {"address": "hunter2"}, "defaultAccount": "hunter2",
            "logLevel": "hunter2", "drainTimeout": "hunter2",
            "accounts": [ {"name": "hunter2!", "baseUrl": "hunter2",
                           "credentialsIn": "hunter2",
                           "allowance": "hunter2"}, "hunter2" ]})",
        R"({"listen": hunter2})", R"({"listen": "hunter2)"}) {
    EXPECT_THAT(MistakesOf(text), Not(HasSubstr("hunter2")));
  }
  for (const char* text :
       {"listen: \"hunter2\"", "listen { address: hunter2 }",
        "default_account: \"hunter2", "log_level: hunter2",
        "accounts { allowance { calls: hunter2 } }",
        "accounts { allowance { calls: \"hunter2\" } }",
        "listen { address: \"hunter2\" } default_account: \"hunter2\"",
        "accounts { base_url: \"hunter2\" } ]"}) {
    const std::string mistakes = MistakesOf(text, ConfigFormat::kTextproto);
    EXPECT_NE(mistakes, "");
    EXPECT_THAT(mistakes, Not(HasSubstr("hunter2"))) << text;
  }
}

TEST(ParseConfig, ReadsWeightsAndTheDaysSettings) {
  const auto text = ParseConfig(
      "listen { address: 'localhost:1' }\n"
      "accounts { name: 'a' base_url: 'https://x' access_key_file: 'a'\n"
      "  secret_key_file: 's'\n"
      "  allowance { daily_calls: 9 daily_spread: NONE daily_zone: 'UTC' }\n"
      "  callers { name: 'crm' weight: 2.5 } callers { name: 'b' } }\n"
      "limits { max_queued_leads_per_caller: 7\n"
      "  max_queued_bytes_per_caller: 65536 }\n",
      ConfigFormat::kTextproto);
  ASSERT_TRUE(text.ok()) << text.status();
  const AccountOptions& account = text->accounts[0];
  EXPECT_FALSE(account.spread_daily_calls);
  EXPECT_EQ(account.daily_zone.name(), "UTC");
  ASSERT_EQ(account.caller_weights.size(), 2);
  EXPECT_EQ(account.caller_weights[0].first, "crm");
  EXPECT_EQ(account.caller_weights[0].second, 2.5);
  EXPECT_EQ(account.caller_weights[1].second, 1);
  EXPECT_EQ(text->limits.max_queued_leads_per_caller, 7);
  EXPECT_EQ(text->limits.max_queued_bytes_per_caller, 65'536);
}

TEST(ParseConfig, RefusesWeightsThatAreNone) {
  const std::string rule =
      "accounts[0].callers[0].weight: must be a number from 0.01 to 100";
  const auto with = [](absl::string_view weight, ConfigFormat format) {
    return format == ConfigFormat::kJson
               ? MistakesOf(absl::StrCat(
                     R"({"listen":{"address":"[::1]:1"},"accounts":[{"name":"a",)"
                     R"("baseUrl":"https://x","accessKeyFile":"a",)"
                     R"("secretKeyFile":"s","callers":[{"name":"c",)"
                     R"("weight":)",
                     weight, "}]}]}"))
               : MistakesOf(
                     absl::StrCat(
                         "listen { address: '[::1]:1' } accounts { name: "
                         "'a' base_url: 'https://x' access_key_file: "
                         "'a' secret_key_file: 's' callers { name: "
                         "'c' weight: ",
                         weight, " } }"),
                     ConfigFormat::kTextproto);
  };
  for (const char* weight :
       {"0", "-1", "0.001", "101", "1e300", "\"NaN\"", "\"2\"", "true"}) {
    EXPECT_EQ(with(weight, ConfigFormat::kJson), rule) << weight;
  }
  for (const char* weight : {"0", "-1", "nan", "inf", "-inf", "1e300"}) {
    EXPECT_EQ(with(weight, ConfigFormat::kTextproto), rule) << weight;
  }
  EXPECT_EQ(with("2.5", ConfigFormat::kJson), "");
}

TEST(ParseConfig, RefusesCallersTwiceAndZonesThatAreNone) {
  EXPECT_EQ(
      MistakesOf("listen { address: '[::1]:1' } accounts { name: 'a' base_url: "
                 "'https://x' access_key_file: 'a' secret_key_file: 's' "
                 "callers { name: 'c' } callers { name: 'c' } callers { } "
                 "allowance { daily_zone: '/etc/passwd' } }",
                 ConfigFormat::kTextproto),
      "accounts[0].callers[1].name: is the name of accounts[0].callers[0] too; "
      "each name once\n"
      "accounts[0].callers[2].name: is missing; the weight is that caller's\n"
      "accounts[0].allowance.daily_zone: is not a time zone that this machine "
      "knows; such as \"UTC\" or \"Asia/Kolkata\" (package tzdata)");
}

TEST(ParseConfig, SpellsPathsOfTextprotoAsItDoes) {
  EXPECT_EQ(MistakesOf("listen { address: 'localhost:1' }\n"
                       "accounts {\n"
                       "  name: 'a' base_url: 'ftp://x'\n"
                       "  access_key: 'x'\n"
                       "  allowance { calls: 0 window { seconds: 1 nanos: -1 } "
                       "counting: 9 }\n"
                       "}\n"
                       "sound: true\n",
                       ConfigFormat::kTextproto),
            "line 4, column 13: \"access_key\" is not a setting; did you mean "
            "\"access_key_file\"?\n"
            "line 7, column 6: \"sound\" is not a setting; here may stand "
            "listen, admin, accounts, default_account, limits, drain_timeout, "
            "log_level, state_dir, allow_core_dumps, tracing\n"
            "accounts[0].allowance.calls: must be a whole number from 1 to "
            "10,000\n"
            "accounts[0].allowance.window: must be from 0.1s to 3600s\n"
            "accounts[0].allowance.counting: must be one of ANY_MOMENT, "
            "FIXED_MOMENT\n"
            "accounts[0].base_url: must start with \"https://\"\n"
            "accounts[0].access_key_file: is missing; name the file that holds "
            "the access key\n"
            "accounts[0].secret_key_file: is missing; name the file that holds "
            "the secret key");
}

TEST(ParseConfig, NamesTheSpotWhereTextprotoIsBroken) {
  struct Case {
    std::string text;
    const char* mistakes;
  };
  for (const Case& c : {
           Case{"listen {\n  address 5\n}",
                "line 2, column 11: expected \":\""},
           Case{"listen { address: 5 }", "line 1, column 19: expected string"},
           Case{"log_level: LOUD",
                "line 1, column 16: not a value of "
                "\"log_level\""},
           Case{"drain_timeout { seconds: 1 } drain_timeout { seconds: 2 }",
                "line 1, column 44: \"drain_timeout\" is given twice; keep one "
                "of them"},
           Case{"limits { max_queued_leads: 99999999999999999999 }",
                "line 1, column 28: a number is too large"},
           Case{"listen {", "line 1, column 9: expected identifier"},
       }) {
    EXPECT_EQ(MistakesOf(c.text, ConfigFormat::kTextproto), c.mistakes)
        << c.text;
  }
}

TEST(ParseConfig, OutlivesDeepNestingInTextproto) {
  for (const char* open : {"x { ", "listen { ", "x < ", "x: [{ ", "x: [[ "}) {
    std::string text;
    while (text.size() < 900'000) text += open;
    EXPECT_NE(MistakesOf(text, ConfigFormat::kTextproto), "");
  }
}

class LoadConfigTest : public ::testing::Test {
 protected:
  std::string PathOf(absl::string_view name) const {
    return absl::StrCat(::testing::TempDir(), "/", name);
  }
  std::string Write(absl::string_view name, absl::string_view text) const {
    std::string path = PathOf(name);
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  static std::string Mistakes(const std::string& path) {
    const absl::Status status = LoadConfig(path).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  }
};

TEST_F(LoadConfigTest, ReadsAFileByItsExtension) {
  EXPECT_TRUE(LoadConfig(Write("good.json", kMinimal)).ok());
  EXPECT_TRUE(LoadConfig(Write("good.textproto", kFullTextproto)).ok());
}

TEST_F(LoadConfigTest, RefusesAnotherExtension) {
  const std::string path = Write("good.yaml", kMinimal);
  EXPECT_EQ(Mistakes(path),
            absl::StrCat(path, ": must be named *.json or *.textproto"));
}

TEST_F(LoadConfigTest, NamesTheFileThatCannotBeRead) {
  const std::string path = PathOf("nowhere.json");
  EXPECT_EQ(Mistakes(path),
            absl::StrCat(path, ": can't be read: No such file or directory"));
}

TEST_F(LoadConfigTest, RefusesADirectory) {
  const std::string path = PathOf("directory.json");
  mkdir(path.c_str(), 0700);
  EXPECT_EQ(Mistakes(path),
            absl::StrCat(path, ": is a directory; name a file"));
}

TEST_F(LoadConfigTest, RefusesAPipeWithoutWaitingForIt) {
  const std::string path = PathOf("pipe.json");
  mkfifo(path.c_str(), 0600);
  EXPECT_EQ(Mistakes(path), absl::StrCat(path, ": is not a regular file"));
}

TEST_F(LoadConfigTest, RefusesAFileOfMoreThanOneMebibyte) {
  const std::string path = Write("large.json", std::string((1 << 20) + 1, ' '));
  EXPECT_EQ(Mistakes(path), absl::StrCat(path, ": is larger than 1 MiB"));
}

TEST_F(LoadConfigTest, RefusesAnEmptyFile) {
  EXPECT_EQ(Mistakes(Write("empty.json", "")), "line 1, column 1: is empty");
}

}  // namespace
}  // namespace leadgateway
