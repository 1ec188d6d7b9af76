#include "gateway/identity/forwarded_client_cert.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gateway/identity/identity.h"
#include "gtest/gtest.h"

namespace leadgateway::identity {
namespace {

std::vector<Identity> Parsed(const std::string& header) {
  absl::StatusOr<std::vector<Identity>> parsed =
      ParseForwardedClientCert(header);
  EXPECT_TRUE(parsed.ok()) << header << ": " << parsed.status();
  return parsed.ok() ? *std::move(parsed) : std::vector<Identity>();
}

std::string MistakeOf(const std::string& header) {
  const absl::Status status = ParseForwardedClientCert(header).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << header;
  return std::string(status.message());
}

using Identities = std::vector<Identity>;

TEST(ParseForwardedClientCert, ReadsWhatEnvoySends) {
  EXPECT_EQ(
      Parsed("By=spiffe://td/ns/a/sa/gateway;"
             "Hash=468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a"
             "02dd8de688;"
             "Subject=\"emailAddress=web@example.org,CN=Web Front,O=Acme\";"
             "URI=spiffe://td/ns/a/sa/web;DNS=web.example.org;DNS=web"),
      (Identities{
          {.uris = {"spiffe://td/ns/a/sa/web"},
           .dns_names = {"web.example.org", "web"},
           .subject = "emailAddress=web@example.org,CN=Web Front,O=Acme"}}));
  EXPECT_EQ(Parsed("Hash=1;Cert=\"-----BEGIN%20CERTIFICATE-----%0A\";"
                   "Chain=\"x%0Ay\";URI=spiffe://td/a"),
            (Identities{{.uris = {"spiffe://td/a"}}}));
}

TEST(ParseForwardedClientCert, ReadsSeveralElementsInOrder) {
  EXPECT_EQ(Parsed("URI=spiffe://td/a,By=x;URI=spiffe://td/b;URI=https://b, "
                   "Subject=\"CN=c\" ,Hash=0"),
            (Identities{{.uris = {"spiffe://td/a"}},
                        {.uris = {"spiffe://td/b", "https://b"}},
                        {.subject = "CN=c"},
                        {}}));
}

TEST(ParseForwardedClientCert, TakesKeysInAnyCase) {
  EXPECT_EQ(Parsed("uri=a;dns=b;SUBJECT=c;hAsH=d"),
            (Identities{{.uris = {"a"}, .dns_names = {"b"}, .subject = "c"}}));
}

TEST(ParseForwardedClientCert, KeepsSeparatorsWithinQuotes) {
  EXPECT_EQ(Parsed("Subject=\"CN=a,O=b;c=d\";URI=\"u,v;w\""),
            (Identities{{.uris = {"u,v;w"}, .subject = "CN=a,O=b;c=d"}}));
  // A bare value may hold "=": URIs have queries.
  EXPECT_EQ(Parsed("URI=https://a?b=c"),
            (Identities{{.uris = {"https://a?b=c"}}}));
}

TEST(ParseForwardedClientCert, KeepsEscapesAsRfc2253WritesThem) {
  EXPECT_EQ(Parsed(R"(Subject="CN=a \"b\",O=c\, d")"),
            (Identities{{.subject = R"(CN=a \"b\",O=c\, d)"}}));
  // A backslash at the end of a name is written as two; the quote after it
  // closes the value.
  EXPECT_EQ(Parsed(R"(Subject="CN=a\\";URI=u)"),
            (Identities{{.uris = {"u"}, .subject = R"(CN=a\\)"}}));
}

TEST(ParseForwardedClientCert, TakesEmptyValuesForNone) {
  EXPECT_EQ(Parsed("By=;Hash=;Subject=\"\";URI=;DNS="), (Identities{{}}));
}

TEST(ParseForwardedClientCert, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(MistakeOf(""), "expected a key at byte 1 of 0");
  EXPECT_EQ(MistakeOf("URI"), "expected \"=\" at byte 4 of 3");
  EXPECT_EQ(MistakeOf("URI=a,,URI=b"), "expected a key at byte 7 of 12");
  EXPECT_EQ(MistakeOf("URI=a;"), "expected a key at byte 7 of 6");
  EXPECT_EQ(MistakeOf("URI=a,"), "expected a key at byte 7 of 6");
  EXPECT_EQ(MistakeOf("=a"), "expected a key at byte 1 of 2");
  EXPECT_EQ(MistakeOf("Subject=\"CN=a"),
            "a quote is not closed at byte 14 of 13");
  EXPECT_EQ(MistakeOf("Subject=\"CN=a\\"),
            "a quote is not closed at byte 15 of 14");
  EXPECT_EQ(MistakeOf("Subject=\"CN=a\"b"),
            "expected \",\" or \";\" at byte 15 of 15");
  EXPECT_EQ(MistakeOf("URI=a\"b\""), "expected \",\" or \";\" at byte 6 of 8");
  EXPECT_EQ(MistakeOf("Subject=a;Subject=b"),
            "a second Subject in one element at byte 19 of 19");
  EXPECT_EQ(MistakeOf("U RI=a"), "expected \"=\" at byte 2 of 6");
  EXPECT_EQ(MistakeOf(std::string("\0", 1)), "expected a key at byte 1 of 1");
}

// Proxies append to what the client may have written: whatever that is, it must
// not change how the last element is read.
TEST(ParseForwardedClientCert, NoBeginningChangesTheLastElement) {
  const std::string last =
      "By=spiffe://td/gateway;Hash=1;Subject=\"CN=x,O=y\";URI=spiffe://td/"
      "mallory";
  const Identity mallory = {.uris = {"spiffe://td/mallory"},
                            .subject = "CN=x,O=y"};
  const std::string pieces[] = {"URI=spiffe://td/admin",
                                "Subject=\"",
                                "Subject=\"CN=a",
                                "\"",
                                "\\",
                                "\\\"",
                                ";",
                                ",",
                                "=",
                                "DNS=",
                                " "};
  int read = 0;
  int refused = 0;
  // All beginnings of up to four pieces.
  std::vector<std::string> beginnings = {""};
  for (int length = 0; length < 4; ++length) {
    std::vector<std::string> longer;
    for (const std::string& beginning : beginnings) {
      for (const std::string& piece : pieces) {
        longer.push_back(absl::StrCat(beginning, piece));
        const absl::StatusOr<std::vector<Identity>> parsed =
            ParseForwardedClientCert(absl::StrCat(longer.back(), ",", last));
        if (!parsed.ok()) {
          ++refused;
          continue;
        }
        ++read;
        ASSERT_EQ(parsed->back(), mallory) << longer.back();
      }
    }
    beginnings = std::move(longer);
  }
  EXPECT_GT(read, 10);
  EXPECT_GT(refused, 1'000);
}

}  // namespace
}  // namespace leadgateway::identity
