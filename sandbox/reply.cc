#include "sandbox/reply.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace leadgateway::sandbox {

absl::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Request Entity Too Large";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

std::string ReplyHead(const Reply& reply) {
  return absl::StrCat(
      "HTTP/1.1 ", reply.status, " ", ReasonPhrase(reply.status),
      "\r\nCache-Control: private\r\nContent-Type: ", reply.content_type,
      "\r\nContent-Length: ", reply.body.size(), "\r\n", reply.extra_headers,
      reply.close ? "Connection: close\r\n\r\n" : "\r\n");
}

Reply HtmlReply(int status, absl::string_view title) {
  Reply reply;
  reply.status = status;
  reply.content_type = kHtmlType;
  reply.body =
      absl::StrCat("<html>\r\n<head><title>", status, " ", title,
                   "</title></head>\r\n<body>\r\n<center><h1>", status, " ",
                   title, "</h1></center>\r\n</body>\r\n</html>\r\n");
  return reply;
}

}  // namespace leadgateway::sandbox
