#include "gateway/base/log.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class LogTest : public ::testing::Test {
 protected:
  LogTest() {
    SetLogSinkForTest(
        [this](absl::string_view line) { lines_.emplace_back(line); });
  }
  ~LogTest() override {
    SetLogSinkForTest(nullptr);
    SetLogLevel(LogLevel::kInfo);
  }
  std::string Only() const {
    EXPECT_EQ(lines_.size(), 1);
    return lines_.empty() ? "" : lines_[0];
  }
  std::vector<std::string> lines_;
};

TEST_F(LogTest, WritesOneJsonObjectWhenTheLineIsOver) {
  {
    LogLine line(LogLevel::kWarn, "thing");
    line.Add("text", "a").Add("n", 17);
    EXPECT_TRUE(lines_.empty());
  }
  EXPECT_THAT(
      Only(),
      MatchesRegex(
          "\\{\"time\":\"20[0-9-]+T[0-9:.]+Z\",\"level\":\"warn\",\"event\":"
          "\"thing\",\"text\":\"a\",\"n\":17\\}"));
}

TEST_F(LogTest, EscapesWhateverWouldBreakTheLine) {
  LogLine(LogLevel::kInfo, "e\"v\\e\nnt")
      .Add("k\"ey", std::string("a\"b\\c\n\r\t\0\x1f\x7f}", 12));
  EXPECT_THAT(Only(), HasSubstr(R"("event":"e\"v\\e\u000ant")"));
  EXPECT_THAT(
      Only(),
      HasSubstr(R"("k\"ey":"a\"b\\c\u000a\u000d\u0009\u0000\u001f\u007f}")"));
  for (const char c : Only()) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
}

TEST_F(LogTest, StaysAsciiWhateverBytesComeIn) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  LogLine(LogLevel::kInfo, "x").Add("bytes", all).Add("cut", "\xF0\x9F");
  for (const char c : Only()) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
  EXPECT_THAT(Only(), EndsWith("\"cut\":\"\\u00f0\\u009f\"}"));
}

TEST_F(LogTest, CutsLongText) {
  LogLine(LogLevel::kInfo, "x").Add("long", std::string(100'000, 'a'));
  EXPECT_LT(Only().size(), 1'200);
  EXPECT_THAT(Only(), EndsWith("a\"}"));
}

TEST_F(LogTest, WritesNumbers) {
  LogLine(LogLevel::kInfo, "x")
      .Add("least", std::numeric_limits<int64_t>::min())
      .Add("most", std::numeric_limits<int64_t>::max())
      .Add("half", 0.5)
      .Add("nan", std::nan(""))
      .Add("infinite", std::numeric_limits<double>::infinity())
      .Add("took_s", absl::Milliseconds(1'250))
      .AddBool("yes", true)
      .AddBool("no", false);
  EXPECT_THAT(
      Only(),
      EndsWith("\"least\":-9223372036854775808,\"most\":9223372036854775807,"
               "\"half\":0.5,\"nan\":null,\"infinite\":null,\"took_s\":1.25,"
               "\"yes\":true,\"no\":false}"));
}

TEST_F(LogTest, WritesLinesOfTheLevelAndAbove) {
  LogLine(LogLevel::kDebug, "debug1").Add("a", 1);
  LogLine(LogLevel::kInfo, "info1").Add("a", 1);
  SetLogLevel(LogLevel::kError);
  LogLine(LogLevel::kWarn, "warn1").Add("a", 1);
  LogLine(LogLevel::kError, "error1").Add("a", 1);
  SetLogLevel(LogLevel::kDebug);
  LogLine(LogLevel::kDebug, "debug2").Add("a", 1);
  ASSERT_EQ(lines_.size(), 3);
  EXPECT_THAT(lines_[0], HasSubstr("info1"));
  EXPECT_THAT(lines_[1], HasSubstr("error1"));
  EXPECT_THAT(lines_[1], HasSubstr("\"level\":\"error\""));
  EXPECT_THAT(lines_[2], HasSubstr("debug2"));
}

TEST_F(LogTest, WritesListsOfText) {
  LogLine(LogLevel::kInfo, "x")
      .AddList("ids", {"a\"", "b"})
      .AddList("none", {});
  EXPECT_THAT(Only(), EndsWith(R"("ids":["a\"","b"],"none":[]})"));
}

TEST_F(LogTest, LevelsAreReadByTheirNames) {
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError}) {
    SetLogLevel(level);
    EXPECT_EQ(GetLogLevel(), level);
    EXPECT_EQ(ParseLogLevel(LogLevelName(level)), level);
  }
  for (const char* name : {"", "Debug", "debug ", "trace", "off", "3"}) {
    EXPECT_EQ(ParseLogLevel(name), std::nullopt) << name;
  }
}

TEST_F(LogTest, TakesBracesForText) {
  LogLine(LogLevel::kInfo, "{}").Add("{0}", "{1} %s %n");
  EXPECT_THAT(Only(), HasSubstr("\"event\":\"{}\",\"{0}\":\"{1} %s %n\""));
  EXPECT_THAT(Only(), Not(HasSubstr("error")));
}

}  // namespace
}  // namespace leadgateway
