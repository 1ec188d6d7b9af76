#include "client/printable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadgateway::leadctl {
namespace {

TEST(PrintableTest, TextStaysAsItIs) {
  EXPECT_EQ(Printable("Zoë <z@example.com> 日本"), "Zoë <z@example.com> 日本");
}

TEST(PrintableTest, ControlCharactersCannotReachTheTerminal) {
  EXPECT_EQ(Printable("a\x1b[2Jb\r\n\x7f"), "a\\x1b[2Jb\\x0d\\x0a\\x7f");
  EXPECT_EQ(Printable("\xC2\x9B"), "\\x9b");
}

TEST(PrintableTest, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(Printable("abcdef", 4), "abcd...");
  EXPECT_EQ(Printable("abcé", 4), "abc...");
  EXPECT_EQ(Printable("abcd", 4), "abcd");
}

}  // namespace
}  // namespace leadgateway::leadctl
