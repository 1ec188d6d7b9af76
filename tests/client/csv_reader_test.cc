#include "client/csv_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace leadgateway::leadctl {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Rows = std::vector<std::vector<std::string>>;

struct Case {
  std::string name;
  std::string text;
  Rows rows;

  // "LINE:COLUMN TEXT" of each mistake.
  std::vector<std::string> mistakes = {};
  bool lost = false;
};

class CsvReaderTest : public ::testing::TestWithParam<Case> {};

TEST_P(CsvReaderTest, ReadsRowsAndNamesMistakes) {
  CsvReader reader(GetParam().text);
  Rows rows;
  std::vector<std::string> mistakes;
  CsvRow row;
  while (reader.Next(row)) {
    for (const Mistake& mistake : row.mistakes) {
      mistakes.push_back(std::to_string(mistake.line) + ":" +
                         std::to_string(mistake.column) + " " + mistake.text);
    }
    if (row.mistakes.empty()) rows.push_back(row.cells);
  }
  EXPECT_EQ(rows, GetParam().rows);
  EXPECT_EQ(mistakes, GetParam().mistakes);
  EXPECT_EQ(reader.lost(), GetParam().lost);
}

constexpr char kNever[] = "the quote that opens this cell is never closed";
constexpr char kInside[] = "a quote inside a cell that does not begin with one";

INSTANTIATE_TEST_SUITE_P(
    Texts, CsvReaderTest,
    ::testing::Values(
        Case{"Empty", "", {}}, Case{"OnlyByteOrderMark", "\xEF\xBB\xBF", {}},
        Case{"ByteOrderMark", "\xEF\xBB\xBF\"a\",b\n", {{"a", "b"}}},
        Case{"NoLastLineEnd", "a,b\n1,2", {{"a", "b"}, {"1", "2"}}},
        Case{"CrLf", "a,b\r\n1,2\r\n", {{"a", "b"}, {"1", "2"}}},
        Case{"MixedLineEnds", "a\r\nb\nc\r\n", {{"a"}, {"b"}, {"c"}}},
        Case{"EmptyCells", ",\n,,\n", {{"", ""}, {"", "", ""}}},
        Case{"QuotedEmptyCell", "\"\"\n", {{""}}},
        Case{"BlankLines", "\n\r\na\n\n\nb\n\n", {{"a"}, {"b"}}},
        Case{"SpacesAreKept", " a , b \n", {{" a ", " b "}}},
        Case{"QuotedComma", "\"a,b\",c\n", {{"a,b", "c"}}},
        Case{"DoubledQuote", "\"say \"\"hi\"\"\"\n", {{"say \"hi\""}}},
        Case{"OnlyQuotes", "\"\"\"\"\n", {{"\""}}},
        Case{"QuotedLineEnd", "\"a\nb\r\nc\",d\n", {{"a\nb\r\nc", "d"}}},
        Case{"NonAscii", "Łukasz,Zoë,日本\n", {{"Łukasz", "Zoë", "日本"}}},
        Case{"NeverClosed",
             "a,b\n1,\"2\n3,4\n",
             {{"a", "b"}},
             {std::string("2:2 ") + kNever},
             true},
        Case{
            "NeverClosedAtEnd", "\"", {}, {std::string("1:1 ") + kNever}, true},
        Case{"TextAfterQuote",
             "\"a\"b,c\nd,e\n",
             {{"d", "e"}},
             {"1:1 text after the closing quote"}},
        Case{"SpaceBeforeQuote",
             "a, \"b\"\nc,d\n",
             {{"c", "d"}},
             {std::string("1:2 ") + kInside}},
        Case{"QuoteInside",
             "a\"b\"c\nd\n",
             {{"d"}},
             {std::string("1:1 ") + kInside}},
        Case{"LoneCarriageReturn",
             "a\rb\nc\n",
             {{"c"}},
             {"1:1 a carriage return that is not part of a line end"}},
        Case{"NulByte",
             std::string("a,b\0c\nd,e\n", 10),
             {{"d", "e"}},
             {"1:2 a NUL byte"}},
        Case{"InvalidUtf8",
             "a,\xFF\nb,c\n",
             {{"b", "c"}},
             {"1:2 invalid UTF-8"}},
        Case{"Latin1", "Jos\xE9,1\n", {}, {"1:1 invalid UTF-8"}},
        Case{"MistakeAfterLongCell",
             "\"a\nb\nc\",1\n2,\"3\"x\n",
             {{"a\nb\nc", "1"}},
             {"4:2 text after the closing quote"}},
        Case{"TwoMistakesInARow",
             "\xFF,\"a\"b\n",
             {},
             {"1:1 invalid UTF-8", "1:2 text after the closing quote"}}),
    [](const auto& test) { return test.param.name; });

TEST(CsvReaderLimitTest, ARowOfManyMegabytesIsOneMistakeAndNotKept) {
  constexpr std::size_t kHuge = 10'000'000;
  for (const char filler : {'x', ','}) {
    const std::string text = "a\n" + std::string(kHuge, filler) + "\nb\n";
    CsvReader reader(text);
    CsvRow row;
    ASSERT_TRUE(reader.Next(row));
    ASSERT_TRUE(reader.Next(row));
    ASSERT_EQ(row.mistakes.size(), 1u);
    EXPECT_EQ(row.mistakes[0].line, 2);
    EXPECT_EQ(row.mistakes[0].text,
              "the row is longer than 1048576 bytes; is a quote missing?");
    EXPECT_THAT(row.cells, IsEmpty());
    ASSERT_TRUE(reader.Next(row));
    EXPECT_THAT(row.cells, ElementsAre("b"));
    EXPECT_EQ(row.line, 3);
  }
}

TEST(CsvReaderLimitTest, ARowAtTheLimitIsFine) {
  const std::string text(CsvReader::kMaxRowBytes - 1, 'x');
  const std::string file = text + "\n";
  CsvReader reader(file);
  CsvRow row;
  ASSERT_TRUE(reader.Next(row));
  EXPECT_THAT(row.mistakes, IsEmpty());
  EXPECT_THAT(row.cells, ElementsAre(text));
}

TEST(CsvReaderLimitTest, AHundredMegabytesBehindAQuoteAreOneRowTooLong) {
  const std::string text = "a\n\"" + std::string(100'000'000, 'x') + "\"\nb\n";
  CsvReader reader(text);
  CsvRow row;
  ASSERT_TRUE(reader.Next(row));
  ASSERT_TRUE(reader.Next(row));
  EXPECT_EQ(row.mistakes.size(), 1u);
  EXPECT_FALSE(reader.lost());
  ASSERT_TRUE(reader.Next(row));
  EXPECT_THAT(row.cells, ElementsAre("b"));
}

TEST(CsvReaderLimitTest, NoInputOfAllShortByteStringsMisleadsTheReader) {
  // Every text of up to six of these bytes: the reader ends, and rows are in
  // the order of their lines.
  const std::string alphabet = "a,\"\r\n";
  std::vector<std::string> texts = {""};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    CsvReader reader(texts[i]);
    CsvRow row;
    int line = 0;
    std::size_t rows = 0;
    while (reader.Next(row)) {
      ASSERT_GT(row.line, line);
      line = row.line;
      ASSERT_LE(++rows, texts[i].size());
      ASSERT_FALSE(row.cells.empty());
    }
    if (texts[i].size() == 6) continue;
    for (const char c : alphabet) texts.push_back(texts[i] + c);
  }
}

}  // namespace
}  // namespace leadgateway::leadctl
