#include "gateway/server/catalogue_loader.h"

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

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
constexpr uintmax_t kMaxFileBytes = uintmax_t{32} << 20;

absl::Time WrittenAt(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return absl::UnixEpoch();
  return absl::TimeFromTimespec(info.st_mtim);
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
  const auto refuse = [&](absl::string_view what) {
    return absl::FailedPreconditionError(absl::StrCat(path, " ", what));
  };
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return refuse("is no file");
  }
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (error) return refuse("can't be read");
  if (size > kMaxFileBytes) return refuse("is larger than 32 MiB");
  std::ifstream file(path, std::ios::binary);
  std::string json(size, '\0');
  if (!file.read(json.data(), static_cast<std::streamsize>(size))) {
    return refuse("can't be read");
  }
  auto catalogue = ReadCatalogue(json, unique_fields, WrittenAt(path));
  if (!catalogue.ok()) {
    return refuse(
        absl::StrCat("is no saved field list: ", catalogue.status().message()));
  }
  return catalogue;
}

}  // namespace leadgateway::server
