#include "gateway/admin/admin_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/status_macros.h"
#include "gateway/config/address.h"

namespace leadgateway {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

// What probes, scrapers and browsers send takes far less.
constexpr size_t kMaxHeaderBytes = 8 << 10;
// The header, and some of a next request that came along with it.
constexpr size_t kMaxBufferBytes = 2 * kMaxHeaderBytes;

// How long to wait before accepting again after accept() failed, which it does
// for want of descriptors or memory: trying at once would only burn time.
constexpr std::chrono::milliseconds kAcceptPause{100};

// How long a refused client is listened to, so that it reads the refusal: to
// close with unread bytes resets the connection and may destroy the response.
constexpr std::chrono::seconds kLingerTime{1};

AdminResponse Plain(int status, absl::string_view body) {
  AdminResponse response;
  response.status = status;
  response.body = absl::StrCat(body, "\n");
  return response;
}

std::string ToText(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return endpoint.address().is_v6()
             ? absl::StrCat("[", host, "]:", endpoint.port())
             : absl::StrCat(host, ":", endpoint.port());
}

}  // namespace

bool IsThisMachine(const std::string& ip) {
  error_code error;
  const asio::ip::address address = asio::ip::make_address(ip, error);
  if (error) return false;
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6())
        .is_loopback();
  }
  return address.is_loopback();
}

class AdminServer::Impl {
 public:
  Impl(AdminHandlers handlers, Options options)
      : handlers_(std::move(handlers)),
        options_(options),
        acceptor_(io_),
        pause_(io_) {}

  absl::Status Listen(const std::string& address) {
    LG_ASSIGN_OR_RETURN(const HostPort where, ParseHostPort(address));
    error_code error;
    tcp::resolver resolver(io_);
    const auto found = resolver.resolve(
        where.host, std::to_string(where.port),
        tcp::resolver::passive | tcp::resolver::numeric_service, error);
    for (const auto& entry : found) {
      error = ListenAt(entry.endpoint());
      if (!error) return absl::OkStatus();
    }
    return absl::UnavailableError(absl::StrCat(
        "can't listen at ", address, ": ",
        error ? error.message() : std::string("the host has no address")));
  }

  void Start() {
    Accept();
    thread_ = std::thread([this] { io_.run(); });
  }

  void Stop() {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] {
      stopped_ = true;
      error_code ignored;
      acceptor_.close(ignored);
      pause_.cancel();
      for (const auto& connection : connections_) connection->Close();
    });
    thread_.join();
  }

  const std::string& bound_address() const { return bound_address_; }

 private:
  // One client. Everything here runs on the server's thread. It lives until no
  // operation of its own is pending.
  class Connection : public std::enable_shared_from_this<Connection> {
   public:
    Connection(tcp::socket socket, Impl& server)
        : stream_(std::move(socket)),
          buffer_(kMaxBufferBytes),
          server_(server) {}

    void Read() {
      parser_.emplace();
      parser_->header_limit(kMaxHeaderBytes);
      parser_->body_limit(0);
      stream_.expires_after(
          absl::ToChronoNanoseconds(server_.options_.timeout));
      http::async_read(
          stream_, buffer_, *parser_,
          beast::bind_front_handler(&Connection::OnRead, shared_from_this()));
    }

    // Its pending operation ends with an error, and then it goes.
    void Close() { stream_.close(); }

    std::list<std::shared_ptr<Connection>>::iterator place;

   private:
    void OnRead(error_code error, size_t /*bytes*/) {
      if (error) {
        const AdminResponse refusal = Refusal(error);
        if (refusal.status == 0) return server_.Remove(*this);
        return Write(refusal, /*head=*/false, /*keep_alive=*/false);
      }
      server_.Touch(*this);
      const auto& request = parser_->get();
      Write(server_.Answer(request.method(),
                           absl::string_view(request.target().data(),
                                             request.target().size()),
                           MayChange(request)),
            request.method() == http::verb::head, request.keep_alive());
    }

    // Whoever is not on this machine may only look. Browsers send Origin with
    // what a page makes them put, wherever the page is from.
    bool MayChange(const http::request<http::empty_body>& request) const {
      error_code error;
      const tcp::endpoint peer = stream_.socket().remote_endpoint(error);
      return !error && IsThisMachine(peer.address().to_string()) &&
             request.find(http::field::origin) == request.end();
    }

    // Status 0: there is nobody to answer, or nothing to say.
    static AdminResponse Refusal(error_code error) {
      if (error == http::error::header_limit ||
          error == http::error::buffer_overflow) {
        return Plain(431, "request header too large");
      }
      if (error == http::error::body_limit ||
          error == http::error::unexpected_body) {
        return Plain(413, "no request body, please");
      }
      const bool garbage =
          error.category() ==
              http::make_error_code(http::error::bad_method).category() &&
          error != http::error::end_of_stream &&
          error != http::error::partial_message;
      return Plain(garbage ? 400 : 0, "not an HTTP request");
    }

    void Write(const AdminResponse& content, bool head, bool keep_alive) {
      response_ = {};
      response_.version(11);
      response_.result(static_cast<unsigned>(content.status));
      response_.set(http::field::content_type, content.content_type);
      response_.set(http::field::cache_control, "no-store");
      // The pages need no script, and no other site has any business here.
      response_.set("Content-Security-Policy",
                    "default-src 'none'; style-src 'unsafe-inline'; "
                    "frame-ancestors 'none'");
      response_.set("X-Content-Type-Options", "nosniff");
      if (!content.allow.empty()) {
        response_.set(http::field::allow, content.allow);
      }
      response_.content_length(content.body.size());
      response_.keep_alive(keep_alive);
      if (!head) response_.body() = content.body;
      serializer_.emplace(response_);
      stream_.expires_after(
          absl::ToChronoNanoseconds(server_.options_.timeout));
      http::async_write(
          stream_, *serializer_,
          beast::bind_front_handler(&Connection::OnWrite, shared_from_this()));
    }

    void OnWrite(error_code error, size_t /*bytes*/) {
      if (error) return server_.Remove(*this);
      if (response_.keep_alive()) return Read();
      stream_.socket().shutdown(tcp::socket::shutdown_send, error);
      stream_.expires_after(kLingerTime);
      Linger();
    }

    // Reads and drops what the client still sends, until it hangs up or the
    // time is over.
    void Linger() {
      buffer_.clear();
      stream_.async_read_some(
          buffer_.prepare(kMaxBufferBytes),
          [self = shared_from_this()](error_code error, size_t /*bytes*/) {
            if (error) return self->server_.Remove(*self);
            self->Linger();
          });
    }

    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    Impl& server_;
    std::optional<http::request_parser<http::empty_body>> parser_;
    http::response<http::string_body> response_;
    std::optional<http::response_serializer<http::string_body>> serializer_;
  };

  error_code ListenAt(const tcp::endpoint& endpoint) {
    error_code error;
    acceptor_.close(error);
    error = {};
    acceptor_.open(endpoint.protocol(), error);
    // A restart need not wait for connections of the last run to be forgotten.
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
    if (!error) bound_address_ = ToText(acceptor_.local_endpoint(error));
    return error;
  }

  void Accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (stopped_) return;
      if (error) {
        pause_.expires_after(kAcceptPause);
        pause_.async_wait([this](error_code cancelled) {
          if (!cancelled && !stopped_) Accept();
        });
        return;
      }
      Add(std::move(socket));
      Accept();
    });
  }

  void Add(tcp::socket socket) {
    // Taken off the list at once, not when its operation has ended: the bound
    // holds however fast connections come.
    if (connections_.size() >= options_.max_connections) {
      const std::shared_ptr<Connection> quietest = connections_.front();
      Remove(*quietest);
    }
    auto connection = std::make_shared<Connection>(std::move(socket), *this);
    connection->place = connections_.insert(connections_.end(), connection);
    connection->Read();
  }

  // Ends `connection`; the list forgets it. A second call does nothing.
  void Remove(Connection& connection) {
    connection.Close();
    if (connection.place == connections_.end()) return;
    connections_.erase(std::exchange(connection.place, connections_.end()));
  }

  // The most recently active connection stands last.
  void Touch(Connection& connection) {
    if (connection.place == connections_.end()) return;
    connections_.splice(connections_.end(), connections_, connection.place);
  }

  AdminResponse Answer(http::verb method, absl::string_view target,
                       bool may_change) {
    AdminRequest request;
    const size_t mark = target.find('?');
    request.path = std::string(target.substr(0, mark));
    if (mark != absl::string_view::npos) {
      request.query = std::string(target.substr(mark + 1));
    }
    const auto found = handlers_.find(request.path);
    if (found == handlers_.end()) return Plain(404, "no such page");
    AdminPage& page = found->second;
    if (method == http::verb::get || method == http::verb::head) {
      return page.get(request);
    }
    if (method == http::verb::put && page.put != nullptr) {
      if (may_change) return page.put(request);
      return Plain(403, "only from this machine, and not from a web page");
    }
    const bool put = page.put != nullptr;
    AdminResponse refusal =
        Plain(405, put ? "only GET, HEAD and PUT" : "only GET and HEAD");
    refusal.allow = put ? "GET, HEAD, PUT" : "GET, HEAD";
    return refusal;
  }

  AdminHandlers handlers_;
  const Options options_;
  std::string bound_address_;
  // All below is touched by the server's thread only, once that runs.
  asio::io_context io_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::list<std::shared_ptr<Connection>> connections_;
  bool stopped_ = false;
  std::thread thread_;
};

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Create(
    const std::string& address, AdminHandlers handlers, Options options) {
  auto impl = std::make_unique<Impl>(std::move(handlers), options);
  LG_RETURN_IF_ERROR(impl->Listen(address));
  impl->Start();
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(impl)));
}

AdminServer::AdminServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

AdminServer::~AdminServer() { Stop(); }

const std::string& AdminServer::bound_address() const {
  return impl_->bound_address();
}

void AdminServer::Stop() { impl_->Stop(); }

}  // namespace leadgateway
