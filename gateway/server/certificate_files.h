#ifndef LEADGATEWAY_GATEWAY_SERVER_CERTIFICATE_FILES_H_
#define LEADGATEWAY_GATEWAY_SERVER_CERTIFICATE_FILES_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/base/mutex.h"
#include "gateway/config/config.h"

namespace leadgateway::server {

// What the files of a TLS listener hold, checked.
struct Certificates {
  std::string identity_pem;  // the certificates, then the private key
  std::string client_ca_pem;
  // Until when the gateway's own certificate is good, and for whom.
  absl::Time not_after;
  std::string subject;  // by RFC 2253

  bool SameAs(const Certificates& other) const {
    return identity_pem == other.identity_pem &&
           client_ca_pem == other.client_ca_pem;
  }
};

// Reads them. kInvalidArgument with one line per mistake: a file that can't be
// read, is no PEM or is cut short, a key that is another certificate's.
absl::StatusOr<Certificates> ReadCertificates(const TlsOptions& tls);

// Stands between the files and gRPC, which reads them by itself every second
// but gives its old certificate up before it has tried the new one: with a pair
// that does not fit together, or half a file, gRPC 1.51 shakes no hand until it
// finds better files. So it is given files in memory to read, and these change
// only when the real ones are whole and have rested for a moment. A thread of
// its own looks at them every `refresh_interval`.
class CertificateFiles {
 public:
  // Fails as ReadCertificates does.
  static absl::StatusOr<std::unique_ptr<CertificateFiles>> Create(
      const TlsOptions& tls);
  // Whoever reads the paths must be gone.
  ~CertificateFiles();
  CertificateFiles(const CertificateFiles&) = delete;
  CertificateFiles& operator=(const CertificateFiles&) = delete;

  // Paths of files that hold certificates and key, and the authorities. What is
  // behind each changes at once and as a whole.
  std::string identity_path() const { return PathOf(identity_fd_); }
  std::string client_ca_path() const { return PathOf(client_ca_fd_); }

 private:
  explicit CertificateFiles(const TlsOptions& tls) : tls_(tls) {}

  static std::string PathOf(int fd);
  absl::Status Put(const Certificates& certificates);
  void Run();
  void Look();
  // Waits; false if it is to end.
  bool Rest(absl::Duration duration);

  const TlsOptions tls_;
  int identity_fd_ = -1;
  int client_ca_fd_ = -1;
  // The thread's.
  Certificates in_use_;
  std::string last_problem_;
  Mutex mutex_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_CERTIFICATE_FILES_H_
