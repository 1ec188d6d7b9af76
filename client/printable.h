#ifndef LEADGATEWAY_CLIENT_PRINTABLE_H_
#define LEADGATEWAY_CLIENT_PRINTABLE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace leadgateway::leadctl {

// `text` (UTF-8) fit for a terminal: control characters, which could move the
// cursor or recolour the screen, become \xNN, and what is beyond `max_bytes` of
// the input becomes "...". Other characters stay as they are.
std::string Printable(std::string_view text, std::size_t max_bytes = 1024);

}  // namespace leadgateway::leadctl

#endif  // LEADGATEWAY_CLIENT_PRINTABLE_H_
