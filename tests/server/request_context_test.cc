#include "gateway/server/request_context.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace leadgateway::server {
namespace {

TEST(PeerHost, TakesTheHostOfAPeer) {
  EXPECT_EQ(PeerHost("ipv4:10.0.0.7:4711"), "10.0.0.7");
  EXPECT_EQ(PeerHost("ipv6:[::1]:4711"), "::1");
  EXPECT_EQ(PeerHost("ipv6:%5B2001:db8::1%5D:4711"), "2001:db8::1");
  EXPECT_EQ(PeerHost("unix:/run/gateway.sock"), "unix:/run/gateway.sock");
  EXPECT_EQ(PeerHost("ipv4:10.0.0.7"), "10.0.0.7");
  EXPECT_EQ(PeerHost(""), "");
  EXPECT_EQ(PeerHost(std::string(1'000, 'x')).size(), 128);
}

constexpr char kTrace[] = "0af7651916cd43dd8448eb211c80319c";

TEST(TraceIdOf, TakesTheIdOfAValidHeader) {
  EXPECT_EQ(TraceIdOf(absl::StrCat("00-", kTrace, "-b7ad6b7169203331-01")),
            kTrace);
  // A later version may go on.
  EXPECT_EQ(
      TraceIdOf(absl::StrCat("cc-", kTrace, "-b7ad6b7169203331-01-what-else")),
      kTrace);
}

TEST(TraceIdOf, IsEmptyForAHeaderThatIsNotValid) {
  for (const std::string& header :
       {std::string(), std::string("00"), absl::StrCat("00-", kTrace),
        absl::StrCat("00-", kTrace, "-b7ad6b7169203331-0"),
        absl::StrCat("ff-", kTrace, "-b7ad6b7169203331-01"),
        absl::StrCat("0x-", kTrace, "-b7ad6b7169203331-01"),
        absl::StrCat("00-", kTrace, "-b7ad6b716920333x-01"),
        absl::StrCat("00-", kTrace, "-b7ad6b7169203331-0x"),
        absl::StrCat("00_", kTrace, "-b7ad6b7169203331-01"),
        absl::StrCat("00-", kTrace, "_b7ad6b7169203331-01"),
        absl::StrCat("00-", kTrace, "-b7ad6b7169203331_01"),
        std::string("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"),
        absl::StrCat("00-", std::string(32, '0'), "-b7ad6b7169203331-01")}) {
    EXPECT_EQ(TraceIdOf(header), "") << header;
  }
}

TEST(IsPrintable, TakesShortPrintableAsciiOnly) {
  EXPECT_TRUE(IsPrintable("a", 3));
  EXPECT_TRUE(IsPrintable(" ~!", 3));
  EXPECT_FALSE(IsPrintable("", 3));
  EXPECT_FALSE(IsPrintable("abcd", 3));
  for (const std::string& text :
       {std::string("a\n"), std::string("\x7f"), std::string("\0", 1),
        std::string("\xC3\xBC"), std::string("\xff"), std::string("\x1f")}) {
    EXPECT_FALSE(IsPrintable(text, 10)) << text;
  }
}

}  // namespace
}  // namespace leadgateway::server
