#include "gateway/config/authorization_policy_file.h"

#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "gateway/base/status_macros.h"
#include "gateway/config/config_rules.h"
#include "gateway/config/json_outline.h"
#include "gateway/config/mistakes.h"
#include "gateway/config/text_file.h"
#include "gateway/identity/authorization_policy.h"
#include "google/protobuf/util/json_util.h"
#include "leadgateway/config/v1/authorization_policy.pb.h"

namespace leadgateway {
namespace {

namespace pb = google::protobuf;
using config::v1::AuthorizationRule;
using identity::AuthorizationPolicy;

// Headers that gRPC gives to no application, or that proxies change at will: a
// rule about them would not do what it says.
bool IsUnsupportedHeader(absl::string_view key) {
  static constexpr absl::string_view kHopByHop[] = {"host",
                                                    "connection",
                                                    "keep-alive",
                                                    "proxy-authenticate",
                                                    "proxy-authorization",
                                                    "te",
                                                    "trailer",
                                                    "transfer-encoding",
                                                    "upgrade"};
  if (absl::StartsWith(key, ":") || absl::StartsWith(key, "grpc-") ||
      absl::EndsWith(key, "-bin")) {
    return true;
  }
  for (const absl::string_view each : kHopByHop) {
    if (key == each) return true;
  }
  return false;
}

AuthorizationPolicy::Rule ToRule(const AuthorizationRule& from,
                                 const std::string& path, Mistakes& mistakes) {
  AuthorizationPolicy::Rule rule;
  rule.name = from.name();
  rule.principals.assign(from.source().principals().begin(),
                         from.source().principals().end());
  rule.paths.assign(from.request().paths().begin(),
                    from.request().paths().end());
  if (from.name().empty()) {
    mistakes.Add(absl::StrCat(path, ".name"), "is missing");
  }
  for (int i = 0; i < from.request().headers_size(); ++i) {
    const AuthorizationRule::Header& header = from.request().headers(i);
    const std::string at = absl::StrCat(path, ".request.headers[", i, "]");
    AuthorizationPolicy::Header& added = rule.headers.emplace_back();
    added.key = absl::AsciiStrToLower(header.key());
    added.values.assign(header.values().begin(), header.values().end());
    if (added.key.empty()) {
      mistakes.Add(absl::StrCat(at, ".key"), "is missing");
    } else if (IsUnsupportedHeader(added.key)) {
      mistakes.Add(absl::StrCat(at, ".key"),
                   "is a header that a policy can't be about");
    }
    if (added.values.empty()) {
      mistakes.Add(absl::StrCat(at, ".values"), "must hold at least one");
    }
  }
  return rule;
}

std::vector<AuthorizationPolicy::Rule> ToRules(
    const pb::RepeatedPtrField<AuthorizationRule>& from,
    const std::string& path, Mistakes& mistakes) {
  std::vector<AuthorizationPolicy::Rule> rules;
  std::map<std::string, int> names;
  for (int i = 0; i < from.size(); ++i) {
    const std::string at = absl::StrCat(path, "[", i, "]");
    rules.push_back(ToRule(from[i], at, mistakes));
    const auto [first, fresh] = names.emplace(from[i].name(), i);
    if (!fresh) {
      mistakes.Add(absl::StrCat(at, ".name"),
                   absl::StrCat("is the name of ", path, "[", first->second,
                                "] too; each name once"));
    }
  }
  return rules;
}

}  // namespace

absl::StatusOr<AuthorizationPolicy> ParseAuthorizationPolicy(
    absl::string_view text) {
  LG_RETURN_IF_ERROR(CheckUtf8(text));
  LG_ASSIGN_OR_RETURN(JsonOutline outline, ReadJsonOutline(text));
  if (outline.kind != JsonOutline::Kind::kObject) {
    return absl::InvalidArgumentError(
        "line 1, column 1: must be an object in { }");
  }
  Mistakes mistakes;
  CheckShape(outline, *config::v1::AuthorizationPolicy::descriptor(), mistakes);
  config::v1::AuthorizationPolicy read;
  if (!pb::util::JsonStringToMessage(WriteJson(outline), &read).ok() &&
      mistakes.empty()) {
    return absl::InvalidArgumentError(
        "line 1, column 1: is not an authorization policy");
  }
  if (read.name().empty()) mistakes.Add("name", "is missing");
  if (read.allow_rules().empty()) {
    mistakes.Add("allow_rules",
                 "must hold at least one rule: without, every RPC is refused");
  }
  AuthorizationPolicy policy;
  policy.name = read.name();
  policy.deny_rules = ToRules(read.deny_rules(), "deny_rules", mistakes);
  policy.allow_rules = ToRules(read.allow_rules(), "allow_rules", mistakes);
  LG_RETURN_IF_ERROR(mistakes.ToStatus());
  return policy;
}

absl::StatusOr<AuthorizationPolicy> LoadAuthorizationPolicy(
    const std::string& path) {
  LG_ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  absl::StatusOr<AuthorizationPolicy> policy = ParseAuthorizationPolicy(text);
  if (policy.ok()) return policy;
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": ",
      absl::StrReplaceAll(policy.status().message(),
                          {{"\n", absl::StrCat("\n", path, ": ")}})));
}

}  // namespace leadgateway
