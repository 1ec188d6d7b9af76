#include "gateway/identity/authorization_policy.h"

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/config/authorization_policy_file.h"
#include "gateway/identity/caller.h"
#include "gateway/identity/identity.h"
#include "gateway/model/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway::identity {
namespace {

using ::testing::HasSubstr;

// The example of gRFC A43.
constexpr char kExample[] = R"json({
  "name": "example-policy",
  "allow_rules": [
    { "name": "admin-access",
      "source": { "principals": [ "spiffe://foo.com/sa/admin1",
                                  "spiffe://foo.com/sa/admin2" ] },
      "request": { "paths": [ "/pkg.service/*" ] } },
    { "name": "dev-access",
      "source": { "principals": [ "*", "" ] },
      "request": { "paths": [ "/pkg.service/foo", "/pkg.service/bar" ],
                   "headers": [ { "key": "dev-path",
                                  "values": [ "/dev/path/*" ] } ] } } ],
  "deny_rules": [
    { "name": "deny-access", "request": { "paths": [ "*/secret" ] } } ]
})json";

AuthorizationPolicy Policy(absl::string_view text) {
  absl::StatusOr<AuthorizationPolicy> policy = ParseAuthorizationPolicy(text);
  EXPECT_TRUE(policy.ok()) << policy.status();
  return policy.value_or(AuthorizationPolicy{});
}

Caller By(const Identity& identity, bool tls = true) {
  Caller caller;
  caller.name = "x";
  caller.identity = identity;
  caller.tls = tls;
  return caller;
}

using Headers = std::map<std::string, std::string>;

bool Allows(const AuthorizationPolicy& policy, absl::string_view method,
            const Caller& caller, const Headers& headers = {}) {
  const absl::Status status =
      Authorize(policy, method, caller,
                [&](absl::string_view key) -> std::optional<std::string> {
                  const auto it = headers.find(std::string(key));
                  if (it == headers.end()) return std::nullopt;
                  return it->second;
                });
  if (!status.ok()) {
    EXPECT_TRUE(absl::IsPermissionDenied(status));
    EXPECT_EQ(errors::ReasonNameOf(status), "POLICY_DENIED");
  }
  return status.ok();
}

// A policy with one rule, whose source or request is `rest`.
bool Matches(const std::string& rest, absl::string_view method,
             const Caller& caller, const Headers& headers = {}) {
  return Allows(
      Policy(R"({"name": "p", "allow_rules": [ {"name": "r")" + rest + "} ] }"),
      method, caller, headers);
}

TEST(AuthorizeTest, DoesWhatTheProposalsExampleSays) {
  const AuthorizationPolicy policy = Policy(kExample);
  const Caller admin = By({.uris = {"spiffe://foo.com/sa/admin1"}});
  const Caller dev = By({.uris = {"spiffe://foo.com/sa/dev"}});
  const Caller nobody = By({});
  const Headers path = {{"dev-path", "/dev/path/x"}};

  EXPECT_TRUE(Allows(policy, "/pkg.service/foo", admin));
  EXPECT_TRUE(Allows(policy, "/pkg.service/anything", admin));
  EXPECT_FALSE(Allows(policy, "/pkg.other/foo", admin));

  EXPECT_TRUE(Allows(policy, "/pkg.service/foo", dev, path));
  EXPECT_TRUE(Allows(policy, "/pkg.service/bar", nobody, path));
  EXPECT_FALSE(Allows(policy, "/pkg.service/foo", dev));
  EXPECT_FALSE(
      Allows(policy, "/pkg.service/foo", dev, {{"dev-path", "/prod/path/"}}));
  EXPECT_FALSE(Allows(policy, "/pkg.service/baz", dev, path));
  EXPECT_FALSE(Allows(policy, "/pkg.service/foo", By({}, false), path));

  // Not even the admins.
  EXPECT_FALSE(Allows(policy, "/pkg.service/secret", admin, path));
}

TEST(AuthorizeTest, ARuleWithoutConditionsAlwaysMatches) {
  for (
      const char* const rest :
      {"", R"(, "source": {}, "request": {})",
       R"(, "source": {"principals": []}, "request": {"paths": [], "headers": []})"}) {
    EXPECT_TRUE(Matches(rest, "/a/b", By({}, false))) << rest;
  }
}

TEST(AuthorizeTest, ComparesExactlyByBeginningByEndAndForPresence) {
  const auto path = [](const std::string& pattern, absl::string_view method) {
    return Matches(R"(, "request": {"paths": [")" + pattern + "\"]}", method,
                   By({}));
  };
  EXPECT_TRUE(path("abc", "abc"));
  EXPECT_FALSE(path("abc", "abcd"));
  EXPECT_TRUE(path("abc*", "abc"));
  EXPECT_TRUE(path("abc*", "abcd"));
  EXPECT_FALSE(path("abc*", "xabc"));
  EXPECT_TRUE(path("*abc", "abc"));
  EXPECT_TRUE(path("*abc", "xabc"));
  EXPECT_FALSE(path("*abc", "abcd"));
  EXPECT_TRUE(path("*", "a"));
  EXPECT_FALSE(path("*", ""));
  EXPECT_TRUE(path("a*c", "a*c"));
  EXPECT_FALSE(path("a*c", "abc"));
  EXPECT_FALSE(path("", "a"));
  EXPECT_TRUE(path("\\u0061", "a"));  // an escape of JSON
}

TEST(AuthorizeTest, LooksForPrincipalsInUrisThenDnsNamesThenTheSubject) {
  const Identity identity = {.uris = {"spiffe://td/a", "https://b"},
                             .dns_names = {"c.example.org"},
                             .subject = "CN=d"};
  const auto from = [](const std::string& principal, const Caller& caller) {
    return Matches(R"(, "source": {"principals": [")" + principal + "\"]}",
                   "/a/b", caller);
  };
  for (const char* const principal :
       {"spiffe://td/a", "https://*", "*.example.org", "CN=d", "*"}) {
    EXPECT_TRUE(from(principal, By(identity))) << principal;
    EXPECT_FALSE(from(principal, By(identity, /*tls=*/false))) << principal;
  }
  EXPECT_FALSE(from("spiffe://td/b", By(identity)));
  EXPECT_FALSE(from("", By(identity)));
  // Nobody, over TLS.
  EXPECT_TRUE(from("", By({})));
  EXPECT_FALSE(from("*", By({})));
  EXPECT_FALSE(from("", By({}, false)));
}

TEST(AuthorizeTest, AllHeadersMustMatchWithOneOfTheirValues) {
  const std::string rule = R"(, "request": {"headers": [
      {"key": "Env", "values": ["test", "dev*"]},
      {"key": "team", "values": ["*"]} ]})";
  EXPECT_TRUE(Matches(rule, "/a/b", By({}), {{"env", "dev1"}, {"team", "x"}}));
  EXPECT_TRUE(Matches(rule, "/a/b", By({}), {{"env", "test"}, {"team", "x"}}));
  EXPECT_FALSE(Matches(rule, "/a/b", By({}), {{"env", "prod"}, {"team", "x"}}));
  EXPECT_FALSE(Matches(rule, "/a/b", By({}), {{"env", "dev"}}));
  EXPECT_FALSE(Matches(rule, "/a/b", By({}), {{"env", "dev"}, {"team", ""}}));
}

TEST(AuthorizeTest, NamesTheRuleThatDenies) {
  const AuthorizationPolicy policy = Policy(kExample);
  const auto none = [](absl::string_view) { return std::nullopt; };
  EXPECT_EQ(Authorize(policy, "/pkg.service/secret", By({}), none).message(),
            "caller \"x\" may not call /pkg.service/secret: in the "
            "authorization policy \"example-policy\" deny rule \"deny-access\" "
            "matches");
  EXPECT_THAT(Authorize(policy, "/a/b", By({}), none).message(),
              HasSubstr("no allow rule matches"));
}

struct Mistake {
  const char* text;
  const char* line;
};

TEST(ParseAuthorizationPolicy, SaysWhatIsWrongAndWhere) {
  for (const Mistake& m : {
           Mistake{"", "line 1, column 1: the text ends too early"},
           Mistake{"[]", "line 1, column 1: must be an object in { }"},
           Mistake{"{\"name\": \"\xff\"}",
                   "line 1, column 11: is not UTF-8 text"},
           Mistake{"{}",
                   "name: is missing\nallow_rules: must hold at least one "
                   "rule: without, every RPC is refused"},
           Mistake{R"({"name": "p", "allow_rules": [ {} ]})",
                   "allow_rules[0].name: is missing"},
           Mistake{R"({"name": "p", "allow_rules": [ {"name": "a"},
                                                      {"name": "a"} ]})",
                   "allow_rules[1].name: is the name of allow_rules[0] too; "
                   "each name once"},
           Mistake{R"({"name": "p", "allow_rules": [ {"name": "a"} ],
                       "deny_rule": []})",
                   "deny_rule: is not a setting; did you mean \"deny_rules\"?"},
           Mistake{R"({"name": "p", "allow_rules": [ {"name": "a",
                       "source": {"principals": "x", "ip": ["y"]}} ]})",
                   "allow_rules[0].source.principals: must be a list in [ ]\n"
                   "allow_rules[0].source.ip: is not a setting; here may stand "
                   "principals"},
           Mistake{R"({"name": "p", "allow_rules": [ {"name": "a",
                       "request": {"headers": [ {"key": ":path", "values": []},
                                                {"key": "Host", "values": ["x"]},
                                                {"key": "grpc-x", "values": [""]},
                                                {"values": ["x"]} ]}} ]})",
                   "allow_rules[0].request.headers[0].key: is a header that a "
                   "policy can't be about\n"
                   "allow_rules[0].request.headers[0].values: must hold at "
                   "least one\n"
                   "allow_rules[0].request.headers[1].key: is a header that a "
                   "policy can't be about\n"
                   "allow_rules[0].request.headers[2].key: is a header that a "
                   "policy can't be about\n"
                   "allow_rules[0].request.headers[3].key: is missing"},
       }) {
    const absl::Status status = ParseAuthorizationPolicy(m.text).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << m.text;
    EXPECT_EQ(status.message(), m.line) << m.text;
  }
}

}  // namespace
}  // namespace leadgateway::identity
