#ifndef LEADGATEWAY_GATEWAY_SERVER_LISTENER_H_
#define LEADGATEWAY_GATEWAY_SERVER_LISTENER_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace leadgateway::server {

// Listens, accepts connections on a thread of its own and hands them over.
// gRPC 1.51's own listener never accepts again once file descriptors have run
// out (CVE-2023-4785); this one does, and it bounds the number of connections.
class Listener {
 public:
  struct Options {
    // "HOST:PORT", "[IPV6]:PORT" (port 0: any free one), or "unix:PATH". A name
    // is listened at in all its addresses.
    std::string address;
    // More are accepted and closed at once, so that their clients know.
    int max_connections = 10'000;
    // Asked after each connection that was handed over, on the listener's
    // thread. While it holds, one in 50 ms is accepted, and the others wait in
    // the kernel's queue. None: never.
    std::function<bool()> busy = nullptr;
  };

  // Binds and listens; connections wait from then on. kUnavailable with the
  // address and the system's words when that fails, also when another program
  // listens there. The socket file of a program that is gone is replaced.
  static absl::StatusOr<std::unique_ptr<Listener>> Create(Options options);
  ~Listener();  // Stops.
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // The address as given, with the port that was bound.
  const std::string& bound_address() const { return bound_address_; }

  // Called on the listener's thread with a connection that is open, does not
  // block, and is the callee's from then on.
  using HandOver = absl::AnyInvocable<void(int listener_fd, int fd)>;
  // Begins to accept. Once.
  void Start(HandOver hand_over);
  // Closes the listening sockets and ends the thread. A second call does
  // nothing. Not from the hand-over.
  void Stop();

  // After Stop: what clients send on the connections that were handed over is
  // not noticed any more (but their end is; and on unix sockets all of it).
  void StopReading();

  // Whether its thread comes round within that time. Waits. Any thread.
  bool Responds(absl::Duration within);

  struct Stats {
    int64_t accepted = 0;  // and handed over
    int64_t refused = 0;   // closed, since there were too many
    int64_t shed = 0;      // closed for want of file descriptors
  };
  Stats stats() const;

 private:
  struct Socket {
    int fd = -1;
    std::string unix_path;  // to be removed at the end; "" for none
    ino_t unix_inode = 0;
  };

  explicit Listener(Options options);
  absl::Status Listen();
  absl::Status ListenInternet(const std::string& host, int port);
  absl::Status ListenUnix(const std::string& path);
  void Run();
  // Whether another one may be waiting.
  bool AcceptOne(int listener_fd);
  void Shed(int listener_fd, int error);
  // Whether the connection fits under the bound. Forgets those that are closed
  // when it would not.
  bool Remember(int fd);
  void Wake();

  const Options options_;
  std::string bound_address_;
  std::vector<Socket> sockets_;
  HandOver hand_over_;
  // Given up for a moment to accept, and close, what waits when there are no
  // descriptors left.
  int reserve_ = -1;
  int wake_ = -1;  // an eventfd
  std::atomic<bool> stopped_{false};
  std::atomic<int64_t> turns_{0};
  std::atomic<int64_t> accepted_{0};
  std::atomic<int64_t> refused_{0};
  std::atomic<int64_t> shed_{0};
  // Connections handed over, by descriptor: the inode tells whether the
  // descriptor still is that socket. Whoever closes it need not tell.
  std::unordered_map<int, ino_t> connections_;
  absl::Time next_warning_ = absl::InfinitePast();
  std::thread thread_;
};

// Lets this process have as many descriptors as it may (the hard limit);
// returns how many.
int RaiseDescriptorLimit();

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_LISTENER_H_
