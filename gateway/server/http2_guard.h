#ifndef LEADGATEWAY_GATEWAY_SERVER_HTTP2_GUARD_H_
#define LEADGATEWAY_GATEWAY_SERVER_HTTP2_GUARD_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/mutex.h"

namespace leadgateway::server {

// Something that is spent and comes back with time. One thread at a time.
class RefilledBudget {
 public:
  RefilledBudget(int most, int per_second)
      : left_(most), most_(most), per_second_(per_second) {}
  // Whether there was that much.
  bool Spend(double amount = 1) { return (left_ -= amount) >= 0; }
  void Earn(double amount);
  void Refill(absl::Duration passed);
  double spent() const { return most_ - left_; }

 private:
  double left_;
  double most_;
  double per_second_;
};

// What all connections of a process may take together beyond what each has for
// itself. A connection that is ended and made anew has its own part again, but
// not this one: so it is what bounds those who come again and again. Any
// thread.
class SharedHeaderBudget {
 public:
  struct Limits {
    // So many bytes at once, and then so many a second.
    int bytes = 4 << 20;
    int bytes_per_second = 8 << 20;
  };
  SharedHeaderBudget(const Limits& limits, absl::Time now)
      : budget_(limits.bytes, limits.bytes_per_second), refilled_(now) {}

  // Whether there was that much; nothing is spent if not.
  bool Spend(size_t bytes, absl::Time now);

 private:
  Mutex mutex_;
  RefilledBudget budget_ ABSL_GUARDED_BY(mutex_);
  absl::Time refilled_ ABSL_GUARDED_BY(mutex_);
};

// Looks at the frames that one client sends (RFC 9113), before gRPC does, and
// says when to end the connection. gRPC 1.51 has no bounds of its own on what
// costs it much and a client little: header blocks without end
// (CVE-2023-33953), streams that are taken back at once (CVE-2023-44487), and
// floods of frames that carry nothing.
//
// Only frame headers are read, so it costs next to nothing per byte. Whatever
// is wrong with frames otherwise is left to gRPC. One thread at a time.
class Http2Guard {
 public:
  struct Limits {
    // Of one header block as it is sent, all of its frames together.
    size_t max_header_block_bytes = size_t{64} << 10;
    // CONTINUATION frames of one header block.
    int max_continuations = 16;
    // Of all header blocks: so many at once, and then so many a second. A proxy
    // that carries 5,000 RPCs a second sends some 2.5 MB.
    int header_bytes = 4 << 20;
    int header_bytes_per_second = 4 << 20;
    // Of these, so many at once are each connection's own: some 1,000 RPCs of
    // 256 bytes. The rest of what is at once comes out of a budget of all
    // connections, so that whoever comes again and again gains little, and
    // those who stay below this are never ended for the sake of others.
    int own_header_bytes = 256 << 10;
    // Streams before the client has acknowledged the server's SETTINGS: until
    // then gRPC does not hold it to the number of streams that they allow.
    int streams_before_settings = 1'000;
    // Streams that the client takes back within kEarly of their begin: so many
    // at once, and then so many a second. A deadline or an impatient user does
    // that to some, a proxy with many users to more of them; more than that has
    // no use but harm.
    int early_resets = 500;
    int early_resets_per_second = 100;
    // PINGs that want an answer: gRPC 1.51 takes long over those that it deems
    // too many. Clients that measure the path send one a round trip while they
    // are sent something.
    int pings = 1'000;
    int pings_per_second = 1'000;
    // WINDOW_UPDATEs: so many at once, so many a second, and so many for each
    // stream that begins. gRPC's C++ client sends some 11 for an answer of 25
    // leads, and may do 20,000 RPCs a second. They cost little.
    int window_updates = 100'000;
    int window_updates_per_second = 100'000;
    int window_updates_per_stream = 32;
    // Other frames without content (SETTINGS, PING, PRIORITY, RST_STREAM, tiny
    // DATA, unknown ones), in the same way.
    int empty_frames = 20'000;
    int empty_frames_per_second = 10'000;
    int empty_frames_per_stream = 4;
  };

  // `shared` outlives it; null: there is no such bound.
  Http2Guard(const Limits& limits, SharedHeaderBudget* shared, absl::Time now);

  // The next bytes of the connection. Null, or why it must end, in a few words;
  // then it is not called again.
  const char* Read(absl::string_view bytes, absl::Time now);

  // Later, a connection's streams are bounded by how many it may have at a
  // time.
  static constexpr absl::Duration kEarly = absl::Milliseconds(100);

 private:
  void Advance(absl::Time now);
  // The frame whose header is in `head_`.
  const char* Begin();
  const char* Headers();
  const char* Empty();

  Limits limits_;
  SharedHeaderBudget* shared_;
  size_t preface_ = 0;  // bytes of it that have come
  bool blind_ = false;  // not HTTP/2: gRPC will end it
  std::array<uint8_t, 9> head_{};
  size_t head_bytes_ = 0;
  size_t payload_left_ = 0;
  size_t block_bytes_ = 0;
  int continuations_ = 0;
  bool acknowledged_ = false;
  int streams_ = 0;
  RefilledBudget headers_;
  RefilledBudget early_;
  RefilledBudget pings_;
  RefilledBudget window_updates_;
  RefilledBudget empty_;
  // The newest stream, now and at the ends of the last slices of kEarly.
  static constexpr size_t kSlices = 4;
  uint32_t newest_ = 0;
  std::array<uint32_t, kSlices> newest_then_{};
  absl::Time slice_;
  absl::Time now_;  // of the bytes that are looked at
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_HTTP2_GUARD_H_
