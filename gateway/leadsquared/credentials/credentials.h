#ifndef LEADGATEWAY_GATEWAY_LEADSQUARED_CREDENTIALS_CREDENTIALS_H_
#define LEADGATEWAY_GATEWAY_LEADSQUARED_CREDENTIALS_CREDENTIALS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/base/secret.h"

namespace leadgateway::leadsquared {

// An account's keys.
struct Credentials {
  Secret access_key;
  Secret secret_key;
  // Which keys these are, in the order of loading; whoever loads them again
  // counts (LoadCredentials leaves 0).
  int64_t generation = 0;
  // What the operator should know about the files, in whole sentences that name
  // a path: that others may read them.
  std::vector<std::string> warnings;
};

// Where one key is: in a file or in an environment variable. One of the two is
// set.
struct KeyPlace {
  std::string file;      // its path
  std::string variable;  // its name
};

// Reads the keys, each alone in its file or variable, but for white space
// around it. An error names the paths or variables and what is wrong with each,
// never what is in them. kNotFound if one is missing, kFailedPrecondition
// otherwise.
absl::StatusOr<Credentials> LoadCredentials(const KeyPlace& access_key,
                                            const KeyPlace& secret_key);
// The same from two files.
absl::StatusOr<Credentials> LoadCredentials(const std::string& access_key_path,
                                            const std::string& secret_key_path);

// The keys as header lines.
std::vector<Secret> CredentialHeaders(const Credentials& credentials);

// `url` with the keys added to its query. For endpoints that take no headers.
Secret AppendCredentialQuery(absl::string_view url,
                             const Credentials& credentials);

}  // namespace leadgateway::leadsquared

#endif  // LEADGATEWAY_GATEWAY_LEADSQUARED_CREDENTIALS_CREDENTIALS_H_
