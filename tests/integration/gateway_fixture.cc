#include "tests/integration/gateway_fixture.h"

#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/base/mutex.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"
#include "sandbox/credentials.h"

namespace leadgateway::testing {
namespace {

Metadata Copied(const std::multimap<grpc::string_ref, grpc::string_ref>& from) {
  Metadata metadata;
  for (const auto& [key, value] : from) {
    metadata.emplace(std::string(key.data(), key.size()),
                     std::string(value.data(), value.size()));
  }
  return metadata;
}

void SetUp(grpc::ClientContext& context, const CallOptions& options) {
  context.set_deadline(absl::ToChronoTime(absl::Now() + options.deadline));
  for (const auto& [key, value] : options.metadata) {
    context.AddMetadata(key, value);
  }
}

template <typename T>
bool Unpack(const google::protobuf::Any& any, std::optional<T>& out) {
  if (out || !any.Is<T>()) return false;
  return any.UnpackTo(&out.emplace());
}

}  // namespace

TempDir::TempDir(std::string within) {
  if (within.empty()) within = ::testing::TempDir();
  std::string path = within + "/lead_gateway_XXXXXX";
  if (mkdtemp(path.data()) == nullptr) ADD_FAILURE() << "no directory";
  path_ = std::move(path);
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::Write(absl::string_view name,
                           absl::string_view text) const {
  const std::string path = absl::StrCat(path_, "/", name);
  std::ofstream(path, std::ios::binary) << text;
  std::filesystem::permissions(path, std::filesystem::perms::owner_read |
                                         std::filesystem::perms::owner_write);
  return path;
}

bool Eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() +
                     absl::ToChronoMilliseconds(kLongEnough);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

std::string EmailOf(int lead) {
  return absl::StrCat("lead", lead, "@example.com");
}

v1::Lead* AddLead(v1::BulkUpdateLeadsRequest& request,
                  absl::string_view attribute, absl::string_view value,
                  absl::string_view first_name) {
  v1::Lead* const lead = request.add_leads();
  v1::LeadField* const key = lead->add_fields();
  key->set_attribute(std::string(attribute));
  key->set_string_value(std::string(value));
  v1::LeadField* const name = lead->add_fields();
  name->set_attribute("FirstName");
  name->set_string_value(std::string(first_name));
  return lead;
}

v1::BulkUpdateLeadsRequest Updates(int first, int count,
                                   absl::string_view first_name) {
  v1::BulkUpdateLeadsRequest request;
  request.set_search_by_key("EmailAddress");
  for (int i = 0; i < count; ++i) {
    AddLead(request, "EmailAddress", EmailOf(first + i), first_name)
        ->set_tag(absl::StrCat("tag", i));
  }
  return request;
}

std::string ValueIn(const Metadata& metadata, const std::string& key) {
  const auto [begin, end] = metadata.equal_range(key);
  if (begin == end) return "";
  return std::next(begin) == end ? begin->second : "(several)";
}

void ExpectComplete(const Answer& answer, int leads) {
  EXPECT_TRUE(answer.status.ok())
      << answer.status.error_code() << " " << answer.status.error_message();
  EXPECT_EQ(answer.results.size(), leads);
  EXPECT_EQ(answer.repeated, 0);
  EXPECT_EQ(answer.after_summary, 0);
  for (const auto& [index, result] : answer.results) {
    EXPECT_GE(index, 0);
    EXPECT_LT(index, leads);
    EXPECT_NE(result.outcome(), v1::OUTCOME_UNSPECIFIED);
    const bool good = result.outcome() == v1::OUTCOME_UPDATED ||
                      result.outcome() == v1::OUTCOME_VALID;
    EXPECT_EQ(result.has_status(), !good) << result.ShortDebugString();
    if (!good) {
      const Details details = DetailsOf(result.status());
      EXPECT_TRUE(details.error_info.has_value());
      EXPECT_EQ(details.others, 0);
      EXPECT_NE(result.status().message(), "");
    }
  }
  ASSERT_TRUE(answer.summary.has_value());
  const v1::Summary& summary = *answer.summary;
  EXPECT_EQ(summary.total(), leads);
  const auto agrees = [&](v1::Outcome outcome, int count,
                          const std::string& trailer) {
    EXPECT_EQ(count, CountOf(answer, outcome)) << v1::Outcome_Name(outcome);
    if (trailer.empty()) return;
    EXPECT_EQ(ValueIn(answer.trailing, trailer), absl::StrCat(count))
        << trailer;
  };
  agrees(v1::OUTCOME_UPDATED, summary.updated(), "x-leads-updated");
  agrees(v1::OUTCOME_FAILED, summary.failed(), "x-leads-failed");
  agrees(v1::OUTCOME_UNPROCESSED, summary.unprocessed(), "x-leads-unprocessed");
  agrees(v1::OUTCOME_INVALID, summary.invalid(), "x-leads-invalid");
  agrees(v1::OUTCOME_NOT_SENT, summary.not_sent(), "x-leads-not-sent");
  agrees(v1::OUTCOME_UNKNOWN, summary.unknown(), "x-leads-unknown");
  agrees(v1::OUTCOME_VALID, summary.valid(), "");
}

void ExpectAll(const Answer& answer, int leads, v1::Outcome outcome,
               absl::string_view reason) {
  ExpectComplete(answer, leads);
  for (const auto& [index, result] : answer.results) {
    EXPECT_EQ(result.outcome(), outcome) << result.ShortDebugString();
    if (!reason.empty()) {
      EXPECT_EQ(ReasonOf(result), reason) << result.ShortDebugString();
    }
  }
}

int CountOf(const Answer& answer, v1::Outcome outcome) {
  int count = 0;
  for (const auto& [index, result] : answer.results) {
    count += result.outcome() == outcome;
  }
  return count;
}

Details DetailsOf(const google::rpc::Status& status) {
  Details details;
  details.status = status;
  for (const google::protobuf::Any& any : status.details()) {
    if (!Unpack(any, details.error_info) && !Unpack(any, details.bad_request) &&
        !Unpack(any, details.quota_failure) &&
        !Unpack(any, details.retry_info)) {
      ++details.others;
    }
  }
  if (details.error_info) {
    EXPECT_EQ(details.error_info->domain(), "leadgateway.v1");
  }
  return details;
}

Details DetailsOf(const grpc::Status& status) {
  google::rpc::Status rich;
  EXPECT_TRUE(rich.ParseFromString(status.error_details()));
  return DetailsOf(rich);
}

std::string ReasonOf(const grpc::Status& status) {
  const Details details = DetailsOf(status);
  return details.error_info ? details.error_info->reason() : "";
}

std::string ReasonOf(const v1::LeadResult& result) {
  const Details details = DetailsOf(result.status());
  return details.error_info ? details.error_info->reason() : "";
}

GatewaySetup::GatewaySetup() {
  sandbox.account.generate_leads = 2000;
  sandbox.account.history_field = "FirstName";
  account.name = "acme";
  account.schema_checks = false;
  Allow(100, absl::Seconds(5));
}

GatewaySetup& GatewaySetup::Allow(int calls, absl::Duration window) {
  sandbox.account.allowance.calls = calls;
  sandbox.account.allowance.window = window;
  account.calls = calls;
  account.window = window;
  return *this;
}

GatewaySetup& GatewaySetup::Faults(absl::string_view json) {
  sandbox.account.faults_json = std::string(json);
  return *this;
}

GatewaySetup& GatewaySetup::HoldAnd(absl::string_view always) {
  return Faults(
      absl::StrCat(R"({"always":{)", always,
                   R"(},"rules":[{"when":{"endpoints":["update"],"times":1},)"
                   R"("set":{"fault":"throttle_429","retry_after":"1"}}]})"));
}

Rpc::Rpc(v1::LeadGatewayService::Stub& stub, v1::BulkUpdateLeadsRequest request,
         const CallOptions& options)
    : request_(std::move(request)) {
  SetUp(context_, options);
  thread_ = std::thread([this, &stub] { Read(stub); });
}

Rpc::~Rpc() {
  if (!thread_.joinable()) return;
  context_.TryCancel();
  thread_.join();
}

void Rpc::Read(v1::LeadGatewayService::Stub& stub) {
  const absl::Time start = absl::Now();
  const auto reader = stub.BulkUpdateLeads(&context_, request_);
  reader->WaitForInitialMetadata();
  taken_.set_value();
  v1::BulkUpdateLeadsResponse message;
  while (reader->Read(&message)) {
    if (answer_.messages++ == 0) message_.set_value();
    if (answer_.summary) ++answer_.after_summary;
    for (v1::LeadResult& result : *message.mutable_results()) {
      EXPECT_TRUE(result.has_index());
      if (!answer_.results.emplace(result.index(), std::move(result)).second) {
        ++answer_.repeated;
      }
    }
    if (message.has_summary()) answer_.summary = message.summary();
    if (message.has_plan()) answer_.plan = message.plan();
  }
  if (answer_.messages == 0) message_.set_value();
  answer_.status = reader->Finish();
  answer_.took = absl::Now() - start;
  answer_.initial = Copied(context_.GetServerInitialMetadata());
  answer_.trailing = Copied(context_.GetServerTrailingMetadata());
}

// The RPC's own deadline bounds these waits.
void Rpc::WaitUntilTaken() { taken_.get_future().wait(); }

void Rpc::WaitForMessage() { message_.get_future().wait(); }

Answer Rpc::Get() {
  thread_.join();
  return std::move(answer_);
}

Gateway::Gateway(GatewaySetup setup) {
  absl::StatusOr<std::unique_ptr<sandbox::Sandbox>> stand_in =
      sandbox::Sandbox::Create(std::move(setup.sandbox));
  if (!stand_in.ok()) {
    ADD_FAILURE() << stand_in.status();
    return;
  }
  sandbox_ = *std::move(stand_in);

  SetLogSinkForTest([this](absl::string_view line) {
    const MutexLock lock(mutex_);
    log_.emplace_back(line);
  });
  const sandbox::KeyPair keys = sandbox::TestKeys();
  GatewayOptions options;
  options.listen_address = setup.listen_address;
  options.listen = setup.listen;
  if (setup.admin) options.admin_address = "127.0.0.1:0";
  const std::string access_key_file =
      dir_.Write("access_key",
                 setup.access_key.empty() ? keys.access_key : setup.access_key);
  const std::string secret_key_file =
      dir_.Write("secret_key",
                 setup.secret_key.empty() ? keys.secret_key : setup.secret_key);
  const auto fill_in = [&](AccountOptions& account) {
    if (account.base_url.empty()) account.base_url = sandbox_->url();
    if (account.access_key_file.empty() && account.access_key_env.empty()) {
      account.access_key_file = access_key_file;
    }
    if (account.secret_key_file.empty() && account.secret_key_env.empty()) {
      account.secret_key_file = secret_key_file;
    }
  };
  fill_in(setup.account);
  options.accounts.push_back(setup.account);
  for (AccountOptions& account : setup.other_accounts) {
    fill_in(account);
    options.accounts.push_back(account);
  }
  for (const std::string& name : setup.more_accounts) {
    options.accounts.push_back(setup.account);
    options.accounts.back().name = name;
  }
  options.default_account = setup.account.name;
  options.limits = setup.limits;
  options.drain_timeout = setup.drain_timeout;
  options.state_dir = setup.state_dir;
  options.tracing = setup.tracing;
  absl::StatusOr<std::unique_ptr<server::Server>> started =
      server::Server::Create(std::move(options));
  if (!started.ok()) {
    ADD_FAILURE() << started.status();
    return;
  }
  server_ = *std::move(started);

  channel_ = NewChannel(setup.credentials == nullptr
                            ? grpc::InsecureChannelCredentials()
                            : setup.credentials);
  EXPECT_TRUE(channel_->WaitForConnected(
      absl::ToChronoTime(absl::Now() + kLongEnough)));
  stub_ = v1::LeadGatewayService::NewStub(channel_);
}

std::shared_ptr<grpc::Channel> Gateway::NewChannel(
    const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  // A connection of its own: none is left over from the gateway of another
  // test.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxSendMessageSize(-1);
  return grpc::CreateCustomChannel(server_->listen_address(), credentials,
                                   arguments);
}

Gateway::~Gateway() {
  server_ = nullptr;
  SetLogSinkForTest(nullptr);
}

std::vector<sandbox::CallRecord> Gateway::calls() {
  std::vector<sandbox::CallRecord> calls = account().Record(1, 1'000'000);
  std::erase_if(calls, [](const sandbox::CallRecord& call) {
    return call.endpoint != sandbox::Endpoint::kUpdate;
  });
  return calls;
}

Answer Gateway::Update(const v1::BulkUpdateLeadsRequest& request,
                       const CallOptions& options) {
  return Start(request, options)->Get();
}

std::unique_ptr<Rpc> Gateway::Start(v1::BulkUpdateLeadsRequest request,
                                    const CallOptions& options) {
  return std::make_unique<Rpc>(*stub_, std::move(request), options);
}

v1::GetAccountStatusResponse Gateway::Status() {
  grpc::ClientContext context;
  SetUp(context, {});
  v1::GetAccountStatusResponse response;
  const grpc::Status status = stub_->GetAccountStatus(&context, {}, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

std::unique_ptr<Rpc> Gateway::Hold() {
  const auto lead = account().FindLead("EmailAddress", EmailOf(1999));
  v1::BulkUpdateLeadsRequest request;
  request.set_search_by_key("Phone");
  for (const auto& [attribute, value] : *lead) {
    if (attribute == "Phone") AddLead(request, "Phone", value);
  }
  std::unique_ptr<Rpc> rpc = Start(std::move(request));
  EXPECT_TRUE(Eventually([this] { return Status().has_last_throttle(); }));
  return rpc;
}

std::vector<std::string> Gateway::log() const {
  const MutexLock lock(mutex_);
  return log_;
}

RawAnswer CallRaw(const std::shared_ptr<grpc::Channel>& channel,
                  const std::string& method, const std::string& request) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  SetUp(context, {});
  grpc::CompletionQueue queue;
  // One operation at a time; the context's deadline ends each.
  const auto done = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto call = stub.PrepareCall(&context, method, &queue);
  call->StartCall(nullptr);
  done();
  const grpc::Slice slice(request);
  call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
  done();
  RawAnswer answer;
  grpc::ByteBuffer response;
  call->Read(&response, nullptr);
  if (done()) {
    std::vector<grpc::Slice> slices;
    if (response.Dump(&slices).ok()) {
      for (const grpc::Slice& part : slices) {
        answer.bytes.append(reinterpret_cast<const char*>(part.begin()),
                            part.size());
      }
    }
  }
  call->Finish(&answer.status, nullptr);
  done();
  queue.Shutdown();
  return answer;
}

std::string HealthOf(const std::shared_ptr<grpc::Channel>& channel,
                     const std::string& service) {
  // HealthCheckRequest { string service = 1; }
  std::string request;
  if (!service.empty()) {
    request = absl::StrCat(
        "\x0a", std::string(1, static_cast<char>(service.size())), service);
  }
  const RawAnswer answer =
      CallRaw(channel, "/grpc.health.v1.Health/Check", request);
  if (!answer.status.ok()) return absl::StrCat(answer.status.error_code());
  // HealthCheckResponse { ServingStatus status = 1; }
  if (answer.bytes == "\x08\x01") return "SERVING";
  if (answer.bytes == "\x08\x02") return "NOT_SERVING";
  return "something else";
}

}  // namespace leadgateway::testing
