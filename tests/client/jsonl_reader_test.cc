#include "client/jsonl_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace leadgateway::leadctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(JsonlReaderTest, ValuesKeepTheirTypes) {
  const LeadRows rows = ReadJsonlLeads(
      R"({"s":"a\u00e9\"b","i":-33,"d":1.5,"e":1e2,"t":true,"f":false,"n":null,)"
      R"("big":9223372036854775807})",
      {});
  EXPECT_THAT(rows.mistakes.Lines("x"), IsEmpty());
  ASSERT_EQ(rows.leads.size(), 1);
  const auto& fields = rows.leads[0].fields();
  ASSERT_EQ(fields.size(), 8);
  EXPECT_EQ(fields[0].attribute(), "s");
  EXPECT_EQ(fields[0].string_value(), "aé\"b");
  EXPECT_EQ(fields[1].int64_value(), -33);
  EXPECT_EQ(fields[2].double_value(), 1.5);
  EXPECT_TRUE(fields[3].has_double_value());
  EXPECT_TRUE(fields[4].bool_value());
  EXPECT_TRUE(fields[5].has_bool_value());
  EXPECT_FALSE(fields[5].bool_value());
  EXPECT_TRUE(fields[6].has_clear());
  EXPECT_EQ(fields[7].int64_value(), std::numeric_limits<std::int64_t>::max());
}

TEST(JsonlReaderTest, LinesAreCountedAcrossBlankOnesAndCrLf) {
  const LeadRows rows =
      ReadJsonlLeads("\xEF\xBB\xBF{\"a\":1}\r\n\r\n  \n{\"a\":2}", {});
  EXPECT_THAT(rows.mistakes.Lines("x"), IsEmpty());
  EXPECT_THAT(rows.lines, ElementsAre(1, 4));
}

TEST(JsonlReaderTest, TheTagMemberIsNoField) {
  RowOptions options;
  options.tag_column = "row";
  const LeadRows rows =
      ReadJsonlLeads("{\"a\":1,\"row\":\"r1\"}\n{\"row\":7}\n{\"row\":\"" +
                         std::string(257, 't') + "\"}\n",
                     options);
  ASSERT_EQ(rows.leads.size(), 1);
  EXPECT_EQ(rows.leads[0].tag(), "r1");
  EXPECT_EQ(rows.leads[0].fields_size(), 1);
  EXPECT_THAT(rows.mistakes.Lines("x"),
              ElementsAre(HasSubstr("x:2: field \"row\" is the tag and must"),
                          HasSubstr("has 257 bytes")));
}

struct Bad {
  std::string name;
  std::string line;
  std::string complaint;
};

class BadLineTest : public ::testing::TestWithParam<Bad> {};

TEST_P(BadLineTest, IsNamedByItsNumberAndTheOthersAreRead) {
  const LeadRows rows =
      ReadJsonlLeads("{\"a\":1}\n" + GetParam().line + "\n{\"a\":2}\n", {});
  EXPECT_THAT(rows.lines, ElementsAre(1, 3));
  EXPECT_EQ(rows.bad_rows, 1);
  ASSERT_THAT(rows.mistakes.Lines("x"), SizeIs(1));
  EXPECT_THAT(rows.mistakes.Lines("x")[0],
              HasSubstr("x:2: " + GetParam().complaint));
  EXPECT_THAT(rows.mistakes.Lines("x")[0], Not(HasSubstr("secret")));
}

INSTANTIATE_TEST_SUITE_P(
    Lines, BadLineTest,
    ::testing::Values(
        Bad{"Array", "[1,\"secret\"]", "not a JSON object"},
        Bad{"Text", "\"secret\"", "not a JSON object"},
        Bad{"Number", "17", "not a JSON object"},
        Bad{"NoJson", "secret", "not"},
        Bad{"EmptyObject", "{}", "the object is empty"},
        Bad{"Unclosed", "{\"a\":\"secret\"", "not valid JSON"},
        Bad{"UnclosedText", "{\"a\":\"secret", "not valid JSON"},
        Bad{"TrailingComma", "{\"a\":\"secret\",}", "not valid JSON"},
        Bad{"NoColon", "{\"a\" \"secret\"}", "not valid JSON"},
        Bad{"NoComma", "{\"a\":1 \"b\":2}", "not valid JSON"},
        Bad{"BareKey", "{a:1}", "not valid JSON"},
        Bad{"BadTrue", "{\"a\":trux}", "not valid JSON"},
        Bad{"BadNull", "{\"a\":nulL}", "not valid JSON"},
        Bad{"LongNull", "{\"a\":nullx}", "not valid JSON"},
        Bad{"NoValue", "{\"a\":}", "not valid JSON"},
        Bad{"TwoObjects", "{\"a\":1}{\"a\":2}", "text after the JSON object"},
        Bad{"TextAfter", "{\"a\":1} secret", "not valid JSON"},
        Bad{"BraceAfter", "{\"a\":1}}", "text after the JSON object"},
        Bad{"NestedObject", "{\"a\":{\"b\":\"secret\"}}",
            "field \"a\" is an object"},
        Bad{"NestedArray", "{\"a\":[\"secret\"]}", "field \"a\" is an array"},
        Bad{"SameKey", "{\"a\":1,\"a\":2}", "field \"a\" is there twice"},
        Bad{"SameKeyEscaped", "{\"a\":1,\"\\u0061\":2}",
            "field \"a\" is there twice"},
        Bad{"NoName", "{\"\":1}", "a member without a name"},
        Bad{"BeyondInt64", "{\"a\":9223372036854775808}",
            "field \"a\" is a whole number beyond"},
        Bad{"BeyondUint64", "{\"a\":99999999999999999999999}",
            "field \"a\" is a number"},
        Bad{"BeyondDouble", "{\"a\":1e999}", "field \"a\" is a number"},
        Bad{"LeadingZero", "{\"a\":007}", "field \"a\" is a number"},
        Bad{"NotANumber", "{\"a\":NaN}", "not valid JSON"},
        Bad{"InvalidUtf8", "{\"a\":\"\xFF\"}", "invalid UTF-8"},
        Bad{"NulByte", std::string("{\"a\":\"b\0c\"}", 11), "not valid JSON"},
        Bad{"NulEscape", "{\"a\":\"b\\u0000c\"}",
            "field \"a\" holds a NUL character"},
        Bad{"LoneSurrogate", "{\"a\":\"\\ud800\"}", "not valid JSON"},
        Bad{"ControlInKey", "{\"\\u001b[2J\":[]}",
            "field \"\\x1b[2J\" is an array"}),
    [](const auto& test) { return test.param.name; });

TEST(JsonlReaderTest, ALineOfManyMegabytesIsAMistake) {
  const LeadRows rows = ReadJsonlLeads(
      "{\"a\":\"" + std::string(20'000'000, 'x') + "\"}\n{\"a\":1}\n", {});
  EXPECT_THAT(rows.mistakes.Lines("x"),
              ElementsAre("x:1: the line is longer than 1048576 bytes"));
  EXPECT_EQ(rows.leads.size(), 1);
}

TEST(JsonlReaderTest, AFileWithoutLeadsIsUnusable) {
  for (const std::string text : {"", "\n \n"}) {
    const LeadRows rows = ReadJsonlLeads(text, {});
    EXPECT_TRUE(rows.unusable);
    EXPECT_THAT(rows.mistakes.Lines("x"),
                ElementsAre("x: the file has no leads"));
  }
}

}  // namespace
}  // namespace leadgateway::leadctl
