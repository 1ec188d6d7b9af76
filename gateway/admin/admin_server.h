#ifndef LEADGATEWAY_GATEWAY_ADMIN_ADMIN_SERVER_H_
#define LEADGATEWAY_GATEWAY_ADMIN_ADMIN_SERVER_H_

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace leadgateway {

struct AdminRequest {
  std::string path;   // "/metrics", as it was sent, without the query.
  std::string query;  // What follows "?", as it was sent.
};

struct AdminResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::string allow;  // the header of that name; "": none
};

// Called on the server's own thread, one call at a time. A handler that takes
// long keeps every other request waiting, probes too.
using AdminHandler = absl::AnyInvocable<AdminResponse(const AdminRequest&)>;

// What is at a path.
struct AdminPage {
  AdminHandler get;  // for GET and HEAD; always there
  // For PUT, which changes something; may be null. Only for clients on this
  // machine, and not for web pages in their browsers: others get 403.
  AdminHandler put;
};

// Pages by path.
using AdminHandlers = std::map<std::string, AdminPage>;

// Whether a client with this IP address is on this machine.
bool IsThisMachine(const std::string& ip);

// Serves small pages over plaintext HTTP/1.1: what probes and scrapers ask for.
// It is made to outlive bad clients: the size of a request, the time it may
// take and the number of connections are bounded, and when all connections are
// taken, the one that has been quiet longest makes room.
class AdminServer {
 public:
  struct Options {
    size_t max_connections = 64;
    // For a whole request to arrive, counted from the end of the last one, and
    // for a response to be taken. Longer than the usual scrape interval (15 s),
    // so that a scraper keeps its connection.
    absl::Duration timeout = absl::Seconds(30);
  };

  // Listens at `address` ("HOST:PORT", port 0: any free one) and serves until
  // Stop(). When it can't listen (kUnavailable), the message names the address.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Create(
      const std::string& address, AdminHandlers handlers, Options options);
  static absl::StatusOr<std::unique_ptr<AdminServer>> Create(
      const std::string& address, AdminHandlers handlers) {
    return Create(address, std::move(handlers), Options());
  }

  ~AdminServer();  // Stops.
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // "IP:PORT" or "[IPV6]:PORT", with the real port. Any thread.
  const std::string& bound_address() const;

  // Closes every connection and ends the thread. After it no handler runs. Not
  // from a handler; not from two threads at once; a second call does nothing.
  void Stop();

 private:
  class Impl;
  explicit AdminServer(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_ADMIN_ADMIN_SERVER_H_
