#include "gateway/server/http2_guard.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/raw_http2.h"

namespace leadgateway::server {
namespace {

using testing::Frame;
using testing::FrameType;
using ::testing::HasSubstr;
using testing::Hello;
using testing::Number;
using testing::UpdateFrames;
using testing::UpdateHeaders;

class Http2GuardTest : public ::testing::Test {
 protected:
  // Why the guard ends the connection; "" if it does not.
  std::string Read(absl::string_view bytes) {
    const char* const why = guard_.Read(bytes, now_);
    return why_ = why == nullptr ? "" : why;
  }
  // Of `count` times these bytes, with `pause` after each: the first that it
  // does not take; `count` if it takes all.
  int Taken(int count, absl::Duration pause, absl::string_view bytes) {
    for (int i = 0; i < count; ++i, now_ += pause) {
      if (!Read(bytes).empty()) return i;
    }
    return count;
  }
  static std::string Reset(uint32_t stream) {
    return Frame(FrameType::kRstStream, 0, stream, Number(8, 4));
  }
  static std::string Acknowledgement() {
    return Frame(FrameType::kSettings, testing::kAck, 0, "");
  }
  static std::string Begin(uint32_t stream) {
    return Frame(FrameType::kHeaders, testing::kEndHeaders, stream,
                 UpdateHeaders());
  }

  const Http2Guard::Limits limits_ = {};
  absl::Time now_ = absl::UnixEpoch();
  std::string why_;  // what Read said last
  Http2Guard guard_{limits_, nullptr, now_};
};

TEST_F(Http2GuardTest, RequestsPassHoweverTheyAreCut) {
  std::string bytes = Hello();
  for (uint32_t i = 0; i < 50; ++i) {
    bytes += UpdateFrames(2 * i + 1, std::string(1000 * i, 'x'));
    bytes += Frame(FrameType::kPing, 0, 0, "12345678");
    bytes += Frame(FrameType::kWindowUpdate, 0, 0, Number(1000, 4));
  }
  for (const size_t size : {1, 3, 8, 9, 10, 1000, 100'000}) {
    Http2Guard guard(limits_, nullptr, now_);
    for (size_t at = 0; at < bytes.size(); at += size) {
      ASSERT_EQ(guard.Read(absl::string_view(bytes).substr(at, size), now_),
                nullptr)
          << size;
    }
  }
}

TEST_F(Http2GuardTest, WhatIsNotHttp2IsLeftToGrpc) {
  EXPECT_EQ(Read("GET / HTTP/1.1\r\n"), "");
  EXPECT_EQ(Taken(100'000, absl::ZeroDuration(), Begin(1)), 100'000);
}

TEST_F(Http2GuardTest, AHeaderBlockMayTakeSoManyBytes) {
  const std::string fragment(10'000, 'x');
  EXPECT_EQ(Read(Hello()), "");
  EXPECT_EQ(Read(Frame(FrameType::kHeaders, 0, 1, fragment)), "");
  const std::string more = Frame(FrameType::kContinuation, 0, 1, fragment);
  EXPECT_EQ(Taken(5, absl::ZeroDuration(), more), 5);
  // The end of a block begins a new one.
  EXPECT_EQ(Read(Begin(3)), "");
  EXPECT_EQ(Taken(6, absl::ZeroDuration(), more), 6);
  EXPECT_THAT(Read(more), HasSubstr("header block too large"));
}

TEST_F(Http2GuardTest, AHeaderBlockThatIsAnnouncedTooLargeIsNotAwaited) {
  EXPECT_EQ(Read(Hello()), "");
  EXPECT_THAT(Read(Frame(FrameType::kHeaders, 0, 1, std::string(70'000, 'x'))
                       .substr(0, 9)),
              HasSubstr("header block too large"));
}

TEST_F(Http2GuardTest, AHeaderBlockMayTakeSoManyFrames) {
  EXPECT_EQ(Read(Hello() + Frame(FrameType::kHeaders, 0, 1, "x")), "");
  EXPECT_EQ(Taken(100, absl::ZeroDuration(),
                  Frame(FrameType::kContinuation, 0, 1, "x")),
            limits_.max_continuations);
}

TEST_F(Http2GuardTest, AllHeadersTogetherMayTakeSoManyBytesASecond) {
  const std::string block = Frame(FrameType::kHeaders, testing::kEndHeaders, 1,
                                  std::string(16'000, 'x'));
  EXPECT_EQ(Read(Hello() + Acknowledgement()), "");
  EXPECT_EQ(Taken(1000, absl::ZeroDuration(), block), (4 << 20) / 16'000);
  guard_ = Http2Guard(limits_, nullptr, now_);
  EXPECT_EQ(Read(Hello() + Acknowledgement()), "");
  EXPECT_EQ(Taken(10'000, absl::Milliseconds(5), block), 10'000);
}

TEST_F(Http2GuardTest, WhoComesAgainFindsTheSharedBudgetSpent) {
  const SharedHeaderBudget::Limits shared_limits;
  SharedHeaderBudget shared(shared_limits, now_);
  const std::string block = Frame(FrameType::kHeaders, testing::kEndHeaders, 1,
                                  std::string(8'000, 'x'));
  const auto connect = [&] {
    guard_ = Http2Guard(limits_, &shared, now_);
    EXPECT_EQ(Read(Hello() + Acknowledgement()), "");
  };
  // The first one has what a connection may have by itself.
  connect();
  EXPECT_EQ(Taken(1000, absl::ZeroDuration(), block), (4 << 20) / 8'000);
  // All that come after it at once have their own part and what is left.
  int taken = 0;
  for (int i = 0; i < 20; ++i) {
    connect();
    taken += Taken(1000, absl::ZeroDuration(), block);
    EXPECT_THAT(why_, HasSubstr("on all connections together"));
  }
  EXPECT_LE(taken * 8'000, 21 * limits_.own_header_bytes);
  EXPECT_GE(taken * 8'000, 19 * limits_.own_header_bytes);
  // Those who stay below it are served all the while: bursts, and steadily.
  connect();
  EXPECT_EQ(Taken(1000, absl::ZeroDuration(), Begin(1)), 1000);
  connect();
  Http2Guard steady(limits_, &shared, now_);
  EXPECT_EQ(steady.Read(Hello() + Acknowledgement(), now_), nullptr);
  for (int i = 0; i < 1000; ++i, now_ += absl::Milliseconds(5)) {
    connect();
    Taken(1000, absl::ZeroDuration(), block);
    ASSERT_EQ(steady.Read(block + block, now_), nullptr) << i;
  }
}

TEST_F(Http2GuardTest, AThousandRequestsWithLongMetadataPassAtOnce) {
  SharedHeaderBudget shared({}, now_);
  guard_ = Http2Guard(limits_, &shared, now_);
  EXPECT_EQ(Read(Hello() + Acknowledgement()), "");
  EXPECT_EQ(Taken(1000, absl::ZeroDuration(),
                  Frame(FrameType::kHeaders, testing::kEndHeaders, 1,
                        std::string(4'000, 'x'))),
            1000);
  guard_ = Http2Guard(limits_, &shared, now_);
  now_ += absl::Seconds(1);
  EXPECT_EQ(Read(Hello() + Acknowledgement()), "");
  EXPECT_EQ(Taken(1000, absl::ZeroDuration(),
                  Frame(FrameType::kHeaders, testing::kEndHeaders, 1,
                        std::string(8'192, 'x'))),
            512);
}

TEST_F(Http2GuardTest, StreamsBeyondTheirNumberWaitForSettings) {
  EXPECT_EQ(Read(Hello()), "");
  EXPECT_EQ(Taken(2000, absl::ZeroDuration(), Begin(1)),
            limits_.streams_before_settings);
  guard_ = Http2Guard(limits_, nullptr, now_);
  EXPECT_EQ(Read(Hello()), "");
  EXPECT_EQ(Taken(500, absl::ZeroDuration(), Begin(1)), 500);
  EXPECT_EQ(Read(Acknowledgement()), "");
  EXPECT_EQ(Taken(2000, absl::ZeroDuration(), Begin(1)), 2000);
}

TEST_F(Http2GuardTest, StreamsTakenBackAtOnceEndTheConnection) {
  EXPECT_EQ(Read(Hello()), "");
  int taken = 0;
  for (uint32_t stream = 1; taken < 1000; stream += 2, ++taken) {
    if (!Read(Begin(stream) + Reset(stream)).empty()) break;
  }
  EXPECT_EQ(taken, limits_.early_resets);
}

TEST_F(Http2GuardTest, StreamsMayBeTakenBackLater) {
  EXPECT_EQ(Read(Hello() + Acknowledgement()), "");
  uint32_t stream = 1;
  for (int round = 0; round < 20; ++round) {
    const uint32_t first = stream;
    for (; stream < first + 2000; stream += 2) {
      ASSERT_EQ(Read(Begin(stream)), "");
    }
    // Time passes in reads of something.
    for (int i = 0; i < 6; ++i) {
      now_ += Http2Guard::kEarly / 4;
      ASSERT_EQ(Read(Frame(FrameType::kPing, 0, 0, "12345678")), "");
    }
    for (uint32_t each = first; each < stream; each += 2) {
      ASSERT_EQ(Read(Reset(each)), "") << each;
    }
  }
}

TEST_F(Http2GuardTest, AFewStreamsASecondMayBeTakenBackAtOnce) {
  EXPECT_EQ(Read(Hello() + Acknowledgement()), "");
  for (uint32_t i = 0; i < 2000; ++i, now_ += absl::Milliseconds(11)) {
    ASSERT_EQ(Read(Begin(2 * i + 1) + Reset(2 * i + 1)), "") << i;
  }
}

TEST_F(Http2GuardTest, FramesWithoutContentAreBounded) {
  for (const std::string& frame : std::vector<std::string>{
           Frame(FrameType::kSettings, 0, 0, ""),
           Frame(FrameType::kPing, testing::kAck, 0, "12345678"),
           Frame(FrameType::kPriority, 0, 1, "12345"),
           Frame(FrameType::kData, 0, 1, ""),
           Frame(FrameType::kData, 0, 1, "x"),
           Frame(static_cast<FrameType>(99), 0, 1, "x")}) {
    guard_ = Http2Guard(limits_, nullptr, now_);
    EXPECT_EQ(Read(Hello()), "");  // its SETTINGS are one
    EXPECT_EQ(Taken(1'000'000, absl::Microseconds(1), frame),
              limits_.empty_frames - 1);
    // As many as come back go on for ever.
    guard_ = Http2Guard(limits_, nullptr, now_);
    EXPECT_EQ(Read(Hello()), "");
    EXPECT_EQ(Taken(100'000, absl::Microseconds(100), frame), 100'000);
  }
}

TEST_F(Http2GuardTest, UpdatesOfWindowsAreBounded) {
  const std::string update =
      Frame(FrameType::kWindowUpdate, 0, 1, Number(1, 4));
  EXPECT_EQ(Read(Hello()), "");
  EXPECT_EQ(Taken(1'000'000, absl::Nanoseconds(1), update),
            limits_.window_updates);
  EXPECT_THAT(why_, HasSubstr("updates of windows"));
  guard_ = Http2Guard(limits_, nullptr, now_);
  EXPECT_EQ(Read(Hello()), "");
  EXPECT_EQ(Taken(300'000, absl::Microseconds(10), update), 300'000);
}

TEST_F(Http2GuardTest, EachStreamBringsAFewFramesWithoutContent) {
  EXPECT_EQ(Read(Hello() + Acknowledgement()), "");
  // As gRPC's C++ client does for an answer of 25 leads, and then some.
  std::string more;
  for (int i = 0; i < 20; ++i) {
    more += Frame(FrameType::kWindowUpdate, 0, 0, Number(1000, 4));
  }
  for (int i = 0; i < limits_.empty_frames_per_stream; ++i) {
    more += Frame(FrameType::kPriority, 0, 1, "12345");
  }
  // 30,000 RPCs within a second.
  for (uint32_t i = 0; i < 30'000; ++i, now_ += absl::Microseconds(33)) {
    ASSERT_EQ(Read(Begin(2 * i + 1) + more), "") << i;
  }
  // Only new ones do.
  EXPECT_LT(Taken(30'000, absl::Microseconds(33), Begin(1) + more), 10'000);
}

TEST_F(Http2GuardTest, PingsAreBounded) {
  const std::string ping = Frame(FrameType::kPing, 0, 0, "12345678");
  EXPECT_EQ(Read(Hello()), "");
  EXPECT_EQ(Taken(100'000, absl::Microseconds(1), ping), limits_.pings);
  guard_ = Http2Guard(limits_, nullptr, now_);
  EXPECT_EQ(Read(Hello()), "");
  EXPECT_EQ(Taken(10'000, absl::Milliseconds(1), ping), 10'000);
}

}  // namespace
}  // namespace leadgateway::server
