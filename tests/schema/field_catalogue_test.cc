#include "gateway/schema/field_catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace leadgateway::schema {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

FieldInfo Field(std::string schema_name, std::string display_name = "") {
  FieldInfo field;
  field.schema_name = std::move(schema_name);
  field.display_name = std::move(display_name);
  return field;
}

std::shared_ptr<const FieldCatalogue> Catalogue(
    std::vector<FieldInfo> fields, std::vector<std::string> unique = {}) {
  auto catalogue = FieldCatalogue::Create(std::move(fields), unique,
                                          absl::FromUnixSeconds(1'700'000'000));
  EXPECT_TRUE(catalogue.ok()) << catalogue.status();
  return catalogue.ok() ? *std::move(catalogue) : nullptr;
}

std::shared_ptr<const FieldCatalogue> Account() {
  return Catalogue({
      Field("ProspectID", "Lead ID"),
      Field("FirstName", "First Name"),
      Field("LastName", "Last Name"),
      Field("EmailAddress", "Email"),
      Field("Phone", "Phone Number"),
      Field("ProspectStage", "Contact Stage"),
      Field("mx_City", "City"),
      Field("mx_Zip", ""),
  });
}

TEST(FieldCatalogueTest, ACatalogueWithoutFieldsIsRefused) {
  EXPECT_EQ(FieldCatalogue::Create({}, {}, absl::UnixEpoch()).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldCatalogue::Create({Field("", "Nameless")}, {"Phone"},
                                   absl::UnixEpoch())
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(FieldCatalogueTest, AFieldIsFoundByItsExactName) {
  const auto catalogue = Account();
  for (const FieldInfo& field : catalogue->fields()) {
    EXPECT_EQ(catalogue->Find(field.schema_name), &field);
  }
  for (const std::string& name :
       {std::string(), std::string("phone"), std::string("Phone "),
        std::string("Phon"), std::string("Phone\0", 6),
        std::string("Contact Stage"), std::string("ProspectId"),
        std::string(5 << 20, 'P')}) {
    EXPECT_EQ(catalogue->Find(name), nullptr) << name.substr(0, 20);
  }
}

TEST(FieldCatalogueTest, FieldsAreSortedAndCarryTheTimeOfTheFetch) {
  const auto catalogue = Account();
  EXPECT_TRUE(std::is_sorted(catalogue->fields().begin(),
                             catalogue->fields().end(),
                             [](const FieldInfo& a, const FieldInfo& b) {
                               return a.schema_name < b.schema_name;
                             }));
  EXPECT_EQ(catalogue->fields().size(), 8);
  EXPECT_EQ(catalogue->duplicates(), 0);
  EXPECT_EQ(catalogue->fetched_at(), absl::FromUnixSeconds(1'700'000'000));
}

TEST(FieldCatalogueTest, OfFieldsWithOneNameTheFirstWinsAndTheRestAreCounted) {
  const auto catalogue =
      Catalogue({Field("b", "first"), Field("a", "only"), Field("b", "second"),
                 Field("B", "other"), Field("", "no"), Field("b", "third")});
  EXPECT_EQ(catalogue->duplicates(), 2);
  EXPECT_THAT(catalogue->fields(), SizeIs(3));
  ASSERT_NE(catalogue->Find("b"), nullptr);
  EXPECT_EQ(catalogue->Find("b")->display_name, "first");
  EXPECT_EQ(catalogue->Find("B")->display_name, "other");
}

TEST(FieldCatalogueTest,
     UniqueIsWhatMetadataOrTheAccountSaysAndProspectIdEver) {
  FieldInfo email = Field("EmailAddress");
  email.unique = true;
  const auto catalogue =
      Catalogue({Field("mx_PAN"), email, Field("Phone"), Field("ProspectID"),
                 Field("ProspectId"), Field("RelatedProspectId")},
                {"mx_PAN", "mx_Absent", "phone", ""});
  EXPECT_THAT(
      catalogue->UniqueNames(),
      ElementsAre("EmailAddress", "ProspectID", "ProspectId", "mx_PAN"));
  EXPECT_TRUE(catalogue->Find("mx_PAN")->unique);
  EXPECT_FALSE(catalogue->Find("Phone")->unique);
}

TEST(FieldCatalogueTest, MistakenNamesAreNearTheRightOnes) {
  const auto catalogue = Account();
  const std::pair<const char*, const char*> cases[] = {
      {"emailaddress", "EmailAddress"},
      {"EMAILADDRESS", "EmailAddress"},
      {"EmailAdress", "EmailAddress"},
      {"email", "EmailAddress"},
      {"Contact Stage", "ProspectStage"},
      {"contact stage", "ProspectStage"},
      {"ContactStage", "ProspectStage"},
      {"Phoone", "Phone"},
      {"mx_Cty", "mx_City"},
      {"city", "mx_City"},
      {"First Name", "FirstName"},
      {"ProspectId", "ProspectID"},
      {"LeadID", "ProspectID"},
      {"Phone", "Phone"},
  };
  for (const auto& [name, expected] : cases) {
    const std::vector<std::string> nearest = catalogue->Nearest(name);
    ASSERT_FALSE(nearest.empty()) << name;
    EXPECT_EQ(nearest.front(), expected) << name;
  }
}

TEST(FieldCatalogueTest, NothingIsNearAStrangeName) {
  const auto catalogue = Account();
  for (const std::string& name :
       {std::string(), std::string("x"), std::string("zz"),
        std::string("Revenue"), std::string("\xff\xfe\x00\x01", 4),
        std::string(1000, '\0'), std::string("a colour, perhaps")}) {
    EXPECT_THAT(catalogue->Nearest(name), IsEmpty()) << name;
  }
}

TEST(FieldCatalogueTest, NearestGivesTheBestFirstAndNoMoreThanAsked) {
  const auto catalogue =
      Catalogue({Field("Field01"), Field("Field02"), Field("Field03"),
                 Field("Field1"), Field("Fiel"), Field("Far", "Field00")});
  EXPECT_THAT(
      catalogue->Nearest("Field0", 100),
      ElementsAre("Far", "Field01", "Field02", "Field03", "Field1", "Fiel"));
  EXPECT_THAT(catalogue->Nearest("Field0"),
              ElementsAre("Far", "Field01", "Field02"));
  EXPECT_THAT(catalogue->Nearest("Field0", 1), ElementsAre("Far"));
  EXPECT_THAT(catalogue->Nearest("Field0", 0), IsEmpty());
}

TEST(FieldCatalogueTest, BesideTheSameNameNothingIsNear) {
  const auto catalogue = Catalogue(
      {Field("FIELD"), Field("field"), Field("Field1"), Field("x", "Field")});
  EXPECT_THAT(catalogue->Nearest("Field", 100), ElementsAre("FIELD", "field"));
  const auto shown =
      Catalogue({Field("x", "Field"), Field("y", "field"), Field("Field1")});
  EXPECT_THAT(shown->Nearest("Field", 100), ElementsAre("x", "y"));
}

TEST(FieldCatalogueTest, NearMeansAtMostAThirdOfTheLengthAway) {
  const auto catalogue = Catalogue({Field("abcdefghi")});
  EXPECT_THAT(catalogue->Nearest("abcdefXYZ"), SizeIs(1));
  EXPECT_THAT(catalogue->Nearest("abcdeWXYZ"), IsEmpty());
  EXPECT_THAT(catalogue->Nearest("XYZabcdefghi"), SizeIs(1));
  EXPECT_THAT(catalogue->Nearest("defghi"), IsEmpty());
  EXPECT_THAT(catalogue->Nearest("cdefghi"), SizeIs(1));
}

size_t PlainDistance(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> d(a.size() + 1,
                                     std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
      } else {
        d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1,
                            d[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      }
    }
  }
  return d[a.size()][b.size()];
}

TEST(FieldCatalogueTest, NearnessAgreesWithThePlainEditDistance) {
  std::mt19937 random(7);
  auto text = [&](size_t most) {
    std::string out(1 + random() % most, ' ');
    for (char& c : out) c = "abAB"[random() % 4];
    return out;
  };
  int near = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = text(16), other = text(16);
    const bool expected =
        PlainDistance(absl::AsciiStrToLower(name),
                      absl::AsciiStrToLower(other)) <= name.size() / 3;
    near += expected;
    ASSERT_EQ(!Catalogue({Field(other)})->Nearest(name).empty(), expected)
        << name << " " << other;
  }
  EXPECT_GT(near, 100);
}

TEST(FieldCatalogueTest, ANameOfFiveMegabytesIsComparedInNoTime) {
  std::vector<FieldInfo> fields;
  for (int i = 0; i < 210; ++i) {
    fields.push_back(Field(absl::StrCat("mx_", std::string(120, 'a'), i),
                           std::string(120, 'b')));
  }
  fields.push_back(Field(std::string(5 << 20, 'a')));
  const auto catalogue = Catalogue(std::move(fields));
  const absl::Time start = absl::Now();
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(catalogue->Nearest(std::string(5 << 20, 'c')), IsEmpty());
    EXPECT_THAT(catalogue->Nearest(std::string((5 << 20) - 1, 'a')), IsEmpty());
  }
  EXPECT_THAT(catalogue->Nearest(std::string(128, 'c')), IsEmpty());
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
  EXPECT_THAT(catalogue->Nearest(std::string(5 << 20, 'A')), SizeIs(1));
}

}  // namespace
}  // namespace leadgateway::schema
