#include "client/text_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadgateway::leadctl {
namespace {

TEST(TextTableTest, ColumnsAlignByCharactersNotBytes) {
  EXPECT_EQ(TextTable({{"NAME", "N"}, {"Zoë", "10"}, {"Łuka", "7"}}, {1}),
            "NAME   N\n"
            "Zoë   10\n"
            "Łuka   7\n");
}

TEST(TextTableTest, LinesHaveNoTrailingSpaces) {
  EXPECT_EQ(TextTable({{"a", "long"}, {"b", ""}}), "a  long\nb\n");
}

}  // namespace
}  // namespace leadgateway::leadctl
