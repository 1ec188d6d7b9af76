#include "gateway/server/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/config/config.h"
#include "grpc/grpc_security_constants.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"

namespace leadgateway::server {
namespace {

template <typename T, void (*Free)(T*)>
struct Freer {
  void operator()(T* object) const { Free(object); }
};
using Certificate = std::unique_ptr<X509, Freer<X509, X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY, EVP_PKEY_free>>;

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using File = std::unique_ptr<BIO, FreeBio>;

// Nobody is there to be asked for the password of a key.
int NoPassword(char*, int, int, void*) { return 0; }

File Open(const std::string& path) {
  return File(BIO_new_file(path.c_str(), "r"));
}

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

absl::Status CheckTlsFiles(const TlsOptions& tls) {
  std::vector<std::string> mistakes;
  const auto wrong = [&](absl::string_view setting, const std::string& path,
                         absl::string_view what) {
    mistakes.push_back(
        absl::StrCat("listen.tls.", setting, ": ", path, ": ", what));
  };
  // Reads a certificate, or adds what is wrong.
  const auto certificate = [&](absl::string_view setting,
                               const std::string& path) {
    const File file = Open(path);
    if (file == nullptr) {
      wrong(setting, path, "can't be read");
      return Certificate();
    }
    Certificate read(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr));
    if (read == nullptr) {
      wrong(setting, path, "holds no certificate in PEM format");
    }
    return read;
  };
  const Certificate own = certificate("certificateFile", tls.certificate_file);
  PrivateKey key;
  if (const File file = Open(tls.private_key_file); file == nullptr) {
    wrong("privateKeyFile", tls.private_key_file, "can't be read");
  } else {
    key.reset(
        PEM_read_bio_PrivateKey(file.get(), nullptr, NoPassword, nullptr));
    if (key == nullptr) {
      wrong("privateKeyFile", tls.private_key_file,
            "holds no private key in PEM format without a password");
    }
  }
  if (own != nullptr && key != nullptr &&
      X509_check_private_key(own.get(), key.get()) != 1) {
    wrong("privateKeyFile", tls.private_key_file,
          "is not the key of the certificate");
  }
  if (!tls.client_ca_file.empty()) {
    certificate("clientCaFile", tls.client_ca_file);
  }
  ERR_clear_error();
  if (mistakes.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(mistakes, "\n"));
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsOptions* tls) {
  if (tls == nullptr) return grpc::InsecureServerCredentials();
  if (absl::Status status = CheckTlsFiles(*tls); !status.ok()) return status;
  const bool asks =
      tls->client_certificates != TlsOptions::ClientCertificates::kNone;
  const auto interval = static_cast<unsigned>(absl::ToInt64Seconds(
      absl::Ceil(tls->refresh_interval, absl::Seconds(1))));
  auto provider =
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
          tls->private_key_file, tls->certificate_file,
          asks ? tls->client_ca_file : std::string(), interval);
  grpc::experimental::TlsServerCredentialsOptions options(std::move(provider));
  options.watch_identity_key_cert_pairs();
  if (asks) options.watch_root_certs();
  options.set_cert_request_type(RequestType(tls->client_certificates));
  return grpc::experimental::TlsServerCredentials(options);
}

}  // namespace leadgateway::server
