#ifndef LEADGATEWAY_GATEWAY_HTTP_ROUND_TRIP_H_
#define LEADGATEWAY_GATEWAY_HTTP_ROUND_TRIP_H_

#include <optional>

#include "absl/time/time.h"

namespace leadgateway::http {

// The least time there and back that the kernel has measured on a connected TCP
// socket lately (Linux: in the last five minutes). None where it doesn't tell.
std::optional<absl::Duration> LeastRoundTrip(int socket);

}  // namespace leadgateway::http

#endif  // LEADGATEWAY_GATEWAY_HTTP_ROUND_TRIP_H_
