#include "gateway/base/json_text.h"

#include <string>

#include "gtest/gtest.h"

namespace leadgateway {
namespace {

std::string Json(const std::string& text) {
  std::string out;
  AppendJsonString(out, text);
  return out;
}

TEST(JsonText, EscapesWhatJsonWantsEscaped) {
  EXPECT_EQ(Json(""), R"("")");
  EXPECT_EQ(Json("a \"b\" \\ c/"), R"("a \"b\" \\ c/")");
  EXPECT_EQ(Json(std::string("\0\n\x1f", 3)), R"("\u0000\u000a\u001f")");
}

TEST(JsonText, IsAsciiWhateverComesIn) {
  EXPECT_EQ(Json("\x7f\xc3\xff"), R"("\u007f\u00c3\u00ff")");
}

}  // namespace
}  // namespace leadgateway
