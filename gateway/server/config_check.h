#ifndef LEADGATEWAY_GATEWAY_SERVER_CONFIG_CHECK_H_
#define LEADGATEWAY_GATEWAY_SERVER_CONFIG_CHECK_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/config/config.h"

namespace leadgateway::server {

// What a start with these options would stumble over in the files that they
// name: keys (files and environment variables), saved field lists,
// certificates, the authorization policy, and whether the state directory is
// there or can be made. One line per mistake, beginning with the setting's
// path. Opens no port, calls nobody, and writes and locks nothing, so a gateway
// that runs on the same files is not disturbed.
//
// Otherwise returns warnings, a line each: key files that others may read.
absl::StatusOr<std::vector<std::string>> CheckFiles(
    const GatewayOptions& options);

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_CONFIG_CHECK_H_
