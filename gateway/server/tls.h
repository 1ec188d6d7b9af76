#ifndef LEADGATEWAY_GATEWAY_SERVER_TLS_H_
#define LEADGATEWAY_GATEWAY_SERVER_TLS_H_

#include <memory>

#include "absl/status/status.h"
#include "gateway/config/config.h"
#include "gateway/server/certificate_files.h"
#include "grpcpp/security/server_credentials.h"

namespace leadgateway::server {

// The credentials of the gRPC listener, TLS 1.2 and 1.3 with the certificates
// in `files`, which must outlive every server that uses them.
std::shared_ptr<grpc::ServerCredentials> MakeTlsCredentials(
    const CertificateFiles& files, TlsOptions::ClientCertificates certificates);

// What keeps a listener from serving with these files: kInvalidArgument with
// one line per mistake.
absl::Status CheckTlsFiles(const TlsOptions& tls);

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_TLS_H_
