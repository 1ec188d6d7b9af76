#include "gateway/model/folded_text.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace leadgateway {
namespace {

TEST(FoldedText, TextsThatDifferInCaseSpaceOrCompositionAreTheSame) {
  const std::pair<std::string, std::string> cases[] = {
      {"John@X.y", "john@x.y"},
      {"  a b\t\r\n", "a b"},
      {"", ""},
      {" \n ", ""},
      {"\u00a0\u3000x\u2003\u0085", "x"},
      {"\u00a0 \u2028", ""},
      {"M\u00dcLLER", "m\u00fcller"},
      {"mU\u0308ller", "m\u00fcller"},
      {"Stra\u00dfe", "STRASSE"},
      {"\u0391\u03a3", "\u03b1\u03c2"},
      {"\u0414\u041e\u041c", "\u0434\u043e\u043c"},
      {"\U00010400", "\U00010428"},
      {"\u05e9\u05dc\u05d5\u05dd ", "\u05e9\u05dc\u05d5\u05dd"},
      {"\U0001F600", "\U0001F600"},
  };
  for (const auto& [a, b] : cases) EXPECT_EQ(Folded(a), Folded(b)) << a;
}

TEST(FoldedText, TextsThatDifferOtherwiseAreNot) {
  const std::pair<std::string, std::string> cases[] = {
      {"a b", "ab"},    {"resume", "r\u00e9sum\u00e9"},
      {"a", "\u0430"},  {"1", "\u0661"},
      {"x\u200b", "x"}, {std::string("a\0", 2), "a"},
      {"\u0131", "i"},
  };
  for (const auto& [a, b] : cases) EXPECT_NE(Folded(a), Folded(b)) << a;
}

TEST(FoldedText, WhatIsNotUtf8IsFoldedAsAscii) {
  EXPECT_EQ(Folded("\xff\xfe ABC "), "\xff\xfe abc");
  EXPECT_EQ(Folded("\xc3"), "\xc3");
  EXPECT_EQ(Folded("\x80\x80\x80"), "\x80\x80\x80");
  EXPECT_EQ(Folded("A\xe2\x80"), "a\xe2\x80");
}

TEST(FoldedText, LongTextsAreFoldedWhole) {
  const std::string many(5 << 20, 'X');
  EXPECT_EQ(Folded(many), std::string(5 << 20, 'x'));
  EXPECT_EQ(Folded(absl::StrCat(many, "\u00dc")).size(), many.size() + 2);
  std::string spaces;
  for (int i = 0; i < 100'000; ++i) spaces += "\u00a0";
  EXPECT_EQ(Trimmed(spaces), "");
}

TEST(FoldedText, FoldingTwiceChangesNothing) {
  for (const std::string text :
       {"\u0130stanbul", "\ufb03", "\u1e9e", "\u0345"}) {
    EXPECT_EQ(Folded(Folded(text)), Folded(text)) << text;
  }
}

}  // namespace
}  // namespace leadgateway
