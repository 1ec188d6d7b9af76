#ifndef LEADGATEWAY_CLIENT_FILE_BYTES_H_
#define LEADGATEWAY_CLIENT_FILE_BYTES_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace leadgateway::leadctl {

// Reads the file, or standard input if `path` is "-", to its end. Fails with a
// message that does not repeat the path: NOT_FOUND, PERMISSION_DENIED,
// FAILED_PRECONDITION (a directory), OUT_OF_RANGE (more than `max_bytes`) or
// UNKNOWN (reading failed).
absl::StatusOr<std::string> ReadFileBytes(const std::string& path,
                                          std::size_t max_bytes);

}  // namespace leadgateway::leadctl

#endif  // LEADGATEWAY_CLIENT_FILE_BYTES_H_
