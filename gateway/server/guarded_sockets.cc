#include "gateway/server/guarded_sockets.h"

#include <dlfcn.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/base/mutex.h"
#include "gateway/server/http2_guard.h"

namespace leadgateway::server {
namespace {

struct Guarded {
  Http2Guard guard;
  ino_t inode;            // whoever closes the socket need not tell
  sockaddr_storage peer;  // it may be gone when it is to be named
  bool refused = false;
};

// By descriptor. Higher ones are not guarded. The kernel makes room for what is
// used of it.
constexpr int kMostDescriptors = 1 << 20;
constinit Guarded* table[kMostDescriptors] = {};

std::atomic_ref<Guarded*> EntryOf(int fd) {
  return std::atomic_ref<Guarded*>(table[fd]);
}

// Connections that were ended, and that may still be open.
struct Ending {
  int fd;
  ino_t inode;
};
constinit Mutex ending_mutex;
std::vector<Ending>& EndingList() ABSL_EXCLUSIVE_LOCKS_REQUIRED(ending_mutex) {
  static auto* const list = new std::vector<Ending>();
  return *list;
}

std::atomic<int64_t> refused_reads{0};
std::atomic<int64_t> next_warning_s{0};

// To a few ms, for a few ns.
absl::Time CoarseNow() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return absl::TimeFromTimespec(now);
}

ino_t InodeOf(int fd) {
  struct stat file {};
  return fstat(fd, &file) == 0 && S_ISSOCK(file.st_mode) ? file.st_ino : 0;
}

sockaddr_storage PeerOf(int fd) {
  sockaddr_storage peer{};
  socklen_t size = sizeof(peer);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) {
    peer.ss_family = AF_UNSPEC;
  }
  return peer;
}

// "127.0.0.1:4711"; a unix socket's has no name.
std::string TextOf(const sockaddr_storage& peer) {
  if (peer.ss_family != AF_INET && peer.ss_family != AF_INET6) return "";
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (getnameinfo(reinterpret_cast<const sockaddr*>(&peer), sizeof(peer),
                  host.data(), host.size(), port.data(), port.size(),
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "";
  }
  return absl::StrCat(host.data(), ":", port.data());
}

void Warn(const sockaddr_storage& peer, const char* why) {
  const int64_t refused = ++refused_reads;
  const int64_t now = absl::ToUnixSeconds(CoarseNow());
  int64_t due = next_warning_s.load(std::memory_order_relaxed);
  // One line in ten seconds: a flood must not become one of lines.
  if (now < due || !next_warning_s.compare_exchange_strong(due, now + 10)) {
    return;
  }
  LogLine(LogLevel::kWarn, "abusive_connection")
      .Add("text", why)
      .Add("peer", TextOf(peer))
      .Add("ended", refused);
}

// Whether what was read may be seen.
bool Admit(int fd, const msghdr& message, size_t count) {
  if (fd < 0 || fd >= kMostDescriptors) return true;
  const std::atomic_ref<Guarded*> entry = EntryOf(fd);
  Guarded* guarded = entry.load(std::memory_order_acquire);
  if (guarded == nullptr) return true;
  if (InodeOf(fd) != guarded->inode) {
    // Somebody else's by now, for whom there may be a guard already.
    if (entry.compare_exchange_strong(guarded, nullptr)) delete guarded;
    return true;
  }
  if (guarded->refused) return false;
  const absl::Time now = CoarseNow();
  for (size_t i = 0; i < message.msg_iovlen && count > 0; ++i) {
    const iovec& part = message.msg_iov[i];
    const size_t bytes = std::min(count, part.iov_len);
    count -= bytes;
    if (const char* const why = guarded->guard.Read(
            {static_cast<const char*>(part.iov_base), bytes}, now)) {
      guarded->refused = true;
      {
        const MutexLock lock(ending_mutex);
        EndingList().push_back({fd, guarded->inode});
      }
      Warn(guarded->peer, why);
      return false;
    }
  }
  return true;
}

}  // namespace

void GuardReads(int fd, const Http2Guard::Limits& limits) {
  static auto* const shared =
      new SharedHeaderBudget(SharedHeaderBudget::Limits{}, CoarseNow());
  if (fd < 0 || fd >= kMostDescriptors) return;
  const std::unique_ptr<Guarded> before(
      EntryOf(fd).exchange(new Guarded{Http2Guard(limits, shared, CoarseNow()),
                                       InodeOf(fd), PeerOf(fd)},
                           std::memory_order_acq_rel));
}

int64_t GuardedReadsRefused() { return refused_reads; }

int GuardedConnectionsEnding() {
  const MutexLock lock(ending_mutex);
  std::vector<Ending>& list = EndingList();
  std::erase_if(list, [](const Ending& ending) {
    return InodeOf(ending.fd) != ending.inode;
  });
  return static_cast<int>(list.size());
}

}  // namespace leadgateway::server

extern "C" ssize_t recvmsg(int fd, msghdr* message, int flags) {
  using Function = ssize_t (*)(int, msghdr*, int);
  static const auto next =
      reinterpret_cast<Function>(dlsym(RTLD_NEXT, "recvmsg"));
  const ssize_t got = next(fd, message, flags);
  if (got <= 0 || (flags & (MSG_ERRQUEUE | MSG_PEEK)) != 0 ||
      leadgateway::server::Admit(fd, *message, static_cast<size_t>(got))) {
    return got;
  }
  errno = ECONNRESET;
  return -1;
}
