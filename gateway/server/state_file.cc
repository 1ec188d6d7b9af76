#include "gateway/server/state_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace leadgateway::server {
namespace {

constexpr absl::string_view kMagic = "lead_gateway_state ";
constexpr int kVersion = 1;
// 10,000 calls in a window (the most that can be configured) take 400 KB.
constexpr size_t kMaxFileBytes = size_t{1} << 20;
constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;

// FNV-1a. Files are replaced as a whole, so this is against hands and disks,
// not against malice.
std::string CheckOf(absl::string_view text) {
  uint64_t hash = 14695981039346656037U;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211U;
  }
  return absl::StrFormat("%016x", hash);
}

std::string TimeText(absl::Time time) {
  return absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone());
}

bool ReadTime(absl::string_view text, absl::Time* time) {
  std::string error;
  return absl::ParseTime(absl::RFC3339_full, text, time, &error) &&
         *time > absl::InfinitePast() && *time < absl::InfiniteFuture();
}

absl::Status Broken(absl::string_view what) {
  return absl::DataLossError(what);
}

absl::Status Failed(absl::string_view doing, const std::string& path) {
  return absl::InvalidArgumentError(
      absl::StrCat("can't ", doing, " ", path, ": ", std::strerror(errno)));
}

}  // namespace

std::string FormatState(const SavedState& state) {
  std::string text = absl::StrCat(
      kMagic, kVersion, "\naccount=", state.account,
      "\nday=", absl::FormatCivilTime(state.day), "\nzone=", state.zone,
      "\ncalls=", state.calls, "\nclean=", state.clean ? 1 : 0,
      "\nsaved_at=", TimeText(state.saved_at), "\n");
  for (const absl::Time held : state.held) {
    absl::StrAppend(&text, "held=", TimeText(held), "\n");
  }
  absl::StrAppend(&text, "check=", CheckOf(text), "\n");
  return text;
}

absl::StatusOr<SavedState> ParseState(absl::string_view text) {
  if (text.empty()) return Broken("is empty");
  if (!absl::StartsWith(text, kMagic)) return Broken("does not begin as one");
  const size_t first_end = text.find('\n');
  const absl::string_view version =
      text.substr(kMagic.size(), first_end == absl::string_view::npos
                                     ? absl::string_view::npos
                                     : first_end - kMagic.size());
  if (version != absl::StrCat(kVersion)) {
    return Broken(absl::StrCat("is of another version than ", kVersion));
  }
  const size_t check = text.rfind("check=");
  if (check == absl::string_view::npos || text.back() != '\n') {
    return Broken("is cut short");
  }
  if (text.substr(check) !=
      absl::StrCat("check=", CheckOf(text.substr(0, check)), "\n")) {
    return Broken("is damaged: its check does not fit");
  }
  SavedState state;
  std::set<std::string> seen;
  for (absl::string_view line :
       absl::StrSplit(text.substr(first_end + 1, check - first_end - 1), '\n',
                      absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> member =
        absl::StrSplit(line, absl::MaxSplits('=', 1));
    const auto& [key, value] = member;
    bool good = key == "held" || seen.insert(std::string(key)).second;
    if (key == "account") {
      state.account = std::string(value);
    } else if (key == "day") {
      good = good && absl::ParseCivilTime(value, &state.day);
    } else if (key == "zone") {
      state.zone = std::string(value);
    } else if (key == "calls") {
      good = good && absl::SimpleAtoi(value, &state.calls) && state.calls >= 0;
    } else if (key == "clean") {
      good = good && (value == "0" || value == "1");
      state.clean = value == "1";
    } else if (key == "saved_at") {
      good = good && ReadTime(value, &state.saved_at);
    } else if (key == "held") {
      good = good && ReadTime(value, &state.held.emplace_back());
    } else {
      good = false;
    }
    if (!good) return Broken("holds a line that this program can't read");
  }
  if (seen.size() != 6) return Broken("lacks a line");
  return state;
}

absl::StatusOr<SavedState> LoadState(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT) return absl::NotFoundError(path);
  if (fd < 0) return Failed("read", path);
  const absl::Cleanup closer = [fd] { close(fd); };
  struct stat info {};
  if (fstat(fd, &info) != 0) return Failed("read", path);
  if (!S_ISREG(info.st_mode)) return Broken("is no regular file");
  std::string text(kMaxFileBytes + 1, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed("read", path);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size > kMaxFileBytes) return Broken("is larger than 1 MiB");
  text.resize(size);
  return ParseState(text);
}

absl::Status SaveState(const std::string& path, const SavedState& state) {
  const std::string text = FormatState(state);
  const std::string temporary = absl::StrCat(path, ".tmp");
  {
    const int fd = open(temporary.c_str(),
                        O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode);
    if (fd < 0) return Failed("write", temporary);
    const absl::Cleanup closer = [fd] { close(fd); };
    size_t size = 0;
    while (size < text.size()) {
      const ssize_t put = write(fd, text.data() + size, text.size() - size);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return Failed("write", temporary);
      size += static_cast<size_t>(put);
    }
    if (fsync(fd) != 0) return Failed("write", temporary);
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    return Failed("replace", path);
  }
  // The new name must survive, too.
  const std::string directory = path.substr(0, path.rfind('/') + 1);
  const int fd = open(directory.empty() ? "." : directory.c_str(),
                      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Failed("write", directory);
  const absl::Cleanup closer = [fd] { close(fd); };
  if (fsync(fd) != 0) return Failed("write", directory);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<StateDirectory>> StateDirectory::Take(
    std::string path) {
  if (mkdir(path.c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
    return Failed("make the directory", path);
  }
  const std::string lock = absl::StrCat(path, "/lock");
  const int fd = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
  if (fd < 0) return Failed("write", lock);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    absl::Status status = Failed("lock", lock);
    if (errno == EWOULDBLOCK) {
      status = absl::InvalidArgumentError(absl::StrCat(
          path,
          " is in use by another process; two gateways would spend one budget "
          "twice, so give each a directory of its own"));
    }
    close(fd);
    return status;
  }
  return std::unique_ptr<StateDirectory>(
      new StateDirectory(std::move(path), fd));
}

StateDirectory::~StateDirectory() { close(lock_); }

std::string StateDirectory::FileOf(absl::string_view account) const {
  return absl::StrCat(path_, "/", account, ".state");
}

}  // namespace leadgateway::server
