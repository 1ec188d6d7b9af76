#include "gateway/server/config_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace leadgateway::server {
namespace {

class ConfigSourceTest : public ::testing::Test {
 protected:
  ConfigSourceTest() {
    std::string pattern = absl::StrCat(::testing::TempDir(), "/sourceXXXXXX");
    dir_ = mkdtemp(pattern.data());
    path_ = absl::StrCat(dir_, "/config.json");
  }

  void Write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::trunc) << text;
  }
  // Looks a second later.
  bool Check(ConfigSource& source) {
    now_ += absl::Seconds(1);
    return source.Check(now_);
  }
  // Whether a change is told within two looks, and then no more.
  bool Tells(ConfigSource& source) {
    if (!Check(source) && !Check(source)) return false;
    source.Take();
    EXPECT_FALSE(Check(source));
    EXPECT_FALSE(Check(source));
    return true;
  }

  std::string dir_;
  std::string path_;
  absl::Time now_ = absl::UnixEpoch();
};

TEST_F(ConfigSourceTest, TellsAFileThatIsWrittenInPlaceOrReplaced) {
  Write(path_, "one");
  ConfigSource source(path_);
  EXPECT_TRUE(Tells(source));
  Write(path_, "other");
  EXPECT_TRUE(Tells(source));
  // Of the same size, as an editor does it.
  Write(path_ + ".new", "again");
  ASSERT_EQ(rename((path_ + ".new").c_str(), path_.c_str()), 0);
  EXPECT_TRUE(Tells(source));
  ASSERT_EQ(unlink(path_.c_str()), 0);
  EXPECT_TRUE(Tells(source));
  Write(path_, "back");
  EXPECT_TRUE(Tells(source));
}

TEST_F(ConfigSourceTest, TellsAConfigMapWhoseDataLinkLeadsElsewhere) {
  for (const char* const version : {"/..2026_1", "/..2026_2"}) {
    ASSERT_EQ(mkdir((dir_ + version).c_str(), 0755), 0);
    Write(dir_ + version + "/config.json", "text");
  }
  ASSERT_EQ(symlink("..2026_1", (dir_ + "/..data").c_str()), 0);
  ASSERT_EQ(symlink("..data/config.json", path_.c_str()), 0);
  ConfigSource source(path_);
  EXPECT_TRUE(Tells(source));
  ASSERT_EQ(symlink("..2026_2", (dir_ + "/..data_tmp").c_str()), 0);
  ASSERT_EQ(rename((dir_ + "/..data_tmp").c_str(), (dir_ + "/..data").c_str()),
            0);
  EXPECT_TRUE(Tells(source));
}

TEST_F(ConfigSourceTest, WaitsUntilAFileIsNoLongerWritten) {
  Write(path_, "whole");
  ConfigSource source(path_);
  ASSERT_TRUE(Tells(source));
  std::string text;
  for (int i = 0; i < 10; ++i) {
    text += "half";
    Write(path_, text);
    EXPECT_FALSE(Check(source)) << i;
  }
  // Not there for a moment, between two names.
  ASSERT_EQ(unlink(path_.c_str()), 0);
  EXPECT_FALSE(Check(source));
  Write(path_, text);
  EXPECT_FALSE(Check(source));
  EXPECT_TRUE(Check(source));
  // Nobody has taken it yet.
  EXPECT_TRUE(Check(source));
  source.Take();
  EXPECT_TRUE(source.Unchanged());
  Write(path_, "x");
  EXPECT_FALSE(source.Unchanged());
}

}  // namespace
}  // namespace leadgateway::server
