#include "gateway/config/json_outline.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace leadgateway {
namespace {

TEST(ReadJsonOutline, KeepsEveryPieceAsItIsWritten) {
  const std::string text =
      " { \"a\" : [ 1 , -2.5e+3, 0, \"x\\u00e9\\ud83d\\ude00\\n\" ] , "
      "\"b\":{}, \"c\":[], \"a\":null, \"d\":true,\"e\":false } ";
  const absl::StatusOr<JsonOutline> outline = ReadJsonOutline(text);
  ASSERT_TRUE(outline.ok()) << outline.status();
  EXPECT_EQ(outline->keys.size(), 6U);
  EXPECT_EQ(WriteJson(*outline),
            "{\"a\":[1,-2.5e+3,0,\"x\\u00e9\\ud83d\\ude00\\n\"],\"b\":{},"
            "\"c\":[],\"a\":null,\"d\":true,\"e\":false}");
}

TEST(ReadJsonOutline, NamesTheSpotOfAnErrorAndRepeatsNothing) {
  struct Case {
    std::string text;
    const char* message;
  };
  for (const Case& c : {
           Case{"", "line 1, column 1: the text ends too early"},
           Case{"{\n  \"a\": \"b\"\n  \"c\": 1\n}",
                "line 3, column 3: expected \",\" or \"}\""},
           Case{"{\"a\" 1}", "line 1, column 6: expected \":\""},
           Case{"{a: 1}", "line 1, column 2: expected a name in double quotes"},
           Case{"{\"a\": 1,}",
                "line 1, column 9: expected a name in double quotes"},
           Case{"[1 2]", "line 1, column 4: expected \",\" or \"]\""},
           Case{"[1,]", "line 1, column 4: expected a value"},
           Case{"[01]", "line 1, column 3: expected \",\" or \"]\""},
           Case{"[.5]", "line 1, column 2: expected a value"},
           Case{"[1.]", "line 1, column 2: expected a value"},
           Case{"[-]", "line 1, column 2: expected a value"},
           Case{"[NaN]", "line 1, column 2: expected a value"},
           Case{"['x']", "line 1, column 2: expected a value"},
           Case{"[\"x", "line 1, column 4: the text ends too early"},
           Case{"[\"x\n\"]",
                "line 1, column 4: a control character within a string"},
           Case{"[\"\\x\"]",
                "line 1, column 3: an escape that JSON does not "
                "know"},
           Case{"[\"\\ud83d\"]",
                "line 1, column 3: an escape that JSON does not know"},
           Case{"[\"\\ude00\"]",
                "line 1, column 3: an escape that JSON does not know"},
           Case{"[\"\\u12g4\"]",
                "line 1, column 3: an escape that JSON does not know"},
           Case{"{} {}", "line 1, column 4: expected the end of the file"},
           Case{std::string(100'000, '['),
                "line 1, column 34: is nested too deeply"},
           Case{absl::StrCat("[", std::string(1, '\0'), "]"),
                "line 1, column 2: expected a value"},
       }) {
    const absl::Status status = ReadJsonOutline(c.text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), c.message) << c.text.substr(0, 40);
  }
}

TEST(CheckUtf8, TellsTextFromBytes) {
  for (const char* good :
       {"", "plain", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
        "\xED\x9F\xBF", "\xEF\xBF\xBF", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(CheckUtf8(good).ok()) << good;
  }
  for (const char* bad :
       {"\x80", "\xC3", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80",
        "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF",
        "\xE2\x82", "\xE2\x28\xA1"}) {
    EXPECT_FALSE(CheckUtf8(bad).ok());
  }
  EXPECT_EQ(CheckUtf8("ok\nab\xFF").message(),
            "line 2, column 3: is not UTF-8 text");
}

}  // namespace
}  // namespace leadgateway
