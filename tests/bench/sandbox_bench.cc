// How many calls a second the sandbox answers over keep-alive connections.
//   sandbox_bench [connections=100] [seconds=5] [leads_per_call=25] [rate=0]
// A rate above 0 paces the calls (open loop) and prints latencies against the
// schedule, so that a stall shows; 0 sends as fast as answers come.
// Boost 1.74's awaitable.hpp needs it and does not say so.
#include <utility>

#include <algorithm>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "sandbox/sandbox.h"

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

struct Load {
  Clock::time_point start;
  Clock::time_point end;
  Clock::duration interval{};  // of one connection; 0: no pacing
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
  std::vector<float> latencies_ms;
};

class Client : public std::enable_shared_from_this<Client> {
 public:
  Client(asio::io_context& io, std::string request, Load& load,
         Clock::time_point first)
      : socket_(io),
        timer_(io),
        request_(std::move(request)),
        load_(load),
        due_(first) {}

  bool Connect(std::uint16_t port) {
    error_code error;
    socket_.connect({asio::ip::address_v4::loopback(), port}, error);
    if (!error) socket_.set_option(tcp::no_delay(true), error);
    return !error;
  }

  void Next() {
    if (load_.interval == Clock::duration::zero()) {
      due_ = Clock::now();
    }
    if (due_ >= load_.end) return;
    if (due_ <= Clock::now()) return Send();
    timer_.expires_at(due_);
    timer_.async_wait(
        [self = shared_from_this()](error_code) { self->Send(); });
  }

 private:
  void Send() {
    asio::async_write(socket_, asio::buffer(request_),
                      [self = shared_from_this()](error_code error, size_t) {
                        if (error) return self->Fail();
                        self->Read();
                      });
  }

  void Read() {
    parser_.emplace();
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](error_code error, size_t) {
                       if (error) return self->Fail();
                       self->OnAnswer();
                     });
  }

  void OnAnswer() {
    if (parser_->get().result_int() != 200) return Fail();
    ++load_.answered;
    load_.latencies_ms.push_back(
        std::chrono::duration<float, std::milli>(Clock::now() - due_).count());
    due_ += load_.interval;
    Next();
  }

  void Fail() { ++load_.failed; }

  tcp::socket socket_;
  asio::steady_timer timer_;
  const std::string request_;
  Load& load_;
  Clock::time_point due_;
  boost::beast::flat_buffer buffer_;
  std::optional<http::response_parser<http::string_body>> parser_;
};

std::string Request(int first_lead, int leads) {
  std::string body = R"({"SearchByKey":"EmailAddress","LeadPropertiesList":[)";
  for (int i = 0; i < leads; ++i) {
    absl::StrAppend(
        &body, i == 0 ? "" : ",",
        R"({"Fields":[{"Attribute":"EmailAddress","Value":"lead)",
        first_lead + i,
        R"(@example.com"},{"Attribute":"FirstName","Value":"John"},)",
        R"({"Attribute":"mx_City","Value":"Pune"},)",
        R"({"Attribute":"ProspectStage","Value":"Customer"}]})");
  }
  absl::StrAppend(&body, "]}");
  return absl::StrCat(
      "POST /v2/LeadManagement.svc/Lead/Bulk/UpdateV2 HTTP/1.1\r\n"
      "Host: localhost\r\nContent-Type: application/json\r\n"
      "x-LSQ-AccessKey: ",
      leadgateway::sandbox::kTestAccessKey,
      "\r\nx-LSQ-SecretKey: ", leadgateway::sandbox::kTestSecretKey,
      "\r\nContent-Length: ", body.size(), "\r\n\r\n", body);
}

int Argument(int argc, char** argv, int at, int otherwise) {
  return argc > at ? std::atoi(argv[at]) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  const int connections = std::max(1, Argument(argc, argv, 1, 100));
  const int seconds = std::max(1, Argument(argc, argv, 2, 5));
  const int leads = std::max(1, Argument(argc, argv, 3, 25));
  const int rate = Argument(argc, argv, 4, 0);

  leadgateway::sandbox::SandboxOptions options;
  options.account.generate_leads = static_cast<std::uint64_t>(connections) *
                                   static_cast<std::uint64_t>(leads);
  options.account.allowance.calls = 1'000'000'000;
  auto sandbox = leadgateway::sandbox::Sandbox::Create(std::move(options));
  if (!sandbox.ok()) {
    std::fprintf(stderr, "%s\n", sandbox.status().ToString().c_str());
    return 1;
  }

  asio::io_context io(1);
  Load load;
  load.start = Clock::now();
  load.end = load.start + std::chrono::seconds(seconds);
  if (rate > 0) {
    load.interval = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(double(connections) / rate));
  }
  for (int i = 0; i < connections; ++i) {
    auto client =
        std::make_shared<Client>(io, Request(i * leads, leads), load,
                                 load.start + load.interval * i / connections);
    if (!client->Connect((*sandbox)->port())) {
      std::fprintf(stderr, "cannot connect\n");
      return 1;
    }
    client->Next();
  }
  io.run();
  const double elapsed =
      std::chrono::duration<double>(Clock::now() - load.start).count();
  std::sort(load.latencies_ms.begin(), load.latencies_ms.end());
  const auto percentile = [&](double part) {
    if (load.latencies_ms.empty()) return 0.0f;
    return load.latencies_ms[static_cast<size_t>(
        part * static_cast<double>(load.latencies_ms.size() - 1))];
  };
  std::printf(
      "connections %d, leads a call %d, asked %d/s: %.0f calls/s, %llu "
      "answered, %llu failed, latency ms p50 %.2f p99 %.2f max %.2f\n",
      connections, leads, rate, static_cast<double>(load.answered) / elapsed,
      static_cast<unsigned long long>(load.answered),
      static_cast<unsigned long long>(load.failed), percentile(0.5),
      percentile(0.99), percentile(1));
  return load.failed == 0 ? 0 : 1;
}
