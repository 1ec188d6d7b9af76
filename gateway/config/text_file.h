#ifndef LEADGATEWAY_GATEWAY_CONFIG_TEXT_FILE_H_
#define LEADGATEWAY_GATEWAY_CONFIG_TEXT_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace leadgateway {

// 1,000 accounts take some 300 KB.
inline constexpr size_t kMaxTextFileBytes = size_t{1} << 20;

// What a file of at most kMaxTextFileBytes holds. kInvalidArgument otherwise,
// "PATH: can't be read: ...".
absl::StatusOr<std::string> ReadTextFile(const std::string& path);

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_CONFIG_TEXT_FILE_H_
