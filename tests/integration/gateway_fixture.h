#ifndef LEADGATEWAY_TESTS_INTEGRATION_GATEWAY_FIXTURE_H_
#define LEADGATEWAY_TESTS_INTEGRATION_GATEWAY_FIXTURE_H_

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/mutex.h"
#include "gateway/config/config.h"
#include "gateway/server/server.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/status.h"
#include "leadgateway/v1/lead_gateway.grpc.pb.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/call_record.h"
#include "sandbox/sandbox.h"

// A gateway and the stand-in for LeadSquared in this process, joined by real
// sockets, and what a caller does with them.
namespace leadgateway::testing {

// Longer than anything here takes: where it passes, a test fails.
inline constexpr absl::Duration kLongEnough = absl::Seconds(30);

// A new directory with files, gone at the end.
class TempDir {
 public:
  explicit TempDir(std::string within = "");  // default: where tests write
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  // Returns the file's path.
  std::string Write(absl::string_view name, absl::string_view text) const;

 private:
  std::string path_;
};

// Whether `condition` came to hold within kLongEnough. For what gives no
// signal: the state of another program.
bool Eventually(const std::function<bool()>& condition);

// ------------------------------------------------------------------ requests

// "lead7@example.com": the sandbox has those that it generated.
std::string EmailOf(int lead);

// Adds a lead that is found by `attribute` and gets `first_name`.
v1::Lead* AddLead(v1::BulkUpdateLeadsRequest& request,
                  absl::string_view attribute, absl::string_view value,
                  absl::string_view first_name = "Ada");
// Leads `first` to `first + count - 1` by EmailAddress.
v1::BulkUpdateLeadsRequest Updates(int first, int count,
                                   absl::string_view first_name = "Ada");

// ------------------------------------------------------------------- answers

using Metadata = std::multimap<std::string, std::string>;
// The only value of `key`; "" without, "(several)" with more than one.
std::string ValueIn(const Metadata& metadata, const std::string& key);

// All that one BulkUpdateLeads RPC brought.
struct Answer {
  grpc::Status status;
  std::map<int, v1::LeadResult> results;  // by index
  int repeated = 0;                       // results beyond one per lead
  int messages = 0;
  int after_summary = 0;  // messages after the one with the summary
  std::optional<v1::Summary> summary;
  std::optional<v1::Plan> plan;
  Metadata initial;
  Metadata trailing;
  absl::Duration took;
};

// The promise of every RPC that ends with OK: one result for each of `leads`,
// and a summary at the end, whose counts and trailers agree with them.
void ExpectComplete(const Answer& answer, int leads);
// That, and each lead has this outcome (and reason, unless "").
void ExpectAll(const Answer& answer, int leads, v1::Outcome outcome,
               absl::string_view reason = "");
int CountOf(const Answer& answer, v1::Outcome outcome);

// The details of an error.
struct Details {
  google::rpc::Status status;  // code and message as in the trailer
  std::optional<google::rpc::ErrorInfo> error_info;
  std::optional<google::rpc::BadRequest> bad_request;
  std::optional<google::rpc::QuotaFailure> quota_failure;
  std::optional<google::rpc::RetryInfo> retry_info;
  int others = 0;  // of types that are not among these, or that come twice
};
Details DetailsOf(const google::rpc::Status& status);
Details DetailsOf(const grpc::Status& status);
// ErrorInfo.reason, "" without.
std::string ReasonOf(const grpc::Status& status);
std::string ReasonOf(const v1::LeadResult& result);

// ------------------------------------------------------------------- gateway

struct CallOptions {
  absl::Duration deadline = kLongEnough;
  Metadata metadata;
};

struct GatewaySetup {
  sandbox::SandboxOptions sandbox;
  // baseUrl and the key files are filled in where they are empty.
  AccountOptions account;
  std::vector<std::string> more_accounts;      // names, otherwise as `account`
  std::vector<AccountOptions> other_accounts;  // the same is filled in
  LimitOptions limits;
  std::string listen_address = "127.0.0.1:0";
  ListenOptions listen;
  // Of the gateway's own channel; null: plaintext.
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  absl::Duration drain_timeout = absl::Seconds(5);
  std::string state_dir;
  TracingOptions tracing;
  bool admin = false;
  // What is in the key files; "": the keys that the sandbox accepts.
  std::string access_key;
  std::string secret_key;

  // 2,000 leads; first names are kept as history; 100 calls in 5 s on both
  // sides; no checks against metadata.
  GatewaySetup();
  // `calls` in `window` on both sides.
  GatewaySetup& Allow(int calls, absl::Duration window);
  // The sandbox's, as in sandbox/README.md.
  GatewaySetup& Faults(absl::string_view json);
  // The switches that always hold (such as `"shuffle":true`), for
  // Gateway::Hold.
  GatewaySetup& HoldAnd(absl::string_view always = "");
};

class Gateway;

// An RPC under way, read by a thread of its own.
class Rpc {
 public:
  Rpc(v1::LeadGatewayService::Stub& stub, v1::BulkUpdateLeadsRequest request,
      const CallOptions& options);
  ~Rpc();

  // Until its initial metadata has come: then the gateway has put it in its
  // place behind all that came before.
  void WaitUntilTaken();
  // Until a first message has come.
  void WaitForMessage();
  void Cancel() { context_.TryCancel(); }
  // Once.
  Answer Get();

 private:
  void Read(v1::LeadGatewayService::Stub& stub);

  const v1::BulkUpdateLeadsRequest request_;
  grpc::ClientContext context_;
  std::promise<void> taken_;
  std::promise<void> message_;
  Answer answer_;
  std::thread thread_;
};

// Fails the test and is of no use if anything can't start.
class Gateway {
 public:
  explicit Gateway(GatewaySetup setup = {});
  ~Gateway();

  sandbox::Account& account() { return sandbox_->account(); }
  sandbox::CallStats stats() { return sandbox_->account().Stats(); }
  // The UpdateV2 calls that have arrived.
  std::vector<sandbox::CallRecord> calls();

  // Its port is closed from now on.
  void StopSandbox() { sandbox_->Stop(); }

  server::Server& server() { return *server_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  v1::LeadGatewayService::Stub& stub() { return *stub_; }

  Answer Update(const v1::BulkUpdateLeadsRequest& request,
                const CallOptions& options = {});
  std::unique_ptr<Rpc> Start(v1::BulkUpdateLeadsRequest request,
                             const CallOptions& options = {});
  v1::GetAccountStatusResponse Status();
  // With GatewaySetup::HoldAnd: a request for lead 1999, by its phone number,
  // whose call is turned away for a second. What comes within that second
  // waits, and what can share a call then does.
  std::unique_ptr<Rpc> Hold();

  // A channel with a connection of its own.
  std::shared_ptr<grpc::Channel> NewChannel(
      const std::shared_ptr<grpc::ChannelCredentials>& credentials);

  // What the gateway has logged so far. Any thread.
  std::vector<std::string> log() const;

 private:
  TempDir dir_;
  std::unique_ptr<sandbox::Sandbox> sandbox_;
  mutable Mutex mutex_;
  std::vector<std::string> log_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<server::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::LeadGatewayService::Stub> stub_;
};

// A unary or bidirectional RPC as bytes: sends `request`, returns the first
// answer. For services whose messages have no C++ here (health, reflection).
struct RawAnswer {
  grpc::Status status;
  std::string bytes;
};
RawAnswer CallRaw(const std::shared_ptr<grpc::Channel>& channel,
                  const std::string& method, const std::string& request);

// grpc.health.v1.Health/Check of a service ("": the whole server): "SERVING",
// "NOT_SERVING", or the error's code as a number.
std::string HealthOf(const std::shared_ptr<grpc::Channel>& channel,
                     const std::string& service);

}  // namespace leadgateway::testing

#endif  // LEADGATEWAY_TESTS_INTEGRATION_GATEWAY_FIXTURE_H_
