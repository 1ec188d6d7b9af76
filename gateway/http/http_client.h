#ifndef LEADGATEWAY_GATEWAY_HTTP_HTTP_CLIENT_H_
#define LEADGATEWAY_GATEWAY_HTTP_HTTP_CLIENT_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gateway/base/secret.h"

namespace leadgateway::http {

// One request. GET without a body, POST with one.
struct HttpRequest {
  enum class Method { kGet, kPost };

  Method method = Method::kGet;
  // The whole URL, http:// or https://; a Secret since a query may hold keys.
  Secret url;
  // Whole header lines, "Name: value". Whatever could be taken for more than
  // one line is refused. A POST wants a Content-Type: there is no good default.
  std::vector<Secret> headers;
  std::string body;
  // Called at most once, on the loop's thread, when the connection stands and
  // the request is about to leave; must not call back. May change the body's
  // bytes (their number is settled by then). False keeps the request from
  // leaving. May be empty.
  std::function<bool(absl::Span<char> body)> leave;
  // From now to the last byte of the answer, and to the established connection
  // (with TLS). Both are needed: positive.
  absl::Duration timeout = absl::Seconds(30);
  absl::Duration connect_timeout = absl::Seconds(10);
  // A longer answer ends the transfer with kResourceExhausted.
  size_t max_answer_bytes = size_t{2} << 20;
};

// What became of a request.
struct HttpReply {
  // OK when a whole answer came, of whatever HTTP status. Otherwise why not:
  // kUnavailable (no connection, or it broke, or what came was no HTTP),
  // kDeadlineExceeded, kResourceExhausted (answer too long), kInvalidArgument
  // (the request can't be sent as it is; nothing was), kInternal. The message
  // quotes neither the URL nor a header nor the answer.
  absl::Status status;

  // When the request's first bytes were about to leave, once the connection
  // stood (the clock's Now()). None: nothing of the request has left, for sure.
  // With a status that is not OK and a value here, it is unknown whether the
  // server has read or processed the request.
  std::optional<absl::Time> sent_at;
  // When the transfer ended.
  absl::Time done_at;

  int http_status = 0;  // 0: no status line came
  std::string body;     // what came of it, even when status is not OK
  // The Retry-After header in seconds, if there was one in that form; at most a
  // day.
  std::optional<absl::Duration> retry_after;

  // How long the TCP handshake took, if this transfer opened a connection and
  // the request left on it. Rather too short than too long.
  std::optional<absl::Duration> handshake;
  // The least time there and back that the kernel has measured on the
  // connection, in its handshake and since; none where it doesn't tell.
  std::optional<absl::Duration> round_trip;
};

// Sends requests. Not thread-safe: everything happens on the loop's thread.
class HttpClient {
 public:
  virtual ~HttpClient() = default;

  // Sends `request`, once: a request whose connection dies is never sent again.
  // `done` is called exactly once, on the loop's thread, never from within Send
  // itself; not at all if the client is stopped or destroyed first (it is then
  // destroyed, on the loop's thread). It may call Send.
  virtual void Send(HttpRequest request,
                    absl::AnyInvocable<void(HttpReply) &&> done) = 0;
};

}  // namespace leadgateway::http

#endif  // LEADGATEWAY_GATEWAY_HTTP_HTTP_CLIENT_H_
