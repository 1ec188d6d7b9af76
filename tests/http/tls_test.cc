#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gateway/base/secret.h"
#include "gateway/http/curl_loop.h"
#include "gateway/http/http_client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/http/loop_runner.h"

namespace leadgateway::http {
namespace {

void Require(bool condition, const char* what) {
  if (condition) return;
  perror(what);
  abort();
}

// A server with a certificate of its own making, for 127.0.0.1. Serves one
// connection after the other and answers each request with "fine".
class TlsServer {
 public:
  // `name`: what the certificate is for, as in "IP:127.0.0.1".
  explicit TlsServer(const char* name, int max_version = TLS1_3_VERSION) {
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    X509* const certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* const subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const uint8_t*>("test"), -1, -1,
                               0);
    X509_set_issuer_name(certificate, subject);
    X509_EXTENSION* const extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    Require(X509_sign(certificate, key, EVP_sha256()) != 0, "X509_sign");

    ca_file_ = absl::StrCat(::testing::TempDir(), "/tls_test.", getpid(), ".",
                            reinterpret_cast<uintptr_t>(this), ".pem");
    FILE* const file = fopen(ca_file_.c_str(), "w");
    Require(file != nullptr, "fopen");
    PEM_write_X509(file, certificate);
    fclose(file);

    context_ = SSL_CTX_new(TLS_server_method());
    // Old versions are only spoken at a lower level than the system's default.
    SSL_CTX_set_security_level(context_, 0);
    SSL_CTX_set_min_proto_version(context_, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_, max_version);
    SSL_CTX_use_certificate(context_, certificate);
    SSL_CTX_use_PrivateKey(context_, key);
    X509_free(certificate);
    EVP_PKEY_free(key);

    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    Require(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0,
            "bind");
    Require(listen(listener_, 16) == 0, "listen");
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }

  // The client must be gone.
  ~TlsServer() {
    shutdown(listener_, SHUT_RDWR);  // makes accept fail
    thread_.join();
    close(listener_);
    SSL_CTX_free(context_);
    unlink(ca_file_.c_str());
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  const std::string& ca_file() const { return ca_file_; }
  std::string Url(absl::string_view host = "127.0.0.1") const {
    return absl::StrCat("https://", host, ":", port_, "/");
  }
  int requests() const { return requests_; }

 private:
  void Serve() {
    // OpenSSL writes without MSG_NOSIGNAL to clients that have gone. Blocked
    // for this thread only: the loop must do without.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    int fd;
    while ((fd = accept(listener_, nullptr, nullptr)) >= 0) {
      SSL* const ssl = SSL_new(context_);
      SSL_set_fd(ssl, fd);
      if (SSL_accept(ssl) == 1) Converse(ssl);
      SSL_free(ssl);
      close(fd);
    }
  }

  void Converse(SSL* ssl) {
    std::string unread;
    char buffer[4096];
    for (;;) {
      const int count = SSL_read(ssl, buffer, sizeof(buffer));
      if (count <= 0) return;
      unread.append(buffer, static_cast<size_t>(count));
      // The tests send no bodies with this in them.
      if (unread.find("\r\n\r\nwhole") == std::string::npos) continue;
      unread.clear();
      ++requests_;
      constexpr absl::string_view kAnswer =
          "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine";
      SSL_write(ssl, kAnswer.data(), static_cast<int>(kAnswer.size()));
    }
  }

  std::string ca_file_;
  SSL_CTX* context_ = nullptr;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> requests_{0};
  std::thread thread_;
};

TEST(TlsTest, ATrustedCertificateIsAccepted) {
  TlsServer server("IP:127.0.0.1");
  CurlLoop::Options options;
  options.ca_file = server.ca_file();
  LoopRunner runner(options);
  const HttpReply first = runner.Fetch(Post(server.Url(), "whole"));
  EXPECT_TRUE(first.status.ok()) << first.status;
  EXPECT_EQ(first.body, "fine");
  ASSERT_TRUE(first.handshake.has_value());
  const HttpReply second = runner.Fetch(Post(server.Url(), "whole"));
  EXPECT_TRUE(second.status.ok()) << second.status;
  EXPECT_FALSE(second.handshake.has_value());
  EXPECT_EQ(server.requests(), 2);
}

TEST(TlsTest, AnUnknownCertificateIsRefusedBeforeAnythingIsSent) {
  TlsServer server("IP:127.0.0.1");
  LoopRunner runner;
  const HttpReply reply = runner.Fetch(Post(server.Url(), "whole"));
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(reply.status.message(), "the server's certificate is not trusted");
  EXPECT_FALSE(reply.sent_at.has_value());
  EXPECT_EQ(server.requests(), 0);
}

TEST(TlsTest, ACertificateForAnotherNameIsRefused) {
  TlsServer server("DNS:example.com");
  CurlLoop::Options options;
  options.ca_file = server.ca_file();
  LoopRunner runner(options);
  const HttpReply reply = runner.Fetch(Post(server.Url(), "whole"));
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(reply.status.message(), "the server's certificate is not trusted");
  EXPECT_FALSE(reply.sent_at.has_value());
  EXPECT_EQ(server.requests(), 0);
}

TEST(TlsTest, AVersionBefore12IsRefused) {
  TlsServer server("IP:127.0.0.1", TLS1_1_VERSION);
  CurlLoop::Options options;
  options.ca_file = server.ca_file();
  LoopRunner runner(options);
  const HttpReply reply = runner.Fetch(Post(server.Url(), "whole"));
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(reply.status.message(), "the TLS handshake failed");
  EXPECT_FALSE(reply.sent_at.has_value());
}

TEST(TlsTest, AFileThatHoldsNoCertificateIsOurOwnMistake) {
  TlsServer server("IP:127.0.0.1");
  CurlLoop::Options options;
  options.ca_file = "/proc/self/status";
  LoopRunner runner(options);
  const HttpReply reply = runner.Fetch(Post(server.Url(), "whole"));
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kInternal);
  EXPECT_FALSE(reply.sent_at.has_value());
}

}  // namespace
}  // namespace leadgateway::http
