#include "client/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace leadgateway::leadctl {
namespace {

const std::vector<FlagSpec> kSpecs = {
    {"file", "FILE", "The file."},
    {"verbose", "", "Say more."},
};

std::string Mistake(const std::vector<std::string>& args) {
  const auto values = ParseFlags(kSpecs, args);
  return std::string(values.status().message());
}

TEST(FlagsTest, ValuesComeAfterAnEqualsSignOrASpace) {
  const auto values = ParseFlags(kSpecs, {"--file", "a b.csv", "--verbose"});
  ASSERT_TRUE(values.ok()) << values.status();
  EXPECT_EQ(values->Text("file", ""), "a b.csv");
  EXPECT_TRUE(values->On("verbose"));
  EXPECT_EQ(ParseFlags(kSpecs, {"--file=a=b"})->Text("file", ""), "a=b");
  EXPECT_EQ(ParseFlags(kSpecs, {"--file", "-"})->Text("file", ""), "-");
}

TEST(FlagsTest, AFlagThatIsNotGivenHasItsDefault) {
  const auto values = ParseFlags(kSpecs, {});
  ASSERT_TRUE(values.ok());
  EXPECT_FALSE(values->Has("file"));
  EXPECT_EQ(values->Text("file", "default"), "default");
  EXPECT_FALSE(values->On("verbose"));
  EXPECT_FALSE(ParseFlags(kSpecs, {"--verbose=false"})->On("verbose"));
}

TEST(FlagsTest, MistakesNameTheFlag) {
  EXPECT_EQ(Mistake({"--fiel=x"}), "unknown flag --fiel");
  EXPECT_EQ(Mistake({"--file"}), "--file needs a value");
  EXPECT_EQ(Mistake({"--file="}), "--file needs a value");
  EXPECT_EQ(Mistake({"--file", "--verbose"}), "--file needs a value");
  EXPECT_EQ(Mistake({"--file=a", "--file=b"}), "--file is given twice");
  EXPECT_EQ(Mistake({"--verbose=1"}),
            "--verbose is a switch: it takes no value but true or false");
  EXPECT_EQ(Mistake({"leads.csv"}),
            "\"leads.csv\" is not a flag; flags look like --name");
  EXPECT_EQ(Mistake({"--"}), "\"--\" is not a flag; flags look like --name");
}

TEST(FlagsTest, HelpIsAlignedAndHasEveryFlag) {
  EXPECT_EQ(FlagHelp(kSpecs),
            "  --file=FILE  The file.\n"
            "  --verbose    Say more.\n");
}

}  // namespace
}  // namespace leadgateway::leadctl
