#include "gateway/leadsquared/credentials/key_source.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway::leadsquared {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kTick = absl::Milliseconds(10);

class KeySourceTest : public ::testing::Test {
 protected:
  KeySourceTest() {
    std::string name = absl::StrCat(::testing::TempDir(), "/keys.XXXXXX");
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~KeySourceTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(absl::string_view name) const {
    return absl::StrCat(folder_, "/", name);
  }
  void Write(absl::string_view name, absl::string_view text) const {
    const std::string path = Path(name);
    // A file of its own each time: two writes within one tick of the file
    // system's clock would look alike.
    unlink(path.c_str());
    std::ofstream(path, std::ios::binary) << text;
    EXPECT_EQ(chmod(path.c_str(), 0600), 0);
  }
  // As a kubelet does: the files are links through "..data", which is replaced.
  void Mount(int version) const {
    const std::string real = absl::StrCat("..v", version);
    std::filesystem::create_directory(Path(real));
    Write(absl::StrCat(real, "/access"), absl::StrCat("access", version));
    Write(absl::StrCat(real, "/secret"), absl::StrCat("secret", version));
    std::filesystem::create_directory_symlink(real, Path("..next"));
    std::filesystem::rename(Path("..next"), Path("..data"));
    if (version > 1) return;
    for (const char* const name : {"access", "secret"}) {
      std::filesystem::create_symlink(absl::StrCat("..data/", name),
                                      Path(name));
    }
  }
  KeySource Source() const {
    return KeySource({.file = Path("access"), .variable = ""},
                     {.file = Path("secret"), .variable = ""});
  }
  static std::string TextOf(const Credentials& keys) {
    return absl::StrCat(keys.access_key.Reveal(), " ", keys.secret_key.Reveal(),
                        " ", keys.generation);
  }
  // The new pair after the last Check within `most`; "" if there was none.
  std::string FreshWithin(KeySource& source, absl::Duration most) {
    const absl::Time until = now_ + most;
    for (; now_ <= until; now_ += kTick) {
      const KeySource::Look look = source.Check(now_);
      if (look.fresh) return TextOf(*look.fresh);
    }
    return "";
  }

  std::string folder_;
  absl::Time now_ = absl::UnixEpoch();
};

TEST_F(KeySourceTest, ADirectoryThatIsReplacedIsBelievedAtOnce) {
  Mount(1);
  KeySource source = Source();
  EXPECT_EQ(TextOf(*source.Load()), "access1 secret1 1");
  EXPECT_FALSE(source.Check(now_).fresh.has_value());
  for (int version = 2; version < 5; ++version) {
    Mount(version);
    const KeySource::Look look = source.Check(now_);
    ASSERT_TRUE(look.fresh.has_value());
    EXPECT_EQ(TextOf(*look.fresh), absl::StrCat("access", version, " secret",
                                                version, " ", version));
    EXPECT_FALSE(source.Check(now_).fresh.has_value());
  }
}

TEST_F(KeySourceTest, APairThatIsHalfNewIsNotUsed) {
  Write("access", "a1");
  Write("secret", "s1");
  KeySource source = Source();
  ASSERT_TRUE(source.Load().ok());
  Write("access", "a2");
  EXPECT_EQ(FreshWithin(source, absl::Seconds(20)), "");
  Write("secret", "s2");
  EXPECT_TRUE(source.Check(now_).pending);
  EXPECT_EQ(FreshWithin(source, KeySource::kSettle - 2 * kTick), "");
  EXPECT_EQ(FreshWithin(source, absl::Seconds(1)), "a2 s2 2");
}

TEST_F(KeySourceTest, OneKeyAloneIsBelievedAfterAWhile) {
  Write("access", "a1");
  Write("secret", "s1");
  KeySource source = Source();
  ASSERT_TRUE(source.Load().ok());
  Write("secret", "s2");
  EXPECT_FALSE(source.Check(now_).pending);
  EXPECT_EQ(FreshWithin(source, KeySource::kSettleOfOne - 2 * kTick), "");
  EXPECT_EQ(FreshWithin(source, absl::Seconds(1)), "a1 s2 2");
}

TEST_F(KeySourceTest, WhatIsStillBeingWrittenIsNotUsed) {
  Write("access", "a1");
  Write("secret", "s1");
  KeySource source = Source();
  ASSERT_TRUE(source.Load().ok());
  for (int i = 0; i < 10; ++i) {
    Write("access", absl::StrCat("half", i));
    Write("secret", absl::StrCat("half", i));
    EXPECT_EQ(FreshWithin(source, KeySource::kSettle - 2 * kTick), "");
  }
  Write("access", "a2");
  Write("secret", "s2");
  EXPECT_EQ(FreshWithin(source, absl::Seconds(2)), "a2 s2 2");
}

TEST_F(KeySourceTest, TheOldPairStaysUntilTheNewOneCanBeRead) {
  Write("access", "a1");
  Write("secret", "s1");
  KeySource source = Source();
  ASSERT_TRUE(source.Load().ok());
  Write("access", "a2");
  unlink(Path("secret").c_str());
  int problems = 0;
  for (int i = 0; i < 500; ++i, now_ += kTick) {
    const KeySource::Look look = source.Check(now_);
    EXPECT_FALSE(look.fresh.has_value());
    if (look.problem.ok()) continue;
    ++problems;
    EXPECT_THAT(look.problem.message(), HasSubstr(Path("secret")));
  }
  EXPECT_EQ(problems, 1);
  Write("secret", "  ");
  EXPECT_EQ(FreshWithin(source, absl::Seconds(3)), "");
  Write("secret", "s2");
  EXPECT_EQ(FreshWithin(source, absl::Seconds(3)), "a2 s2 2");
}

TEST_F(KeySourceTest, TheSameKeysWrittenAnewAreNoNewPair) {
  Write("access", "a1");
  Write("secret", "s1");
  KeySource source = Source();
  ASSERT_TRUE(source.Load().ok());
  Write("access", "a1");
  Write("secret", "s1\n");
  EXPECT_EQ(FreshWithin(source, absl::Seconds(3)), "");
  Write("access", "a2");
  Write("secret", "s2");
  EXPECT_EQ(FreshWithin(source, absl::Seconds(3)), "a2 s2 2");
}

TEST_F(KeySourceTest, KeysMayComeFromTheEnvironment) {
  ASSERT_EQ(setenv("KEY_SOURCE_TEST_ACCESS", " a1\n", 1), 0);
  Write("secret", "s1");
  KeySource source({.file = "", .variable = "KEY_SOURCE_TEST_ACCESS"},
                   {.file = Path("secret"), .variable = ""});
  EXPECT_EQ(TextOf(*source.Load()), "a1 s1 1");
  // The file is all that can change.
  Write("secret", "s2");
  EXPECT_EQ(FreshWithin(source, absl::Seconds(3)), "a1 s2 2");

  KeySource absent({.file = "", .variable = "KEY_SOURCE_TEST_NONE"},
                   {.file = Path("secret"), .variable = ""});
  const absl::Status status = absent.Load().status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(status.message(), HasSubstr("KEY_SOURCE_TEST_NONE: is not set"));
}

}  // namespace
}  // namespace leadgateway::leadsquared
