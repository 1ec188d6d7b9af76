#ifndef LEADGATEWAY_GATEWAY_SERVER_CATALOGUE_LOADER_H_
#define LEADGATEWAY_GATEWAY_SERVER_CATALOGUE_LOADER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/schema/field_catalogue.h"

namespace leadgateway::server {

// A catalogue from the JSON of LeadsMetaData.Get; kInvalidArgument if it is not
// that.
absl::StatusOr<std::shared_ptr<const schema::FieldCatalogue>> ReadCatalogue(
    absl::string_view json, const std::vector<std::string>& unique_fields,
    absl::Time fetched_at);

// A catalogue from a file with that JSON, of at most 32 MiB; the time of the
// file stands for that of the answer. kFailedPrecondition with the file and
// what is wrong with it, in the system's words where it can't be read, and
// where in it otherwise.
absl::StatusOr<std::shared_ptr<const schema::FieldCatalogue>> LoadCatalogue(
    const std::string& path, const std::vector<std::string>& unique_fields);

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_CATALOGUE_LOADER_H_
