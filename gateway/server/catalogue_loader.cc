#include "gateway/server/catalogue_loader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/status_macros.h"
#include "gateway/leadsquared/fields_reader/fields_reader.h"
#include "gateway/schema/field_catalogue.h"

namespace leadgateway::server {
namespace {

// As for LeadSquared's own answer.
constexpr off_t kMaxFileBytes = off_t{32} << 20;

absl::Status Refused(const std::string& path, absl::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat(path, " ", what));
}

// With the system's words for `error`, an errno.
absl::Status Refused(const std::string& path, absl::string_view what,
                     int error) {
  return Refused(path, absl::StrCat(what, ": ", strerror(error)));
}

struct File {
  std::string text;
  absl::Time written_at;
};

absl::StatusOr<File> ReadFile(const std::string& path) {
  // Not to wait for somebody to write into a pipe.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Refused(path, "can't be opened", errno);
  const absl::Cleanup closer = [fd] { close(fd); };
  struct stat info {};
  if (fstat(fd, &info) != 0) return Refused(path, "can't be read", errno);
  if (!S_ISREG(info.st_mode)) {
    return Refused(path, S_ISDIR(info.st_mode) ? "is a directory, and no file"
                                               : "is no file");
  }
  if (info.st_size > kMaxFileBytes) {
    return Refused(path, "is larger than 32 MiB");
  }
  File file;
  file.written_at = absl::TimeFromTimespec(info.st_mtim);
  // What somebody appends meanwhile is left out.
  file.text.resize(static_cast<size_t>(info.st_size));
  size_t have = 0;
  while (have < file.text.size()) {
    const ssize_t got =
        read(fd, file.text.data() + have, file.text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Refused(path, "can't be read", errno);
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  file.text.resize(have);
  return file;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const schema::FieldCatalogue>> ReadCatalogue(
    absl::string_view json, const std::vector<std::string>& unique_fields,
    absl::Time fetched_at) {
  LG_ASSIGN_OR_RETURN(std::vector<schema::FieldInfo> fields,
                      leadsquared::ReadFields(json));
  return schema::FieldCatalogue::Create(std::move(fields), unique_fields,
                                        fetched_at);
}

absl::StatusOr<std::shared_ptr<const schema::FieldCatalogue>> LoadCatalogue(
    const std::string& path, const std::vector<std::string>& unique_fields) {
  LG_ASSIGN_OR_RETURN(const File file, ReadFile(path));
  auto catalogue = ReadCatalogue(file.text, unique_fields, file.written_at);
  if (!catalogue.ok()) {
    return Refused(path, absl::StrCat("is no saved field list: ",
                                      catalogue.status().message()));
  }
  return catalogue;
}

}  // namespace leadgateway::server
