#include "client/mistakes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadgateway::leadctl {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

TEST(MistakeListTest, LinesNameTheFileTheLineAndTheColumnAsFarAsKnown) {
  MistakeList list;
  list.Add({.text = "about the file"});
  list.Add({.line = 3, .text = "about a line"});
  list.Add({.line = 4, .column = 2, .text = "about a cell"});
  EXPECT_THAT(list.Lines("f.csv"),
              ElementsAre("f.csv: about the file", "f.csv:3: about a line",
                          "f.csv:4: column 2: about a cell"));
}

TEST(MistakeListTest, TwentyAreKeptAndTheOthersCounted) {
  MistakeList list;
  for (int line = 1; line <= 21; ++line) list.Add({.line = line, .text = "x"});
  ASSERT_THAT(list.Lines("f"), SizeIs(21));
  EXPECT_EQ(list.Lines("f").back(), "f: 1 more mistake");
  list.Add({.text = "x"});
  EXPECT_EQ(list.Lines("f").back(), "f: 2 more mistakes");
  EXPECT_EQ(list.count(), 22u);
}

}  // namespace
}  // namespace leadgateway::leadctl
