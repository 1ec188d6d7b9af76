#ifndef LEADGATEWAY_TESTS_INTEGRATION_CERTIFICATES_H_
#define LEADGATEWAY_TESTS_INTEGRATION_CERTIFICATES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/security/credentials.h"

// Certificates that are made when a test runs; no private key is kept anywhere.
namespace leadgateway::testing {

struct KeyPair {
  std::string certificate;  // PEM
  std::string key;          // PEM
};

struct CertificateRequest {
  std::string common_name = {};
  // "DNS:localhost", "IP:127.0.0.1", "URI:spiffe://td/a"; none: no extension.
  std::vector<std::string> alternative_names = {};
  absl::Duration not_before = -absl::Hours(1);  // from now
  absl::Duration not_after = absl::Hours(1);
};

// A certificate authority.
class Authority {
 public:
  explicit Authority(absl::string_view common_name);
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  const std::string& certificate() const { return certificate_; }  // PEM
  KeyPair Issue(const CertificateRequest& request) const;
  // For "127.0.0.1" and "localhost".
  KeyPair IssueServer(absl::string_view common_name) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
  std::string certificate_;
};

// Of a client that trusts `ca` and shows `own`, if any.
std::shared_ptr<grpc::ChannelCredentials> ClientCredentials(
    const std::string& ca, const KeyPair& own = {});

// What a TLS handshake alone brings, with versions up to `max_version` (0:
// any).
struct Handshake {
  bool done = false;
  std::string common_name;  // of the server's certificate
  std::string version;      // "TLSv1.3"
};
Handshake ShakeHands(const std::string& address, int max_version = 0);

}  // namespace leadgateway::testing

#endif  // LEADGATEWAY_TESTS_INTEGRATION_CERTIFICATES_H_
