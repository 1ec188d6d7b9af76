#include "sandbox/credentials.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace leadgateway::sandbox {
namespace {

std::string Query(absl::string_view access) {
  return absl::StrCat("accessKey=", access, "&secretKey=", kTestSecretKey);
}

constexpr absl::string_view kEncoded = "u%24r0123456789abcdef0123456789abcdef";

TEST(PercentDecodeTest, DecodesStrictly) {
  EXPECT_EQ(PercentDecode("a%24b%2Fc+d"), "a$b/c+d");
  EXPECT_EQ(PercentDecode(""), "");
  for (absl::string_view text :
       {"%", "%2", "a%zz", "%-1", "a b", "\xc3\xa9", "a\"b", "a#b"}) {
    EXPECT_FALSE(PercentDecode(text).has_value()) << text;
  }
  EXPECT_FALSE(PercentDecode(absl::string_view("a\0b", 3)).has_value());
}

TEST(KeyRingTest, AcceptsKeysInHeadersAndInTheQuery) {
  const KeyRing ring({});
  KeyCheck check = ring.Check(kTestAccessKey, kTestSecretKey, "");
  EXPECT_TRUE(check.accepted);
  EXPECT_EQ(check.way, KeyWay::kHeader);
  EXPECT_EQ(check.label, "test");
  check = ring.Check("", "", Query(kEncoded));
  EXPECT_TRUE(check.accepted);
  EXPECT_EQ(check.way, KeyWay::kQuery);
  EXPECT_FALSE(check.unencoded_dollar);
}

TEST(KeyRingTest, KeysSentBothWaysMustBeRightBothWays) {
  const KeyRing ring({});
  EXPECT_TRUE(
      ring.Check(kTestAccessKey, kTestSecretKey, Query(kEncoded)).accepted);
  EXPECT_FALSE(ring.Check("x", kTestSecretKey, Query(kEncoded)).accepted);
  EXPECT_FALSE(ring.Check(kTestAccessKey, kTestSecretKey, Query("x")).accepted);
}

TEST(KeyRingTest, RefusesMissingAndWrongKeys) {
  const KeyRing ring({});
  EXPECT_FALSE(ring.Check("", "", "").accepted);
  EXPECT_FALSE(ring.Check(kTestAccessKey, "", "").accepted);
  EXPECT_FALSE(ring.Check("", "", "accessKey=%zz&secretKey=a").accepted);
  EXPECT_FALSE(ring.Check("", "", "accesskey=a&secretkey=b&&=").accepted);
  EXPECT_EQ(ring.Check("a", "b", "").label, "");
}

TEST(KeyRingTest, NoticesADollarThatWasNotEncoded) {
  EXPECT_TRUE(
      KeyRing({}).Check("", "", Query(kTestAccessKey)).unencoded_dollar);
}

TEST(KeyRingTest, TakesEachOfSeveralPairsButNoMixture) {
  const KeyRing ring({{"old", "a", "1"}, {"new", "b", "2"}});
  EXPECT_EQ(ring.Check("a", "1", "").label, "old");
  EXPECT_EQ(ring.Check("b", "2", "").label, "new");
  EXPECT_FALSE(ring.Check("a", "2", "").accepted);
}

}  // namespace
}  // namespace leadgateway::sandbox
