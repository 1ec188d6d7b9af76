#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/server/listener.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.grpc.pb.h"
#include "tests/integration/gateway_fixture.h"
#include "tests/integration/program.h"

// From the listener's first connection to the drain's last.
namespace leadgateway::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

// The answer's code to a status request on a connection of its own, within
// `most`.
grpc::StatusCode Ask(const std::string& address, absl::Duration most) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto channel = grpc::CreateCustomChannel(
      address, grpc::InsecureChannelCredentials(), arguments);
  const auto stub = v1::LeadGatewayService::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + most));
  context.set_wait_for_ready(true);
  v1::GetAccountStatusResponse response;
  return stub->GetAccountStatus(&context, {}, &response).error_code();
}

int ConnectTo(const std::string& address) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int port = 0;
  EXPECT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port));
  to.sin_port = htons(static_cast<uint16_t>(port));
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 &&
      connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

// Takes all descriptors that this process has left, but `spare`.
std::vector<int> TakeDescriptors(int spare) {
  std::vector<int> taken;
  for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) {
    taken.push_back(fd);
  }
  for (; spare > 0 && !taken.empty(); --spare) {
    close(taken.back());
    taken.pop_back();
  }
  return taken;
}

// Whether a server that shares this process's descriptors serves within
// `within` of their return, after connections came while there were none.
bool ServesAfterAShortage(const std::string& address, absl::Duration within) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit few = before;
  few.rlim_cur = 512;
  setrlimit(RLIMIT_NOFILE, &few);
  std::vector<int> clients;
  {
    // Each client takes one of four: none is left for the server's end of the
    // last ones.
    const std::vector<int> taken = TakeDescriptors(4);
    for (int i = 0; i < 4; ++i) clients.push_back(ConnectTo(address));
    // The server has to see them.
    absl::SleepFor(absl::Milliseconds(300));
    for (const int fd : clients) {
      if (fd >= 0) close(fd);
    }
    for (const int fd : taken) close(fd);
  }
  setrlimit(RLIMIT_NOFILE, &before);
  return Ask(address, within) == grpc::StatusCode::OK;
}

// A status service on gRPC's own listener.
class StockServer final : public v1::LeadGatewayService::Service {
 public:
  StockServer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~StockServer() override {
    server_->Shutdown(std::chrono::system_clock::now());
  }
  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

  grpc::Status GetAccountStatus(grpc::ServerContext*,
                                const v1::GetAccountStatusRequest*,
                                v1::GetAccountStatusResponse*) override {
    return grpc::Status::OK;
  }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST(ListenerTest, ItServesAgainWithinASecondOfAShortageOfDescriptors) {
  Gateway gateway;
  const std::string address = gateway.server().listen_address();
  EXPECT_EQ(Ask(address, kLongEnough), grpc::StatusCode::OK);
  EXPECT_TRUE(ServesAfterAShortage(address, absl::Seconds(1)));
  EXPECT_THAT(gateway.log(),
              Contains(HasSubstr("\"event\":\"no_descriptors\"")));
}

// Why there is a listener of our own.
TEST(ListenerTest, TheStockListenerIsDeafAfterAShortageOfDescriptors) {
  const StockServer stock;
  EXPECT_EQ(Ask(stock.address(), kLongEnough), grpc::StatusCode::OK);
  EXPECT_FALSE(ServesAfterAShortage(stock.address(), absl::Seconds(3)));
}

TEST(ListenerTest, ConnectionsBeyondTheBoundAreClosedAndMakeRoomWhenTheyGo) {
  GatewaySetup setup;
  setup.listen.connections.max_connections = 20;
  Gateway gateway(setup);  // the fixture's own connection is one of them
  const std::string address = gateway.server().listen_address();
  std::vector<int> clients;
  for (int i = 0; i < 30; ++i) clients.push_back(ConnectTo(address));
  // gRPC sends its settings first; a connection that is refused ends without.
  int refused = 0;
  for (const int fd : clients) {
    char byte = 0;
    refused += read(fd, &byte, 1) <= 0;
  }
  EXPECT_EQ(refused, 11);
  // Who was there before is served all the time.
  ExpectAll(gateway.Update(Updates(0, 5)), 5, v1::OUTCOME_UPDATED);
  for (const int fd : clients) close(fd);
  EXPECT_EQ(Ask(address, kLongEnough), grpc::StatusCode::OK);
}

TEST(ListenerTest, ASocketFileIsAnAddress) {
  // Short: an address holds 107 bytes.
  std::string dir = "/tmp/gateway_XXXXXX";
  ASSERT_NE(mkdtemp(dir.data()), nullptr);
  const absl::Cleanup remove_dir = [&dir] { rmdir(dir.c_str()); };
  const std::string path = absl::StrCat(dir, "/gateway.sock");
  GatewaySetup setup;
  setup.listen_address = absl::StrCat("unix:", path);
  {
    // Left behind by a process that was killed.
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::strncpy(to.sun_path, path.c_str(), sizeof(to.sun_path) - 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
    close(fd);
  }
  {
    Gateway gateway(setup);
    EXPECT_EQ(gateway.server().listen_address(), setup.listen_address);
    ExpectAll(gateway.Update(Updates(0, 5)), 5, v1::OUTCOME_UPDATED);
    // Two can't have it.
    const auto second =
        server::Listener::Create({.address = setup.listen_address});
    EXPECT_THAT(second.status().message(), HasSubstr(path));
  }
  EXPECT_NE(access(path.c_str(), F_OK), 0);
}

TEST(ListenerTest, AnAddressThatIsTakenIsAnErrorThatNamesIt) {
  const auto first = server::Listener::Create({.address = "127.0.0.1:0"});
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second =
      server::Listener::Create({.address = (*first)->bound_address()});
  EXPECT_THAT(second.status().message(), HasSubstr((*first)->bound_address()));
  EXPECT_THAT(second.status().message(), HasSubstr("in use"));
}

TEST(ListenerTest, ConnectionsWaitWhileThereIsTooMuchToTakeDown) {
  std::atomic<bool> busy{true};
  auto created = server::Listener::Create(
      {.address = "127.0.0.1:0", .busy = [&busy] { return busy.load(); }});
  ASSERT_TRUE(created.ok()) << created.status();
  server::Listener& listener = **created;
  std::vector<int> fds;
  for (int i = 0; i < 100; ++i) {
    fds.push_back(ConnectTo(listener.bound_address()));
  }
  const absl::Time start = absl::Now();
  listener.Start([](int, int fd) { close(fd); });
  // It comes round, and some come in.
  EXPECT_TRUE(listener.Responds(kLongEnough));
  EXPECT_TRUE(Eventually([&] { return listener.stats().accepted >= 4; }));
  EXPECT_LE(listener.stats().accepted,
            (absl::Now() - start) / absl::Milliseconds(50) + 1);
  busy = false;
  EXPECT_TRUE(Eventually([&] { return listener.stats().accepted == 100; }));
  for (const int fd : fds) close(fd);
}

TEST(ListenerTest, AConnectionThatIsOldIsAskedToGoAndItsStreamsGoOn) {
  GatewaySetup setup;
  setup.listen.connections.max_age = absl::Seconds(1);
  setup.Allow(1, absl::Milliseconds(500));
  Gateway gateway(setup);
  // 8 calls: some 4 s, over several lives of a connection.
  const auto rpc = gateway.Start(Updates(0, 200));
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(Ask(gateway.server().listen_address(), kLongEnough),
              grpc::StatusCode::OK);
    gateway.Status();
    absl::SleepFor(absl::Milliseconds(300));
  }
  ExpectAll(rpc->Get(), 200, v1::OUTCOME_UPDATED);
}

// ----------------------------------------------------------------- liveness

std::atomic<bool> may_go_on{true};

void Block(int) {
  while (!may_go_on) {
    const timespec moment{.tv_sec = 0, .tv_nsec = 1'000'000};
    nanosleep(&moment, nullptr);
  }
}

// The thread of that name in this process stands still while this exists.
class Standstill {
 public:
  explicit Standstill(const std::string& thread) {
    may_go_on = false;
    signal(SIGUSR2, &Block);
    int found = 0;
    for (const auto& task :
         std::filesystem::directory_iterator("/proc/self/task")) {
      std::string name;
      std::getline(std::ifstream(task.path() / "comm"), name);
      pid_t id = 0;
      if (name != thread ||
          !absl::SimpleAtoi(task.path().filename().string(), &id)) {
        continue;
      }
      ++found;
      syscall(SYS_tgkill, getpid(), id, SIGUSR2);
    }
    EXPECT_EQ(found, 1) << thread;
  }
  ~Standstill() { may_go_on = true; }
};

class LivenessTest : public ::testing::Test {
 protected:
  LivenessTest() {
    GatewaySetup setup;
    setup.admin = true;
    gateway_ = std::make_unique<Gateway>(setup);
  }

  std::string Page(const std::string& path) {
    return HttpGet(gateway_->server().admin_address(), path);
  }
  bool Comes(const std::string& path, const std::string& code,
             const std::string& text) {
    return Eventually([&] {
      const std::string page = Page(path);
      return absl::StartsWith(page, "HTTP/1.1 " + code) &&
             absl::StrContains(page, text);
    });
  }

  std::unique_ptr<Gateway> gateway_;
};

TEST_F(LivenessTest, AStuckLoopIsToldAndIsForgottenWhenItComesRound) {
  EXPECT_TRUE(Comes("/healthz", "200", "alive"));
  {
    const Standstill standstill("dispatch");
    EXPECT_TRUE(Comes("/healthz", "503", "the dispatch loop is stuck"));
    EXPECT_FALSE(gateway_->server().Alive());
  }
  EXPECT_TRUE(Comes("/healthz", "200", "alive"));
  EXPECT_TRUE(gateway_->server().Alive());
  ExpectAll(gateway_->Update(Updates(0, 5)), 5, v1::OUTCOME_UPDATED);
}

TEST_F(LivenessTest, ADeafListenerIsToldAndIsForgottenWhenItHearsAgain) {
  {
    const Standstill standstill("listener");
    EXPECT_TRUE(Comes("/healthz", "503", "the gRPC listener is stuck"));
    EXPECT_FALSE(gateway_->server().Alive());
    // Who is connected is served.
    ExpectAll(gateway_->Update(Updates(0, 5)), 5, v1::OUTCOME_UPDATED);
  }
  EXPECT_TRUE(Comes("/healthz", "200", "alive"));
  EXPECT_EQ(Ask(gateway_->server().listen_address(), kLongEnough),
            grpc::StatusCode::OK);
}

TEST_F(LivenessTest, AnOutageOfLeadSquaredIsNoReasonToRestartOrToGoElsewhere) {
  const auto all_is_well = [this] {
    EXPECT_TRUE(absl::StartsWith(Page("/healthz"), "HTTP/1.1 200"));
    EXPECT_TRUE(absl::StartsWith(Page("/readyz"), "HTTP/1.1 200"));
    EXPECT_EQ(HealthOf(gateway_->channel(), ""), "SERVING");
  };
  CallOptions soon;
  soon.deadline = absl::Seconds(1);
  for (const char* const fault : {"html_502", "never_answer", "unauthorized"}) {
    ASSERT_TRUE(
        gateway_->account()
            .SetFaults(absl::StrCat(R"({"always":{"fault":")", fault, "\"}}"))
            .ok());
    const Answer answer = gateway_->Update(Updates(0, 5), soon);
    EXPECT_EQ(CountOf(answer, v1::OUTCOME_UPDATED), 0) << fault;
    all_is_well();
  }
  gateway_->StopSandbox();
  EXPECT_EQ(CountOf(gateway_->Update(Updates(0, 5), soon), v1::OUTCOME_UPDATED),
            0);
  all_is_well();
}

// ------------------------------------------------------------------- drains

struct Tally {
  int rpcs = 0;
  int complete = 0;
  int refused = 0;
  int updated = 0;
  int not_sent = 0;
};

int OpenDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<int>(std::distance(begin(all), end(all)));
}

// One gateway's life: load from several connections until it is gone.
void DrainUnderLoad(int round, Tally& tally) {
  SCOPED_TRACE(absl::StrCat("round ", round));
  GatewaySetup setup;
  setup.Allow(20, absl::Milliseconds(200));
  setup.drain_timeout = absl::Milliseconds(50 * (round % 5));
  setup.Faults(R"({"always":{"latency_min_ms":1,"latency_max_ms":30}})");
  Gateway gateway(setup);
  const std::string address = gateway.server().listen_address();
  constexpr int kClients = 4;
  struct Client {
    std::vector<std::pair<int, Answer>> answers;  // first lead
    std::thread thread;
  };
  std::vector<Client> clients(kClients);
  std::atomic<bool> gone{false};
  std::atomic<int> begun{0};
  for (int c = 0; c < kClients; ++c) {
    clients[c].thread = std::thread([&, c] {
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      const auto stub =
          v1::LeadGatewayService::NewStub(grpc::CreateCustomChannel(
              address, grpc::InsecureChannelCredentials(), arguments));
      // Leads of its own, each of them once: what arrives can be told apart.
      for (int i = 0; !gone && i < 24; ++i) {
        const int first = c * 480 + i * 20;
        ++begun;
        clients[c].answers.emplace_back(
            first, Rpc(*stub, Updates(first, 20), {}).Get());
      }
    });
  }
  EXPECT_TRUE(Eventually([&] { return begun >= 3 * kClients; }));
  const absl::Time start = absl::Now();
  gateway.server().Drain();
  const absl::Duration took = absl::Now() - start;
  gone = true;
  for (Client& client : clients) client.thread.join();
  EXPECT_LT(took, setup.drain_timeout + absl::Seconds(3));

  int told = 0;  // how it ended, by the gateway
  for (const Client& client : clients) {
    for (const auto& [first, answer] : client.answers) {
      ++tally.rpcs;
      if (answer.status.ok()) {
        ++tally.complete;
        ++told;
        ExpectComplete(answer, 20);
      } else {
        ++tally.refused;
        // Nothing else is allowed, and nothing was sent: meshes retry it.
        EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::UNAVAILABLE)
            << answer.status.error_code() << answer.status.error_message();
        EXPECT_EQ(answer.messages, 0);
        told += ReasonOf(answer.status) == "DRAINING";
      }
      for (int i = 0; i < 20; ++i) {
        const size_t times = gateway.account()
                                 .History("EmailAddress", EmailOf(first + i))
                                 .size();
        const auto result = answer.results.find(i);
        const bool updated = result != answer.results.end() &&
                             result->second.outcome() == v1::OUTCOME_UPDATED;
        EXPECT_EQ(times, updated ? 1 : 0)
            << EmailOf(first + i) << " " << answer.status.error_message();
        tally.updated += updated;
        if (result != answer.results.end() && !updated) {
          EXPECT_EQ(result->second.outcome(), v1::OUTCOME_NOT_SENT);
          ++tally.not_sent;
        }
      }
    }
  }
  // No stream that the gateway took broke off: others met a connection that was
  // closed, or none.
  int taken = 0;
  for (const std::string& line : gateway.log()) {
    taken += absl::StrContains(line, "\"method\":\"BulkUpdateLeads\"");
  }
  EXPECT_EQ(told, taken);
}

// As many as DRAINS says; fewer where a sanitizer makes all of it slow.
int Drains() {
  int drains = 0;
  const char* const given = getenv("DRAINS");
  if (given != nullptr && absl::SimpleAtoi(given, &drains)) return drains;
#ifdef LEADGATEWAY_SANITIZED
  return 10;
#else
  return 50;
#endif
}

TEST(DrainStorm, NothingIsLostDoubledOrLeftOpen) {
  const int drains = Drains();
  Tally tally;
  int descriptors = 0;
  for (int round = 0; round < drains && !HasFailure(); ++round) {
    DrainUnderLoad(round, tally);
    if (round == 0) descriptors = OpenDescriptors();
  }
  // gRPC's clients close theirs a little later.
  EXPECT_TRUE(Eventually([&] { return OpenDescriptors() <= descriptors + 5; }))
      << descriptors << " after the first, now " << OpenDescriptors();
  printf(
      "%d drains: %d RPCs, %d complete, %d refused; %d leads updated, %d "
      "not sent\n",
      drains, tally.rpcs, tally.complete, tally.refused, tally.updated,
      tally.not_sent);
  EXPECT_GT(tally.complete, 0);
  EXPECT_GT(tally.refused + tally.not_sent, 0);
}

}  // namespace
}  // namespace leadgateway::testing
