#include "sandbox/update_request.h"

#include <gtest/gtest.h>

#include <string>

namespace leadgateway::sandbox {
namespace {

TEST(UpdateRequestTest, ReadsADocumentedBody) {
  const auto request = ParseUpdateRequest(
      R"({"SearchByKey":"Phone",
          "Options":{"PushNonExistentLeadsToUnProcessedList":true},
          "LeadPropertiesList":[{"Fields":[{"Attribute":"Phone","Value":"1"}]},
                                {}]})",
      25);
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->search_key, "Phone");
  EXPECT_TRUE(request->push_non_existent);
  ASSERT_EQ(request->leads.size(), 2u);
  EXPECT_EQ(request->leads[0].fields[0].value, "1");
  EXPECT_TRUE(request->leads[1].fields.empty());
}

TEST(UpdateRequestTest, RefusesWhatIsNotAsDocumented) {
  for (
      const char* body :
      {"", "null", "[]", "{", "{}", R"({"LeadPropertiesList":[]})",
       R"({"LeadPropertiesList":{}})", R"({"LeadPropertiesList":[[]]})",
       R"({"LeadPropertiesList":[{"Fields":{}}]})",
       R"({"LeadPropertiesList":[{"Fields":[[]]}]})",
       R"({"LeadPropertiesList":[{"Fields":[{"Attribute":"A"}]}]})",
       R"({"LeadPropertiesList":[{"Fields":[{"Value":"A"}]}]})",
       R"({"LeadPropertiesList":[{"Fields":[{"Attribute":"A","Value":1}]}]})",
       R"({"LeadPropertiesList":[{"Fields":[{"Attribute":"A","Value":null}]}]})",
       R"({"SearchByKey":1,"LeadPropertiesList":[{}]})",
       R"({"Options":[],"LeadPropertiesList":[{}]})",
       R"({"Options":{"PushNonExistentLeadsToUnProcessedList":"x"},"LeadPropertiesList":[{}]})",
       R"({"LeadPropertiesList":[{}]} x)",
       "{\"LeadPropertiesList\":[{}],\"a\":\"\xff\"}"}) {
    EXPECT_FALSE(ParseUpdateRequest(body, 25).ok()) << body;
  }
}

TEST(UpdateRequestTest, DeepNestingIsNoDanger) {
  EXPECT_FALSE(ParseUpdateRequest(std::string(1'000'000, '['), 25).ok());
  std::string deep = R"({"LeadPropertiesList":[{"a":)" +
                     std::string(100'000, '[') + std::string(100'000, ']') +
                     "}]}";
  EXPECT_FALSE(ParseUpdateRequest(deep, 25).ok());
}

TEST(UpdateRequestTest, TakesNoMoreLeadsThanAllowed) {
  const char* two = R"({"LeadPropertiesList":[{},{}]})";
  EXPECT_TRUE(ParseUpdateRequest(two, 2).ok());
  EXPECT_EQ(ParseUpdateRequest(two, 1).status().message(),
            "A maximum of 1 leads can be updated");
}

}  // namespace
}  // namespace leadgateway::sandbox
