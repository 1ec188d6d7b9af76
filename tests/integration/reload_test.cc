#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.grpc.pb.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/call_record.h"
#include "sandbox/credentials.h"
#include "sandbox/sandbox.h"
#include "tests/integration/gateway_fixture.h"
#include "tests/integration/program.h"

// The program, whose configuration file changes while it runs.
namespace leadgateway::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// An account as the file has it.
struct InFile {
  std::string name;
  std::string url;
  std::string keys;  // the beginning of the key files' names
  std::string allowance = R"("calls": 20, "window": "0.5s")";
  std::string more = "";  // such as R"(, "fieldRefresh": "0s")"
};

class ReloadTest : public ::testing::Test {
 protected:
  // LeadSquared's side of an account: 20 calls in 0.5 s.
  std::unique_ptr<sandbox::Sandbox> StandIn() {
    sandbox::SandboxOptions options;
    options.account.generate_leads = 2000;
    options.account.allowance.calls = 20;
    options.account.allowance.window = absl::Milliseconds(500);
    options.account.keys = {Keys("old"), Keys("new")};
    return *sandbox::Sandbox::Create(std::move(options));
  }

  static sandbox::KeyPair Keys(const std::string& label) {
    return {.label = label,
            .access_key = "u$rplantedaccess" + label,
            .secret_key = "plantedsecret" + label};
  }

  ReloadTest() {
    for (const std::string label : {"old", "new"}) {
      dir_.Write(label + "_access", Keys(label).access_key);
      dir_.Write(label + "_secret", Keys(label).secret_key);
    }
  }

  std::string Text(const std::vector<InFile>& accounts,
                   const std::string& more = "") {
    std::vector<std::string> texts;
    for (const InFile& account : accounts) {
      texts.push_back(absl::StrCat(
          R"({ "name": ")", account.name, R"(", "baseUrl": ")", account.url,
          R"(", "accessKeyFile": ")", dir_.path(), "/", account.keys,
          R"(_access", "secretKeyFile": ")", dir_.path(), "/", account.keys,
          R"(_secret", "schemaChecks": "OFF", "allowance": { )",
          account.allowance, " }", account.more, " }"));
    }
    return absl::StrCat(R"({ "listen": { "address": "127.0.0.1:0" },
        "admin": { "address": "127.0.0.1:0" }, "accounts": [ )",
                        absl::StrJoin(texts, ",\n"), " ]", more, " }");
  }

  // The file in one piece, as editors and tools replace it.
  void Replace(const std::string& text) {
    std::filesystem::rename(dir_.Write("next.json", text), file());
  }
  std::string file() const { return dir_.path() + "/config.json"; }

  void Start(const std::string& text) {
    dir_.Write("config.json", text);
    const char* const path = getenv("LEAD_GATEWAY");
    program_ = std::make_unique<Program>(std::vector<std::string>{
        path == nullptr ? "" : path, "--config=" + file()});
    const std::string serving = program_->WaitForLine("\"event\":\"serving\"");
    admin_ = MemberOf(serving, "admin");
    stub_ = v1::LeadGatewayService::NewStub(grpc::CreateChannel(
        MemberOf(serving, "listen"), grpc::InsecureChannelCredentials()));
  }

  std::string ConfigPage() { return HttpGet(admin_, "/config"); }
  // Whether `text` is in force before long.
  bool Shows(const std::string& text) {
    return Eventually([&] { return absl::StrContains(ConfigPage(), text); });
  }

  static v1::BulkUpdateLeadsRequest To(const std::string& account, int first,
                                       int count) {
    v1::BulkUpdateLeadsRequest request = Updates(first, count);
    request.set_account(account);
    return request;
  }
  Answer Update(const v1::BulkUpdateLeadsRequest& request,
                const CallOptions& options = {}) {
    return Rpc(*stub_, request, options).Get();
  }
  v1::GetAccountStatusResponse StatusOf(const std::string& account) {
    grpc::ClientContext context;
    v1::GetAccountStatusRequest request;
    request.set_account(account);
    v1::GetAccountStatusResponse response;
    EXPECT_TRUE(stub_->GetAccountStatus(&context, request, &response).ok());
    return response;
  }

  TempDir dir_;
  std::unique_ptr<Program> program_;
  std::string admin_;
  std::unique_ptr<v1::LeadGatewayService::Stub> stub_;
};

TEST_F(ReloadTest, UnderLoadNoRpcIsLostAndNoAllowanceExceeded) {
  const auto a = StandIn();
  const auto b = StandIn();
  const auto c = StandIn();
  const InFile always{.name = "a", .url = a->url(), .keys = "old"};
  const InFile sometimes{.name = "b", .url = b->url(), .keys = "old"};
  const InFile renamed{.name = "c", .url = c->url(), .keys = "old"};
  Start(Text({always, sometimes, renamed}));
  ASSERT_FALSE(HasFailure()) << "nobody would answer";

  std::atomic<bool> over{false};
  std::atomic<int> updated{0};
  std::atomic<int> not_sent{0};
  std::atomic<int> not_found{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 6; ++i) {
    callers.emplace_back([&, i] {
      static constexpr const char* kNames[] = {"a", "b", "c", "a", "b", "d"};
      const std::string account = kNames[i];
      for (int n = 0; !over; ++n) {
        const int first = (i * 300 + n * 40) % 1900;
        const Answer answer = Update(To(account, first, 40));
        if (answer.status.error_code() == grpc::StatusCode::NOT_FOUND) {
          EXPECT_NE(account, "a");
          EXPECT_EQ(ReasonOf(answer.status), "ACCOUNT_UNKNOWN");
          ++not_found;
          continue;
        }
        if (answer.status.error_code() == grpc::StatusCode::UNAVAILABLE) {
          // None of it had been sent.
          EXPECT_NE(account, "a");
          EXPECT_EQ(ReasonOf(answer.status), "DRAINING");
          EXPECT_THAT(answer.status.error_message(),
                      HasSubstr("taken out of this gateway's configuration"));
          EXPECT_EQ(answer.messages, 0);
          not_sent += 40;
          continue;
        }
        ExpectComplete(answer, 40);
        for (const auto& [index, result] : answer.results) {
          if (result.outcome() == v1::OUTCOME_NOT_SENT && account != "a") {
            EXPECT_EQ(ReasonOf(result), "DRAINING");
            ++not_sent;
            continue;
          }
          EXPECT_EQ(result.outcome(), v1::OUTCOME_UPDATED)
              << result.ShortDebugString();
          ++updated;
        }
      }
    });
  }

  for (int round = 1; round <= 12; ++round) {
    const int updated_before = updated;
    // A name that shows which file is in force.
    const std::string mark = absl::StrCat(
        R"(, "drainTimeout": "0.05s", "limits": { "maxLeadsPerRequest": )",
        1000 + round, " }");
    InFile limited = always;
    if (round % 3 == 1) limited.allowance = R"("calls": 8, "window": "0.5s")";
    if (round % 3 == 2) limited.allowance = R"("calls": 20, "window": "1s")";
    if (round % 4 == 1) limited.keys = "new";
    limited.more = absl::StrCat(R"(, "callers": [ { "name": "x", "weight": )",
                                round, " } ]");
    std::vector<InFile> accounts = {limited};
    if (round % 2 == 0) accounts.push_back(sometimes);
    accounts.push_back(renamed);
    // One account of LeadSquared's under two names, one after the other.
    if (round % 2 == 1) accounts.back().name = "d";
    const std::string text = Text(accounts, mark);
    if (round % 3 == 0) {
      // Half of it first, with a signal at the worst moment.
      dir_.Write("config.json", text.substr(0, text.size() / 2));
      program_->Signal(SIGHUP);
      dir_.Write("config.json", text);
    } else {
      Replace(text);
    }
    for (int i = 0; i < 20; ++i) program_->Signal(SIGHUP);
    EXPECT_TRUE(Shows(absl::StrCat("\"maxLeadsPerRequest\": ", 1000 + round)));
    EXPECT_TRUE(Eventually([&] { return updated > updated_before; }));
    // Something that can't be taken over.
    Replace(round % 2 == 0 ? "{ \"listen\": " : Text({sometimes, sometimes}));
    for (int i = 0; i < 20; ++i) program_->Signal(SIGHUP);
    EXPECT_TRUE(Eventually([&] {
      return !absl::StrContains(ConfigPage(), "\"lastReloadMistakes\": []");
    }));
    EXPECT_THAT(ConfigPage(), HasSubstr(absl::StrCat("\"maxLeadsPerRequest\": ",
                                                     1000 + round)));
  }
  over = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_GT(updated, 12 * 25);
  EXPECT_GT(not_found, 0);
  for (const auto* stand_in : {&a, &b, &c}) {
    const sandbox::CallStats stats = (*stand_in)->account().Stats();
    EXPECT_EQ(stats.throttled, 0u);
    EXPECT_EQ(stats.unauthorized, 0u);
    EXPECT_LE(stats.max_calls_in_window, 20);
    EXPECT_GT(stats.calls, 0u);
  }
  RecordProperty("updated", updated);
  RecordProperty("not_sent", not_sent);
  RecordProperty("not_found", not_found);

  program_->Signal(SIGTERM);
  EXPECT_EQ(program_->Wait(), 0);
  int refused = 0;
  for (const std::string& line : program_->lines()) {
    EXPECT_FALSE(absl::StrContains(line, "planted")) << line;
    refused += absl::StrContains(line, "\"event\":\"config_refused\"");
  }
  EXPECT_GE(refused, 12);
}

TEST_F(ReloadTest, ARemovedAccountIsDrainedAndItsCallsAreRemembered) {
  const auto stand_in = StandIn();
  const auto other = StandIn();
  InFile slow{.name = "slow", .url = stand_in->url(), .keys = "old"};
  slow.allowance = R"("calls": 1, "window": "60s")";
  const InFile stays{.name = "stays", .url = other->url(), .keys = "new"};
  const std::string short_drain = R"(, "drainTimeout": "0.1s")";
  Start(Text({stays, slow}, short_drain));
  CallOptions patient;
  patient.deadline = absl::Minutes(10);
  Rpc rpc(*stub_, To("slow", 0, 100), patient);
  rpc.WaitForMessage();

  Replace(Text({stays}, short_drain));
  program_->Signal(SIGHUP);
  const Answer answer = rpc.Get();
  ExpectComplete(answer, 100);
  EXPECT_EQ(CountOf(answer, v1::OUTCOME_UPDATED), 25);
  EXPECT_EQ(CountOf(answer, v1::OUTCOME_NOT_SENT), 75);
  for (const auto& [index, result] : answer.results) {
    if (result.outcome() != v1::OUTCOME_NOT_SENT) continue;
    EXPECT_EQ(ReasonOf(result), "DRAINING");
    EXPECT_THAT(result.status().message(),
                HasSubstr("taken out of this gateway's configuration"));
  }
  const Answer unknown = Update(To("slow", 0, 1));
  EXPECT_EQ(ReasonOf(unknown.status), "ACCOUNT_UNKNOWN");
  EXPECT_THAT(HttpGet(admin_, "/readyz"),
              AllOf(HasSubstr("200"), Not(HasSubstr("slow"))));

  // Back again, and then under another name: its minute is not over.
  for (const char* const name : {"slow", "renamed"}) {
    slow.name = name;
    Replace(Text({stays, slow}, short_drain));
    program_->Signal(SIGHUP);
    EXPECT_TRUE(Shows(absl::StrCat("\"name\": \"", name, "\"")));
    CallOptions hasty;
    hasty.deadline = absl::Seconds(5);
    EXPECT_EQ(ReasonOf(Update(To(name, 0, 1), hasty).status),
              "DEADLINE_TOO_SHORT")
        << name;
    EXPECT_EQ(StatusOf(name).calls_free(), 0);
  }
  EXPECT_EQ(stand_in->account().Stats().calls, 1u);
}

TEST_F(ReloadTest, SettingsTakeEffectAndWhatNeedsARestartIsNamed) {
  const auto stand_in = StandIn();
  InFile account{.name = "acme", .url = stand_in->url(), .keys = "old"};
  Start(Text({account}));
  EXPECT_EQ(StatusOf("").credential_generation(), 1);
  EXPECT_EQ(StatusOf("").limit_calls(), 20);
  EXPECT_THAT(ConfigPage(), HasSubstr("\"generation\": 1,"));
  EXPECT_THAT(HttpGet(admin_, "/metrics"),
              AllOf(HasSubstr("\nleadgateway_config_generation 1\n"),
                    HasSubstr("\nleadgateway_config_restart_needed 0\n")));

  account.keys = "new";
  account.allowance = R"("calls": 7, "window": "2s", "dailyCalls": 50)";
  account.more = R"(, "allowedCallers": [ "crm" ])";
  Replace(Text({account},
               R"(, "limits": { "maxLeadsPerRequest": 3 },
                  "stateDir": "/nowhere/else", "logLevel": "DEBUG")"));
  // Without a signal.
  ASSERT_TRUE(Shows("\"generation\": 2,"));
  EXPECT_THAT(ConfigPage(), HasSubstr("\"needsRestart\": [\"stateDir\"]"));
  EXPECT_THAT(ConfigPage(), Not(HasSubstr("/nowhere")));
  EXPECT_THAT(program_->WaitForLine("\"event\":\"config_needs_restart\""),
              HasSubstr("\"settings\":[\"stateDir\"]"));
  EXPECT_THAT(
      HttpGet(admin_, "/metrics"),
      AllOf(HasSubstr("\nleadgateway_config_generation 2\n"),
            HasSubstr("\nleadgateway_config_restart_needed 1\n"),
            HasSubstr("\nleadgateway_config_last_reload_successful 1\n"),
            HasSubstr("\nleadgateway_config_reload_failures_total 0\n")));
  EXPECT_THAT(HttpGet(admin_, "/loglevel"), HasSubstr("debug"));
  EXPECT_EQ(Update(To("", 0, 1)).status.error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  CallOptions crm;
  crm.metadata = {{"x-lead-caller", "crm"}};
  EXPECT_EQ(ReasonOf(Update(To("", 0, 4), crm).status), "TOO_MANY_LEADS");
  ExpectAll(Update(To("", 0, 3), crm), 3, v1::OUTCOME_UPDATED);
  EXPECT_EQ(stand_in->account().Record(1, 10).back().key_label, "new");
  EXPECT_NE(program_->WaitForLine("\"event\":\"credentials_changed\""), "");

  // A bad file changes nothing, and each of its mistakes is told.
  account.allowance = R"("calls": 0, "window": "1y")";
  account.keys = "absent";
  Replace(Text({account}));
  program_->Signal(SIGHUP);
  EXPECT_NE(program_->WaitForLine("accounts[0].allowance.calls: must"), "");
  EXPECT_NE(program_->WaitForLine("accounts[0].allowance.window: must"), "");
  account.allowance = R"("calls": 9)";
  Replace(Text({account}));
  program_->Signal(SIGHUP);
  EXPECT_NE(program_->WaitForLine("absent_access"), "");
  EXPECT_TRUE(Eventually([&] {
    return absl::StrContains(HttpGet(admin_, "/metrics"),
                             "leadgateway_config_last_reload_successful 0");
  }));
  ExpectAll(Update(To("", 0, 3), crm), 3, v1::OUTCOME_UPDATED);
  EXPECT_THAT(ConfigPage(), HasSubstr("\"generation\": 2,"));
}

TEST_F(ReloadTest, AConfigMapIsTakenOverWhenItsLinkIsSwapped) {
  const auto stand_in = StandIn();
  InFile account{.name = "acme", .url = stand_in->url(), .keys = "old"};
  const auto write = [&](const std::string& version) {
    std::filesystem::create_directory(dir_.path() + "/" + version);
    dir_.Write(version + "/config.json", Text({account}));
    std::filesystem::create_directory_symlink(version, dir_.path() + "/..tmp");
    std::filesystem::rename(dir_.path() + "/..tmp", dir_.path() + "/..data");
  };
  write("..1");
  const char* const path = getenv("LEAD_GATEWAY");
  std::filesystem::create_symlink("..data/config.json",
                                  dir_.path() + "/mounted.json");
  program_ = std::make_unique<Program>(std::vector<std::string>{
      path == nullptr ? "" : path,
      absl::StrCat("--config=", dir_.path(), "/mounted.json")});
  ASSERT_NE(program_->WaitForLine("\"event\":\"serving\""), "");
  account.name = "beta";
  write("..2");
  std::filesystem::remove_all(dir_.path() + "/..1");
  EXPECT_THAT(program_->WaitForLine("\"event\":\"config_reloaded\""),
              AllOf(HasSubstr("\"added\":[\"beta\"]"),
                    HasSubstr("\"removed\":[\"acme\"]")));
}

TEST_F(ReloadTest, SystemdIsToldOfEachReload) {
  // An abstract address: paths can be too long.
  const std::string address = absl::StrCat("@lead_gateway_reload_", getpid());
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  ASSERT_LT(address.size(), sizeof(name.sun_path));
  std::strncpy(name.sun_path, address.c_str(), sizeof(name.sun_path) - 1);
  name.sun_path[0] = '\0';
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&name),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) +
                                        address.size())),
            0);
  const timeval most = {.tv_sec = 20, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
  const auto next = [fd] {
    char buffer[512];
    const ssize_t size = recv(fd, buffer, sizeof(buffer), 0);
    return std::string(buffer, size < 0 ? 0 : static_cast<size_t>(size));
  };
  const auto stand_in = StandIn();
  const InFile account{.name = "acme", .url = stand_in->url(), .keys = "old"};
  setenv("NOTIFY_SOCKET", address.c_str(), 1);
  Start(Text({account}));
  unsetenv("NOTIFY_SOCKET");
  EXPECT_THAT(next(), HasSubstr("READY=1\nSTATUS=Serving at 127.0.0.1:"));
  for (const std::string& text : {Text({account}), std::string("{}")}) {
    Replace(text);
    program_->Signal(SIGHUP);
    EXPECT_THAT(next(), HasSubstr("RELOADING=1\nMONOTONIC_USEC="));
    const std::string ready = next();
    EXPECT_THAT(ready, HasSubstr("READY=1\nSTATUS=Serving at 127.0.0.1:"));
    EXPECT_EQ(absl::StrContains(ready, "refused"), text == "{}");
  }
  program_->Signal(SIGTERM);
  EXPECT_THAT(next(), HasSubstr("STOPPING=1"));
  EXPECT_EQ(program_->Wait(), 0);
  close(fd);
}

}  // namespace
}  // namespace leadgateway::testing
