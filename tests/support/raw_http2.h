#ifndef LEADGATEWAY_TESTS_SUPPORT_RAW_HTTP2_H_
#define LEADGATEWAY_TESTS_SUPPORT_RAW_HTTP2_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// HTTP/2 (RFC 9113) and HPACK (RFC 7541) as bytes: for clients that do what no
// library would let them do.
namespace leadgateway::testing {

inline constexpr absl::string_view kPreface =
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum class FrameType : uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kRstStream = 3,
  kSettings = 4,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
};
inline constexpr uint8_t kAck = 0x1;
inline constexpr uint8_t kEndStream = 0x1;
inline constexpr uint8_t kEndHeaders = 0x4;
inline constexpr uint8_t kPadded = 0x8;

std::string Number(uint32_t value, int bytes);  // big-endian
std::string Frame(FrameType type, uint8_t flags, uint32_t stream,
                  absl::string_view payload);
// One entry of a SETTINGS frame.
std::string Setting(uint16_t id, uint32_t value);
// The preface and SETTINGS with these entries.
std::string Hello(absl::string_view settings = "");
// That, and the acknowledgement of the server's, which has not been awaited.
std::string HelloAndAcknowledgement();

// An integer with a prefix of that many bits; `first` has the bits before it.
std::string HpackInteger(uint8_t first, int prefix_bits, uint64_t value);
// A literal without indexing and without Huffman coding; with `indexed`, it
// enters the dynamic table.
std::string Header(absl::string_view name, absl::string_view value,
                   bool indexed = false);
// Those of a BulkUpdateLeads request.
std::string UpdateHeaders();
// A message as gRPC frames it.
std::string GrpcMessage(absl::string_view bytes);
// HEADERS and DATA of a whole BulkUpdateLeads request.
std::string UpdateFrames(uint32_t stream, absl::string_view request);

// A TCP connection to "HOST:PORT" on loopback, which does not block.
class RawClient {
 public:
  explicit RawClient(const std::string& address);
  ~RawClient();
  RawClient(RawClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return fd_ >= 0; }
  // Sends as much as the connection takes now; how many bytes that was, -1 if
  // it is broken.
  ptrdiff_t Send(absl::string_view bytes);
  // Sends all of it; false if it is broken or takes longer.
  bool SendAll(absl::string_view bytes,
               absl::Duration most = absl::Seconds(20));
  // What has come.
  std::string Receive();
  // Whether the other side has ended it. Reads what has come.
  bool Ended();

 private:
  int fd_;
};

}  // namespace leadgateway::testing

#endif  // LEADGATEWAY_TESTS_SUPPORT_RAW_HTTP2_H_
