#include "gateway/server/tls.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gateway/config/config.h"
#include "gateway/server/certificate_files.h"
#include "grpc/grpc_security_constants.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"

namespace leadgateway::server {
namespace {

// What CertificateFiles lets through is taken up at once, as gRPC counts.
constexpr unsigned kRefreshSeconds = 1;

grpc_ssl_client_certificate_request_type RequestType(
    TlsOptions::ClientCertificates certificates) {
  switch (certificates) {
    case TlsOptions::ClientCertificates::kNone:
      return GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
    case TlsOptions::ClientCertificates::kOptional:
      return GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY;
    case TlsOptions::ClientCertificates::kRequired:
      return GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  return GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
}

}  // namespace

std::shared_ptr<grpc::ServerCredentials> MakeTlsCredentials(
    const CertificateFiles& files,
    TlsOptions::ClientCertificates certificates) {
  const bool asks = certificates != TlsOptions::ClientCertificates::kNone;
  auto provider =
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
          files.identity_path(), files.identity_path(),
          asks ? files.client_ca_path() : std::string(), kRefreshSeconds);
  grpc::experimental::TlsServerCredentialsOptions options(std::move(provider));
  options.watch_identity_key_cert_pairs();
  if (asks) options.watch_root_certs();
  options.set_cert_request_type(RequestType(certificates));
  return grpc::experimental::TlsServerCredentials(options);
}

absl::Status CheckTlsFiles(const TlsOptions& tls) {
  return ReadCertificates(tls).status();
}

}  // namespace leadgateway::server
