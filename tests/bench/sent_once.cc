// How many POSTs arrive for each one that was granted, while connections are
// killed at random (docs/performance.md, "Sent once"):
//
//   bazel run --config=opt //tests/bench:sent_once -- --posts=20000
//
// Three runs: the gateway's HTTP client against a server that kills
// connections; the same with libcurl left alone, which sends again by itself
// and is the control; and a whole gateway, from gRPC to the sandbox. Exits with
// 1 unless the ratio is exactly 1 in the first and the last, and above 1.2 in
// the control.
#include <stdlib.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/config/config.h"
#include "gateway/http/curl_loop.h"
#include "gateway/http/http_client.h"
#include "gateway/server/server.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "leadgateway/v1/lead_gateway.grpc.pb.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/account.h"
#include "sandbox/call_record.h"
#include "sandbox/credentials.h"
#include "sandbox/sandbox.h"
#include "tests/http/loop_runner.h"
#include "tests/support/raw_http_server.h"

ABSL_FLAG(int, posts, 20'000, "POSTs of each of the first two runs.");
ABSL_FLAG(double, killed, 0.5,
          "The share of requests on kept connections that are killed.");
ABSL_FLAG(uint32_t, seed, 1, "Of what is killed, and how.");
ABSL_FLAG(int, requests, 3,
          "Requests of 10,000 leads to the whole gateway, of the third run.");

namespace leadgateway {
namespace {

using testing::RawHttpServer;
using Connection = RawHttpServer::Connection;

constexpr int kAtOnce = 16;

struct Counts {
  int64_t granted = 0;  // that were to leave, as the client tells
  int64_t arrived = 0;
  int64_t killed = 0;

  double ratio() const {
    return granted == 0
               ? 0
               : static_cast<double>(arrived) / static_cast<double>(granted);
  }
};

void Print(const char* what, const Counts& counts) {
  std::printf("%-44s %8lld granted %8lld arrived  ratio %.4f  (%lld killed)\n",
              what, static_cast<long long>(counts.granted),
              static_cast<long long>(counts.arrived), counts.ratio(),
              static_cast<long long>(counts.killed));
}

// Reads each request and answers it, or kills its connection in one of five
// ways: only one that was kept, which is where libcurl sends again. What it
// kills was read, so that the counts must agree exactly.
Counts RunClient(bool let_libcurl_resend) {
  const int posts = absl::GetFlag(FLAGS_posts);
  const double share = absl::GetFlag(FLAGS_killed);
  std::mutex mutex;
  std::mt19937 random(absl::GetFlag(FLAGS_seed));  // guarded by mutex
  std::atomic<int64_t> killed{0};
  RawHttpServer server([&](Connection& connection) {
    for (int kept = 0; connection.ReadRequest(); ++kept) {
      bool kill = false;
      uint32_t how = 0;
      {
        const std::lock_guard<std::mutex> lock(mutex);
        kill = kept > 0 &&
               std::uniform_real_distribution<double>(0, 1)(random) < share;
        how = static_cast<uint32_t>(random()) % 5;
      }
      if (!kill) {
        connection.Answer(200, "fine");
        continue;
      }
      ++killed;
      switch (how) {
        case 0:
        case 1:
          return connection.Reset();
        case 2:
          return connection.Close();
        case 3:
          connection.Write("HTTP/1.1 2");
          return connection.Reset();
        default:
          return connection.Write(
              "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
      }
    }
  });
  std::atomic<int64_t> granted{0};
  {
    http::CurlLoop::Options options;
    options.let_libcurl_resend = let_libcurl_resend;
    http::LoopRunner runner(options);
    std::atomic<int> next{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < kAtOnce; ++i) {
      threads.emplace_back([&] {
        while (next++ < posts) {
          const http::HttpReply reply =
              runner.Fetch(http::Post(server.Url(), std::string(500, 'x')));
          granted += reply.sent_at.has_value();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  Counts counts;
  counts.granted = granted;
  counts.arrived = server.Drain().posts;
  counts.killed = killed;
  return counts;
}

v1::BulkUpdateLeadsRequest Request() {
  v1::BulkUpdateLeadsRequest request;
  request.set_search_by_key("EmailAddress");
  for (int i = 0; i < 10'000; ++i) {
    v1::Lead* const lead = request.add_leads();
    v1::LeadField* field = lead->add_fields();
    field->set_attribute("EmailAddress");
    field->set_string_value(absl::StrCat("lead", i, "@example.com"));
    field = lead->add_fields();
    field->set_attribute("FirstName");
    field->set_string_value("Ada");
  }
  return request;
}

std::optional<Counts> RunGateway() {
  sandbox::SandboxOptions upstream;
  upstream.account.generate_leads = 10'000;
  upstream.account.seed = absl::GetFlag(FLAGS_seed);
  upstream.account.allowance.calls = 1'000;
  upstream.account.allowance.window = absl::Milliseconds(500);
  std::string rules;
  for (const char* const fault :
       {"reset_before_reading", "reset_after_applying", "reset_mid_answer",
        "close_without_answer", "truncated_body"}) {
    absl::StrAppendFormat(
        &rules, R"(%s{"when":{"probability":%.4f},"set":{"fault":"%s"}})",
        rules.empty() ? "" : ",", absl::GetFlag(FLAGS_killed) / 5, fault);
  }
  upstream.account.faults_json = absl::StrCat(R"({"rules":[)", rules, "]}");
  auto sandbox = sandbox::Sandbox::Create(std::move(upstream));
  if (!sandbox.ok()) return std::nullopt;

  std::string directory =
      (std::filesystem::temp_directory_path() / "sent_once_XXXXXX");
  if (mkdtemp(directory.data()) == nullptr) return std::nullopt;
  const sandbox::KeyPair keys = sandbox::TestKeys();
  GatewayOptions options;
  options.listen_address = "127.0.0.1:0";
  options.log_level = LogLevel::kError;
  options.default_account = "acme";
  AccountOptions& account = options.accounts.emplace_back();
  account.name = "acme";
  account.base_url = (*sandbox)->url();
  account.access_key_file = directory + "/access_key";
  account.secret_key_file = directory + "/secret_key";
  account.calls = 1'000;
  account.window = absl::Milliseconds(500);
  account.schema_checks = false;
  std::ofstream(account.access_key_file) << keys.access_key;
  std::ofstream(account.secret_key_file) << keys.secret_key;
  auto server = server::Server::Create(std::move(options));
  std::filesystem::remove_all(directory);
  if (!server.ok()) return std::nullopt;
  const auto stub = v1::LeadGatewayService::NewStub(grpc::CreateChannel(
      (*server)->listen_address(), grpc::InsecureChannelCredentials()));

  for (int i = 0; i < absl::GetFlag(FLAGS_requests); ++i) {
    grpc::ClientContext context;
    auto stream = stub->BulkUpdateLeads(&context, Request());
    v1::BulkUpdateLeadsResponse message;
    while (stream->Read(&message)) {
    }
    const grpc::Status status = stream->Finish();
    if (!status.ok()) {
      std::fprintf(stderr, "%s\n", status.error_message().c_str());
      return std::nullopt;
    }
  }
  grpc::ClientContext context;
  v1::GetAccountStatusResponse state;
  if (!stub->GetAccountStatus(&context, {}, &state).ok()) return std::nullopt;
  const sandbox::CallStats stats = (*sandbox)->account().Stats();
  Counts counts;
  counts.granted = state.calls_total();
  counts.arrived = static_cast<int64_t>(stats.posts_arrived);
  const auto killed = stats.calls_by_verdict.find("fault");
  if (killed != stats.calls_by_verdict.end()) {
    counts.killed = static_cast<int64_t>(killed->second);
  }
  return counts;
}

int Run() {
  const Counts guarded = RunClient(/*let_libcurl_resend=*/false);
  Print("the gateway's HTTP client", guarded);
  const Counts control = RunClient(/*let_libcurl_resend=*/true);
  Print("control: libcurl left alone", control);
  const std::optional<Counts> gateway = RunGateway();
  if (!gateway) {
    std::fprintf(stderr, "the gateway could not be run\n");
    return 1;
  }
  Print("a whole gateway, by GetAccountStatus", *gateway);
  const bool once = guarded.arrived == guarded.granted &&
                    gateway->arrived == gateway->granted &&
                    guarded.killed > 0 && gateway->killed > 0;
  return once && control.ratio() > 1.2 ? 0 : 1;
}

}  // namespace
}  // namespace leadgateway

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("POSTs that arrive for each that was granted.");
  absl::ParseCommandLine(argc, argv);
  return leadgateway::Run();
}
