#include "tests/support/tcp_relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace leadgateway::testing {
namespace {

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

void Reset(int fd) {
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close(fd);
}

}  // namespace

TcpRelay::TcpRelay(int server_port, Limits limits)
    : server_port_(server_port), limits_(limits) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Require(listener_ >= 0, "socket");
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  Require(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0,
          "bind");
  Require(
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0,
      "getsockname");
  port_ = ntohs(address.sin_port);
  Require(listen(listener_, 16) == 0, "listen");
  Require(pipe(wake_) == 0, "pipe");
  thread_ = std::thread([this] { Run(); });
}

TcpRelay::~TcpRelay() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  Require(write(wake_[1], "s", 1) == 1, "write");
  thread_.join();
  close(listener_);
  close(wake_[0]);
  close(wake_[1]);
}

void TcpRelay::Break() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    break_ = true;
  }
  Require(write(wake_[1], "b", 1) == 1, "write");
}

bool TcpRelay::broken() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return broken_;
}

size_t TcpRelay::to_server() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return to_server_;
}

size_t TcpRelay::to_client() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return to_client_;
}

// False when one side is gone, or the limit reached.
bool TcpRelay::PassOn(int from, int to, size_t limit, size_t& passed) {
  std::array<char, 16384> bytes;
  size_t most = bytes.size();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    most = std::min(most, limit - passed);
  }
  if (most > 0) {
    const ssize_t got = read(from, bytes.data(), most);
    if (got <= 0) return false;
    for (ssize_t sent = 0; sent < got;) {
      const ssize_t more = send(to, bytes.data() + sent,
                                static_cast<size_t>(got - sent), MSG_NOSIGNAL);
      if (more <= 0) return false;
      sent += more;
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    passed += static_cast<size_t>(got);
    if (passed < limit) return true;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  break_ = true;
  return false;
}

void TcpRelay::BreakAll(std::vector<Pair>& pairs) {
  for (const Pair& pair : pairs) {
    Reset(pair.client);
    Reset(pair.server);
  }
  pairs.clear();
}

void TcpRelay::Run() {
  std::vector<Pair> pairs;
  for (;;) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (stopping_) break;
      if (break_) {
        broken_ = true;
        BreakAll(pairs);
      }
    }
    std::vector<pollfd> waits = {{listener_, POLLIN, 0}, {wake_[0], POLLIN, 0}};
    for (const Pair& pair : pairs) {
      waits.push_back({pair.client, POLLIN, 0});
      waits.push_back({pair.server, POLLIN, 0});
    }
    Require(poll(waits.data(), waits.size(), -1) >= 0, "poll");
    if (waits[1].revents != 0) {
      char ignored = 0;
      Require(read(wake_[0], &ignored, 1) == 1, "read");
      continue;
    }
    std::vector<Pair> left;
    for (size_t i = 0; i < pairs.size(); ++i) {
      const bool stays = (waits[2 + 2 * i].revents == 0 ||
                          PassOn(pairs[i].client, pairs[i].server,
                                 limits_.to_server, to_server_)) &&
                         (waits[3 + 2 * i].revents == 0 ||
                          PassOn(pairs[i].server, pairs[i].client,
                                 limits_.to_client, to_client_));
      if (stays) {
        left.push_back(pairs[i]);
      } else {
        Reset(pairs[i].client);
        Reset(pairs[i].server);
      }
    }
    pairs = std::move(left);
    if (waits[0].revents == 0) continue;
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    Require(server >= 0, "socket");
    const sockaddr_in address = Loopback(server_port_);
    if (connect(server, reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) != 0) {
      Reset(client);
      close(server);
      continue;
    }
    pairs.push_back({client, server});
  }
  BreakAll(pairs);
}

}  // namespace leadgateway::testing
