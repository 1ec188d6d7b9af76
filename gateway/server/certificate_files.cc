#include "gateway/server/certificate_files.h"

#include <fcntl.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/base/mutex.h"
#include "gateway/config/config.h"

namespace leadgateway::server {
namespace {

// Chains and bundles of authorities have kilobytes; Debian's own bundle 220 KB.
constexpr size_t kMaxFileBytes = size_t{4} << 20;
// Files that are the same after this time are not being written.
constexpr absl::Duration kSettle = absl::Milliseconds(200);

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

// Nobody is there to be asked for the password of a key.
int NoPassword(char*, int, int, void*) { return 0; }

// The file's bytes; a status with the system's words alone.
absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const auto failed = [] {
    return absl::InvalidArgumentError(
        absl::StrCat("can't be read: ", std::strerror(errno)));
  };
  // O_NONBLOCK: a named pipe without a writer must not stop the start.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return failed();
  const absl::Cleanup closer = [fd] { close(fd); };
  struct stat info {};
  if (fstat(fd, &info) != 0) return failed();
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError("is not a regular file");
  }
  std::string bytes;
  char buffer[16 << 10];
  while (true) {
    const ssize_t got = read(fd, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed();
    if (got == 0) return bytes;
    bytes.append(buffer, static_cast<size_t>(got));
    if (bytes.size() > kMaxFileBytes) {
      return absl::InvalidArgumentError("is larger than 4 MiB");
    }
  }
}

Bio Memory(const std::string& bytes) {
  return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// All certificates of a PEM text; none if one of them is cut short or garbage.
std::vector<Certificate> ReadPem(const std::string& pem) {
  std::vector<Certificate> certificates;
  const Bio bio = Memory(pem);
  ERR_clear_error();
  while (X509* const each =
             PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(each);
  }
  // That is how OpenSSL says that the text has ended.
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    certificates.clear();
  }
  ERR_clear_error();
  return certificates;
}

std::string SubjectOf(const X509& certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(&certificate), 0,
                     XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(size)};
}

absl::Time NotAfter(const X509& certificate) {
  tm time{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &time) != 1) {
    return absl::InfiniteFuture();
  }
  return absl::FromTM(time, absl::UTCTimeZone());
}

// A file that has no name, with these bytes.
int MemoryFile(const char* name, const std::string& bytes) {
  const int fd = memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) return -1;
  size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t got =
        write(fd, bytes.data() + written, bytes.size() - written);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      close(fd);
      return -1;
    }
    written += static_cast<size_t>(got);
  }
  return fd;
}

// Puts the new file in the place of the old one's descriptor, atomically.
bool Replace(int& fd, const char* name, const std::string& bytes) {
  const int fresh = MemoryFile(name, bytes);
  if (fresh < 0) return false;
  if (fd < 0) {
    fd = fresh;
    return true;
  }
  const bool replaced = dup3(fresh, fd, O_CLOEXEC) >= 0;
  close(fresh);
  return replaced;
}

}  // namespace

absl::StatusOr<Certificates> ReadCertificates(const TlsOptions& tls) {
  std::vector<std::string> mistakes;
  const auto wrong = [&](absl::string_view setting, const std::string& path,
                         absl::string_view what) {
    mistakes.push_back(
        absl::StrCat("listen.tls.", setting, ": ", path, ": ", what));
  };
  // The text, and the first certificate in it; adds what is wrong.
  const auto read = [&](absl::string_view setting, const std::string& path,
                        std::string& pem) {
    absl::StatusOr<std::string> bytes = ReadFile(path);
    if (!bytes.ok()) {
      wrong(setting, path, bytes.status().message());
      return Certificate();
    }
    pem = *std::move(bytes);
    std::vector<Certificate> certificates = ReadPem(pem);
    if (certificates.empty()) {
      wrong(setting, path,
            absl::StrContains(pem, "-----BEGIN CERTIFICATE-----")
                ? "holds a certificate that is cut short or damaged"
                : "holds no certificate in PEM format");
      return Certificate();
    }
    return std::move(certificates.front());
  };

  Certificates result;
  const Certificate own =
      read("certificateFile", tls.certificate_file, result.identity_pem);
  PrivateKey key;
  absl::StatusOr<std::string> key_pem = ReadFile(tls.private_key_file);
  if (!key_pem.ok()) {
    wrong("privateKeyFile", tls.private_key_file, key_pem.status().message());
  } else {
    key.reset(PEM_read_bio_PrivateKey(Memory(*key_pem).get(), nullptr,
                                      NoPassword, nullptr));
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
    read("clientCaFile", tls.client_ca_file, result.client_ca_pem);
  }
  ERR_clear_error();
  if (!mistakes.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(mistakes, "\n"));
  }
  // In one file, so that nobody reads one half of a pair before a change and
  // the other after it.
  absl::StrAppend(&result.identity_pem, "\n", *key_pem);
  result.not_after = NotAfter(*own);
  result.subject = SubjectOf(*own);
  return result;
}

absl::StatusOr<std::unique_ptr<CertificateFiles>> CertificateFiles::Create(
    const TlsOptions& tls) {
  absl::StatusOr<Certificates> certificates = ReadCertificates(tls);
  if (!certificates.ok()) return certificates.status();
  auto files = std::unique_ptr<CertificateFiles>(new CertificateFiles(tls));
  if (absl::Status status = files->Put(*certificates); !status.ok()) {
    return status;
  }
  files->in_use_ = *std::move(certificates);
  files->thread_ = std::thread([self = files.get()] { self->Run(); });
  return files;
}

CertificateFiles::~CertificateFiles() {
  if (thread_.joinable()) {
    {
      const MutexLock lock(mutex_);
      stopped_ = true;
      changed_.NotifyAll();
    }
    thread_.join();
  }
  for (const int fd : {identity_fd_, client_ca_fd_}) {
    if (fd >= 0) close(fd);
  }
}

std::string CertificateFiles::PathOf(int fd) {
  return absl::StrCat("/proc/self/fd/", fd);
}

absl::Status CertificateFiles::Put(const Certificates& certificates) {
  if (!Replace(client_ca_fd_, "client_ca", certificates.client_ca_pem) ||
      !Replace(identity_fd_, "certificate", certificates.identity_pem)) {
    return absl::UnavailableError(absl::StrCat(
        "listen.tls: no file in memory can be made: ", std::strerror(errno)));
  }
  LogLine line(LogLevel::kInfo, "certificates_in_use");
  line.Add("subject", certificates.subject)
      .Add("not_after",
           absl::FormatTime(absl::RFC3339_sec, certificates.not_after,
                            absl::UTCTimeZone()));
  if (certificates.not_after < absl::Now()) {
    LogLine(LogLevel::kWarn, "certificate_has_expired")
        .Add("file", tls_.certificate_file);
  }
  return absl::OkStatus();
}

bool CertificateFiles::Rest(absl::Duration duration) {
  const absl::Time until = absl::Now() + duration;
  const MutexLock lock(mutex_);
  while (!stopped_) {
    const absl::Duration left = until - absl::Now();
    if (left <= absl::ZeroDuration()) return true;
    changed_.WaitFor(mutex_, left);
  }
  return false;
}

void CertificateFiles::Run() {
  pthread_setname_np(pthread_self(), "certificates");
  while (Rest(tls_.refresh_interval)) Look();
}

void CertificateFiles::Look() {
  absl::StatusOr<Certificates> found = ReadCertificates(tls_);
  if (found.ok() && found->SameAs(in_use_)) {
    last_problem_.clear();
    return;
  }
  // Being written, perhaps.
  if (!Rest(kSettle)) return;
  absl::StatusOr<Certificates> again = ReadCertificates(tls_);
  absl::Status problem = again.status();
  if (again.ok()) {
    if (!found.ok() || !found->SameAs(*again)) return;  // the next time
    problem = Put(*again);
  }
  if (problem.ok()) {
    in_use_ = *std::move(again);
    last_problem_.clear();
  } else if (last_problem_ != problem.message()) {
    last_problem_ = std::string(problem.message());
    LogLine(LogLevel::kWarn, "certificates_not_used")
        .Add("message", last_problem_)
        .Add("consequence", "the certificates read before stay in use");
  }
}

}  // namespace leadgateway::server
