#include "gateway/base/trace.h"

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace leadgateway {
namespace {

constexpr char kTrace[] = "0af7651916cd43dd8448eb211c80319c";
constexpr char kSpan[] = "b7ad6b7169203331";

TEST(ParseTraceparent, ReadsAValidHeader) {
  const TraceContext context =
      ParseTraceparent(absl::StrCat("00-", kTrace, "-", kSpan, "-01"));
  ASSERT_TRUE(context.valid());
  EXPECT_EQ(context.TraceIdText(), kTrace);
  EXPECT_EQ(context.SpanIdText(), kSpan);
  EXPECT_TRUE(context.sampled);
  EXPECT_FALSE(
      ParseTraceparent(absl::StrCat("00-", kTrace, "-", kSpan, "-fe")).sampled);
  // A later version may go on.
  EXPECT_TRUE(
      ParseTraceparent(absl::StrCat("cc-", kTrace, "-", kSpan, "-01-what-else"))
          .valid());
}

TEST(ParseTraceparent, TakesGarbageForNoHeader) {
  const std::string good = absl::StrCat("00-", kTrace, "-", kSpan, "-01");
  for (const std::string& header :
       {std::string(), std::string("00"), good.substr(0, 54),
        absl::StrCat(good, "-more"), absl::StrCat(good, " "),
        absl::StrCat("cc", good.substr(2), "x"),
        absl::StrCat("ff", good.substr(2)), absl::StrCat("0x", good.substr(2)),
        absl::StrCat("00-", std::string(32, '0'), "-", kSpan, "-01"),
        absl::StrCat("00-", kTrace, "-", std::string(16, '0'), "-01"),
        std::string("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"),
        std::string(100'000, '-')}) {
    EXPECT_FALSE(ParseTraceparent(header).valid()) << header;
  }
  // Whatever byte is put wherever: no crash, and never another id.
  for (size_t i = 0; i < good.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string header = good;
      header[i] = static_cast<char>(byte);
      const TraceContext context = ParseTraceparent(header);
      if (context.valid()) {
        EXPECT_EQ(context.TraceIdText(), header.substr(3, 32));
        EXPECT_EQ(context.SpanIdText(), header.substr(36, 16));
      }
    }
  }
}

TEST(NewSpan, StaysInItsParentsTrace) {
  std::mt19937_64 random(7);
  const TraceContext parent =
      ParseTraceparent(absl::StrCat("00-", kTrace, "-", kSpan, "-01"));
  const TraceContext span = NewSpan(parent, random);
  EXPECT_EQ(span.TraceIdText(), kTrace);
  EXPECT_NE(span.SpanIdText(), kSpan);
  EXPECT_TRUE(span.sampled);
}

TEST(NewSpan, StartsATraceWithoutAParent) {
  std::mt19937_64 random(7);
  const TraceContext first = NewSpan({}, random);
  const TraceContext second = NewSpan({}, random);
  EXPECT_TRUE(first.valid());
  EXPECT_FALSE(first.sampled);
  EXPECT_NE(first.trace_id, second.trace_id);
  EXPECT_NE(first.span_id, second.span_id);
}

}  // namespace
}  // namespace leadgateway
