#include "gateway/leadsquared/json_walk.h"

#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gateway/base/status_macros.h"
#include "simdjson.h"

namespace leadgateway::leadsquared {
namespace {

namespace sj = simdjson;
using sj::ondemand::json_type;

// Answers have four levels; recursion must end somewhere.
constexpr int kDeepest = 64;

absl::Status SkipFrom(sj::ondemand::value value, int depth) {
  if (depth > kDeepest) return BadJson("nested too deeply");
  json_type type;
  LG_RETURN_IF_JSON_ERROR(value.type().get(type));
  switch (type) {
    case json_type::object:
      return ForEachField(value,
                          [depth](std::string_view, sj::ondemand::value inner) {
                            return SkipFrom(inner, depth + 1);
                          });
    case json_type::array:
      return ForEachElement(value, [depth](sj::ondemand::value inner) {
        return SkipFrom(inner, depth + 1);
      });
    case json_type::string: {
      std::string_view text;
      LG_RETURN_IF_JSON_ERROR(value.get_string().get(text));
      return absl::OkStatus();
    }
    case json_type::number: {
      double number = 0;
      LG_RETURN_IF_JSON_ERROR(value.get_double().get(number));
      return absl::OkStatus();
    }
    case json_type::boolean: {
      bool boolean = false;
      LG_RETURN_IF_JSON_ERROR(value.get_bool().get(boolean));
      return absl::OkStatus();
    }
    case json_type::null:
      return ReadNull(value);
  }
  return BadJson("not a value");
}

}  // namespace

absl::Status BadJson(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

absl::Status ReadNull(sj::ondemand::value value) {
  // Taken out, not converted: the conversion throws on what only begins like
  // null.
  bool is_null = false;
  LG_RETURN_IF_JSON_ERROR(value.is_null().get(is_null));
  return is_null ? absl::OkStatus() : BadJson("not a value");
}

absl::Status Skip(sj::ondemand::value value) { return SkipFrom(value, 0); }

absl::Status ReadEnd(sj::ondemand::document& document) {
  const char* rest = nullptr;
  if (document.current_location().get(rest) != sj::OUT_OF_BOUNDS) {
    return BadJson("something stands behind the end");
  }
  return absl::OkStatus();
}

}  // namespace leadgateway::leadsquared
