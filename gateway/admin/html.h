#ifndef LEADGATEWAY_GATEWAY_ADMIN_HTML_H_
#define LEADGATEWAY_GATEWAY_ADMIN_HTML_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// Words and marks of pages for people.
namespace leadgateway {

// `text` (UTF-8) as the content of an element or of a quoted attribute,
// whatever it holds: bytes that are no UTF-8, controls and characters that
// nobody sees become U+FFFD.
std::string EscapeHtml(absl::string_view text);

// "1,234,567".
std::string GroupedNumber(int64_t number);

// "850 ms", "12 s", "3 min 20 s", "2 h 5 min", "4 d 3 h".
std::string RoughDuration(absl::Duration duration);

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_ADMIN_HTML_H_
