#ifndef LEADGATEWAY_GATEWAY_IDENTITY_AUTHORIZATION_POLICY_H_
#define LEADGATEWAY_GATEWAY_IDENTITY_AUTHORIZATION_POLICY_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gateway/identity/caller.h"

namespace leadgateway::identity {

// gRPC's authorization policy, as its file was read:
// proto/leadgateway/config/v1/authorization_policy.proto is the manual.
// Debian's gRPC 1.51 declares the providers of it and contains none.
struct AuthorizationPolicy {
  struct Header {
    std::string key = {};  // in lower case
    std::vector<std::string> values = {};

    friend bool operator==(const Header&, const Header&) = default;
  };
  struct Rule {
    std::string name = {};
    std::vector<std::string> principals = {};
    std::vector<std::string> paths = {};
    std::vector<Header> headers = {};

    friend bool operator==(const Rule&, const Rule&) = default;
  };

  std::string name = {};
  std::vector<Rule> deny_rules = {};
  std::vector<Rule> allow_rules = {};

  friend bool operator==(const AuthorizationPolicy&,
                         const AuthorizationPolicy&) = default;
};

// The value of an RPC's metadata, by its name in lower case; several are joined
// by ",".
using HeaderLookup =
    absl::FunctionRef<std::optional<std::string>(absl::string_view key)>;

// Whether `caller` may call `method` ("/package.Service/Method"); POLICY_DENIED
// otherwise.
absl::Status Authorize(const AuthorizationPolicy& policy,
                       absl::string_view method, const Caller& caller,
                       HeaderLookup header);

}  // namespace leadgateway::identity

#endif  // LEADGATEWAY_GATEWAY_IDENTITY_AUTHORIZATION_POLICY_H_
