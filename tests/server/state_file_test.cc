#include "gateway/server/state_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

SavedState Sample() {
  SavedState state;
  state.account = "acme";
  state.day = absl::CivilDay(2026, 11, 25);
  state.zone = "Asia/Kolkata";
  state.calls = 1'234;
  state.clean = true;
  state.saved_at = absl::FromUnixNanos(1'764'000'000'123'456'789);
  state.held = {state.saved_at - absl::Seconds(2),
                state.saved_at - absl::Milliseconds(1)};
  return state;
}

std::string NewDirectory() {
  std::string path = absl::StrCat(::testing::TempDir(), "/stateXXXXXX");
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  return path;
}

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void Write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// The same text with another line in it and a check that fits.
std::string Resealed(const std::string& text, const std::string& from,
                     const std::string& to) {
  // The check is FNV-1a of all before it.
  std::string body =
      absl::StrReplaceAll(text.substr(0, text.find("check=")), {{from, to}});
  uint64_t hash = 14695981039346656037U;
  for (const char c : body) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  }
  char check[17];
  snprintf(check, sizeof check, "%016lx", static_cast<unsigned long>(hash));
  return absl::StrCat(body, "check=", check, "\n");
}

TEST(StateFileTest, ReadsWhatItHasWritten) {
  const std::string path = absl::StrCat(NewDirectory(), "/acme.state");
  EXPECT_TRUE(absl::IsNotFound(LoadState(path).status()));
  for (const bool clean : {true, false}) {
    SavedState state = Sample();
    state.clean = clean;
    ASSERT_EQ(SaveState(path, state), absl::OkStatus());
    const auto read = LoadState(path);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->account, "acme");
    EXPECT_EQ(read->day, state.day);
    EXPECT_EQ(read->zone, "Asia/Kolkata");
    EXPECT_EQ(read->calls, 1'234);
    EXPECT_EQ(read->clean, clean);
    EXPECT_EQ(read->saved_at, state.saved_at);
    EXPECT_THAT(read->held, ElementsAre(state.held[0], state.held[1]));
  }
  EXPECT_NE(access(absl::StrCat(path, ".tmp").c_str(), F_OK), 0);
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST(StateFileTest, TakesNoTextThatWasCutShortForWhole) {
  const std::string text = FormatState(Sample());
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_TRUE(absl::IsDataLoss(ParseState(text.substr(0, size)).status()))
        << size;
  }
  EXPECT_TRUE(ParseState(text).ok());
}

TEST(StateFileTest, TakesNoTextWithADamagedByteForWhole) {
  const std::string text = FormatState(Sample());
  for (size_t at = 0; at < text.size(); ++at) {
    for (const char other : {'\0', '9', 'x', '\n'}) {
      if (text[at] == other) continue;
      std::string damaged = text;
      damaged[at] = other;
      EXPECT_TRUE(absl::IsDataLoss(ParseState(damaged).status()))
          << at << ": " << ParseState(damaged).status();
    }
  }
}

TEST(StateFileTest, SaysWhatIsWrong) {
  const std::string text = FormatState(Sample());
  const std::pair<std::string, const char*> cases[] = {
      {"", "is empty"},
      {"garbage\n", "does not begin as one"},
      {std::string(1000, '\xff'), "does not begin as one"},
      {absl::StrReplaceAll(text, {{"state 1", "state 2"}}), "another version"},
      {text.substr(0, 40), "cut short"},
      {absl::StrReplaceAll(text, {{"=1234", "=1235"}}), "check does not fit"},
      {Resealed(text, "calls=1234", "calls=-1"), "can't read"},
      {Resealed(text, "calls=1234", "calls=1e9"), "can't read"},
      {Resealed(text, "calls=1234", "calls=99999999999999999999"),
       "can't read"},
      {Resealed(text, "day=2026-11-25", "day=2026-11-31"), "can't read"},
      {Resealed(text, "clean=1", "clean=yes"), "can't read"},
      {Resealed(text, "clean=1", "clean=1\nclean=1"), "can't read"},
      {Resealed(text, "clean=1\n", ""), "lacks a line"},
      {Resealed(text, "saved_at=2025", "saved_at=infinite-future#"),
       "can't read"},
      {Resealed(text, "clean=1", "colour=red"), "can't read"},
  };
  for (const auto& [bad, what] : cases) {
    const absl::Status status = ParseState(bad).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << bad;
    EXPECT_THAT(std::string(status.message()), HasSubstr(what)) << bad;
  }
}

TEST(StateFileTest, ReadsNoFileThatIsNone) {
  const std::string directory = NewDirectory();
  EXPECT_TRUE(absl::IsDataLoss(LoadState(directory).status()));
  const std::string pipe = absl::StrCat(directory, "/pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_TRUE(absl::IsDataLoss(LoadState(pipe).status()));
  const std::string large = absl::StrCat(directory, "/large");
  Write(large, std::string((1 << 20) + 1, 'x'));
  EXPECT_THAT(std::string(LoadState(large).status().message()),
              HasSubstr("1 MiB"));
}

TEST(StateFileTest, LeavesTheOldStateWhereTheNewCannotBeWritten) {
  const std::string directory = NewDirectory();
  const std::string path = absl::StrCat(directory, "/acme.state");
  ASSERT_EQ(SaveState(path, Sample()), absl::OkStatus());
  const std::string before = Read(path);
  // A directory in the way of the temporary file.
  ASSERT_EQ(mkdir(absl::StrCat(path, ".tmp").c_str(), 0700), 0);
  SavedState next = Sample();
  next.calls = 9'999;
  const absl::Status status = SaveState(path, next);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  EXPECT_EQ(Read(path), before);
}

TEST(StateDirectoryTest, IsMadeAndHasOneUser) {
  const std::string path = absl::StrCat(NewDirectory(), "/new");
  auto first = StateDirectory::Take(path);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ((*first)->FileOf("acme"), absl::StrCat(path, "/acme.state"));
  const auto second = StateDirectory::Take(path);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr("in use by another process"));
  first->reset();
  EXPECT_TRUE(StateDirectory::Take(path).ok());
}

TEST(StateDirectoryTest, SaysWhyItCannotBeUsed) {
  const std::string parent = absl::StrCat(NewDirectory(), "/none/new");
  EXPECT_THAT(std::string(StateDirectory::Take(parent).status().message()),
              HasSubstr("No such file or directory"));
  const std::string file = absl::StrCat(NewDirectory(), "/file");
  Write(file, "x");
  EXPECT_THAT(std::string(StateDirectory::Take(file).status().message()),
              HasSubstr("Not a directory"));
}

}  // namespace
}  // namespace leadgateway::server
