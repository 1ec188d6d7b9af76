#ifndef LEADGATEWAY_GATEWAY_HTTP_CURL_ERROR_H_
#define LEADGATEWAY_GATEWAY_HTTP_CURL_ERROR_H_

#include <curl/curl.h>

#include "absl/status/status.h"

namespace leadgateway::http {

// What a failed transfer means to us: OK for CURLE_OK; otherwise kUnavailable,
// kDeadlineExceeded or kInternal, in our own words. libcurl's texts are never
// used: they quote host names, URLs and what the server sent.
//
// `sent` says whether the request may have left; it only chooses words.
// `os_error` is the errno behind a broken connection, 0 if there is none.
absl::Status StatusFromCurl(CURLcode code, bool sent, int os_error = 0);

}  // namespace leadgateway::http

#endif  // LEADGATEWAY_GATEWAY_HTTP_CURL_ERROR_H_
