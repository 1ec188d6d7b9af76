#include "gateway/server/listener.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/config/address.h"

namespace leadgateway::server {
namespace {

// What waits for accept: as much as the kernel allows by default.
constexpr int kBacklog = 4096;
// The rest when accept fails for want of something, or while there is too much
// to do with the connections before.
constexpr int kRestMs = 50;
constexpr absl::Duration kWarningInterval = absl::Seconds(10);
// A connection is closed now and then between two turns; some are taken before
// the thread looks for a stop.
constexpr int kAcceptsPerTurn = 64;

int OpenReserve() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

absl::Status Failed(const std::string& address, int error) {
  return absl::UnavailableError(
      absl::StrCat("can't listen at ", address, ": ", std::strerror(error)));
}

void Set(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof(value));
}

ino_t InodeOf(int fd) {
  struct stat file {};
  return fstat(fd, &file) == 0 && S_ISSOCK(file.st_mode) ? file.st_ino : 0;
}

int PortOf(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  return ntohs(bound.ss_family == AF_INET6
                   ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                   : reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
}

void SetPort(sockaddr* address, int port) {
  const in_port_t number = htons(static_cast<uint16_t>(port));
  if (address->sa_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6*>(address)->sin6_port = number;
  } else {
    reinterpret_cast<sockaddr_in*>(address)->sin_port = number;
  }
}

}  // namespace

Listener::Listener(Options options) : options_(std::move(options)) {}

absl::StatusOr<std::unique_ptr<Listener>> Listener::Create(Options options) {
  auto listener = std::unique_ptr<Listener>(new Listener(std::move(options)));
  if (absl::Status status = listener->Listen(); !status.ok()) return status;
  listener->wake_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  listener->reserve_ = OpenReserve();
  if (listener->wake_ < 0 || listener->reserve_ < 0) {
    return Failed(listener->options_.address, errno);
  }
  return listener;
}

Listener::~Listener() {
  Stop();
  for (const int fd : {wake_, reserve_}) {
    if (fd >= 0) close(fd);
  }
}

absl::Status Listener::Listen() {
  absl::string_view path = options_.address;
  if (absl::ConsumePrefix(&path, "unix:")) {
    bound_address_ = options_.address;
    return ListenUnix(std::string(path));
  }
  absl::StatusOr<HostPort> address = ParseHostPort(options_.address);
  if (!address.ok()) return address.status();
  return ListenInternet(address->host, address->port);
}

absl::Status Listener::ListenInternet(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(host.c_str(), absl::StrCat(port).c_str(), &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(absl::StrCat(
        "can't listen at ", options_.address, ": ", gai_strerror(error)));
  }
  const absl::Cleanup free_found = [found] { freeaddrinfo(found); };
  int last_error = 0;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    SetPort(each->ai_addr, port);
    const int fd =
        socket(each->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      last_error = errno;
      continue;
    }
    // Lets a new process follow an old one; two that listen at once still
    // collide.
    Set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    // "[::]" stands for both kinds of addresses.
    if (each->ai_family == AF_INET6) Set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (bind(fd, each->ai_addr, each->ai_addrlen) != 0 ||
        listen(fd, kBacklog) != 0) {
      last_error = errno;
      close(fd);
      // A name may have an IPv6 address on a machine without IPv6. Anything
      // else would leave some clients out silently.
      if (last_error == EADDRNOTAVAIL) continue;
      return Failed(options_.address, last_error);
    }
    sockets_.push_back({fd, "", 0});
    if (port == 0) port = PortOf(fd);
  }
  if (sockets_.empty()) return Failed(options_.address, last_error);
  bound_address_ = absl::StrCat(
      options_.address.substr(0, options_.address.rfind(':')), ":", port);
  return absl::OkStatus();
}

absl::Status Listener::ListenUnix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return absl::UnavailableError(absl::StrCat(
        "can't listen at ", options_.address, ": the path must have 1 to ",
        sizeof(address.sun_path) - 1, " bytes"));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const auto* const to = reinterpret_cast<const sockaddr*>(&address);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Failed(options_.address, errno);
  int bound = bind(fd, to, sizeof(address));
  if (bound != 0 && errno == EADDRINUSE) {
    // Somebody's, or left behind? Nobody answers at one that is left behind.
    struct stat file {};
    const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool left_behind =
        lstat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode) &&
        connect(probe, to, sizeof(address)) != 0 && errno == ECONNREFUSED;
    close(probe);
    errno = EADDRINUSE;
    if (left_behind) {
      unlink(path.c_str());
      bound = bind(fd, to, sizeof(address));
    }
  }
  struct stat file {};
  if (bound != 0 || chmod(path.c_str(), 0660) != 0 ||
      listen(fd, kBacklog) != 0 || lstat(path.c_str(), &file) != 0) {
    const int error = errno;
    close(fd);
    return Failed(options_.address, error);
  }
  sockets_.push_back({fd, path, file.st_ino});
  return absl::OkStatus();
}

void Listener::Start(HandOver hand_over) {
  hand_over_ = std::move(hand_over);
  thread_ = std::thread([this] { Run(); });
}

void Listener::Stop() {
  stopped_ = true;
  if (thread_.joinable()) {
    Wake();
    thread_.join();
  }
  for (const Socket& socket : sockets_) {
    struct stat file {};
    // Not that of a successor.
    if (!socket.unix_path.empty() &&
        lstat(socket.unix_path.c_str(), &file) == 0 &&
        file.st_ino == socket.unix_inode) {
      unlink(socket.unix_path.c_str());
    }
    close(socket.fd);
  }
  sockets_.clear();
}

void Listener::StopReading() {
  for (const auto& [fd, inode] : connections_) {
    // The kernel wakes who waits for data only when there is that much of it.
    if (InodeOf(fd) == inode) Set(fd, SOL_SOCKET, SO_RCVLOWAT, INT_MAX);
  }
}

void Listener::Wake() {
  const uint64_t one = 1;
  // It fails only when it is about to wake already.
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof(one));
}

bool Listener::Responds(absl::Duration within) {
  const int64_t before = turns_;
  const absl::Time until = absl::Now() + within;
  while (!stopped_ && turns_ == before) {
    if (absl::Now() > until) return false;
    Wake();
    absl::SleepFor(absl::Milliseconds(1));
  }
  return !stopped_;
}

Listener::Stats Listener::stats() const {
  return {.accepted = accepted_, .refused = refused_, .shed = shed_};
}

void Listener::Run() {
  pthread_setname_np(pthread_self(), "listener");
  std::vector<pollfd> polled;
  for (const Socket& socket : sockets_) {
    polled.push_back({socket.fd, POLLIN, 0});
  }
  polled.push_back({wake_, POLLIN, 0});
  while (!stopped_) {
    ++turns_;
    if (poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) {
      poll(nullptr, 0, kRestMs);
      continue;
    }
    uint64_t wakes = 0;
    [[maybe_unused]] const ssize_t got = read(wake_, &wakes, sizeof(wakes));
    for (const pollfd& each : polled) {
      if (each.fd == wake_ || each.revents == 0) continue;
      for (int i = 0; i < kAcceptsPerTurn && !stopped_; ++i) {
        if (!AcceptOne(each.fd)) break;
      }
    }
  }
}

bool Listener::AcceptOne(int listener_fd) {
  const int fd =
      accept4(listener_fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    switch (errno) {
      case EAGAIN:
        return false;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        Shed(listener_fd, errno);
        return true;
      default:
        // That connection is gone (accept(2) names a dozen errors for it).
        return true;
    }
  }
  if (!Remember(fd)) {
    close(fd);
    ++refused_;
    if (absl::Now() >= next_warning_) {
      next_warning_ = absl::Now() + kWarningInterval;
      LogLine(LogLevel::kWarn, "too_many_connections")
          .Add("open", connections_.size())
          .Add("refused", refused_.load());
    }
    return true;
  }
  Set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  ++accepted_;
  hand_over_(listener_fd, fd);
  if (options_.busy && options_.busy()) {
    poll(nullptr, 0, kRestMs);
    // A turn for each: it is to be seen that the thread comes round.
    return false;
  }
  return true;
}

void Listener::Shed(int listener_fd, int error) {
  if (absl::Now() >= next_warning_) {
    next_warning_ = absl::Now() + kWarningInterval;
    LogLine(LogLevel::kError, "no_descriptors")
        .Add("text", std::strerror(error))
        .Add("connections", connections_.size());
  }
  // A client that is told at once goes elsewhere; one that waits in the
  // kernel's queue does not know.
  if (reserve_ >= 0) {
    close(reserve_);
    const int fd = accept4(listener_fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) {
      close(fd);
      ++shed_;
    }
    reserve_ = OpenReserve();
    if (fd >= 0) return;
  } else {
    reserve_ = OpenReserve();
  }
  poll(nullptr, 0, kRestMs);
}

bool Listener::Remember(int fd) {
  const auto most = static_cast<size_t>(std::max(1, options_.max_connections));
  // What had this descriptor before is gone.
  connections_.erase(fd);
  if (connections_.size() >= most) {
    std::erase_if(connections_, [](const auto& connection) {
      return InodeOf(connection.first) != connection.second;
    });
    if (connections_.size() >= most) return false;
  }
  connections_.emplace(fd, InodeOf(fd));
  return true;
}

int RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  }
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, INT_MAX));
}

}  // namespace leadgateway::server
