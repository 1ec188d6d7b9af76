#include "gateway/server/plan_body.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/model/lead.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

LeadUpdate Lead(const std::string& key, const std::string& value) {
  LeadUpdate lead;
  lead.fields = {{"EmailAddress", key}, {"FirstName", value}};
  return lead;
}

TEST(FirstCallBody, IsEmptyForNoLeads) {
  EXPECT_EQ(FirstCallBody("EmailAddress", {}), "");
}

TEST(FirstCallBody, ShortensValuesToThreeCharacters) {
  const std::string body = FirstCallBody(
      "EmailAddress", {Lead("john@example.com", "Jo"),
                       Lead("abc", "\xC3\xBC\xC3\xB6\xC3\xA4\xC3\x9F"),
                       Lead("\xF0\x9F\x98\x80", "")});
  EXPECT_THAT(body, HasSubstr(R"("SearchByKey":"EmailAddress")"));
  EXPECT_THAT(body, HasSubstr(R"("Value":"joh...")"));
  EXPECT_THAT(body, Not(HasSubstr("john@")));
  EXPECT_THAT(body, HasSubstr(R"("Value":"Jo")"));
  EXPECT_THAT(body, HasSubstr(R"("Value":"abc")"));
  EXPECT_THAT(body, HasSubstr("\"Value\":\"\xC3\xBC\xC3\xB6\xC3\xA4...\""));
  EXPECT_THAT(body, HasSubstr("\"Value\":\"\xF0\x9F\x98\x80\""));
  EXPECT_THAT(body, HasSubstr(R"("Value":"")"));
}

TEST(FirstCallBody, ShowsTwentyFiveLeadsAndLeavesThemAsTheyWere) {
  std::vector<LeadUpdate> leads;
  for (int i = 100; i < 140; ++i)
    leads.push_back(Lead(absl::StrCat(i), "John"));
  const std::string body = FirstCallBody("", leads);
  EXPECT_THAT(body, HasSubstr(R"("124")"));
  EXPECT_THAT(body, Not(HasSubstr(R"("125")")));
  EXPECT_EQ(leads[0].fields[1].value, "John");
}

}  // namespace
}  // namespace leadgateway::server
