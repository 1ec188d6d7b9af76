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

TEST(FirstCallBody, ShowsThreeCharactersOfAValueAndNeverAllOfThem) {
  const std::string body = FirstCallBody(
      "EmailAddress", {Lead("john@example.com", "Jo"),
                       Lead("abc", "\xC3\xBC\xC3\xB6\xC3\xA4\xC3\x9F"),
                       Lead("\xF0\x9F\x98\x80", "")});
  EXPECT_THAT(body, HasSubstr(R"("SearchByKey":"EmailAddress")"));
  EXPECT_THAT(body, HasSubstr(R"("Value":"joh...")"));
  EXPECT_THAT(body, Not(HasSubstr("john@")));
  EXPECT_THAT(body, HasSubstr(R"("Value":"J...")"));
  EXPECT_THAT(body, HasSubstr(R"("Value":"ab...")"));
  EXPECT_THAT(body, HasSubstr("\"Value\":\"\xC3\xBC\xC3\xB6\xC3\xA4...\""));
  EXPECT_THAT(body, Not(HasSubstr("\xF0\x9F\x98\x80")));
  EXPECT_THAT(body, HasSubstr(R"("Value":"...")"));
  EXPECT_THAT(body, HasSubstr(R"("Value":"")"));
}

TEST(FirstCallBody, ShowsTwentyFiveLeadsAndLeavesThemAsTheyWere) {
  std::vector<LeadUpdate> leads;
  for (int i = 0; i < 40; ++i) {
    leads.push_back(Lead(absl::StrCat(i), "John"));
    leads.back().fields[1].attribute = absl::StrCat("Field", i);
  }
  const std::string body = FirstCallBody("", leads);
  EXPECT_THAT(body, HasSubstr(R"("Field24")"));
  EXPECT_THAT(body, Not(HasSubstr(R"("Field25")")));
  EXPECT_EQ(leads[0].fields[1].value, "John");
}

TEST(FirstCallBody, IsCutBeforeItIsTooLongForAMessage) {
  std::vector<LeadUpdate> leads(25, Lead("a@b", "x"));
  for (LeadUpdate& lead : leads) lead.fields.resize(1'000, lead.fields[1]);
  EXPECT_LE(FirstCallBody("EmailAddress", leads).size(), (256 << 10) + 3);
}

}  // namespace
}  // namespace leadgateway::server
