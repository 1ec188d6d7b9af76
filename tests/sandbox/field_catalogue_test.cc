#include "sandbox/field_catalogue.h"

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <set>
#include <string>

namespace leadgateway::sandbox {
namespace {

TEST(FieldCatalogueTest, TheAccountLooksLikeARealOne) {
  const FieldCatalogue catalogue = FieldCatalogue::RealAccount();
  std::set<std::string> names, types;
  int unique = 0, locked = 0, with_options = 0, custom = 0;
  for (const Field& field : catalogue.fields()) {
    names.insert(field.schema_name);
    types.insert(field.data_type);
    unique += field.is_unique;
    locked += field.lock_after_create > 0;
    with_options += !field.options.empty();
    custom += field.schema_name.rfind("mx_", 0) == 0;
  }
  EXPECT_GE(names.size(), 140u);
  EXPECT_EQ(names.size(), catalogue.fields().size());
  for (const char* type :
       {"Text", "Number", "Email", "Phone", "Website", "Date", "Time", "Select",
        "Boolean", "MultiSelect", "ActiveUsers", "SearchableDropdown"}) {
    EXPECT_TRUE(types.count(type)) << type;
  }
  EXPECT_EQ(unique, 5);
  EXPECT_GT(locked, 2);
  EXPECT_GT(with_options, 5);
  EXPECT_GT(custom, 50);
  EXPECT_GT(static_cast<int>(names.size()) - custom, 50);
}

TEST(FieldCatalogueTest, MetadataWritesNumbersAsStrings) {
  rapidjson::Document json;
  json.Parse(FieldCatalogue::RealAccount()
                 .MetadataJson("Score", false, false)
                 .c_str());
  ASSERT_TRUE(json.IsArray());
  ASSERT_EQ(json.Size(), 1u);
  EXPECT_TRUE(json[0]["MaxLength"].IsString());
  EXPECT_TRUE(json[0]["RangeMin"].IsString());
  EXPECT_STREQ(json[0]["CreatedOn"].GetString(), "/Date(1417453996000+0000)/");
  EXPECT_FALSE(json[0].HasMember("Options"));
  EXPECT_FALSE(json[0].HasMember("IsUnique"));
}

TEST(FieldCatalogueTest, OptionsCanBeLeftOutAndUniquenessShown) {
  const FieldCatalogue catalogue = FieldCatalogue::RealAccount();
  rapidjson::Document json;
  json.Parse(catalogue.MetadataJson("ProspectStage", false, true).c_str());
  EXPECT_STREQ(json[0]["Options"][0]["Value"].GetString(), "Prospect");
  EXPECT_FALSE(json[0]["IsUnique"].GetBool());
  json.Parse(catalogue.MetadataJson("ProspectStage", true, false).c_str());
  EXPECT_FALSE(json[0].HasMember("Options"));
  json.Parse(catalogue.MetadataJson("", false, false).c_str());
  EXPECT_EQ(json.Size(), catalogue.fields().size());
}

TEST(FieldCatalogueTest, AnUnknownSchemaNameIsAnEmptyList) {
  EXPECT_EQ(FieldCatalogue::RealAccount().MetadataJson("x", false, false),
            "[]");
}

TEST(FieldCatalogueTest, FieldsComeAndGo) {
  FieldCatalogue catalogue = FieldCatalogue::RealAccount();
  Field field;
  field.schema_name = "mx_New";
  EXPECT_TRUE(catalogue.Add(field).ok());
  EXPECT_FALSE(catalogue.Add(field).ok());
  EXPECT_FALSE(catalogue.Add(Field()).ok());
  EXPECT_NE(catalogue.Find("mx_New"), nullptr);
  EXPECT_EQ(catalogue.Find("mx_new"), nullptr);
  EXPECT_TRUE(catalogue.Remove("mx_City").ok());
  EXPECT_FALSE(catalogue.Remove("mx_City").ok());
  EXPECT_FALSE(catalogue.Remove("ProspectId").ok());
  EXPECT_EQ(catalogue.Find("mx_New")->schema_name, "mx_New");
}

}  // namespace
}  // namespace leadgateway::sandbox
