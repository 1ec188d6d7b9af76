#ifndef LEADGATEWAY_GATEWAY_CONFIG_ADDRESS_H_
#define LEADGATEWAY_GATEWAY_CONFIG_ADDRESS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leadgateway {

struct HostPort {
  std::string host;  // An IPv6 address without its brackets.
  uint16_t port = 0;
};

// Whether only this machine can reach it: "localhost", 127.0.0.0/8, ::1.
bool IsLoopback(const std::string& host);

// Reads "HOST:PORT" or "[IPV6]:PORT". The message of the status
// (kInvalidArgument) says what is wrong and how to mend it, without repeating
// any of `text`.
absl::StatusOr<HostPort> ParseHostPort(absl::string_view text);

// "https://HOST" or "https://HOST:PORT", or the same with "http://" when HOST
// is a loopback host ("localhost", 127.0.0.0/8, [::1]). Returns it with the
// scheme in lower case and without a slash at the end. The status is as above.
absl::StatusOr<std::string> ParseBaseUrl(absl::string_view text);

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_CONFIG_ADDRESS_H_
