#ifndef LEADGATEWAY_TESTS_SUPPORT_RAW_HTTP_SERVER_H_
#define LEADGATEWAY_TESTS_SUPPORT_RAW_HTTP_SERVER_H_

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"

namespace leadgateway::testing {

// An HTTP server that misbehaves on demand: on loopback, on a port of its own,
// with a thread for each connection. What happens on a connection is a function
// that reads requests and writes, or doesn't.
//
//   RawHttpServer server([](RawHttpServer::Connection& connection) {
//     while (connection.ReadRequest()) connection.Answer(200, "fine");
//   });
class RawHttpServer {
 public:
  struct Request {
    std::string head;  // the request line and headers, without the empty line
    std::string body;
  };

  // One connection, in the hands of its function; closed when that returns.
  class Connection {
   public:
    // 0 for the first connection that was accepted.
    int index() const { return index_; }

    // The next whole request; none when the peer has closed or gone.
    std::optional<Request> ReadRequest();
    // The same in two steps: the head, and the body that belongs to it.
    std::optional<std::string> ReadHead();
    std::optional<std::string> ReadBody(absl::string_view head);
    // Waits until there is something to read, or the peer has closed.
    void WaitForBytes();
    void Write(absl::string_view bytes);
    // A whole answer; `headers` are whole lines with their line breaks.
    void Answer(int status, absl::string_view body,
                absl::string_view headers = "");
    // Closes with RST: the peer sees the connection break.
    void Reset();
    // Closes with FIN (RST, if the peer sent what has not been read).
    void Close();
    // Reads and ignores until the peer closes, or the server goes.
    void WaitForPeer();

   private:
    friend class RawHttpServer;
    Connection(RawHttpServer& server, int index, int fd)
        : server_(server), index_(index), fd_(fd) {}

    bool ReadMore();

    RawHttpServer& server_;
    const int index_;
    int fd_;  // -1: closed; written under the server's lock
    std::string unread_;
  };

  struct Counts {
    int connections = 0;  // accepted
    int closed = 0;       // of those, over
    int posts = 0;        // requests by POST whose head arrived
    int gets = 0;
    std::vector<std::string> bodies;  // of the POSTs that arrived whole
  };

  explicit RawHttpServer(std::function<void(Connection&)> on_connection);
  // Breaks what is still open.
  ~RawHttpServer();
  RawHttpServer(const RawHttpServer&) = delete;
  RawHttpServer& operator=(const RawHttpServer&) = delete;

  int port() const { return port_; }
  // "http://127.0.0.1:PORT" and `path`.
  std::string Url(absl::string_view path = "/") const;

  Counts counts() const;
  // Waits until `condition` holds; false if it doesn't for ten seconds.
  bool WaitUntil(const std::function<bool(const Counts&)>& condition) const;

  // Everything that ever arrived. For when the client has closed all of its
  // connections: accepts what waits, lets each function come to its end, and
  // takes nothing any more.
  Counts Drain();

 private:
  void AcceptUntilAsked();
  void Serve(Connection& connection);
  void StopAccepting();
  void CountHead(absl::string_view head);
  void CountBody(absl::string_view head, const std::string& body);

  const std::function<void(Connection&)> on_connection_;
  int listener_ = -1;
  int stop_pipe_[2] = {-1, -1};
  int port_ = 0;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Counts counts_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::thread> threads_;

  std::thread acceptor_;
};

// A port on which nobody listens (any more).
int UnusedPort();

// A listener that accepts nothing and whose queue is full: to connect to it
// takes for ever.
class DeafListener {
 public:
  DeafListener();
  ~DeafListener();
  DeafListener(const DeafListener&) = delete;
  DeafListener& operator=(const DeafListener&) = delete;

  int port() const { return port_; }

 private:
  std::vector<int> sockets_;
  int port_ = 0;
};

}  // namespace leadgateway::testing

#endif  // LEADGATEWAY_TESTS_SUPPORT_RAW_HTTP_SERVER_H_
