// HTTP/1.1 over Boost.Beast: one thread, any number of keep-alive connections,
// timers in place of waiting.
#ifndef SANDBOX_HTTP_SERVER_H_
#define SANDBOX_HTTP_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "sandbox/account.h"

namespace leadgateway::sandbox {

class HttpServer {
 public:
  // Binds and begins to serve. The account must outlive the server. Port 0
  // takes a free one. Unavailable when the address cannot be bound.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Create(
      Account& account, const std::string& host, std::uint16_t port,
      std::uint64_t max_body_bytes);
  virtual ~HttpServer() = default;

  virtual std::uint16_t port() const = 0;
  // Closes every connection at once and joins the thread. Again: no effect.
  virtual void Stop() = 0;
};

}  // namespace leadgateway::sandbox

#endif  // SANDBOX_HTTP_SERVER_H_
