// What is to leave on a connection for one request, faults included.
#ifndef SANDBOX_REPLY_H_
#define SANDBOX_REPLY_H_

#include <string>

#include "absl/strings/string_view.h"

namespace leadgateway::sandbox {

// How the answer leaves.
enum class ReplyEnd {
  kWhole,
  kTruncated,  // half of the body, then a clean close
  kResetMid,   // half of the body, then RST
  kReset,      // nothing, RST
  kClose,      // nothing, a clean close
  kNever,      // nothing, until the client closes
};

inline constexpr absl::string_view kJsonType =
    "application/json; charset=utf-8";
inline constexpr absl::string_view kHtmlType = "text/html";

struct Reply {
  int status = 200;
  absl::string_view content_type = kJsonType;  // one of the constants
  std::string body;
  std::string extra_headers;  // whole lines with their ends
  ReplyEnd end = ReplyEnd::kWhole;
  bool close = false;
};

// The status line and headers that go before reply.body.
std::string ReplyHead(const Reply& reply);

// A small HTML page, as a web server in front of the API writes it.
Reply HtmlReply(int status, absl::string_view title);

absl::string_view ReasonPhrase(int status);

}  // namespace leadgateway::sandbox

#endif  // SANDBOX_REPLY_H_
