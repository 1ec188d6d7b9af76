#include "gateway/leadsquared/credentials/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gateway/base/secret.h"

namespace leadgateway::leadsquared {
namespace {

// LeadSquared's keys are some forty bytes. More than this is another file.
constexpr size_t kMaxFileBytes = 4096;

absl::Status FileError(const std::string& path, absl::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat(path, ": ", what));
}

absl::Status SystemError(const std::string& path, int error) {
  const std::string what = std::generic_category().message(error);
  if (error == ENOENT) {
    return absl::NotFoundError(absl::StrCat(path, ": ", what));
  }
  return FileError(path, absl::StrCat("can't be read: ", what));
}

// Reads at most `room` bytes; the number of them, or -1 with errno.
ssize_t ReadAll(int fd, char* to, size_t room) {
  size_t count = 0;
  while (count < room) {
    const ssize_t more = read(fd, to + count, room - count);
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) return -1;
    if (more == 0) break;
    count += static_cast<size_t>(more);
  }
  return static_cast<ssize_t>(count);
}

// The one word of `text`; `where` names the place in errors.
absl::StatusOr<Secret> OneKey(const std::string& where,
                              absl::string_view text) {
  if (text.size() > kMaxFileBytes) {
    return FileError(where, absl::StrCat("is longer than ", kMaxFileBytes,
                                         " bytes: this can't be a key"));
  }
  const absl::string_view key = absl::StripAsciiWhitespace(text);
  if (key.empty()) return FileError(where, "is empty");
  if (!std::all_of(key.begin(), key.end(), [](char c) {
        return absl::ascii_isgraph(static_cast<unsigned char>(c));
      })) {
    return FileError(where,
                     "holds something other than one word of ASCII (a space, a "
                     "line break, a control character or a letter beyond)");
  }
  return Secret(std::string(key));
}

absl::StatusOr<Secret> LoadFile(const std::string& path,
                                std::vector<std::string>& warnings) {
  // Not waiting, lest a pipe without a writer keeps the gateway from starting.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return SystemError(path, errno);
  const absl::Cleanup close_file = [fd] { close(fd); };

  struct stat file {};
  if (fstat(fd, &file) != 0) return SystemError(path, errno);
  if (S_ISDIR(file.st_mode)) return FileError(path, "is a directory");
  if (!S_ISREG(file.st_mode)) return FileError(path, "is not a regular file");

  char buffer[kMaxFileBytes + 1];
  const absl::Cleanup wipe = [&buffer] {
    explicit_bzero(buffer, sizeof(buffer));
  };
  const ssize_t count = ReadAll(fd, buffer, sizeof(buffer));
  if (count < 0) return SystemError(path, errno);
  absl::StatusOr<Secret> key =
      OneKey(path, absl::string_view(buffer, static_cast<size_t>(count)));
  if (!key.ok()) return key;
  // Another user's file has to be readable through its group: so Kubernetes
  // mounts secrets, as root's and of the pod's fsGroup.
  const mode_t too_much =
      file.st_uid == geteuid() ? S_IRGRP | S_IROTH : S_IROTH;
  if ((file.st_mode & too_much) != 0) {
    warnings.push_back(absl::StrCat(
        path, " holds a key and can be read by others than its owner."));
  }
  return key;
}

absl::StatusOr<Secret> LoadKey(const KeyPlace& place,
                               std::vector<std::string>& warnings) {
  if (place.variable.empty()) return LoadFile(place.file, warnings);
  const std::string where =
      absl::StrCat("environment variable ", place.variable);
  const char* const text = getenv(place.variable.c_str());
  if (text == nullptr) {
    return absl::NotFoundError(absl::StrCat(where, ": is not set"));
  }
  return OneKey(where, text);
}

bool IsUnreserved(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

void AppendEncoded(std::string& out, absl::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    if (IsUnreserved(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 0xf];
    }
  }
}

}  // namespace

absl::StatusOr<Credentials> LoadCredentials(
    const std::string& access_key_path, const std::string& secret_key_path) {
  return LoadCredentials(KeyPlace{.file = access_key_path, .variable = ""},
                         KeyPlace{.file = secret_key_path, .variable = ""});
}

absl::StatusOr<Credentials> LoadCredentials(const KeyPlace& access_place,
                                            const KeyPlace& secret_place) {
  Credentials credentials;
  absl::StatusOr<Secret> access_key =
      LoadKey(access_place, credentials.warnings);
  absl::StatusOr<Secret> secret_key =
      LoadKey(secret_place, credentials.warnings);
  if (!access_key.ok() && !secret_key.ok()) {
    // Both at once, so that nobody repairs the first to learn of the second.
    return absl::Status(access_key.status().code(),
                        absl::StrCat(access_key.status().message(), "; ",
                                     secret_key.status().message()));
  }
  if (!access_key.ok()) return access_key.status();
  if (!secret_key.ok()) return secret_key.status();
  credentials.access_key = *std::move(access_key);
  credentials.secret_key = *std::move(secret_key);
  return credentials;
}

std::vector<Secret> CredentialHeaders(const Credentials& credentials) {
  std::vector<Secret> lines;
  lines.emplace_back(
      absl::StrCat("x-LSQ-AccessKey: ", credentials.access_key.Reveal()));
  lines.emplace_back(
      absl::StrCat("x-LSQ-SecretKey: ", credentials.secret_key.Reveal()));
  return lines;
}

Secret AppendCredentialQuery(absl::string_view url,
                             const Credentials& credentials) {
  constexpr absl::string_view kAccessKey = "accessKey=";
  constexpr absl::string_view kSecretKey = "&secretKey=";
  const absl::string_view base = url.substr(0, url.find('#'));
  const absl::string_view fragment = url.substr(base.size());
  const std::string& access_key = credentials.access_key.Reveal();
  const std::string& secret_key = credentials.secret_key.Reveal();

  std::string text;
  // All of it at once: a string that grows leaves copies behind unwiped.
  text.reserve(url.size() + 1 + kAccessKey.size() + kSecretKey.size() +
               3 * (access_key.size() + secret_key.size()));
  text.append(base.data(), base.size());
  if (base.find('?') == absl::string_view::npos) {
    text += '?';
  } else if (base.back() != '?' && base.back() != '&') {
    text += '&';
  }
  text.append(kAccessKey.data(), kAccessKey.size());
  AppendEncoded(text, access_key);
  text.append(kSecretKey.data(), kSecretKey.size());
  AppendEncoded(text, secret_key);
  text.append(fragment.data(), fragment.size());
  return Secret(std::move(text));
}

}  // namespace leadgateway::leadsquared
