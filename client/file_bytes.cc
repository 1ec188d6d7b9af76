#include "client/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"

namespace leadgateway::leadctl {
namespace {

constexpr std::size_t kReadBytes = 256 << 10;

}  // namespace

absl::StatusOr<std::string> ReadFileBytes(const std::string& path,
                                          std::size_t max_bytes) {
  int file = STDIN_FILENO;
  if (path != "-") {
    file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return absl::ErrnoToStatus(errno, "cannot be opened");
  }
  const absl::Cleanup close_file = [file] {
    if (file != STDIN_FILENO) close(file);
  };
  struct stat info;
  if (fstat(file, &info) == 0 && S_ISDIR(info.st_mode)) {
    return absl::FailedPreconditionError("is a directory, not a file");
  }

  std::string bytes;
  while (true) {
    const std::size_t size = bytes.size();
    bytes.resize(size + kReadBytes);
    const ssize_t count = read(file, bytes.data() + size, kReadBytes);
    if (count < 0 && errno != EINTR) {
      return absl::ErrnoToStatus(errno, "cannot be read");
    }
    bytes.resize(size + static_cast<std::size_t>(count < 0 ? 0 : count));
    if (bytes.size() > max_bytes) {
      return absl::OutOfRangeError("has more than " +
                                   std::to_string(max_bytes >> 20) +
                                   " MiB; split it into several files");
    }
    if (count == 0) return bytes;
  }
}

}  // namespace leadgateway::leadctl
