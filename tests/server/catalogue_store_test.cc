#include "gateway/server/catalogue_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/base/mutex.h"
#include "gateway/schema/field_catalogue.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway::server {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

constexpr absl::Time kFetched = absl::FromUnixSeconds(1'700'000'000);

std::string JsonOf(absl::string_view name) {
  return absl::StrCat(R"([{"SchemaName":")", name, R"("}])");
}

class CatalogueStoreTest : public ::testing::Test {
 protected:
  CatalogueStoreTest() {
    parent_ = absl::StrCat(::testing::TempDir(), "/storeXXXXXX");
    EXPECT_NE(mkdtemp(parent_.data()), nullptr);
    directory_ = parent_ + "/state";
    SetLogSinkForTest([this](absl::string_view line) {
      const MutexLock lock(mutex_);
      log_.emplace_back(line);
    });
  }
  ~CatalogueStoreTest() override {
    store_ = nullptr;
    SetLogSinkForTest(nullptr);
    fs::remove_all(parent_);
  }

  void Open() {
    store_ = nullptr;
    auto store = CatalogueStore::Create(directory_);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  // Saves, and waits until all has been written.
  void Save(absl::string_view account, absl::string_view json,
            absl::Time fetched_at = kFetched) {
    store_->Save(account, std::string(json), fetched_at);
    Open();
  }
  // Until the store's thread has made it, which tells nobody.
  void WaitForFile(absl::string_view account) const {
    const absl::Time end = absl::Now() + absl::Seconds(30);
    while (!fs::exists(FileOf(account))) {
      ASSERT_LT(absl::Now(), end);
      absl::SleepFor(absl::Milliseconds(1));
    }
  }
  std::string FileOf(absl::string_view account) const {
    return absl::StrCat(directory_, "/", account, ".fields.json");
  }
  std::string TextOf(absl::string_view account) const {
    std::ifstream file(FileOf(account), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void Write(absl::string_view account, absl::string_view text) {
    std::ofstream(FileOf(account), std::ios::binary) << text;
  }
  // The names in the directory.
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_)) {
      names.push_back(entry.path().filename());
    }
    return names;
  }
  std::vector<std::string> Log() const {
    const MutexLock lock(mutex_);
    return log_;
  }

  std::string parent_;
  std::string directory_;
  std::unique_ptr<CatalogueStore> store_;
  mutable Mutex mutex_;
  std::vector<std::string> log_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(CatalogueStoreTest, WhatWasSavedIsThereAfterARestart) {
  Open();
  EXPECT_EQ(store_->Load("acme", {}).status().code(),
            absl::StatusCode::kNotFound);
  Save("acme", JsonOf("mx_A"));
  const auto loaded = store_->Load("acme", {"mx_A"});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_NE((*loaded)->Find("mx_A"), nullptr);
  EXPECT_TRUE((*loaded)->Find("mx_A")->unique);
  EXPECT_EQ((*loaded)->fetched_at(), kFetched);
  EXPECT_THAT(Log(), IsEmpty());
}

TEST_F(CatalogueStoreTest, FilesAreForTheirOwnerAlone) {
  Open();
  Save("acme", JsonOf("mx_A"));
  struct stat info {};
  ASSERT_EQ(stat(directory_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700);
  ASSERT_EQ(stat(FileOf("acme").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600);
}

TEST_F(CatalogueStoreTest, EachAccountHasAFileOfItsOwn) {
  Open();
  Save("acme", JsonOf("mx_A"));
  Save("initech", JsonOf("mx_I"));
  EXPECT_THAT(Files(),
              UnorderedElementsAre("acme.fields.json", "initech.fields.json"));
  EXPECT_EQ((*store_->Load("initech", {}))->Find("mx_A"), nullptr);
  EXPECT_NE((*store_->Load("acme", {}))->Find("mx_A"), nullptr);
  for (const char* other : {"acm", "acme.", "ACME", "acme.fields"}) {
    EXPECT_EQ(store_->Load(other, {}).status().code(),
              absl::StatusCode::kNotFound)
        << other;
  }
}

TEST_F(CatalogueStoreTest, TheNewestAnswerWinsAndNothingIsLeftBeside) {
  Open();
  for (int i = 0; i < 100; ++i) {
    store_->Save("acme", JsonOf(absl::StrCat("mx_", i)),
                 kFetched + absl::Seconds(i));
  }
  Open();
  EXPECT_EQ(TextOf("acme"), JsonOf("mx_99"));
  EXPECT_EQ((*store_->Load("acme", {}))->fetched_at(),
            kFetched + absl::Seconds(99));
  EXPECT_THAT(Files(), ElementsAre("acme.fields.json"));
}

TEST_F(CatalogueStoreTest, TheSameAnswerAgainOnlySetsTheTime) {
  Open();
  store_->Save("acme", JsonOf("mx_A"), kFetched);
  WaitForFile("acme");
  struct stat before {};
  ASSERT_EQ(stat(FileOf("acme").c_str(), &before), 0);
  store_->Save("acme", JsonOf("mx_A"), kFetched + absl::Hours(1));
  Open();
  struct stat after {};
  ASSERT_EQ(stat(FileOf("acme").c_str(), &after), 0);
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_EQ((*store_->Load("acme", {}))->fetched_at(),
            kFetched + absl::Hours(1));
}

TEST_F(CatalogueStoreTest, AFileThatSomebodyTookAwayIsWrittenAgain) {
  Open();
  store_->Save("acme", JsonOf("mx_A"), kFetched);
  WaitForFile("acme");
  fs::remove(FileOf("acme"));
  store_->Save("acme", JsonOf("mx_A"), kFetched);
  Open();
  EXPECT_EQ(TextOf("acme"), JsonOf("mx_A"));
}

TEST_F(CatalogueStoreTest, WhatIsNoFieldListIsAnErrorWithTheFileAndThePlace) {
  Open();
  Save("acme", JsonOf("mx_A"));
  const std::string whole = TextOf("acme");
  std::vector<std::string> broken = {"garbage", "<html></html>", "[]", "{}",
                                     std::string(100, '\0')};
  for (size_t size = 0; size < whole.size(); ++size) {
    broken.push_back(whole.substr(0, size));
  }
  for (const std::string& text : broken) {
    Write("acme", text);
    const absl::Status status = store_->Load("acme", {}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << text;
    EXPECT_THAT(std::string(status.message()),
                StartsWith(FileOf("acme") + " is no saved field list: "));
  }
  // The next answer takes its place.
  Save("acme", JsonOf("mx_B"));
  EXPECT_TRUE(store_->Load("acme", {}).ok());
  EXPECT_THAT(Log(), IsEmpty());
}

TEST_F(CatalogueStoreTest, ADirectoryInTheFilesPlaceIsToldAndLeavesNothing) {
  Open();
  ASSERT_EQ(mkdir(FileOf("acme").c_str(), 0700), 0);
  EXPECT_EQ(store_->Load("acme", {}).status().message(),
            FileOf("acme") + " is a directory, and no file");
  Save("acme", JsonOf("mx_A"));
  // Not the new file, which could not be put into its place.
  EXPECT_THAT(Files(), ElementsAre("acme.fields.json"));
  EXPECT_THAT(
      Log(), ElementsAre(AllOf(HasSubstr(R"("event":"fields_not_saved")"),
                               HasSubstr(R"("account":"acme")"),
                               HasSubstr(FileOf("acme") + " can't be replaced: "
                                                          "Is a directory"))));
  // Other accounts are none the worse for it.
  Save("initech", JsonOf("mx_I"));
  EXPECT_TRUE(store_->Load("initech", {}).ok());
  // Nor is this one, once it is gone.
  ASSERT_EQ(rmdir(FileOf("acme").c_str()), 0);
  Save("acme", JsonOf("mx_A"));
  EXPECT_TRUE(store_->Load("acme", {}).ok());
  EXPECT_THAT(Log(), SizeIs(1));
}

TEST_F(CatalogueStoreTest, AFileThatCannotBeWrittenLeavesTheOldOne) {
  Open();
  Save("acme", JsonOf("mx_A"));
  // In the way of the new file; this also stops root.
  ASSERT_EQ(mkdir((FileOf("acme") + ".new").c_str(), 0700), 0);
  Save("acme", JsonOf("mx_B"));
  EXPECT_EQ(TextOf("acme"), JsonOf("mx_A"));
  EXPECT_THAT(
      Log(), ElementsAre(
                 AllOf(HasSubstr(R"("event":"fields_not_saved")"),
                       HasSubstr(FileOf("acme") + ".new can't be written: "))));
}

TEST_F(CatalogueStoreTest, ADiskThatIsFullLeavesTheOldFile) {
  Open();
  Save("acme", JsonOf("mx_A"));
  // /dev/full takes nothing.
  ASSERT_EQ(symlink("/dev/full", (FileOf("acme") + ".new").c_str()), 0);
  Save("acme", JsonOf("mx_B"));
  EXPECT_EQ(TextOf("acme"), JsonOf("mx_A"));
  EXPECT_THAT(Files(), ElementsAre("acme.fields.json"));
  EXPECT_THAT(Log(), ElementsAre(HasSubstr("No space left on device")));
}

TEST_F(CatalogueStoreTest, ADirectoryThatCannotBeUsedIsRefusedWithItsName) {
  const auto refusal = [&] {
    const auto store = CatalogueStore::Create(directory_);
    EXPECT_EQ(store.status().code(), absl::StatusCode::kFailedPrecondition);
    return std::string(store.status().message());
  };
  std::ofstream(directory_) << "a file";
  EXPECT_EQ(refusal(), directory_ + " is no directory");
  fs::remove(directory_);
  directory_ = parent_ + "/not/there";
  EXPECT_EQ(refusal(),
            directory_ + " can't be made: No such file or directory");
  directory_ = "/proc/1/fields";
  EXPECT_THAT(refusal(), StartsWith("/proc/1/fields can't be made: "));
  directory_ = parent_ + "/locked";
  ASSERT_EQ(mkdir(directory_.c_str(), 0500), 0);
  // Root may write everywhere, so it becomes nobody.
  const bool root = geteuid() == 0;
  if (root) {
    ASSERT_EQ(seteuid(65534), 0);
  }
  EXPECT_THAT(refusal(), AllOf(StartsWith(directory_ + " can't be "),
                               EndsWith(": Permission denied")));
  if (root) {
    ASSERT_EQ(seteuid(0), 0);
  }
}

}  // namespace
}  // namespace leadgateway::server
