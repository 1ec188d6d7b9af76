#include "sandbox/key_text.h"

#include <gtest/gtest.h>

namespace leadgateway::sandbox {
namespace {

TEST(KeyTextTest, EmailsAreComparedTrimmedAndWithoutCase) {
  EXPECT_EQ(NormaliseKey(KeyKind::kEmail, "  Jack@Gmail.COM "),
            "jack@gmail.com");
}

TEST(KeyTextTest, PhonesAreComparedByTheirDigits) {
  EXPECT_EQ(NormaliseKey(KeyKind::kPhone, "+91-99887 76655"), "919988776655");
  EXPECT_EQ(NormaliseKey(KeyKind::kPhone, "none"), "");
}

TEST(KeyTextTest, GuidsAreComparedWithoutBracesAndCase) {
  EXPECT_EQ(NormaliseKey(KeyKind::kGuid, "{ABC-1}"), "abc-1");
  EXPECT_EQ(NormaliseKey(KeyKind::kGuid, "{"), "");
}

TEST(KeyTextTest, OtherKeysKeepTheirCase) {
  EXPECT_EQ(NormaliseKey(KeyKind::kText, " Ab1 "), "Ab1");
}

TEST(KeyTextTest, BothSpellingsOfProspectIdAreOneField) {
  EXPECT_EQ(CanonicalAttribute("ProspectId"), "ProspectID");
  EXPECT_EQ(CanonicalAttribute("prospectid"), "prospectid");
  EXPECT_EQ(KeyKindOf("ProspectId", "Text"), KeyKind::kGuid);
}

}  // namespace
}  // namespace leadgateway::sandbox
