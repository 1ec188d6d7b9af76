#include "gateway/http/curl_transfer.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/base/secret.h"
#include "gateway/http/http_client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

HttpRequest RequestTo(std::string url) {
  HttpRequest request;
  request.url = Secret(std::move(url));
  return request;
}

HttpRequest RequestWith(std::string header) {
  HttpRequest request = RequestTo("https://example.com/");
  request.headers.emplace_back(std::move(header));
  return request;
}

TEST(RetryAfterTest, SecondsAreRead) {
  EXPECT_EQ(ParseRetryAfter("5"), absl::Seconds(5));
  EXPECT_EQ(ParseRetryAfter(" 120 \r\n"), absl::Seconds(120));
  EXPECT_EQ(ParseRetryAfter("0"), absl::ZeroDuration());
}

TEST(RetryAfterTest, AnythingElseIsNone) {
  for (const char* value : {"", " ", "\r\n", "-1", "+5", "1.5", "5s", "5 6",
                            "0x10", "Fri, 31 Dec 1999 23:59:59 GMT"}) {
    EXPECT_EQ(ParseRetryAfter(value), std::nullopt) << value;
  }
}

TEST(RetryAfterTest, ALongTimeIsCutAndDoesNotOverflow) {
  EXPECT_EQ(ParseRetryAfter("86400"), kLongestRetryAfter);
  EXPECT_EQ(ParseRetryAfter("86401"), kLongestRetryAfter);
  EXPECT_EQ(ParseRetryAfter(std::string(1000, '9')), kLongestRetryAfter);
}

TEST(CheckRequestTest, AnOrdinaryRequestPasses) {
  EXPECT_TRUE(CheckRequest(RequestTo("https://example.com/a?b=c%20d")).ok());
  EXPECT_TRUE(CheckRequest(RequestTo("HTTP://127.0.0.1:80/")).ok());
  EXPECT_TRUE(CheckRequest(RequestWith("x-LSQ-AccessKey: u$rabc")).ok());
  EXPECT_TRUE(CheckRequest(RequestWith("Name: a\tb")).ok());
}

TEST(CheckRequestTest, AUrlThatIsNotPlainHttpIsRefused) {
  using namespace std::string_literals;
  for (const std::string& url :
       {""s, "example.com/SECRET"s, "file:///etc/SECRET"s, "ftp://SECRET/"s,
        "//SECRET/"s, " http://SECRET/"s, "http://SECRET/ HTTP/1.1"s,
        "http://SECRET/\r\nA: b"s, "http://SECRET/\n"s, "http://SECRET/\0"s,
        "http://SECRET/\t"s, "http://SECRET/\x7f"s,
        "http://SECRET/\xc3\xa4"s}) {
    const absl::Status status = CheckRequest(RequestTo(url));
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << url;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("SECRET")));
  }
}

TEST(CheckRequestTest, AHeaderThatIsNotOneLineIsRefused) {
  using namespace std::string_literals;
  for (const std::string& line :
       {""s, "SECRET"s, ": SECRET"s, "A:"s, "A: "s, "A;"s, "A b: SECRET"s,
        "A : SECRET"s, "A: SECRET\r\nB: c"s, "A: SECRET\nB: c"s, "A: SECRET\r"s,
        "A: SECRET\n"s, "A\r\nB: SECRET"s, "A: SEC\0RET"s, "A\0: SECRET"s,
        "A: SECRET\x01"s, "A: SECRET\x7f"s, " A: SECRET"s}) {
    const absl::Status status = CheckRequest(RequestWith(line));
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << line;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("SECRET")));
  }
}

TEST(CheckRequestTest, TimeLimitsMustBePositive) {
  HttpRequest request = RequestTo("http://127.0.0.1/");
  request.timeout = absl::ZeroDuration();
  EXPECT_EQ(CheckRequest(request).code(), absl::StatusCode::kInvalidArgument);
  request.timeout = absl::Seconds(1);
  request.connect_timeout = -absl::Seconds(1);
  EXPECT_EQ(CheckRequest(request).code(), absl::StatusCode::kInvalidArgument);
  request.connect_timeout = absl::InfiniteDuration();
  EXPECT_TRUE(CheckRequest(request).ok());
}

}  // namespace
}  // namespace leadgateway::http
