#include "gateway/http/curl_error.h"

#include <curl/curl.h>
#include <errno.h>

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway::http {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(CurlErrorTest, EveryCodeBecomesAStatusThatHttpReplyPromises) {
  EXPECT_TRUE(StatusFromCurl(CURLE_OK, false).ok());
  for (int code = 1; code < CURL_LAST; ++code) {
    for (const bool sent : {false, true}) {
      const absl::Status status =
          StatusFromCurl(static_cast<CURLcode>(code), sent);
      EXPECT_THAT(status.code(), AnyOf(absl::StatusCode::kUnavailable,
                                       absl::StatusCode::kDeadlineExceeded,
                                       absl::StatusCode::kInvalidArgument,
                                       absl::StatusCode::kInternal))
          << code;
      EXPECT_FALSE(status.message().empty()) << code;
    }
  }
}

TEST(CurlErrorTest, ATimeOutSaysWhetherAnythingWasSent) {
  EXPECT_EQ(StatusFromCurl(CURLE_OPERATION_TIMEDOUT, false).message(),
            "no connection was established in time");
  EXPECT_EQ(StatusFromCurl(CURLE_OPERATION_TIMEDOUT, true).message(),
            "no whole answer came in time");
}

TEST(CurlErrorTest, ABrokenConnectionCarriesTheSystemsWords) {
  const absl::Status status =
      StatusFromCurl(CURLE_COULDNT_CONNECT, false, ECONNREFUSED);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(), "could not connect: Connection refused");
  EXPECT_EQ(StatusFromCurl(CURLE_COULDNT_CONNECT, false).message(),
            "could not connect");
}

TEST(CurlErrorTest, AnUnknownCodeIsReportedByItsNumber) {
  const absl::Status status = StatusFromCurl(CURLE_FTP_PORT_FAILED, false);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("30"));
}

TEST(CurlErrorTest, LibcurlsOwnWordsAreNotUsed) {
  for (int code = 1; code < CURL_LAST; ++code) {
    const auto curl_code = static_cast<CURLcode>(code);
    EXPECT_THAT(std::string(StatusFromCurl(curl_code, true).message()),
                Not(HasSubstr(curl_easy_strerror(curl_code))))
        << code;
  }
}

}  // namespace
}  // namespace leadgateway::http
