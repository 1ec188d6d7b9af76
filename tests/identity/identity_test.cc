#include "gateway/identity/identity.h"

#include <string>

#include "gtest/gtest.h"

namespace leadgateway::identity {
namespace {

TEST(NameOf, TakesTheSpiffeIdFirstThenAnotherUriTheDnsNameAndTheSubject) {
  Identity identity;
  EXPECT_EQ(NameOf(identity), "");
  identity.subject = "CN=crm,O=Example";
  EXPECT_EQ(NameOf(identity), "CN=crm,O=Example");
  identity.dns_names = {"crm.example.org", "crm"};
  EXPECT_EQ(NameOf(identity), "crm.example.org");
  identity.uris = {"https://example.org/crm"};
  EXPECT_EQ(NameOf(identity), "https://example.org/crm");
  identity.uris.push_back("spiffe://example.org/ns/crm/sa/nightly");
  EXPECT_EQ(NameOf(identity), "spiffe://example.org/ns/crm/sa/nightly");
}

TEST(NameOf, IsShortAndPrintable) {
  EXPECT_EQ(NameOf({.subject = "CN=a\nb\x7f\xC3\xBC"}), "CN=a?b???");
  EXPECT_EQ(NameOf({.uris = {std::string(5'000, 'x')}}).size(), kLongestName);
}

TEST(Matches, TakesExactTextsAndBeginnings) {
  const Identity identity = {.uris = {"spiffe://td/ns/x/sa/a"}};
  EXPECT_TRUE(Matches("spiffe://td/ns/x/sa/a", identity));
  EXPECT_TRUE(Matches("spiffe://td/ns/x/*", identity));
  EXPECT_TRUE(Matches("*", identity));
  for (const char* const pattern :
       {"spiffe://td/ns/x/sa", "spiffe://td/ns/x/sa/a/", "spiffe://td/ns/y/*",
        "SPIFFE://td/ns/x/sa/a", "spiffe://td/ns/x/sa/ab*", ""}) {
    EXPECT_FALSE(Matches(pattern, identity)) << pattern;
  }
}

TEST(Matches, LetsNobodyWithoutAnIdentityIn) {
  for (const char* const pattern : {"*", "", "a", "a*", "a://*", "CN=*"}) {
    EXPECT_FALSE(Matches(pattern, Identity{})) << pattern;
  }
}

TEST(Matches, TakesNoNameOfOneKindForOneOfAnother) {
  const std::string id = "spiffe://td/ns/x/sa/a";
  EXPECT_FALSE(Matches(id, {.dns_names = {id}}));
  EXPECT_FALSE(Matches(id, {.subject = id}));
  EXPECT_FALSE(Matches("crm.example.org", {.uris = {"crm.example.org"}}));
  EXPECT_FALSE(Matches("crm.example.org", {.subject = "crm.example.org"}));
  EXPECT_FALSE(Matches("CN=crm", {.uris = {"CN=crm"}}));
  EXPECT_FALSE(Matches("CN=crm", {.dns_names = {"CN=crm"}}));

  EXPECT_TRUE(Matches("crm.example.org", {.dns_names = {"crm.example.org"}}));
  EXPECT_TRUE(Matches("CN=crm,O=*", {.subject = "CN=crm,O=Example"}));
}

TEST(Matches, LooksAtAllNames) {
  const Identity identity = {.uris = {"spiffe://td/a", "https://b"},
                             .dns_names = {"c", "d.example.org"},
                             .subject = "CN=e"};
  for (const char* const pattern :
       {"spiffe://td/a", "https://b", "c", "d.*", "CN=e"}) {
    EXPECT_TRUE(Matches(pattern, identity)) << pattern;
  }
}

TEST(NamesIdentity, TellsIdentitiesFromNamesThatCallersGiveThemselves) {
  EXPECT_TRUE(NamesIdentity("*"));
  EXPECT_TRUE(NamesIdentity("spiffe://td/*"));
  EXPECT_TRUE(NamesIdentity("CN=crm"));
  EXPECT_FALSE(NamesIdentity("nightly"));
  EXPECT_FALSE(NamesIdentity("night*"));
}

TEST(MistakeIn, FindsStarsThatDoNotEndThePattern) {
  EXPECT_EQ(MistakeIn("a"), "");
  EXPECT_EQ(MistakeIn("a*"), "");
  EXPECT_EQ(MistakeIn("*"), "");
  for (const char* const pattern : {"", "*a", "a*b", "a**", "**"}) {
    EXPECT_NE(MistakeIn(pattern), "") << pattern;
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
}  // namespace leadgateway::identity
