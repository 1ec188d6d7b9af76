#ifndef LEADGATEWAY_GATEWAY_CONFIG_JSON_OUTLINE_H_
#define LEADGATEWAY_GATEWAY_CONFIG_JSON_OUTLINE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leadgateway {

// A JSON value as pieces of the text that it was read from. Protobuf's own JSON
// reader stops at the first mistake, names no line, and keeps the last of two
// equal keys without a word; with an outline the shape can be checked first.
struct JsonOutline {
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  // The value as it is written; a string with its quotes.
  absl::string_view text;
  // Of an array, or of an object in the order of the text.
  std::vector<JsonOutline> items;
  // Of an object: keys[i] is the key of items[i], without its quotes, escapes
  // as they are written. Equal keys are all there.
  std::vector<absl::string_view> keys;
};

// Reads `text`, which must outlive the outline. Strict JSON (RFC 8259), at most
// 32 levels deep. The status is kInvalidArgument and its message such as
// "line 3, column 14: expected \",\" or \"}\"", which repeats nothing of the
// text.
absl::StatusOr<JsonOutline> ReadJsonOutline(absl::string_view text);

// The JSON text of `outline`.
std::string WriteJson(const JsonOutline& outline);

// OK when `text` is UTF-8; else kInvalidArgument, "line 3, column 14: is not
// UTF-8 text".
absl::Status CheckUtf8(absl::string_view text);

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_CONFIG_JSON_OUTLINE_H_
