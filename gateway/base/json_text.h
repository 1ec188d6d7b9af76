#ifndef LEADGATEWAY_GATEWAY_BASE_JSON_TEXT_H_
#define LEADGATEWAY_GATEWAY_BASE_JSON_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace leadgateway {

// Appends `text` to `out` as a JSON string with its quotes, in ASCII. Whatever
// comes from outside may be no UTF-8 at all: a byte of 0x7f or above becomes
// U+00XX, which keeps the line valid and the text legible.
void AppendJsonString(std::string& out, absl::string_view text);

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_BASE_JSON_TEXT_H_
