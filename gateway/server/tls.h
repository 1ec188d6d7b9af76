#ifndef LEADGATEWAY_GATEWAY_SERVER_TLS_H_
#define LEADGATEWAY_GATEWAY_SERVER_TLS_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/config/config.h"
#include "grpcpp/security/server_credentials.h"

namespace leadgateway::server {

// The credentials of the gRPC listener: plaintext where `tls` is null, else TLS
// with certificates that are read anew when their files change.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsOptions* tls);

// What keeps a listener from serving with these files: kInvalidArgument with
// one line per mistake, each beginning with the setting's path.
absl::Status CheckTlsFiles(const TlsOptions& tls);

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_TLS_H_
