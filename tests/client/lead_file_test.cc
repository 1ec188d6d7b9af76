#include "client/lead_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <string>

#include "client/file_bytes.h"

namespace leadgateway::leadctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string TestFile(const std::string& name, const std::string& bytes) {
  const std::string path = ::testing::TempDir() + "/" + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

TEST(LeadFileTest, TheNamesEndingTellsTheFormat) {
  EXPECT_EQ(FormatByName("a.b/leads.Csv"), FileFormat::kCsv);
  EXPECT_EQ(FormatByName("x.jsonl"), FileFormat::kJsonl);
  EXPECT_EQ(FormatByName("x.NDJSON"), FileFormat::kJsonl);
  EXPECT_EQ(FormatByName("x.csv.gz"), std::nullopt);
  EXPECT_EQ(FormatByName("-"), std::nullopt);
}

TEST(LeadFileTest, BothFormatsAreRead) {
  EXPECT_EQ(
      ReadLeadFile(TestFile("a.csv", "ProspectId\nx\n"), FileFormat::kCsv, {})
          .leads.size(),
      1);
  EXPECT_EQ(ReadLeadFile(TestFile("a.jsonl", "{\"a\":1}\n{\"a\":2}"),
                         FileFormat::kJsonl, {})
                .leads.size(),
            2);
}

TEST(LeadFileTest, AMissingFileOrADirectoryIsOneMistake) {
  const LeadRows missing =
      ReadLeadFile(::testing::TempDir() + "/none.csv", FileFormat::kCsv, {});
  EXPECT_TRUE(missing.unusable);
  EXPECT_THAT(missing.mistakes.Lines("x"),
              ElementsAre(HasSubstr("x: cannot be opened: No such file")));
  const LeadRows directory =
      ReadLeadFile(::testing::TempDir(), FileFormat::kCsv, {});
  EXPECT_TRUE(directory.unusable);
  EXPECT_THAT(directory.mistakes.Lines("x"),
              ElementsAre("x: is a directory, not a file"));
}

TEST(LeadFileTest, AFileIsReadToItsLimitAndNoFurther) {
  const std::string path = TestFile("big", std::string(3 << 20, 'x'));
  const auto whole = ReadFileBytes(path, 3 << 20);
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(whole->size(), 3u << 20);
  const auto beyond = ReadFileBytes(path, (3 << 20) - 1);
  EXPECT_EQ(beyond.status().code(), absl::StatusCode::kOutOfRange);
  const auto endless = ReadFileBytes("/dev/zero", 1 << 20);
  EXPECT_EQ(endless.status().message(),
            "has more than 1 MiB; split it into several files");
}

}  // namespace
}  // namespace leadgateway::leadctl
