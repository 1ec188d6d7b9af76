#ifndef LEADGATEWAY_GATEWAY_HTTP_CURL_HANDLES_H_
#define LEADGATEWAY_GATEWAY_HTTP_CURL_HANDLES_H_

#include <curl/curl.h>
#include <string.h>

#include <memory>

namespace leadgateway::http {

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
// One transfer's handle. It must have left its multi handle when it goes.
using EasyHandle = std::unique_ptr<CURL, EasyDeleter>;

struct MultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
// What drives many transfers and keeps their connections.
using MultiHandle = std::unique_ptr<CURLM, MultiDeleter>;

struct SlistDeleter {
  void operator()(curl_slist* list) const {
    // Header lines hold keys: libcurl's copies are wiped like our own.
    for (curl_slist* node = list; node != nullptr; node = node->next) {
      explicit_bzero(node->data, strlen(node->data));
    }
    curl_slist_free_all(list);
  }
};
// Header lines. Append with AppendLine.
using HeaderList = std::unique_ptr<curl_slist, SlistDeleter>;

// Adds a copy of `line`; false, and no change, if there is no memory.
inline bool AppendLine(HeaderList& list, const char* line) {
  curl_slist* const longer = curl_slist_append(list.get(), line);
  if (longer == nullptr) return false;
  // The head stays the same from the second line on.
  list.release();
  list.reset(longer);
  return true;
}

}  // namespace leadgateway::http

#endif  // LEADGATEWAY_GATEWAY_HTTP_CURL_HANDLES_H_
