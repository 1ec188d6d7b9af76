#include "tests/support/raw_http_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace leadgateway::testing {
namespace {

constexpr auto kLongestWait = std::chrono::seconds(10);

void Require(bool condition, const char* what) {
  if (condition) return;
  perror(what);
  abort();
}

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

// A socket bound to a port of its own; `port` gets it.
int BoundSocket(int& port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Require(fd >= 0, "socket");
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  Require(bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
  Require(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0,
          "getsockname");
  port = ntohs(address.sin_port);
  return fd;
}

size_t ContentLength(absl::string_view head) {
  for (absl::string_view line : absl::StrSplit(head, "\r\n")) {
    constexpr absl::string_view kName = "content-length:";
    size_t length = 0;
    if (absl::StartsWithIgnoreCase(line, kName) &&
        absl::SimpleAtoi(line.substr(kName.size()), &length)) {
      return length;
    }
  }
  return 0;
}

}  // namespace

bool RawHttpServer::Connection::ReadMore() {
  if (fd_ < 0) return false;
  char buffer[16384];
  const ssize_t count = recv(fd_, buffer, sizeof(buffer), 0);
  if (count <= 0) return false;
  unread_.append(buffer, static_cast<size_t>(count));
  return true;
}

std::optional<std::string> RawHttpServer::Connection::ReadHead() {
  size_t end;
  while ((end = unread_.find("\r\n\r\n")) == std::string::npos) {
    if (!ReadMore()) return std::nullopt;
  }
  std::string head = unread_.substr(0, end);
  unread_.erase(0, end + 4);
  server_.CountHead(head);
  return head;
}

std::optional<std::string> RawHttpServer::Connection::ReadBody(
    absl::string_view head) {
  const size_t length = ContentLength(head);
  while (unread_.size() < length) {
    if (!ReadMore()) return std::nullopt;
  }
  std::string body = unread_.substr(0, length);
  unread_.erase(0, length);
  server_.CountBody(head, body);
  return body;
}

std::optional<RawHttpServer::Request> RawHttpServer::Connection::ReadRequest() {
  std::optional<std::string> head = ReadHead();
  if (!head) return std::nullopt;
  std::optional<std::string> body = ReadBody(*head);
  if (!body) return std::nullopt;
  return Request{*std::move(head), *std::move(body)};
}

void RawHttpServer::Connection::WaitForBytes() {
  if (fd_ < 0 || !unread_.empty()) return;
  pollfd polled{fd_, POLLIN, 0};
  poll(&polled, 1, -1);
}

void RawHttpServer::Connection::Write(absl::string_view bytes) {
  while (fd_ >= 0 && !bytes.empty()) {
    const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void RawHttpServer::Connection::Answer(int status, absl::string_view body,
                                       absl::string_view headers) {
  Write(absl::StrCat("HTTP/1.1 ", status, " Whatever\r\n", headers,
                     "Content-Length: ", body.size(), "\r\n\r\n", body));
}

void RawHttpServer::Connection::Reset() {
  if (fd_ < 0) return;
  const linger now{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  Close();
}

void RawHttpServer::Connection::Close() {
  std::lock_guard<std::mutex> lock(server_.mutex_);
  if (fd_ < 0) return;
  close(fd_);
  fd_ = -1;
}

void RawHttpServer::Connection::WaitForPeer() {
  while (ReadMore()) unread_.clear();
}

RawHttpServer::RawHttpServer(std::function<void(Connection&)> on_connection)
    : on_connection_(std::move(on_connection)) {
  listener_ = BoundSocket(port_);
  Require(fcntl(listener_, F_SETFL, O_NONBLOCK) == 0, "fcntl");
  Require(listen(listener_, 128) == 0, "listen");
  Require(pipe2(stop_pipe_, O_CLOEXEC) == 0, "pipe2");
  acceptor_ = std::thread([this] { AcceptUntilAsked(); });
}

RawHttpServer::~RawHttpServer() {
  StopAccepting();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& connection : connections_) {
      if (connection->fd_ >= 0) shutdown(connection->fd_, SHUT_RDWR);
    }
  }
  Drain();
  close(stop_pipe_[0]);
  close(stop_pipe_[1]);
}

std::string RawHttpServer::Url(absl::string_view path) const {
  return absl::StrCat("http://127.0.0.1:", port_, path);
}

RawHttpServer::Counts RawHttpServer::counts() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return counts_;
}

bool RawHttpServer::WaitUntil(
    const std::function<bool(const Counts&)>& condition) const {
  std::unique_lock<std::mutex> lock(mutex_);
  return changed_.wait_for(lock, kLongestWait,
                           [&] { return condition(counts_); });
}

RawHttpServer::Counts RawHttpServer::Drain() {
  StopAccepting();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  return counts();
}

void RawHttpServer::StopAccepting() {
  if (!acceptor_.joinable()) return;
  Require(write(stop_pipe_[1], "x", 1) == 1, "write");
  acceptor_.join();
  close(listener_);
}

void RawHttpServer::AcceptUntilAsked() {
  bool asked = false;
  while (!asked) {
    pollfd polled[2] = {{listener_, POLLIN, 0}, {stop_pipe_[0], POLLIN, 0}};
    if (poll(polled, 2, -1) < 0) continue;
    asked = polled[1].revents != 0;
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) break;
      std::lock_guard<std::mutex> lock(mutex_);
      connections_.push_back(std::unique_ptr<Connection>(
          new Connection(*this, counts_.connections++, fd)));
      Connection& connection = *connections_.back();
      threads_.emplace_back([this, &connection] { Serve(connection); });
    }
    changed_.notify_all();
  }
}

void RawHttpServer::Serve(Connection& connection) {
  on_connection_(connection);
  connection.Close();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ++counts_.closed;
  }
  changed_.notify_all();
}

void RawHttpServer::CountHead(absl::string_view head) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (absl::StartsWith(head, "POST ")) ++counts_.posts;
    if (absl::StartsWith(head, "GET ")) ++counts_.gets;
  }
  changed_.notify_all();
}

void RawHttpServer::CountBody(absl::string_view head, const std::string& body) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (absl::StartsWith(head, "POST ")) counts_.bodies.push_back(body);
  }
  changed_.notify_all();
}

int UnusedPort() {
  int port = 0;
  close(BoundSocket(port));
  return port;
}

DeafListener::DeafListener() {
  const int listener = BoundSocket(port_);
  Require(listen(listener, 0) == 0, "listen");
  sockets_.push_back(listener);
  // A queue of length 0 takes one; the others wait, and so will all that come
  // after.
  for (int i = 0; i < 4; ++i) {
    const int fd =
        socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    Require(fd >= 0, "socket");
    const sockaddr_in address = Loopback(port_);
    // Its result is "in progress"; nobody waits for it.
    (void)connect(fd, reinterpret_cast<const sockaddr*>(&address),
                  sizeof(address));
    sockets_.push_back(fd);
  }
}

DeafListener::~DeafListener() {
  for (const int fd : sockets_) close(fd);
}

}  // namespace leadgateway::testing
