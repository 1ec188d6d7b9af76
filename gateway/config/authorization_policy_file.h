#ifndef LEADGATEWAY_GATEWAY_CONFIG_AUTHORIZATION_POLICY_FILE_H_
#define LEADGATEWAY_GATEWAY_CONFIG_AUTHORIZATION_POLICY_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/identity/authorization_policy.h"

namespace leadgateway {

// Reads an authorization policy in JSON. kInvalidArgument with one line per
// mistake otherwise, as ParseConfig: "allow_rules[0].name: is missing".
absl::StatusOr<identity::AuthorizationPolicy> ParseAuthorizationPolicy(
    absl::string_view text);

// ParseAuthorizationPolicy() of a file of at most 1 MiB; each line begins with
// the file's path.
absl::StatusOr<identity::AuthorizationPolicy> LoadAuthorizationPolicy(
    const std::string& path);

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_CONFIG_AUTHORIZATION_POLICY_FILE_H_
