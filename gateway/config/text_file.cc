#include "gateway/config/text_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace leadgateway {
namespace {

absl::Status FileMistake(const std::string& path, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

}  // namespace

absl::StatusOr<std::string> ReadTextFile(const std::string& path) {
  const auto failed = [&path](int error) {
    return FileMistake(path,
                       absl::StrCat("can't be read: ", std::strerror(error)));
  };
  // O_NONBLOCK: a named pipe without a writer must not stop the start.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return failed(errno);
  const absl::Cleanup closer = [fd] { close(fd); };
  struct stat info {};
  if (fstat(fd, &info) != 0) return failed(errno);
  if (S_ISDIR(info.st_mode)) {
    return FileMistake(path, "is a directory; name a file");
  }
  if (!S_ISREG(info.st_mode)) {
    return FileMistake(path, "is not a regular file");
  }
  std::string text(kMaxTextFileBytes + 1, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(errno);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size > kMaxTextFileBytes) {
    return FileMistake(path, "is larger than 1 MiB");
  }
  text.resize(size);
  return text;
}

}  // namespace leadgateway
