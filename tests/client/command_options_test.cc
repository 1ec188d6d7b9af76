#include "client/command_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace leadgateway::leadctl {
namespace {

absl::StatusOr<UpdateOptions> Read(const std::vector<std::string>& args) {
  const auto values = ParseFlags(UpdateFlags(), args);
  if (!values.ok()) return values.status();
  return ReadUpdateOptions(*values);
}

std::string Mistake(const std::vector<std::string>& args) {
  return std::string(Read(args).status().message());
}

TEST(CommandOptionsTest, AFileIsEnough) {
  const auto options = Read({"--file=a.CSV"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->common.gateway, "127.0.0.1:50051");
  EXPECT_EQ(options->common.timeout, absl::Minutes(10));
  EXPECT_EQ(options->format, FileFormat::kCsv);
  EXPECT_EQ(options->search_by, "");
  EXPECT_EQ(options->rows.search_key, "ProspectId");
  EXPECT_EQ(options->priority, client::Priority::kBulk);
  EXPECT_EQ(options->rows.empty_cells, EmptyCells::kSkip);
  EXPECT_TRUE(options->retry);
  EXPECT_FALSE(options->skip_bad_rows);
}

TEST(CommandOptionsTest, EveryFlagReachesItsOption) {
  const auto options =
      Read({"--file=-", "--format=jsonl", "--gateway=h:1", "--account=acme",
            "--search-by=Phone", "--tag-column=Row", "--empty=clear",
            "--skip-bad-rows", "--push-non-existent-to-unprocessed",
            "--validate-only", "--output=json", "--verbose", "--timeout=90s",
            "--no-retry", "--caller=me", "--priority=interactive"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->format, FileFormat::kJsonl);
  EXPECT_EQ(options->common.gateway, "h:1");
  EXPECT_EQ(options->common.account, "acme");
  EXPECT_EQ(options->common.output, Output::kJson);
  EXPECT_EQ(options->common.timeout, absl::Seconds(90));
  EXPECT_EQ(options->search_by, "Phone");
  EXPECT_EQ(options->rows.search_key, "Phone");
  EXPECT_EQ(options->rows.tag_column, "Row");
  EXPECT_EQ(options->rows.empty_cells, EmptyCells::kClear);
  EXPECT_TRUE(options->skip_bad_rows);
  EXPECT_TRUE(options->push_non_existent);
  EXPECT_TRUE(options->validate_only);
  EXPECT_TRUE(options->verbose);
  EXPECT_FALSE(options->retry);
  EXPECT_EQ(options->caller, "me");
  EXPECT_EQ(options->priority, client::Priority::kInteractive);
}

TEST(CommandOptionsTest, MistakesNameTheFlag) {
  EXPECT_EQ(Mistake({}), "--file is needed");
  EXPECT_EQ(Mistake({"--file=leads.txt"}),
            "--format is needed: the file's name ends in neither .csv nor "
            ".jsonl");
  EXPECT_EQ(Mistake({"--file=a.csv", "--format=xml"}),
            "--format must be csv or jsonl");
  EXPECT_EQ(Mistake({"--file=a.csv", "--empty=x"}),
            "--empty must be skip or clear");
  EXPECT_EQ(Mistake({"--file=a.csv", "--output=x"}),
            "--output must be text or json");
  EXPECT_EQ(Mistake({"--file=a.csv", "--priority=x"}),
            "--priority must be bulk or interactive");
  EXPECT_EQ(Mistake({"--file=a.csv", "--tag-column=ProspectId"}),
            "--tag-column must not be the search key");
  for (const std::string time : {"5", "0s", "-1s", "inf", "soon"}) {
    EXPECT_EQ(Mistake({"--file=a.csv", "--timeout=" + time}),
              "--timeout must be a time above 0, such as 90s or 10m");
  }
}

}  // namespace
}  // namespace leadgateway::leadctl
