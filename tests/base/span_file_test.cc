#include "gateway/base/span_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/base/trace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TraceContext Context(uint8_t n) {
  TraceContext context;
  context.trace_id.fill(n);
  context.span_id.fill(n);
  context.sampled = true;
  return context;
}

Span SpanOf(uint8_t n) {
  Span span;
  span.name = absl::StrCat("span ", n);
  span.context = Context(n);
  span.started = absl::FromUnixNanos(1'700'000'000'000'000'001);
  span.ended = span.started + absl::Milliseconds(250);
  return span;
}

class SpanFileTest : public ::testing::Test {
 protected:
  SpanFileTest() {
    path_ = absl::StrCat(::testing::TempDir(), "/span_file_test.", getpid());
    remove(path_.c_str());
    remove(Before().c_str());
    SetLogSinkForTest(
        [this](absl::string_view line) { log_.emplace_back(line); });
  }
  ~SpanFileTest() override { SetLogSinkForTest(nullptr); }

  std::string Before() const { return absl::StrCat(path_, ".1"); }
  SpanFile::Options Options() const {
    SpanFile::Options options;
    options.path = path_;
    options.resource = {{"service.name", "lead-gateway"}};
    return options;
  }
  static std::vector<std::string> LinesOf(const std::string& path) {
    std::ifstream file(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

  std::string path_;
  std::vector<std::string> log_;
};

TEST_F(SpanFileTest, ALineIsOtlpInJson) {
  Span span = SpanOf(0xab);
  span.kind = Span::Kind::kClient;
  span.parent_id.fill(0x12);
  span.links = {Context(0xcd), Context(0xef)};
  span.attributes = {{"text", std::string("a \"b\"\n")},
                     {"number", int64_t{1} << 60},
                     {"flag", true}};
  span.failed = true;
  span.problem = "in_doubt";
  EXPECT_EQ(
      OtlpLine({&span, 1}, {{"service.name", "lead-gateway"}}),
      R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"lead-gateway"}}]},)"
      R"("scopeSpans":[{"scope":{"name":"lead_gateway"},"spans":[)"
      R"({"traceId":"abababababababababababababababab","spanId":"abababababababab","parentSpanId":"1212121212121212",)"
      R"("name":"span 171","kind":3,"startTimeUnixNano":"1700000000000000001","endTimeUnixNano":"1700000000250000001",)"
      R"("attributes":[{"key":"text","value":{"stringValue":"a \"b\"\u000a"}},)"
      R"({"key":"number","value":{"intValue":"1152921504606846976"}},{"key":"flag","value":{"boolValue":true}}],)"
      R"("links":[{"traceId":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","spanId":"cdcdcdcdcdcdcdcd"},)"
      R"({"traceId":"efefefefefefefefefefefefefefefef","spanId":"efefefefefefefef"}],)"
      R"("status":{"code":2,"message":"in_doubt"}}]}]}]})");
  // The first span of a trace has no parent.
  const Span first = SpanOf(1);
  const std::string line = OtlpLine({&first, 1}, {});
  EXPECT_THAT(line, ::testing::Not(HasSubstr("parentSpanId")));
  EXPECT_THAT(line, ::testing::Not(HasSubstr("links")));
  EXPECT_THAT(line, ::testing::Not(HasSubstr("status")));
}

TEST_F(SpanFileTest, EverySpanIsThereInOrderWhenTheWriterHasGone) {
  auto file = SpanFile::Create(Options());
  ASSERT_TRUE(file.ok()) << file.status();
  for (int i = 0; i < 1000; ++i) (*file)->Write(SpanOf(1));
  EXPECT_EQ((*file)->dropped(), 0);
  file->reset();
  int spans = 0;
  for (const std::string& line : LinesOf(path_)) {
    EXPECT_THAT(line, ::testing::StartsWith("{\"resourceSpans\":["));
    EXPECT_THAT(line, ::testing::EndsWith("]}]}]}"));
    for (size_t at = 0; (at = line.find("\"spanId\"", at)) != line.npos; ++at) {
      ++spans;
    }
  }
  EXPECT_EQ(spans, 1000);
  struct stat info {};
  stat(path_.c_str(), &info);
  EXPECT_EQ(info.st_mode & 0007, 0) << "others may read it";
}

TEST_F(SpanFileTest, ARenamedFileIsLeftAndANewOneBegun) {
  auto file = SpanFile::Create(Options());
  ASSERT_TRUE(file.ok());
  (*file)->Write(SpanOf(1));
  while (LinesOf(path_).empty()) absl::SleepFor(absl::Milliseconds(1));
  ASSERT_EQ(rename(path_.c_str(), Before().c_str()), 0);
  (*file)->Write(SpanOf(2));
  file->reset();
  EXPECT_THAT(LinesOf(Before()), ElementsAre(HasSubstr("span 1")));
  EXPECT_THAT(LinesOf(path_), ElementsAre(HasSubstr("span 2")));
}

TEST_F(SpanFileTest, AFileOfFullSizeMakesWayForANewOne) {
  SpanFile::Options options = Options();
  options.most_bytes = 600;  // one line, not two
  for (const uint8_t n : {1, 2, 3}) {
    auto file = SpanFile::Create(options);
    ASSERT_TRUE(file.ok());
    (*file)->Write(SpanOf(n));
  }
  EXPECT_THAT(LinesOf(Before()), ElementsAre(HasSubstr("span 2")));
  EXPECT_THAT(LinesOf(path_), ElementsAre(HasSubstr("span 3")));
}

TEST_F(SpanFileTest, WhatTheDiskDoesNotTakeIsCountedAndToldOnce) {
  SpanFile::Options options = Options();
  options.path = "/dev/full";
  auto file = SpanFile::Create(options);
  ASSERT_TRUE(file.ok()) << file.status();
  for (int i = 1; i <= 3; ++i) {
    (*file)->Write(SpanOf(1));
    while ((*file)->dropped() < i) absl::SleepFor(absl::Milliseconds(1));
  }
  file->reset();
  EXPECT_THAT(log_, ElementsAre(HasSubstr("spans_not_written")));
  EXPECT_THAT(log_, ElementsAre(HasSubstr("No space left")));
}

TEST_F(SpanFileTest, SpansBeyondTheBoundAreDropped) {
  SpanFile::Options options = Options();
  options.most_waiting = 0;
  auto file = SpanFile::Create(options);
  ASSERT_TRUE(file.ok());
  (*file)->Write(SpanOf(1));
  EXPECT_EQ((*file)->dropped(), 1);
  file->reset();
  EXPECT_THAT(LinesOf(path_), IsEmpty());
}

TEST_F(SpanFileTest, AFileThatCannotBeOpenedIsAnErrorThatNamesIt) {
  SpanFile::Options options = Options();
  options.path = "/nonexistent/spans";
  EXPECT_THAT(std::string(SpanFile::Create(options).status().message()),
              HasSubstr("/nonexistent/spans"));
}

}  // namespace
}  // namespace leadgateway
