#include "gateway/http/curl_error.h"

#include <curl/curl.h>

#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace leadgateway::http {
namespace {

// Unavailable, with the operating system's name for the cause if there is one.
absl::Status Unavailable(absl::string_view words, int os_error) {
  if (os_error == 0) return absl::UnavailableError(words);
  return absl::UnavailableError(
      absl::StrCat(words, ": ", std::generic_category().message(os_error)));
}

}  // namespace

absl::Status StatusFromCurl(CURLcode code, bool sent, int os_error) {
  switch (code) {
    case CURLE_OK:
      return absl::OkStatus();

    // No connection came about: nothing was sent.
    case CURLE_COULDNT_RESOLVE_HOST:
      return absl::UnavailableError("the host's name could not be resolved");
    case CURLE_COULDNT_CONNECT:
      return Unavailable("could not connect", os_error);
    case CURLE_SSL_CONNECT_ERROR:
      return absl::UnavailableError("the TLS handshake failed");
    // Whoever answered may not be LeadSquared. Not kPermissionDenied or the
    // like: a server being replaced shows this too, and it passes.
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
      return absl::UnavailableError("the server's certificate is not trusted");

    // The connection stood and broke.
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND:
      return Unavailable("the connection broke while sending", os_error);
    case CURLE_RECV_ERROR:
      return Unavailable("the connection broke before the whole answer came",
                         os_error);
    case CURLE_GOT_NOTHING:
      return absl::UnavailableError(
          "the server closed the connection without an answer");
    case CURLE_PARTIAL_FILE:
      return absl::UnavailableError(
          "the connection ended in the middle of the answer");
    // Only our own pre-request callback aborts: it was asked to let the same
    // request leave a second time.
    case CURLE_ABORTED_BY_CALLBACK:
      return absl::UnavailableError(
          "a kept connection broke before an answer came; not sent again");

    // Something answered, and it does not speak HTTP as we know it. With the
    // scheme checked before, "unsupported protocol" can only mean an answer
    // without a status line. A load balancer in trouble does such things, and
    // recovers.
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return absl::UnavailableError("the answer was not valid HTTP");

    case CURLE_OPERATION_TIMEDOUT:
      return absl::DeadlineExceededError(
          sent ? "no whole answer came in time"
               : "no connection was established in time");

    // A URL that looks like one and isn't (a port of 99999); nothing was sent.
    case CURLE_URL_MALFORMAT:
      return absl::InvalidArgumentError("the URL can't be parsed");

    // Ours to repair: wrong set-up, no memory, or a misuse of libcurl.
    case CURLE_SSL_CACERT_BADFILE:
      return absl::InternalError(
          "the file of trusted certificates is unusable");
    case CURLE_OUT_OF_MEMORY:
      return absl::InternalError("out of memory");
    default:
      // The number can be looked up in curl.h; the transfer's outcome is as
      // unknown as with any other broken exchange.
      return absl::InternalError(
          absl::StrCat("libcurl error ", static_cast<int>(code)));
  }
}

}  // namespace leadgateway::http
