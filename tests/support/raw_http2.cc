#include "tests/support/raw_http2.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace leadgateway::testing {

std::string Number(uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) {
    text.push_back(static_cast<char>(value >> (8 * i)));
  }
  return text;
}

std::string Frame(FrameType type, uint8_t flags, uint32_t stream,
                  absl::string_view payload) {
  return absl::StrCat(Number(static_cast<uint32_t>(payload.size()), 3),
                      Number(static_cast<uint32_t>(type), 1), Number(flags, 1),
                      Number(stream, 4), payload);
}

std::string Setting(uint16_t id, uint32_t value) {
  return absl::StrCat(Number(id, 2), Number(value, 4));
}

std::string Hello(absl::string_view settings) {
  return absl::StrCat(kPreface, Frame(FrameType::kSettings, 0, 0, settings));
}

std::string HelloAndAcknowledgement() {
  return Hello() + Frame(FrameType::kSettings, kAck, 0, "");
}

std::string HpackInteger(uint8_t first, int prefix_bits, uint64_t value) {
  const uint64_t most = (uint64_t{1} << prefix_bits) - 1;
  if (value < most) return std::string(1, static_cast<char>(first | value));
  std::string text(1, static_cast<char>(first | most));
  for (value -= most; value >= 0x80; value >>= 7) {
    text.push_back(static_cast<char>(0x80 | (value & 0x7f)));
  }
  text.push_back(static_cast<char>(value));
  return text;
}

std::string Header(absl::string_view name, absl::string_view value,
                   bool indexed) {
  return absl::StrCat(std::string(1, indexed ? '\x40' : '\0'),
                      HpackInteger(0, 7, name.size()), name,
                      HpackInteger(0, 7, value.size()), value);
}

std::string UpdateHeaders() {
  return absl::StrCat(
      Header(":method", "POST"), Header(":scheme", "http"),
      Header(":path", "/leadgateway.v1.LeadGatewayService/BulkUpdateLeads"),
      Header(":authority", "localhost"), Header("te", "trailers"),
      Header("content-type", "application/grpc"));
}

std::string GrpcMessage(absl::string_view bytes) {
  return absl::StrCat(Number(0, 1),
                      Number(static_cast<uint32_t>(bytes.size()), 4), bytes);
}

std::string UpdateFrames(uint32_t stream, absl::string_view request) {
  constexpr size_t kMostPayload = 16384;
  std::string frames =
      Frame(FrameType::kHeaders, kEndHeaders, stream, UpdateHeaders());
  const std::string message = GrpcMessage(request);
  for (size_t at = 0; at < message.size(); at += kMostPayload) {
    const bool last = at + kMostPayload >= message.size();
    frames += Frame(FrameType::kData, last ? kEndStream : 0, stream,
                    absl::string_view(message).substr(at, kMostPayload));
  }
  return frames;
}

RawClient::RawClient(const std::string& address) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int port = 0;
  const bool good =
      absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port);
  to.sin_port = htons(static_cast<uint16_t>(port));
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return;
  if (!good ||
      connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0) {
    close(fd_);
    fd_ = -1;
    return;
  }
  fcntl(fd_, F_SETFL, O_NONBLOCK);
}

RawClient::~RawClient() {
  if (fd_ >= 0) close(fd_);
}

ptrdiff_t RawClient::Send(absl::string_view bytes) {
  const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) return sent;
  return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

bool RawClient::SendAll(absl::string_view bytes, absl::Duration most) {
  const absl::Time until = absl::Now() + most;
  while (!bytes.empty()) {
    const ptrdiff_t sent = Send(bytes);
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
    if (bytes.empty()) break;
    const absl::Duration left = until - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    pollfd writable{fd_, POLLOUT, 0};
    poll(&writable, 1, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1);
  }
  return true;
}

std::string RawClient::Receive() {
  std::string bytes;
  char buffer[16384];
  for (ssize_t got; (got = recv(fd_, buffer, sizeof(buffer), 0)) > 0;) {
    bytes.append(buffer, static_cast<size_t>(got));
  }
  return bytes;
}

bool RawClient::Ended() {
  Receive();
  char byte = 0;
  const ssize_t got = recv(fd_, &byte, 1, MSG_PEEK);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

}  // namespace leadgateway::testing
