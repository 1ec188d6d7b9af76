#include "gateway/config/address.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ParseHostPort, ReadsNamesAddressesAndBracketedIpv6) {
  struct Case {
    const char* text;
    const char* host;
    int port;
  };
  for (const Case& c :
       {Case{"127.0.0.1:50051", "127.0.0.1", 50051},
        Case{"localhost:0", "localhost", 0},
        Case{"0.0.0.0:65535", "0.0.0.0", 65535}, Case{"[::]:80", "::", 80},
        Case{"[fe80::1]:1", "fe80::1", 1},
        Case{"lead-gateway.example:8081", "lead-gateway.example", 8081}}) {
    const absl::StatusOr<HostPort> address = ParseHostPort(c.text);
    ASSERT_TRUE(address.ok()) << c.text << ": " << address.status();
    EXPECT_EQ(address->host, c.host);
    EXPECT_EQ(address->port, c.port);
  }
}

TEST(ParseHostPort, SaysWhatIsWrong) {
  struct Case {
    const char* text;
    const char* words;
  };
  for (const Case& c : {Case{"", "must name a host"},
                        Case{":50051", "must name a host"},
                        Case{"localhost", "must end with a port"},
                        Case{"localhost:", "port from 0 to 65535"},
                        Case{"localhost:65536", "port from 0 to 65535"},
                        Case{"localhost:-1", "port from 0 to 65535"},
                        Case{"localhost:+1", "port from 0 to 65535"},
                        Case{"localhost:1x", "port from 0 to 65535"},
                        Case{"localhost: 1", "port from 0 to 65535"},
                        Case{"localhost:99999999999999", "port from 0"},
                        Case{"::1:50051", "stands in brackets"},
                        Case{"[::1]", "must end with a port"},
                        Case{"[::1]50051", "\":\" between \"]\" and the port"},
                        Case{"[::1", "lacks a \"]\""},
                        Case{"[localhost]:1", "no IPv6 address"},
                        Case{"[]:1", "no IPv6 address"},
                        Case{"10.0.0.300:1", "neither a name nor an address"},
                        Case{"127.1:1", "neither a name nor an address"},
                        Case{"a b:1", "neither a name nor an address"},
                        Case{"a..b:1", "neither a name nor an address"},
                        Case{"*:1", "neither a name nor an address"},
                        Case{"dns:///x:1", "more than one \":\""}}) {
    const absl::Status status = ParseHostPort(c.text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.words)) << c.text;
  }
}

TEST(ParseBaseUrl, AcceptsHttpsAnywhereAndHttpOnLoopback) {
  struct Case {
    const char* text;
    const char* url;
  };
  for (const Case& c :
       {Case{"https://api-in21.leadsquared.com",
             "https://api-in21.leadsquared.com"},
        Case{"https://api.leadsquared.com:8443/",
             "https://api.leadsquared.com:8443"},
        Case{"HTTPS://API.leadsquared.com", "https://API.leadsquared.com"},
        Case{"https://[2001:db8::1]:1", "https://[2001:db8::1]:1"},
        Case{"http://localhost:8080", "http://localhost:8080"},
        Case{"http://127.255.0.9", "http://127.255.0.9"},
        Case{"http://[::1]:8080/", "http://[::1]:8080"}}) {
    const absl::StatusOr<std::string> url = ParseBaseUrl(c.text);
    ASSERT_TRUE(url.ok()) << c.text << ": " << url.status();
    EXPECT_EQ(*url, c.url);
  }
}

TEST(ParseBaseUrl, SaysWhatIsWrongAndRepeatsNothing) {
  struct Case {
    const char* text;
    const char* words;
  };
  for (const Case& c :
       {Case{"", "must start with \"https://\""},
        Case{"hunter2", "must start with \"https://\""},
        Case{"ftp://hunter2", "must start with \"https://\""},
        Case{"https:/hunter2", "must start with \"https://\""},
        Case{"https://", "must name a host"},
        Case{"https:///v2", "the gateway adds the path"},
        Case{"https://:443", "must name a host"},
        Case{"https://u:hunter2@api.leadsquared.com", "user name or password"},
        Case{"https://api.leadsquared.com/v2/hunter2", "the path"},
        Case{"https://api.leadsquared.com//", "the path"},
        Case{"https://api.leadsquared.com?accessKey=hunter2", "drop \"?\""},
        Case{"https://api.leadsquared.com/#hunter2", "drop \"?\" or \"#\""},
        Case{"https://api.leadsquared.com:0", "port from 1 to 65535"},
        Case{"https://api.leadsquared.com:65536", "port from 1 to 65535"},
        Case{"https://api.leadsquared.com:", "port from 1 to 65535"},
        Case{"https://api leadsquared", "neither a name nor an address"},
        Case{"http://api.leadsquared.com", "loopback hosts only"},
        Case{"http://128.0.0.1", "loopback hosts only"},
        Case{"http://127.0.0.1.example.com", "loopback hosts only"},
        Case{"http://localhost.example.com", "loopback hosts only"},
        Case{"http://[::2]", "loopback hosts only"},
        Case{"http://127.1", "neither a name nor an address"}}) {
    const absl::Status status = ParseBaseUrl(c.text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.text;
    const std::string message(status.message());
    EXPECT_THAT(message, HasSubstr(c.words)) << c.text;
    EXPECT_THAT(message, Not(HasSubstr("hunter2"))) << c.text;
  }
}

}  // namespace
}  // namespace leadgateway
