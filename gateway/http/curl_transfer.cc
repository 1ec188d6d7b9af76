#include "gateway/http/curl_transfer.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gateway/base/clock.h"
#include "gateway/base/secret.h"
#include "gateway/http/curl_error.h"
#include "gateway/http/curl_handles.h"
#include "gateway/http/http_client.h"
#include "gateway/http/round_trip.h"

namespace leadgateway::http {
namespace {

// Of an answer's header lines in all; LeadSquared's are some hundred bytes.
constexpr size_t kMaxHeaderBytes = size_t{64} << 10;

// An idle connection that is older than this is not used again. Load balancers
// commonly close after 60 s; a request that meets the closing half-way is lost
// in the worst way (nobody knows whether it was read), so we are first.
constexpr long kMaxIdleSeconds = 50;

// A connection that is never idle would otherwise stay with the address that
// the name had at the start, for ever.
constexpr long kMaxConnectionSeconds = 600;

// TCP's own probing of a silent peer; finds out about hosts that vanished
// before the next request does.
constexpr long kKeepAliveIdleSeconds = 30;
constexpr long kKeepAliveIntervalSeconds = 10;

// libcurl takes milliseconds as a long, and 0 as "no limit".
long TimeoutMillis(absl::Duration timeout) {
  constexpr absl::Duration kLongest = absl::Hours(24);
  return static_cast<long>(absl::ToInt64Milliseconds(
      absl::Ceil(std::min(timeout, kLongest), absl::Milliseconds(1))));
}

// Letters, digits and the marks that RFC 9110 allows in a header's name.
bool IsHeaderNameChar(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("!#$%&'*+-.^_`|~", c);
}

bool IsSafeHeaderLine(absl::string_view line) {
  const size_t colon = line.find(':');
  if (colon == absl::string_view::npos || colon == 0) return false;
  const absl::string_view name = line.substr(0, colon);
  const absl::string_view value = line.substr(colon + 1);
  // To libcurl, a line with nothing after the colon is an order to leave out a
  // header of its own: not what the caller meant.
  if (absl::StripAsciiWhitespace(value).empty()) return false;
  // CR and LF would begin another header or the body, NUL would hide the rest
  // from libcurl; no other control character is allowed in HTTP either.
  return std::all_of(name.begin(), name.end(), IsHeaderNameChar) &&
         std::none_of(value.begin(), value.end(), [](char c) {
           return c != '\t' &&
                  absl::ascii_iscntrl(static_cast<unsigned char>(c));
         });
}

bool IsSafeUrl(absl::string_view url) {
  // Without a scheme libcurl would guess, and send keys in the clear.
  return (absl::StartsWithIgnoreCase(url, "https://") ||
          absl::StartsWithIgnoreCase(url, "http://")) &&
         std::all_of(url.begin(), url.end(), [](char c) {
           return absl::ascii_isgraph(static_cast<unsigned char>(c));
         });
}

}  // namespace

std::optional<absl::Duration> ParseRetryAfter(absl::string_view value) {
  value = absl::StripAsciiWhitespace(value);
  if (value.empty()) return std::nullopt;
  const int64_t longest = absl::ToInt64Seconds(kLongestRetryAfter);
  int64_t seconds = 0;
  for (const char c : value) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c)))
      return std::nullopt;
    seconds = std::min(seconds * 10 + (c - '0'), longest);
  }
  return absl::Seconds(seconds);
}

absl::Status CheckRequest(const HttpRequest& request) {
  if (!IsSafeUrl(request.url.Reveal())) {
    return absl::InvalidArgumentError(
        "the URL is not a whole http or https URL in plain ASCII without "
        "spaces");
  }
  for (const Secret& line : request.headers) {
    if (!IsSafeHeaderLine(line.Reveal())) {
      return absl::InvalidArgumentError(
          "a header line is not \"Name: value\" on one line");
    }
  }
  if (request.timeout <= absl::ZeroDuration() ||
      request.connect_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("a time limit is not positive");
  }
  return absl::OkStatus();
}

CurlTransfer::CurlTransfer(EasyHandle easy, HttpRequest request, Done done,
                           const Clock& clock)
    : request_(std::move(request)),
      done_(std::move(done)),
      clock_(clock),
      easy_(std::move(easy)) {}

absl::Status CurlTransfer::Prepare(const Options& options) {
  let_libcurl_resend_ = options.let_libcurl_resend;

  for (const Secret& line : request_.headers) {
    if (!AppendLine(headers_, line.Reveal().c_str())) {
      return absl::InternalError("out of memory");
    }
  }
  // libcurl would ask for permission before it sends a longer body, and wait a
  // second for an answer that LeadSquared never gives.
  if (!AppendLine(headers_, "Expect:")) {
    return absl::InternalError("out of memory");
  }

  CURLcode code = CURLE_OK;
  CURLoption failed{};
  const auto set = [&](CURLoption option, auto value) {
    if (code != CURLE_OK) return;
    code = curl_easy_setopt(easy_.get(), option, value);
    failed = option;
  };

  // Only what we mean, and nothing of the environment: no other protocol, no
  // second request to another address (it would carry the keys along), no
  // proxy from http_proxy and its kin.
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  // Signals belong to the process, not to a library in one of its threads.
  set(CURLOPT_NOSIGNAL, 1L);
  // A look-up that outlasts its transfer is left behind; by default libcurl
  // waits for its thread, and the whole loop would stand still until the
  // resolver gives up.
  set(CURLOPT_QUICK_EXIT, 1L);

  // HTTP/1.1, deliberately. Without TLS, libcurl 7.88.1 fails to reuse HTTP/2
  // connections (CURLE_HTTP2). With TLS it would work, but every call would
  // share one connection, and its death would leave all of them (25, say) with
  // an unknown outcome instead of one.
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_HTTP09_ALLOWED, 0L);
  // CURLOPT_ACCEPT_ENCODING stays unset: no compression, so max_answer_bytes
  // bounds what arrives as well as what is kept.

  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options.ca_file.empty()) set(CURLOPT_CAINFO, options.ca_file.c_str());

  set(CURLOPT_TCP_NODELAY, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_TCP_KEEPIDLE, kKeepAliveIdleSeconds);
  set(CURLOPT_TCP_KEEPINTVL, kKeepAliveIntervalSeconds);
  set(CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
  set(CURLOPT_MAXLIFETIME_CONN, kMaxConnectionSeconds);

  set(CURLOPT_TIMEOUT_MS, TimeoutMillis(request_.timeout));
  set(CURLOPT_CONNECTTIMEOUT_MS, TimeoutMillis(request_.connect_timeout));

  set(CURLOPT_PREREQFUNCTION, &CurlTransfer::OnPrerequest);
  set(CURLOPT_PREREQDATA, static_cast<void*>(this));
  set(CURLOPT_SOCKOPTFUNCTION, &CurlTransfer::OnSocket);
  set(CURLOPT_SOCKOPTDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &CurlTransfer::OnHeader);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &CurlTransfer::OnBody);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));

  set(CURLOPT_URL, request_.url.Reveal().c_str());
  set(CURLOPT_HTTPHEADER, headers_.get());
  switch (request_.method) {
    case HttpRequest::Method::kGet:
      set(CURLOPT_HTTPGET, 1L);
      break;
    case HttpRequest::Method::kPost:
      set(CURLOPT_POST, 1L);
      // Not copied: request_ lives as long as the transfer, and its body may
      // still change before the request leaves.
      set(CURLOPT_POSTFIELDSIZE_LARGE,
          static_cast<curl_off_t>(request_.body.size()));
      set(CURLOPT_POSTFIELDS, request_.body.data());
      break;
  }

  if (code != CURLE_OK) {
    return absl::InternalError(
        absl::StrCat("libcurl refused option ", static_cast<int>(failed),
                     " with error ", static_cast<int>(code)));
  }
  return absl::OkStatus();
}

HttpReply CurlTransfer::TakeReply(CURLcode code) {
  long http_status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &http_status);
  reply_.http_status = static_cast<int>(http_status);
  reply_.handshake = Handshake();
  curl_socket_t socket = CURL_SOCKET_BAD;
  if (curl_easy_getinfo(easy_.get(), CURLINFO_ACTIVESOCKET, &socket) ==
          CURLE_OK &&
      socket != CURL_SOCKET_BAD) {
    reply_.round_trip = LeastRoundTrip(socket);
  }
  reply_.done_at = clock_.Now();
  if (too_long_) {
    reply_.status = absl::ResourceExhaustedError("the answer is too long");
  } else {
    long os_error = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &os_error);
    reply_.status = StatusFromCurl(code, reply_.sent_at.has_value(),
                                   static_cast<int>(os_error));
    // libcurl takes a head that breaks off for a whole one.
    if (reply_.status.ok() && !head_is_whole_) {
      reply_.status = absl::UnavailableError(
          "the connection ended in the middle of the answer's head");
    }
  }
  return std::move(reply_);
}

int CurlTransfer::OnPrerequest(void* self, char* /*remote_ip*/,
                               char* /*local_ip*/, int /*remote_port*/,
                               int /*local_port*/) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  if (!transfer.reply_.sent_at.has_value()) {
    HttpRequest& request = transfer.request_;
    if (request.leave && !request.leave(absl::MakeSpan(request.body))) {
      return CURL_PREREQFUNC_ABORT;
    }
    transfer.reply_.sent_at = transfer.clock_.Now();
    return CURL_PREREQFUNC_OK;
  }
  // The second call for one transfer: the kept connection on which the request
  // went out has died without an answer, and libcurl is about to send it once
  // more on another one, without a word to anybody. The server may have read
  // the first copy.
  return transfer.let_libcurl_resend_ ? CURL_PREREQFUNC_OK
                                      : CURL_PREREQFUNC_ABORT;
}

int CurlTransfer::OnSocket(void* self, curl_socket_t /*socket*/,
                           curlsocktype /*purpose*/) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  transfer.last_socket_at_ = transfer.clock_.Now();
  if (!transfer.first_socket_at_.has_value()) {
    transfer.first_socket_at_ = transfer.last_socket_at_;
  }
  return CURL_SOCKOPT_OK;
}

size_t CurlTransfer::OnHeader(char* data, size_t size, size_t count,
                              void* self) {
  const absl::string_view line(data, size * count);
  // Anything but the whole length ends the transfer.
  return static_cast<CurlTransfer*>(self)->TakeHeaderLine(line)
             ? line.size()
             : CURL_WRITEFUNC_ERROR;
}

size_t CurlTransfer::OnBody(char* data, size_t size, size_t count, void* self) {
  const absl::string_view bytes(data, size * count);
  return static_cast<CurlTransfer*>(self)->TakeBody(bytes)
             ? bytes.size()
             : CURL_WRITEFUNC_ERROR;
}

bool CurlTransfer::TakeHeaderLine(absl::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > kMaxHeaderBytes) {
    too_long_ = true;
    return false;
  }
  if (absl::StartsWith(line, "HTTP/")) {
    // A new status line: what came before belonged to an interim answer (1xx).
    reply_.retry_after.reset();
    head_is_whole_ = false;
    return true;
  }
  // The empty line that ends the head.
  if (line == "\r\n" || line == "\n") head_is_whole_ = true;
  constexpr absl::string_view kRetryAfter = "retry-after:";
  if (absl::StartsWithIgnoreCase(line, kRetryAfter)) {
    reply_.retry_after = ParseRetryAfter(line.substr(kRetryAfter.size()));
  }
  return true;
}

bool CurlTransfer::TakeBody(absl::string_view bytes) {
  const size_t room = request_.max_answer_bytes - reply_.body.size();
  reply_.body.append(bytes.data(), std::min(bytes.size(), room));
  too_long_ = bytes.size() > room;
  return !too_long_;
}

std::optional<absl::Duration> CurlTransfer::Handshake() const {
  long connections = 0;
  curl_off_t looked_up_us = 0;
  curl_off_t connected_us = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_NUM_CONNECTS, &connections);
  curl_easy_getinfo(easy_.get(), CURLINFO_NAMELOOKUP_TIME_T, &looked_up_us);
  curl_easy_getinfo(easy_.get(), CURLINFO_CONNECT_TIME_T, &connected_us);
  // Without sent_at the connection may be one that did not come about.
  if (connections <= 0 || connected_us <= 0 || !reply_.sent_at.has_value()) {
    return std::nullopt;
  }
  absl::Duration handshake = absl::Microseconds(connected_us - looked_up_us);
  // With several addresses libcurl tries one after the other, and the time
  // since the look-up includes the attempts that failed. The time since the
  // last one began is never longer than the handshake that succeeded took,
  // and too short an answer is the harmless mistake for those who take it for
  // the least time that the network needs.
  if (first_socket_at_.has_value()) {
    handshake -= last_socket_at_ - *first_socket_at_;
  }
  return std::max(handshake, absl::ZeroDuration());
}

}  // namespace leadgateway::http
