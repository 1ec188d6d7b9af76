#include "client/csv_leads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace leadgateway::leadctl {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

RowOptions ByEmail() {
  RowOptions options;
  options.search_key = "Email";
  return options;
}

std::vector<std::string> Mistakes(const LeadRows& rows) {
  return rows.mistakes.Lines("leads.csv");
}

TEST(CsvLeadsTest, EachRowIsALeadWithItsLineAndItsNonEmptyCells) {
  const LeadRows rows =
      ReadCsvLeads("Email,mx_A,mx_B\na@b.c,\"1\n2\",\n\nd@e.f,,3\n", ByEmail());
  EXPECT_THAT(Mistakes(rows), IsEmpty());
  ASSERT_EQ(rows.leads.size(), 2);
  EXPECT_THAT(rows.lines, ElementsAre(2, 5));
  ASSERT_EQ(rows.leads[0].fields_size(), 2);
  EXPECT_EQ(rows.leads[0].fields(1).attribute(), "mx_A");
  EXPECT_EQ(rows.leads[0].fields(1).string_value(), "1\n2");
  ASSERT_EQ(rows.leads[1].fields_size(), 2);
  EXPECT_EQ(rows.leads[1].fields(1).attribute(), "mx_B");
}

TEST(CsvLeadsTest, EmptyCellsClearTheirFieldsWhenAskedTo) {
  RowOptions options = ByEmail();
  options.empty_cells = EmptyCells::kClear;
  const LeadRows rows = ReadCsvLeads("Email,mx_A\na@b.c,\n", options);
  ASSERT_EQ(rows.leads.size(), 1);
  ASSERT_EQ(rows.leads[0].fields_size(), 2);
  EXPECT_TRUE(rows.leads[0].fields(1).has_clear());
}

TEST(CsvLeadsTest, TheTagColumnIsNoField) {
  RowOptions options = ByEmail();
  options.tag_column = "Row";
  const LeadRows rows = ReadCsvLeads("Row,Email\nr7,a@b.c\n", options);
  ASSERT_EQ(rows.leads.size(), 1);
  EXPECT_EQ(rows.leads[0].tag(), "r7");
  ASSERT_EQ(rows.leads[0].fields_size(), 1);
  EXPECT_EQ(rows.leads[0].fields(0).attribute(), "Email");
}

TEST(CsvLeadsTest, AllBadRowsAreToldWithoutTheirValuesAndGoodOnesKept) {
  const LeadRows rows = ReadCsvLeads(
      "Email,mx_A\nsecret\na@b.c,1\nsecret,2,3\nsecret,\xFF\n", ByEmail());
  EXPECT_THAT(Mistakes(rows),
              ElementsAre("leads.csv:2: 1 cell, the header has 2",
                          "leads.csv:4: 3 cells, the header has 2",
                          "leads.csv:5: column 2: invalid UTF-8"));
  EXPECT_EQ(rows.leads.size(), 1);
  EXPECT_EQ(rows.bad_rows, 3);
  EXPECT_FALSE(rows.unusable);
}

TEST(CsvLeadsTest, ATagThatIsTooLongIsAMistake) {
  RowOptions options = ByEmail();
  options.tag_column = "Row";
  const LeadRows rows =
      ReadCsvLeads("Row,Email\n" + std::string(257, 't') + ",a@b.c\n" +
                       std::string(256, 't') + ",b@b.c\n",
                   options);
  EXPECT_THAT(Mistakes(rows),
              ElementsAre("leads.csv:2: column 1: the tag has 257 bytes, at "
                          "most 256 are allowed"));
  EXPECT_EQ(rows.leads.size(), 1);
}

struct Spoilt {
  std::string name;
  std::string text;
  std::vector<std::string> mistakes;
};

class SpoiltFileTest : public ::testing::TestWithParam<Spoilt> {};

TEST_P(SpoiltFileTest, SpoilsTheWholeFile) {
  const LeadRows rows = ReadCsvLeads(GetParam().text, ByEmail());
  EXPECT_TRUE(rows.unusable);
  EXPECT_EQ(Mistakes(rows), GetParam().mistakes);
}

INSTANTIATE_TEST_SUITE_P(
    Files, SpoiltFileTest,
    ::testing::Values(
        Spoilt{"Empty", "", {"leads.csv: the file is empty"}},
        Spoilt{"BlankLinesOnly", "\n\n", {"leads.csv: the file is empty"}},
        Spoilt{"HeaderOnly",
               "Email,mx_A\n",
               {"leads.csv: the file has a header but no leads"}},
        Spoilt{"Utf16",
               "\xFF\xFE"
               "E",
               {"leads.csv: the file is UTF-16; save it as UTF-8"}},
        Spoilt{"EmptyName",
               "Email,\na,b\n",
               {"leads.csv:1: column 2: the header has no name here"}},
        Spoilt{"SameName",
               "Email,x,Email\na,b,c\n",
               {"leads.csv:1: column 3: the header has the same name as in "
                "column 1"}},
        Spoilt{"NoSearchKey",
               "Mail,x\na,b\n",
               {"leads.csv:1: the header has no column \"Email\" (the search "
                "key)"}},
        Spoilt{"Semicolons",
               "Email;x\na;b\n",
               {"leads.csv:1: the header has no column \"Email\" (the search "
                "key); are the cells separated by commas?"}},
        Spoilt{"NeverClosed",
               "Email\na\n\"b\nc\n",
               {"leads.csv:3: column 1: the quote that opens this cell is "
                "never closed"}}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace leadgateway::leadctl
