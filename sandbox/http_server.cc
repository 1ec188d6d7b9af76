#include "sandbox/http_server.h"

#include <array>
#include <boost/asio.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sandbox/control.h"
#include "sandbox/reply.h"

namespace leadgateway::sandbox {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr size_t kReadBytes = 16 * 1024;
constexpr std::uint32_t kMaxHeaderBytes = 16 * 1024;
// Lead files come in through the control path.
constexpr std::uint64_t kMaxControlBytes = 256 * 1024 * 1024;
// How long a refused client may go on sending before it is cut off.
constexpr auto kDrainTime = std::chrono::seconds(2);
// After descriptors have run out.
constexpr auto kAcceptPause = std::chrono::milliseconds(10);

absl::string_view View(beast::string_view text) {
  return {text.data(), text.size()};
}

// One connection. Lives as long as one of its handlers is pending; all of them
// run on the server's thread.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, Account& account, std::uint64_t number,
             std::uint64_t max_body_bytes)
      : socket_(std::move(socket)),
        timer_(socket_.get_executor()),
        account_(account),
        number_(number),
        max_body_bytes_(max_body_bytes) {
    // Head and body of a call of 25 leads in one read.
    buffer_.reserve(kReadBytes);
    account_.ConnectionOpened();
  }
  ~Connection() { account_.ConnectionClosed(); }

  void ReadHead() {
    parser_.emplace();
    parser_->header_limit(kMaxHeaderBytes);
    // The limit depends on the path: set when that is known. (Beast 1.74 takes
    // "no limit" for "nothing allowed".)
    parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
    call_.reset();
    http::async_read_header(
        socket_, buffer_, *parser_,
        [self = shared_from_this()](error_code error, size_t) {
          self->OnHead(error);
        });
  }

 private:
  void OnHead(error_code error) {
    if (error == http::error::end_of_stream) return;
    if (error.category() ==
        http::make_error_code(http::error::bad_value).category()) {
      reply_ = HtmlReply(400, "Bad Request");
      reply_.close = true;
      return Write();
    }
    if (error) return;
    const auto& head = parser_->get();
    const bool control = absl::StartsWith(View(head.target()), kControlPrefix);
    const std::uint64_t limit = control ? kMaxControlBytes : max_body_bytes_;
    if (!control) {
      RequestHead request;
      request.method = View(head.method_string());
      request.target = View(head.target());
      request.content_type = View(head[http::field::content_type]);
      request.access_key = View(head["x-LSQ-AccessKey"]);
      request.secret_key = View(head["x-LSQ-SecretKey"]);
      request.connection = number_;
      arrived_ = Clock::now();
      call_ = account_.Begin(request);
      if (call_->decided && call_->reply.end == ReplyEnd::kReset) {
        return OnAnswerTime();
      }
    }
    if (parser_->content_length().value_or(0) > limit) return TooLarge();
    parser_->body_limit(limit);
    if (beast::iequals(head[http::field::expect], "100-continue")) {
      static constexpr absl::string_view kContinue =
          "HTTP/1.1 100 Continue\r\n\r\n";
      asio::async_write(
          socket_, asio::buffer(kContinue.data(), kContinue.size()),
          [self = shared_from_this()](error_code write_error, size_t) {
            if (write_error) return self->Abandon();
            self->ReadBody();
          });
      return;
    }
    ReadBody();
  }

  void ReadBody() {
    if (parser_->is_done()) return OnBody({});
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](error_code error, size_t) {
                       self->OnBody(error);
                     });
  }

  void OnBody(error_code error) {
    if (error == http::error::body_limit) return TooLarge();
    if (error) return Abandon();
    if (!call_.has_value()) {
      const auto& request = parser_->get();
      reply_ = HandleControl(account_, View(request.method_string()),
                             View(request.target()), request.body());
      reply_.close = !parser_->keep_alive();
      return Write();
    }
    WaitUntil(call_->count_after, &Connection::OnCountTime);
  }

  void OnCountTime() {
    if (account_.Count(*call_, parser_->get().body())) return OnAnswerTime();
    WaitUntil(call_->answer_after, &Connection::OnAnswerTime);
  }

  void OnAnswerTime() {
    account_.Answer(*call_, parser_->get().body());
    call_->reply.close |= !parser_->keep_alive() ||
                          parser_->get().version() < 11 ||
                          call_->reply.end != ReplyEnd::kWhole;
    reply_ = std::move(call_->reply);
    call_->reply.status = reply_.status;
    call_->reply.end = reply_.end;
    // Before the first byte leaves: who has read the answer finds the call in
    // the figures.
    account_.Finish(*call_);
    switch (reply_.end) {
      case ReplyEnd::kReset:
        Reset();
        return account_.Delivered(*call_);
      case ReplyEnd::kClose:
        Close();
        return account_.Delivered(*call_);
      case ReplyEnd::kNever:
        account_.Delivered(*call_);
        // Readable means: closed, or another request that gets no answer.
        socket_.async_wait(
            tcp::socket::wait_read,
            [self = shared_from_this()](error_code) { self->Close(); });
        return;
      case ReplyEnd::kWhole:
      case ReplyEnd::kTruncated:
      case ReplyEnd::kResetMid:
        return Write();
    }
  }

  // Runs `next` when `after` has passed since the call's arrival.
  void WaitUntil(absl::Duration after, void (Connection::*next)()) {
    const auto when = arrived_ + std::chrono::duration_cast<Clock::duration>(
                                     absl::ToChronoNanoseconds(after));
    if (after <= absl::ZeroDuration() || when <= Clock::now()) {
      return (this->*next)();
    }
    timer_.expires_at(when);
    timer_.async_wait([self = shared_from_this(), next](error_code error) {
      if (!error) (self.get()->*next)();
    });
  }

  void Write() {
    head_ = ReplyHead(reply_);
    const size_t body = reply_.end == ReplyEnd::kWhole ? reply_.body.size()
                                                       : reply_.body.size() / 2;
    asio::async_write(socket_,
                      std::array<asio::const_buffer, 2>{
                          asio::buffer(head_), asio::buffer(reply_.body, body)},
                      [self = shared_from_this()](error_code error, size_t) {
                        self->OnWritten(error);
                      });
  }

  void OnWritten(error_code error) {
    if (error) return;
    if (call_.has_value()) account_.Delivered(*call_);
    if (reply_.end == ReplyEnd::kResetMid) return Reset();
    if (!reply_.close) return ReadHead();
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    // Closing with unread bytes would turn the answer into a reset.
    timer_.expires_after(kDrainTime);
    timer_.async_wait([self = shared_from_this()](error_code timer_error) {
      if (!timer_error) self->Close();
    });
    Drain();
  }

  void Drain() {
    socket_.async_read_some(
        asio::buffer(drained_),
        [self = shared_from_this()](error_code error, size_t) {
          if (!error) return self->Drain();
          self->timer_.cancel();
          self->Close();
        });
  }

  void TooLarge() {
    if (call_.has_value()) {
      account_.RefuseTooLarge(*call_);
      return OnAnswerTime();
    }
    reply_ = HtmlReply(413, "Request Entity Too Large");
    reply_.close = true;
    Write();
  }

  // The client went away before its request was whole.
  void Abandon() {
    if (!call_.has_value()) return;
    call_->reply.end = ReplyEnd::kClose;
    account_.Finish(*call_);
  }

  void Reset() {
    error_code ignored;
    // A pending timer or read would keep the connection alive.
    timer_.cancel();
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
  }

  void Close() {
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    socket_.close(ignored);
  }

  tcp::socket socket_;
  asio::steady_timer timer_;
  Account& account_;
  const std::uint64_t number_;
  const std::uint64_t max_body_bytes_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<Account::Call> call_;
  Clock::time_point arrived_;
  Reply reply_;
  std::string head_;
  std::array<char, 4096> drained_;
};

class BeastServer : public HttpServer {
 public:
  BeastServer(Account& account, std::uint64_t max_body_bytes)
      : account_(account),
        max_body_bytes_(max_body_bytes),
        acceptor_(io_),
        pause_(io_) {}
  ~BeastServer() override { Stop(); }

  absl::Status Listen(const std::string& host, std::uint16_t port) {
    error_code error;
    const asio::ip::address address = asio::ip::make_address(host, error);
    if (error) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", host, "' is not an IP address"));
    }
    const tcp::endpoint endpoint(address, port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) {
      acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    }
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(1024, error);
    if (!error) port_ = acceptor_.local_endpoint(error).port();
    if (error) {
      return absl::UnavailableError(absl::StrCat("Cannot listen on ", host, ":",
                                                 port, ": ", error.message()));
    }
    Accept();
    thread_ = std::thread([this] { io_.run(); });
    return absl::OkStatus();
  }

  std::uint16_t port() const override { return port_; }

  void Stop() override {
    if (!thread_.joinable()) return;
    // On the thread itself, so that no handler is running meanwhile.
    asio::post(io_, [this] {
      error_code ignored;
      acceptor_.close(ignored);
      io_.stop();
    });
    thread_.join();
    // Connections die with their handlers, in the io_context's destructor.
  }

 private:
  void Accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) {
        pause_.expires_after(kAcceptPause);
        pause_.async_wait([this](error_code timer_error) {
          if (!timer_error) Accept();
        });
        return;
      }
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      std::make_shared<Connection>(std::move(socket), account_, ++connections_,
                                   max_body_bytes_)
          ->ReadHead();
      Accept();
    });
  }

  Account& account_;
  const std::uint64_t max_body_bytes_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::uint16_t port_ = 0;
  std::uint64_t connections_ = 0;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Create(
    Account& account, const std::string& host, std::uint16_t port,
    std::uint64_t max_body_bytes) {
  auto server = std::make_unique<BeastServer>(account, max_body_bytes);
  absl::Status status = server->Listen(host, port);
  if (!status.ok()) return status;
  return server;
}

}  // namespace leadgateway::sandbox
