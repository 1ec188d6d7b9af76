#include "gateway/server/request_context.h"

#include <string>

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
