#ifndef LEADGATEWAY_GATEWAY_LEADSQUARED_JSON_WALK_H_
#define LEADGATEWAY_GATEWAY_LEADSQUARED_JSON_WALK_H_

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gateway/base/status_macros.h"
#include "simdjson.h"

namespace leadgateway::leadsquared {

// Walks over simdjson's on-demand values with absl::Status in place of its
// error codes. Errors are InvalidArgument and say what is wrong, not where:
// their callers name the document. Stateless; any thread.

// Returns from the function when `expr`, a simdjson::error_code, is an error.
#define LG_RETURN_IF_JSON_ERROR(expr)                           \
  do {                                                          \
    if (const simdjson::error_code lg_code = (expr)) {          \
      return ::leadgateway::leadsquared::BadJson(               \
          absl::string_view(simdjson::error_message(lg_code))); \
    }                                                           \
  } while (false)

absl::Status BadJson(absl::string_view what);

// OK for null alone; simdjson's type says null for whatever starts with an n.
absl::Status ReadNull(simdjson::ondemand::value value);

// On-demand parsing checks what is touched: so this touches all of a value
// that is passed over, to 64 levels.
absl::Status Skip(simdjson::ondemand::value value);

// Whether the document has been read to its end and nothing stands behind it.
absl::Status ReadEnd(simdjson::ondemand::document& document);

// Calls `read(std::string_view key, simdjson::ondemand::value)` for each field
// until it returns an error. The key lives until the next one is read.
template <typename Read>
absl::Status ForEachField(simdjson::ondemand::object object, Read read) {
  for (auto field : object) {
    std::string_view key;
    LG_RETURN_IF_JSON_ERROR(field.unescaped_key().get(key));
    simdjson::ondemand::value value;
    LG_RETURN_IF_JSON_ERROR(field.value().get(value));
    LG_RETURN_IF_ERROR(read(key, value));
  }
  return absl::OkStatus();
}

// The same for a value, which must be an object.
template <typename Read>
absl::Status ForEachField(simdjson::ondemand::value value, Read read) {
  simdjson::ondemand::object object;
  LG_RETURN_IF_JSON_ERROR(value.get_object().get(object));
  return ForEachField(object, std::move(read));
}

// Calls `read(simdjson::ondemand::value)` for each element until it returns an
// error.
template <typename Read>
absl::Status ForEachElement(simdjson::ondemand::array array, Read read) {
  for (auto element : array) {
    simdjson::ondemand::value value;
    LG_RETURN_IF_JSON_ERROR(element.get(value));
    LG_RETURN_IF_ERROR(read(value));
  }
  return absl::OkStatus();
}

// The same for a value, which must be an array, or null for an empty one.
template <typename Read>
absl::Status ForEachElement(simdjson::ondemand::value value, Read read) {
  simdjson::ondemand::json_type type;
  LG_RETURN_IF_JSON_ERROR(value.type().get(type));
  if (type == simdjson::ondemand::json_type::null) return ReadNull(value);
  simdjson::ondemand::array array;
  LG_RETURN_IF_JSON_ERROR(value.get_array().get(array));
  return ForEachElement(array, std::move(read));
}

}  // namespace leadgateway::leadsquared

#endif  // LEADGATEWAY_GATEWAY_LEADSQUARED_JSON_WALK_H_
