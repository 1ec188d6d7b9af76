#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/server/state_file.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.grpc.pb.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/credentials.h"
#include "sandbox/sandbox.h"
#include "tests/integration/gateway_fixture.h"
#include "tests/integration/program.h"

namespace leadgateway::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

// A directory with key files, and the program started on a configuration in it.
class ProgramTest : public ::testing::Test {
 protected:
  ProgramTest() {
    sandbox::SandboxOptions options;
    options.account.generate_leads = 2000;
    options.account.allowance.calls = 5;
    options.account.allowance.window = absl::Seconds(1);
    sandbox_ = *sandbox::Sandbox::Create(options);
    const sandbox::KeyPair keys = sandbox::TestKeys();
    dir_.Write("access_key", absl::StrCat(keys.access_key, "\n"));
    dir_.Write("secret_key", absl::StrCat(keys.secret_key, "\n"));
  }

  // The least that works, with what the test replaces.
  std::string Config(
      std::vector<std::pair<absl::string_view, absl::string_view>>
          replacements = {}) {
    std::string text = absl::StrReplaceAll(
        R"({ "listen":   { "address": "127.0.0.1:0" },
             "admin":    { "address": "127.0.0.1:0" },
             "accounts": [ { "name": "acme",
                             "baseUrl": "URL",
                             "accessKeyFile": "DIR/access_key",
                             "secretKeyFile": "DIR/secret_key",
                             "allowance": { "calls": 5, "window": "1s" } } ],
             "drainTimeout": "20s" })",
        {{"URL", sandbox_->url()}, {"DIR", dir_.path()}});
    return absl::StrReplaceAll(text, replacements);
  }

  std::unique_ptr<Program> Run(const std::string& text,
                               const std::string& name = "config.json") {
    const char* const path = getenv("LEAD_GATEWAY");
    return std::make_unique<Program>(std::vector<std::string>{
        path == nullptr ? "" : path,
        absl::StrCat("--config=", dir_.Write(name, text))});
  }

  // The lines that the program prints with this flag on such a configuration,
  // and the last of them: its exit status.
  std::vector<std::string> Examine(const std::string& text,
                                   const std::string& flag,
                                   const std::string& name = "config.json") {
    const char* const path = getenv("LEAD_GATEWAY");
    Program program({"/bin/sh", "-c", "\"$0\" \"$@\" >&2",
                     path == nullptr ? "" : path, flag,
                     absl::StrCat("--config=", dir_.Write(name, text))});
    const int status = program.Wait();
    std::vector<std::string> lines = program.lines();
    lines.push_back(absl::StrCat(status));
    return lines;
  }

  static std::unique_ptr<v1::LeadGatewayService::Stub> Connect(
      const std::string& serving) {
    return v1::LeadGatewayService::NewStub(grpc::CreateChannel(
        MemberOf(serving, "listen"), grpc::InsecureChannelCredentials()));
  }

  TempDir dir_;
  std::unique_ptr<sandbox::Sandbox> sandbox_;
};

TEST_F(ProgramTest, ItSaysWhereItServesAndServesThere) {
  const auto program = Run(Config());
  const std::string serving = program->WaitForLine("\"event\":\"serving\"");
  EXPECT_THAT(MemberOf(serving, "listen"), StartsWith("127.0.0.1:"));
  const std::string admin = MemberOf(serving, "admin");
  EXPECT_THAT(admin, StartsWith("127.0.0.1:"));
  const auto stub = Connect(serving);
  ExpectAll(Rpc(*stub, Updates(0, 30), {}).Get(), 30, v1::OUTCOME_UPDATED);

  EXPECT_THAT(HttpGet(admin, "/healthz"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(HttpGet(admin, "/readyz"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(HttpGet(admin, "/metrics"),
              AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("acme")));
  EXPECT_THAT(HttpGet(admin, "/secrets"), StartsWith("HTTP/1.1 404"));

  program->Signal(SIGTERM);
  EXPECT_EQ(program->Wait(), 0);
  // Every line is an object, and none holds a key.
  const sandbox::KeyPair keys = sandbox::TestKeys();
  for (const std::string& line : program->lines()) {
    EXPECT_THAT(MemberOf(line, "event"), Not(IsEmpty())) << line;
    EXPECT_FALSE(absl::StrContains(line, keys.access_key.substr(3)) ||
                 absl::StrContains(line, keys.secret_key))
        << line;
  }
}

TEST_F(ProgramTest, HelpNamesItsFlagsAndNotThoseOfLibraries) {
  const std::string help = absl::StrJoin(Examine(Config(), "--help"), "\n");
  EXPECT_THAT(help,
              AllOf(HasSubstr("--config"), HasSubstr("--check_config"),
                    HasSubstr("--print_config"), Not(HasSubstr("flagfile")),
                    Not(HasSubstr("No flags matched"))));
}

TEST_F(ProgramTest, TextFormatIsTakenToo) {
  const auto program =
      Run(absl::StrCat(R"(listen { address: "127.0.0.1:0" }
                      accounts { name: "acme" base_url: ")",
                       sandbox_->url(), R"(" access_key_file: ")", dir_.path(),
                       R"(/access_key" secret_key_file: ")", dir_.path(),
                       R"(/secret_key" })"),
          "config.textproto");
  const std::string serving = program->WaitForLine("\"event\":\"serving\"");
  EXPECT_EQ(MemberOf(serving, "admin"), "");
  const auto stub = Connect(serving);
  ExpectAll(Rpc(*stub, Updates(0, 3), {}).Get(), 3, v1::OUTCOME_UPDATED);
  program->Signal(SIGINT);
  EXPECT_EQ(program->Wait(), 0);
}

TEST_F(ProgramTest, SigtermUnderLoadEndsEveryStreamAndExitsWithZero) {
  const auto program = Run(Config({{"20s", "1s"}}));
  const std::string serving = program->WaitForLine("\"event\":\"serving\"");
  const std::string admin = MemberOf(serving, "admin");
  const auto stub = Connect(serving);
  std::vector<std::unique_ptr<Rpc>> rpcs;
  for (int i = 0; i < 20; ++i) {
    CallOptions patient;
    patient.deadline = absl::Minutes(10);
    rpcs.push_back(std::make_unique<Rpc>(*stub, Updates(i * 90, 90), patient));
  }
  rpcs[0]->WaitForMessage();
  program->Signal(SIGTERM);
  EXPECT_NE(program->WaitForLine("\"event\":\"draining\""), "");
  EXPECT_TRUE(Eventually([&] {
    return absl::StartsWith(HttpGet(admin, "/readyz"), "HTTP/1.1 503");
  }));
  EXPECT_THAT(HttpGet(admin, "/healthz"), StartsWith("HTTP/1.1 200"));
  int unavailable = 0;
  for (const auto& rpc : rpcs) {
    const Answer answer = rpc->Get();
    if (answer.status.ok()) {
      ExpectComplete(answer, 90);
      EXPECT_EQ(CountOf(answer, v1::OUTCOME_UNKNOWN), 0);
      continue;
    }
    EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(ReasonOf(answer.status), "DRAINING");
    EXPECT_EQ(answer.messages, 0);
    ++unavailable;
  }
  EXPECT_LT(unavailable, 20);
  EXPECT_EQ(program->Wait(), 0);
  EXPECT_THAT(program->lines(), Contains(HasSubstr("\"event\":\"stopped\"")));
}

// The fixture's configuration with calls that are counted across restarts.
class StateTest : public ProgramTest {
 protected:
  std::string StateConfig(const std::string& more = "") {
    return Config(
        {{R"("calls": 5, )", absl::StrCat(R"("calls": 5, )", more)},
         {R"("drainTimeout")", absl::StrCat(R"("stateDir": ")", dir_.path(),
                                            R"(/state", "drainTimeout")")}});
  }
  std::string StateFile() {
    return absl::StrCat(dir_.path(), "/state/acme.state");
  }
  // Runs it once on this state, and returns what it says of it.
  std::string RecoveredFrom(const std::string& state) {
    dir_.Write("state/acme.state", state);
    const auto program = Run(StateConfig());
    const auto stub = Connect(program->WaitForLine("\"event\":\"serving\""));
    // It goes on.
    ExpectAll(Rpc(*stub, Updates(0, 30), {}).Get(), 30, v1::OUTCOME_UPDATED);
    program->Signal(SIGTERM);
    EXPECT_EQ(program->Wait(), 0);
    return program->WaitForLine("\"event\":\"state_recovered\"");
  }
};

TEST_F(StateTest, KilledInMidRunAgainAndAgainItKeepsToBudgetAndAllowance) {
  constexpr int kDailyCalls = 40;
  const std::string config = StateConfig(absl::StrCat(
      R"("dailyCalls": )", kDailyCalls, R"(, "dailySpread": "NONE", )"));
  bool spent = false;
  int kills = 0;
  for (int run = 0; run < 12 && !spent; ++run) {
    SCOPED_TRACE(absl::StrCat("run ", run));
    const auto program = Run(config);
    const std::string serving = program->WaitForLine("\"event\":\"serving\"");
    ASSERT_NE(serving, "");
    if (run > 0) {
      EXPECT_THAT(program->WaitForLine("\"event\":\"state_recovered\""),
                  HasSubstr("did not end as it should"));
    }
    const auto stub = Connect(serving);
    const auto before = sandbox_->account().Stats().posts_arrived;
    // A call each; those that the day has no call left for are refused.
    std::vector<std::unique_ptr<Rpc>> rpcs;
    for (int i = 0; i < 12; ++i) {
      rpcs.push_back(
          std::make_unique<Rpc>(*stub, Updates(25 * i, 25), CallOptions{}));
    }
    // In the middle of a window's calls, or when the day's are spent.
    EXPECT_TRUE(Eventually([&] {
      v1::GetAccountStatusResponse status;
      grpc::ClientContext context;
      spent = stub->GetAccountStatus(&context, {}, &status).ok() &&
              status.calls_today() >= kDailyCalls;
      return spent || sandbox_->account().Stats().posts_arrived >= before + 7;
    }));
    program->Signal(SIGKILL);
    EXPECT_EQ(program->Wait(), 128 + SIGKILL);
    ++kills;
    int cut_short = 0;
    for (const auto& rpc : rpcs) {
      const grpc::Status status = rpc->Get().status;
      if (status.error_code() == grpc::StatusCode::UNAVAILABLE) ++cut_short;
    }
    EXPECT_TRUE(spent || cut_short > 0);
  }
  const sandbox::CallStats stats = sandbox_->account().Stats();
  EXPECT_TRUE(spent);
  EXPECT_GE(kills, 4);
  // Calls of all kinds.
  EXPECT_LE(stats.calls, kDailyCalls);
  // A crash counts a block of calls too many at most: a hundredth of the day's.
  EXPECT_GE(stats.calls, kDailyCalls - 3 * kills);
  EXPECT_EQ(stats.throttled, 0);
  EXPECT_LE(stats.max_calls_in_window, 5);
}

TEST_F(StateTest, AStateFileThatIsCutShortOrFromTheFutureIsToldAndReplaced) {
  server::SavedState state;
  state.account = "acme";
  state.day = absl::ToCivilDay(absl::Now(), absl::UTCTimeZone());
  state.zone = "UTC";
  state.calls = 3;
  state.clean = true;
  state.saved_at = absl::Now();
  ASSERT_EQ(mkdir(absl::StrCat(dir_.path(), "/state").c_str(), 0700), 0);
  const std::string whole = server::FormatState(state);
  const std::string good = RecoveredFrom(whole);
  EXPECT_EQ(MemberOf(good, "text"), "");
  EXPECT_THAT(good, HasSubstr("\"calls_today\":3"));

  EXPECT_THAT(
      MemberOf(RecoveredFrom(whole.substr(0, whole.size() / 2)), "text"),
      HasSubstr("the state file is cut short"));
  EXPECT_THAT(MemberOf(RecoveredFrom(""), "text"), HasSubstr("is empty"));
  EXPECT_THAT(MemberOf(RecoveredFrom(std::string("\0\xff{}\n", 5)), "text"),
              HasSubstr("does not begin as one"));
  state.saved_at = absl::Now() + absl::Hours(50);
  state.day += 2;
  EXPECT_THAT(MemberOf(RecoveredFrom(server::FormatState(state)), "text"),
              HasSubstr("the state file is from the future"));
  // What it left behind is good again.
  EXPECT_TRUE(server::LoadState(StateFile()).ok());
  EXPECT_EQ(sandbox_->account().Stats().throttled, 0);
}

TEST_F(ProgramTest, ASecondSignalEndsItAtOnce) {
  const auto program = Run(Config({{"20s", "600s"}}));
  const std::string serving = program->WaitForLine("\"event\":\"serving\"");
  const auto stub = Connect(serving);
  CallOptions patient;
  patient.deadline = absl::Minutes(10);
  // 80 calls, 5 a second.
  Rpc rpc(*stub, Updates(0, 2000), patient);
  rpc.WaitForMessage();
  program->Signal(SIGTERM);
  EXPECT_NE(program->WaitForLine("\"event\":\"draining\""), "");
  program->Signal(SIGTERM);
  EXPECT_EQ(program->Wait(absl::Seconds(5)), 128 + SIGTERM);
  EXPECT_EQ(rpc.Get().status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

// A socket such as systemd gives to services that notify.
class Notifications {
 public:
  Notifications() {
    // Short: an address holds 107 bytes.
    EXPECT_NE(mkdtemp(dir_.data()), nullptr);
    path_ = absl::StrCat(dir_, "/notify");
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path_.copy(at.sun_path, sizeof(at.sun_path) - 1);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof(at)), 0);
    const timeval most = {.tv_sec = 20, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
  }
  ~Notifications() {
    close(fd_);
    unlink(path_.c_str());
    rmdir(dir_.c_str());
  }
  Notifications(const Notifications&) = delete;
  Notifications& operator=(const Notifications&) = delete;

  const std::string& path() const { return path_; }

  // The next one with `text` in it; "" if none comes.
  std::string WaitFor(absl::string_view text) {
    char buffer[1024];
    for (ssize_t count; (count = recv(fd_, buffer, sizeof(buffer), 0)) > 0;) {
      std::string got(buffer, static_cast<size_t>(count));
      if (absl::StrContains(got, text)) return got;
    }
    return "";
  }

 private:
  const int fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  std::string dir_ = "/tmp/gateway_XXXXXX";
  std::string path_;
};

TEST_F(ProgramTest, SystemdIsToldThatItServesLivesAndEnds) {
  Notifications notifications;
  ASSERT_EQ(setenv("NOTIFY_SOCKET", notifications.path().c_str(), 1), 0);
  ASSERT_EQ(setenv("WATCHDOG_USEC", "400000", 1), 0);
  const auto program = Run(Config());
  unsetenv("NOTIFY_SOCKET");
  unsetenv("WATCHDOG_USEC");
  const std::string serving = program->WaitForLine("\"event\":\"serving\"");
  EXPECT_THAT(notifications.WaitFor("READY=1"),
              HasSubstr(MemberOf(serving, "listen")));
  // Twice: it goes on.
  EXPECT_NE(notifications.WaitFor("WATCHDOG=1"), "");
  EXPECT_NE(notifications.WaitFor("WATCHDOG=1"), "");
  program->Signal(SIGTERM);
  EXPECT_THAT(notifications.WaitFor("STOPPING=1"),
              HasSubstr("EXTEND_TIMEOUT_USEC="));
  EXPECT_EQ(program->Wait(), 0);
}

TEST_F(ProgramTest, AWrongConfigurationEndsItWithTwoAndALinePerMistake) {
  struct Case {
    std::string config;
    std::vector<std::string> paths;
  };
  const std::vector<Case> cases = {
      {Config({{"127.0.0.1:0", "nowhere"}}),
       {"listen.address: ", "admin.address: "}},
      {Config({{"\"calls\": 5", "\"calls\": 0"}, {"\"1s\"", "\"1y\""}}),
       {"accounts[0].allowance.calls: ", "accounts[0].allowance.window: "}},
      {Config({{"http://127.0.0.1", "http://leadsquared.com"},
               {"\"acme\"", "\"\""}}),
       {"accounts[0].name: ", "accounts[0].baseUrl: "}},
      {Config({{"\"listen\"", "\"lisen\""}}), {"lisen: ", "listen.address: "}},
      {"{}", {"listen", "accounts"}},
      {"", {""}},
      {"{ \"listen\": ", {""}},
      {std::string("\0\xff\xfe{}", 5), {""}},
      {"[1, 2]", {""}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.config);
    const auto program = Run(c.config);
    EXPECT_EQ(program->Wait(), 2);
    EXPECT_THAT(program->lines(), SizeIs(c.paths.size()));
    for (const std::string& path : c.paths) {
      EXPECT_THAT(program->lines(), Contains(HasSubstr(path)));
    }
  }
}

TEST_F(ProgramTest, CheckConfigTellsWhetherItWouldStart) {
  ASSERT_EQ(chmod((dir_.path() + "/access_key").c_str(), 0644), 0);
  ASSERT_EQ(chmod((dir_.path() + "/secret_key").c_str(), 0440), 0);
  EXPECT_THAT(Examine(Config(), "--check-config"),
              ElementsAre(AllOf(StartsWith("warning: accounts[0]: "),
                                HasSubstr("access_key holds a key and can be "
                                          "read by others")),
                          HasSubstr("secret_key holds a key"),
                          HasSubstr("config.json is sound: 1 account"), "0"));
  ASSERT_EQ(chmod((dir_.path() + "/access_key").c_str(), 0600), 0);
  ASSERT_EQ(chmod((dir_.path() + "/secret_key").c_str(), 0400), 0);
  EXPECT_THAT(
      Examine(Config(), "--check-config"),
      ElementsAre(absl::StrCat(dir_.path(), "/config.json is sound: 1 account"),
                  "0"));

  // It says so of a gateway that runs, too: nothing is bound, locked or
  // written.
  const std::string kept = Config(
      {{"\"drainTimeout\"", absl::StrCat("\"stateDir\": \"", dir_.path(),
                                         "/state\", \"drainTimeout\"")}});
  EXPECT_THAT(Examine(kept, "--check-config"), SizeIs(2));
  EXPECT_NE(access((dir_.path() + "/state").c_str(), F_OK), 0);
  const auto running = Run(kept);
  const std::string serving = running->WaitForLine("\"event\":\"serving\"");
  const std::string same_port = absl::StrReplaceAll(
      kept, {{"\"listen\":   { \"address\": \"127.0.0.1:0\"",
              absl::StrCat("\"listen\":   { \"address\": \"",
                           MemberOf(serving, "listen"), "\"")}});
  ASSERT_NE(same_port, kept);
  EXPECT_THAT(Examine(same_port, "--check-config"), SizeIs(2));
}

TEST_F(ProgramTest, CheckConfigTellsAllMistakesInFilesAtOnceAndNoKey) {
  dir_.Write("empty", "\n");
  dir_.Write("fields.json", "[1, 2]");
  const sandbox::KeyPair keys = sandbox::TestKeys();
  dir_.Write("two_words", keys.access_key + " " + keys.secret_key);
  const std::vector<std::string> lines = Examine(
      Config({{"/access_key\"", "/two_words\""},
              {"/secret_key\",", absl::StrCat("/empty\", \"metadataFile\": \"",
                                              dir_.path(), "/fields.json\",")},
              {"\"listen\":   { \"address\": \"127.0.0.1:0\"",
               "\"listen\": { \"address\": \"127.0.0.1:0\", \"tls\": { "
               "\"certificateFile\": \"/nowhere/c\", \"privateKeyFile\": "
               "\"/nowhere/k\" }"},
              {"\"drainTimeout\"",
               "\"stateDir\": \"/nowhere/state\", \"drainTimeout\""}}),
      "--check-config");
  EXPECT_THAT(lines, ElementsAre(StartsWith("accounts[0].metadataFile: "),
                                 AllOf(StartsWith("accounts[0]: "),
                                       HasSubstr("/two_words: "),
                                       HasSubstr("/empty: ")),
                                 StartsWith("listen.tls.certificateFile: "),
                                 StartsWith("listen.tls.privateKeyFile: "),
                                 StartsWith("stateDir: "), "2"));
  for (const std::string& line : lines) {
    EXPECT_THAT(line, Not(HasSubstr(keys.secret_key)));
    EXPECT_THAT(line, Not(HasSubstr(keys.access_key)));
  }
  // A wrong configuration is told before its files are looked at.
  EXPECT_THAT(Examine(Config({{"\"acme\"", "\"Acme\""}}), "--check_config"),
              ElementsAre(StartsWith("accounts[0].name: "), "2"));
}

TEST_F(ProgramTest, PrintConfigPrintsWhatConfigTakesAndNoKey) {
  const sandbox::KeyPair keys = sandbox::TestKeys();
  setenv("LEAD_GATEWAY_TEST_KEY", keys.access_key.c_str(), 1);
  const auto text = [](std::vector<std::string> lines) {
    EXPECT_EQ(lines.back(), "0");
    lines.pop_back();
    return absl::StrJoin(lines, "\n");
  };
  const std::string printed = text(
      Examine(Config({{"\"accessKeyFile\": \"" + dir_.path() + "/access_key\"",
                       "\"accessKeyEnv\": \"LEAD_GATEWAY_TEST_KEY\""}}),
              "--print-config"));
  EXPECT_THAT(printed, AllOf(HasSubstr("\"accessKeyEnv\": "
                                       "\"LEAD_GATEWAY_TEST_KEY\""),
                             HasSubstr("/secret_key\""),
                             HasSubstr("\"maxQueuedLeads\": 200000")));
  EXPECT_THAT(printed, Not(HasSubstr(keys.access_key)));
  EXPECT_THAT(printed, Not(HasSubstr(keys.secret_key)));
  EXPECT_EQ(text(Examine(printed, "--print-config", "printed.json")), printed);
  // The gateway starts with it.
  const auto program = Run(printed, "printed.json");
  EXPECT_NE(program->WaitForLine("\"event\":\"serving\""), "");
  unsetenv("LEAD_GATEWAY_TEST_KEY");

  EXPECT_THAT(Examine("{ \"accounts\": 7 }", "--print-config"),
              ElementsAre(StartsWith("accounts: "),
                          StartsWith("listen.address: "), "2"));
}

TEST_F(ProgramTest, AConfigurationThatCannotBeReadEndsItWithTwo) {
  const char* const path = getenv("LEAD_GATEWAY");
  for (const std::string argument :
       {"--config=/nonexistent.json", "--config=/", "--config="}) {
    Program program({path == nullptr ? "" : path, argument});
    EXPECT_EQ(program.Wait(), 2) << argument;
    EXPECT_THAT(program.lines(), SizeIs(1)) << argument;
  }
}

TEST_F(ProgramTest, KeyFilesThatCannotBeReadEndItWithTwo) {
  dir_.Write("empty", " \n");
  for (const std::string name : {"absent", "empty", ""}) {
    SCOPED_TRACE(name);
    const auto program = Run(Config({{"/secret_key", "/" + name}}));
    EXPECT_EQ(program->Wait(), 2);
    EXPECT_THAT(program->lines(), SizeIs(1));
    EXPECT_THAT(program->lines(), Each(HasSubstr(dir_.path() + "/" + name)));
    EXPECT_THAT(program->lines(), Each(HasSubstr("accounts[0]")));
  }
}

TEST_F(ProgramTest, AnAddressInUseEndsItWithALineThatNamesIt) {
  const auto first = Run(Config());
  const std::string serving = first->WaitForLine("\"event\":\"serving\"");
  for (const char* const member : {"listen", "admin"}) {
    SCOPED_TRACE(member);
    const std::string address = MemberOf(serving, member);
    const std::string other = absl::StrCat(
        "\"", member, "\":", std::string(member) == "listen" ? "   " : "    ",
        "{ \"address\": \"127.0.0.1:0\"");
    const auto second =
        Run(Config({{other, absl::StrCat("\"", member, "\": { \"address\": \"",
                                         address, "\"")}}),
            "second.json");
    const int code = second->Wait();
    EXPECT_GT(code, 0);
    EXPECT_LT(code, 128);
    EXPECT_THAT(second->lines(), Contains(HasSubstr(address)));
  }
  first->Signal(SIGTERM);
  EXPECT_EQ(first->Wait(), 0);
}

}  // namespace
}  // namespace leadgateway::testing
