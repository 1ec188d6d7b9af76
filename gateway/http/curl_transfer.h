#ifndef LEADGATEWAY_GATEWAY_HTTP_CURL_TRANSFER_H_
#define LEADGATEWAY_GATEWAY_HTTP_CURL_TRANSFER_H_

#include <curl/curl.h>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/http/curl_handles.h"
#include "gateway/http/http_client.h"

namespace leadgateway::http {

// The longest Retry-After that is reported; a longer one is cut to this.
inline constexpr absl::Duration kLongestRetryAfter = absl::Hours(24);

// The value of a Retry-After header in seconds; none for its date form (it
// would need the server's clock) or for anything else.
std::optional<absl::Duration> ParseRetryAfter(absl::string_view value);

// OK if `request` can be sent as it is: a whole http(s) URL without control
// characters or spaces, header lines "Name: value" in which nobody has hidden
// another line, positive time limits. The message quotes nothing.
absl::Status CheckRequest(const HttpRequest& request);

// One request on its way: what libcurl reads from and writes to, and the easy
// handle. Has a fixed address (libcurl points at it). Not thread-safe.
class CurlTransfer {
 public:
  struct Options {
    bool let_libcurl_resend = false;
    std::string ca_file;
  };

  using Done = absl::AnyInvocable<void(HttpReply) &&>;

  // `easy` is fresh or reset; `request` has passed CheckRequest. `clock` must
  // outlive this.
  CurlTransfer(EasyHandle easy, HttpRequest request, Done done,
               const Clock& clock);
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  // Sets all options of the easy handle. kInternal if libcurl refuses one.
  absl::Status Prepare(const Options& options);

  // What became of it, once libcurl has reported `code`.
  HttpReply TakeReply(CURLcode code);

  CURL* easy() const { return easy_.get(); }
  // For the next transfer; this one has left its multi handle and is over.
  EasyHandle TakeEasy() { return std::move(easy_); }
  Done TakeDone() { return std::move(done_); }

 private:
  // libcurl's callbacks; `self` is the transfer.
  static int OnPrerequest(void* self, char* remote_ip, char* local_ip,
                          int remote_port, int local_port);
  static int OnSocket(void* self, curl_socket_t socket, curlsocktype purpose);
  static size_t OnHeader(char* data, size_t size, size_t count, void* self);
  static size_t OnBody(char* data, size_t size, size_t count, void* self);

  bool TakeHeaderLine(absl::string_view line);
  bool TakeBody(absl::string_view bytes);
  std::optional<absl::Duration> Handshake() const;

  HttpRequest request_;
  Done done_;
  const Clock& clock_;
  HeaderList headers_;
  bool let_libcurl_resend_ = false;

  HttpReply reply_;
  bool too_long_ = false;
  size_t header_bytes_ = 0;
  bool head_is_whole_ = false;
  // When libcurl opened its first and its last socket for this transfer.
  std::optional<absl::Time> first_socket_at_;
  absl::Time last_socket_at_;

  // Last, so that it goes first: it points at the rest.
  EasyHandle easy_;
};

}  // namespace leadgateway::http

#endif  // LEADGATEWAY_GATEWAY_HTTP_CURL_TRANSFER_H_
