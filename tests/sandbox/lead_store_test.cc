#include "sandbox/lead_store.h"

#include <gtest/gtest.h>

#include "sandbox/lead_loader.h"

namespace leadgateway::sandbox {
namespace {

class LeadStoreTest : public testing::Test {
 protected:
  FieldCatalogue catalogue_ = FieldCatalogue::RealAccount();
  LeadStore store_{catalogue_};
};

TEST_F(LeadStoreTest, FindsALeadByEveryUniqueField) {
  ASSERT_TRUE(store_.Generate(100, 7).ok());
  const auto lead = store_.Find("EmailAddress", " LEAD42@example.com");
  ASSERT_TRUE(lead.has_value());
  EXPECT_EQ(store_.Find("Phone", "919000000042"), lead);
  EXPECT_EQ(store_.Find("Mobile", "+91-8000000042"), lead);
  EXPECT_EQ(store_.Find("mx_Customer_ID", "C00000042"), lead);
  EXPECT_EQ(store_.Find("ProspectId", LeadStore::GeneratedProspectId(42, 7)),
            lead);
  EXPECT_FALSE(store_.Find("FirstName", "John").has_value());
  EXPECT_FALSE(store_.Find("EmailAddress", "").has_value());
}

TEST_F(LeadStoreTest, OneSeedMakesTheSameLeadsTwice) {
  LeadStore other(catalogue_);
  ASSERT_TRUE(store_.Generate(10, 3).ok());
  ASSERT_TRUE(other.Generate(10, 3).ok());
  for (LeadStore::LeadId i = 0; i < 10; ++i) {
    EXPECT_EQ(store_.Fields(i), other.Fields(i));
  }
  EXPECT_NE(LeadStore::GeneratedProspectId(1, 3),
            LeadStore::GeneratedProspectId(1, 4));
}

TEST_F(LeadStoreTest, ChangingAUniqueValueMovesTheLead) {
  ASSERT_TRUE(store_.Generate(2, 1).ok());
  store_.Set(0, {{"EmailAddress", "New@x.y"}});
  EXPECT_TRUE(store_.Find("EmailAddress", "new@x.y").has_value());
  EXPECT_FALSE(store_.Find("EmailAddress", "lead0@example.com").has_value());
  EXPECT_EQ(store_.Conflict(1, {{"EmailAddress", "NEW@x.y"}}), "EmailAddress");
  EXPECT_FALSE(store_.Conflict(0, {{"EmailAddress", "NEW@x.y"}}).has_value());
  store_.Set(0, {{"EmailAddress", ""}});
  EXPECT_EQ(store_.Value(0, "EmailAddress"), "");
  EXPECT_FALSE(store_.Find("EmailAddress", "new@x.y").has_value());
}

TEST_F(LeadStoreTest, AFieldBecomesAKeyOnlyWhenItsValuesAreUnique) {
  ASSERT_TRUE(store_.Add({{"mx_City", "Pune"}}).ok());
  ASSERT_TRUE(store_.AddKeyField("mx_City", KeyKind::kText).ok());
  EXPECT_TRUE(store_.Find("mx_City", "Pune").has_value());
  store_.RemoveKeyField("mx_City");
  ASSERT_TRUE(store_.Add({{"mx_City", "Pune"}}).ok());
  EXPECT_FALSE(store_.AddKeyField("mx_City", KeyKind::kText).ok());
}

TEST_F(LeadStoreTest, LoadsCsvWithQuotes) {
  const auto count = LoadLeads(
      "\xef\xbb\xbf"
      "EmailAddress,mx_Remarks\r\na@b.c,\"one, \"\"two\"\"\nthree\"\r\n"
      "\r\nd@e.f,\r\n",
      catalogue_, store_);
  ASSERT_TRUE(count.ok()) << count.status();
  EXPECT_EQ(*count, 2u);
  EXPECT_EQ(store_.Value(0, "mx_Remarks"), "one, \"two\"\nthree");
  EXPECT_NE(store_.Value(1, "ProspectID"), "");
}

TEST_F(LeadStoreTest, LoadsJsonLines) {
  const auto count = LoadLeads(
      "{\"EmailAddress\":\"a@b.c\",\"FirstName\":\"A\"}\n\n"
      "{\"EmailAddress\":\"d@e.f\"}\n",
      catalogue_, store_);
  ASSERT_TRUE(count.ok()) << count.status();
  EXPECT_EQ(*count, 2u);
}

TEST_F(LeadStoreTest, RefusesWrongFilesWithTheLine) {
  const auto error = [&](absl::string_view text) {
    LeadStore store(catalogue_);
    return std::string(LoadLeads(text, catalogue_, store).status().message());
  };
  EXPECT_EQ(error("Nope\na\n"), "Line 1: no field is named 'Nope'");
  EXPECT_EQ(error("Phone\n1,2\n"), "Line 2: has 2 values, the header 1");
  EXPECT_EQ(error("Phone\n\"1\n"), "Line 2: a quote is not closed");
  EXPECT_EQ(error("EmailAddress\na@b\nA@B\n"),
            "Line 3: Another lead holds the same EmailAddress");
  EXPECT_EQ(error("{\"Phone\":1}"),
            "Line 1: the value of Phone is not a string");
  EXPECT_EQ(error("{\"Phone\":\"1\"}\n{\xff"), "Line 2: is not a JSON object");
  EXPECT_EQ(error(""), "");
}

}  // namespace
}  // namespace leadgateway::sandbox
