#include "gateway/identity/authorization_policy.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "gateway/identity/caller.h"
#include "gateway/identity/identity.h"
#include "gateway/model/errors.h"

namespace leadgateway::identity {
namespace {

// Exact, beginning, end, or anything: in this order of looks, as gRPC does it,
// so that "*a*" is whatever ends in "a*".
bool MatchesPolicyPattern(absl::string_view pattern, absl::string_view text) {
  if (pattern == "*") return !text.empty();
  if (absl::ConsumePrefix(&pattern, "*")) return absl::EndsWith(text, pattern);
  if (absl::ConsumeSuffix(&pattern, "*")) {
    return absl::StartsWith(text, pattern);
  }
  return text == pattern;
}

bool MatchesOne(const std::vector<std::string>& patterns,
                absl::string_view text) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) {
                       return MatchesPolicyPattern(pattern, text);
                     });
}

bool SourceMatches(const std::vector<std::string>& principals,
                   const Caller& caller) {
  if (principals.empty()) return true;
  if (!caller.tls) return false;
  const Identity& identity = caller.identity;
  const auto matches = [&](const std::string& name) {
    return MatchesOne(principals, name);
  };
  return std::any_of(identity.uris.begin(), identity.uris.end(), matches) ||
         std::any_of(identity.dns_names.begin(), identity.dns_names.end(),
                     matches) ||
         // Without any certificate it is "".
         matches(identity.subject);
}

bool RuleMatches(const AuthorizationPolicy::Rule& rule,
                 absl::string_view method, const Caller& caller,
                 HeaderLookup header) {
  return SourceMatches(rule.principals, caller) &&
         (rule.paths.empty() || MatchesOne(rule.paths, method)) &&
         std::all_of(rule.headers.begin(), rule.headers.end(),
                     [&](const AuthorizationPolicy::Header& wanted) {
                       const std::optional<std::string> value =
                           header(wanted.key);
                       return value && MatchesOne(wanted.values, *value);
                     });
}

}  // namespace

absl::Status Authorize(const AuthorizationPolicy& policy,
                       absl::string_view method, const Caller& caller,
                       HeaderLookup header) {
  const auto matches = [&](const AuthorizationPolicy::Rule& rule) {
    return RuleMatches(rule, method, caller, header);
  };
  const auto denied =
      std::find_if(policy.deny_rules.begin(), policy.deny_rules.end(), matches);
  if (denied != policy.deny_rules.end()) {
    return errors::PolicyDenied(method, caller.name, policy.name, denied->name);
  }
  if (std::any_of(policy.allow_rules.begin(), policy.allow_rules.end(),
                  matches)) {
    return absl::OkStatus();
  }
  return errors::PolicyDenied(method, caller.name, policy.name, "");
}

}  // namespace leadgateway::identity
