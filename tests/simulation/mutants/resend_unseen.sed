# A request whose connection breaks is sent once more, and nobody hears of it
# (what libcurl does by default).
/^void LeadSquaredClient::Update(/,/^}/{
  s/^  http_->Send($/  const auto again = std::make_shared<http::HttpRequest>(request);\n  again->leave = nullptr;\n&/
  s/\[this, account = options_\.account,/[this, again, account = options_.account,/
  s/^        ReadAnswer read = ReadReply(reply, leads);/        if (reply.sent_at \&\& !reply.status.ok()) {\n          http_->Send(*again, [](http::HttpReply) {});\n        }\n&/
}
s/^#include <string>/#include <memory>\n&/
