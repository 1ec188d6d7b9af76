#include "tests/integration/certificates.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"

namespace leadgateway::testing {
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
using Bio = std::unique_ptr<BIO, FreeBio>;

std::string TextOf(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  return {text, static_cast<size_t>(size)};
}

std::string Pem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  return TextOf(bio.get());
}

std::string Pem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr,
                           nullptr);
  return TextOf(bio.get());
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  X509_EXTENSION* const extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate NewCertificate(EVP_PKEY* key, absl::string_view common_name,
                           absl::Duration not_before,
                           absl::Duration not_after) {
  static std::atomic<int64_t> serial{1};
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()),
                  absl::ToInt64Seconds(not_before));
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()),
                  absl::ToInt64Seconds(not_after));
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("Example"),
                             -1, -1, 0);
  X509_NAME_add_entry_by_txt(
      subject, "CN", MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>(common_name.data()),
      static_cast<int>(common_name.size()), -1, 0);
  return certificate;
}

}  // namespace

struct Authority::Parts {
  PrivateKey key;
  Certificate certificate;
};

Authority::Authority(absl::string_view common_name)
    : parts_(std::make_unique<Parts>()) {
  parts_->key.reset(EVP_EC_gen("P-256"));
  parts_->certificate = NewCertificate(parts_->key.get(), common_name,
                                       -absl::Hours(2), absl::Hours(2));
  X509* const certificate = parts_->certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  AddExtension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  EXPECT_NE(X509_sign(certificate, parts_->key.get(), EVP_sha256()), 0);
  certificate_ = Pem(certificate);
}

Authority::~Authority() = default;

KeyPair Authority::Issue(const CertificateRequest& request) const {
  const PrivateKey key(EVP_EC_gen("P-256"));
  const Certificate certificate = NewCertificate(
      key.get(), request.common_name, request.not_before, request.not_after);
  X509_set_issuer_name(certificate.get(),
                       X509_get_subject_name(parts_->certificate.get()));
  if (!request.alternative_names.empty()) {
    AddExtension(certificate.get(), NID_subject_alt_name,
                 absl::StrJoin(request.alternative_names, ","));
  }
  EXPECT_NE(X509_sign(certificate.get(), parts_->key.get(), EVP_sha256()), 0);
  return {Pem(certificate.get()), Pem(key.get())};
}

KeyPair Authority::IssueServer(absl::string_view common_name) const {
  return Issue({.common_name = std::string(common_name),
                .alternative_names = {"IP:127.0.0.1", "DNS:localhost"}});
}

std::shared_ptr<grpc::ChannelCredentials> ClientCredentials(
    const std::string& ca, const KeyPair& own) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = ca;
  options.pem_cert_chain = own.certificate;
  options.pem_private_key = own.key;
  return grpc::SslCredentials(options);
}

Handshake ShakeHands(const std::string& address, int max_version) {
  // OpenSSL writes without MSG_NOSIGNAL to servers that have hung up.
  signal(SIGPIPE, SIG_IGN);
  Handshake result;
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int port = 0;
  EXPECT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port));
  to.sin_port = htons(static_cast<uint16_t>(port));
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const absl::Cleanup closer = [fd] { close(fd); };
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0) {
    return result;
  }
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  // Old versions are only spoken at a lower level than the system's default.
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context, max_version);
  const unsigned char alpn[] = {2, 'h', '2'};
  SSL_CTX_set_alpn_protos(context, alpn, sizeof(alpn));
  SSL* const ssl = SSL_new(context);
  SSL_set_fd(ssl, fd);
  result.done = SSL_connect(ssl) == 1;
  if (result.done) {
    result.version = SSL_get_version(ssl);
    X509* const certificate = SSL_get1_peer_certificate(ssl);
    char name[256] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate),
                              NID_commonName, name, sizeof(name));
    result.common_name = name;
    X509_free(certificate);
  }
  SSL_free(ssl);
  SSL_CTX_free(context);
  return result;
}

}  // namespace leadgateway::testing
