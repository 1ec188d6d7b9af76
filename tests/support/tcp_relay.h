#ifndef LEADGATEWAY_TESTS_SUPPORT_TCP_RELAY_H_
#define LEADGATEWAY_TESTS_SUPPORT_TCP_RELAY_H_

#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

namespace leadgateway::testing {

// A connection in the middle of which someone pulls the plug: listens on a port
// of its own on loopback, passes bytes on to another port, and breaks both
// sides with RST when it is told, or when so many bytes have passed. Neither
// side is told anything before that.
class TcpRelay {
 public:
  static constexpr size_t kNever = static_cast<size_t>(-1);

  struct Limits {
    // Of all connections together: after so many bytes they break.
    size_t to_server = kNever;
    size_t to_client = kNever;
  };

  TcpRelay(int server_port, Limits limits);
  // Breaks what is still open.
  ~TcpRelay();
  TcpRelay(const TcpRelay&) = delete;
  TcpRelay& operator=(const TcpRelay&) = delete;

  int port() const { return port_; }
  // Breaks all connections, now; those that come later are broken at once. Any
  // thread.
  void Break();
  // Whether a limit was reached.
  bool broken() const;
  // Bytes that have passed.
  size_t to_server() const;
  size_t to_client() const;

 private:
  struct Pair {
    int client = -1;
    int server = -1;
  };
  void Run();
  bool PassOn(int from, int to, size_t limit, size_t& passed);
  void BreakAll(std::vector<Pair>& pairs);

  const int server_port_;
  const Limits limits_;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  int port_ = 0;
  mutable std::mutex mutex_;
  bool stopping_ = false;  // guarded by mutex_, like all below
  bool break_ = false;
  bool broken_ = false;
  size_t to_server_ = 0;
  size_t to_client_ = 0;
  std::thread thread_;
};

}  // namespace leadgateway::testing

#endif  // LEADGATEWAY_TESTS_SUPPORT_TCP_RELAY_H_
