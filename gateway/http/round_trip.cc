#include "gateway/http/round_trip.h"

// The kernel's own header: the C library's knows an older, shorter tcp_info.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <limits>
#include <optional>

#include "absl/time/time.h"

namespace leadgateway::http {

std::optional<absl::Duration> LeastRoundTrip(int socket) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
      size < offsetof(tcp_info, tcpi_min_rtt) + sizeof(info.tcpi_min_rtt) ||
      info.tcpi_min_rtt == 0 ||
      // The kernel's "nothing measured yet".
      info.tcpi_min_rtt ==
          std::numeric_limits<decltype(info.tcpi_min_rtt)>::max()) {
    return std::nullopt;
  }
  return absl::Microseconds(info.tcpi_min_rtt);
}

}  // namespace leadgateway::http
