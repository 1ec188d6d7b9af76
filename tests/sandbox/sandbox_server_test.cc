// The sandbox over real sockets.
// Boost 1.74's awaitable.hpp needs it and does not say so.
#include <utility>

#include "sandbox/sandbox.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace leadgateway::sandbox {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr char kUpdate[] = "/v2/LeadManagement.svc/Lead/Bulk/UpdateV2";
constexpr char kMetadata[] =
    "/v2/LeadManagement.svc/LeadsMetaData.Get?schemaName=Age";
constexpr char kUser[] = "/v2/Authentication.svc/UserByAccessKey.Get";

struct Answer {
  error_code error;
  int status = 0;
  std::string body;
  std::string retry_after;
  std::string content_type;
};

// One blocking connection.
class Client {
 public:
  explicit Client(const Sandbox& sandbox) : socket_(io_) {
    error_code error;
    socket_.connect({asio::ip::address_v4::loopback(), sandbox.port()}, error);
    EXPECT_FALSE(error) << error.message();
  }

  Answer Send(http::verb verb, const std::string& target,
              const std::string& body = "", bool with_keys = true,
              const char* content_type = "application/json") {
    http::request<http::string_body> request(verb, target, 11);
    request.set(http::field::host, "localhost");
    request.set(http::field::content_type, content_type);
    if (with_keys) {
      request.set("x-LSQ-AccessKey", std::string(kTestAccessKey));
      request.set("x-LSQ-SecretKey", std::string(kTestSecretKey));
    }
    request.body() = body;
    request.prepare_payload();
    Answer answer;
    http::write(socket_, request, answer.error);
    return Read();
  }

  Answer SendRaw(const std::string& bytes) {
    error_code ignored;
    asio::write(socket_, asio::buffer(bytes), ignored);
    return Read();
  }

  Answer Read() {
    Answer answer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(64ULL << 20);
    http::read(socket_, buffer_, parser, answer.error);
    answer.status = static_cast<int>(parser.get().result_int());
    answer.body = parser.get().body();
    answer.retry_after = std::string(parser.get()[http::field::retry_after]);
    answer.content_type = std::string(parser.get()[http::field::content_type]);
    return answer;
  }

 private:
  asio::io_context io_;
  tcp::socket socket_;
  beast::flat_buffer buffer_;
};

std::string Body(int lead, absl::string_view value = "x") {
  return absl::StrCat(
      R"({"SearchByKey":"EmailAddress","LeadPropertiesList":[{"Fields":[)",
      R"({"Attribute":"EmailAddress","Value":"lead)", lead,
      R"(@example.com"},{"Attribute":"mx_Sequence","Value":")", value,
      R"("}]}]})");
}

class SandboxServerTest : public testing::Test {
 protected:
  void SetUp() override {
    SandboxOptions options;
    options.account.generate_leads = 100;
    options.account.allowance.calls = 1000;
    options.account.history_field = "mx_Sequence";
    Start(std::move(options));
  }

  void Start(SandboxOptions options) {
    auto sandbox = Sandbox::Create(std::move(options));
    ASSERT_TRUE(sandbox.ok()) << sandbox.status();
    sandbox_ = *std::move(sandbox);
  }

  Account& account() { return sandbox_->account(); }

  void Faults(absl::string_view json) {
    const absl::Status status = account().SetFaults(json);
    ASSERT_TRUE(status.ok()) << status;
  }

  std::string Sequence(int lead) {
    const auto fields = account().FindLead(
        "EmailAddress", absl::StrCat("lead", lead, "@example.com"));
    if (!fields.has_value()) return "no such lead";
    for (const auto& [name, value] : *fields) {
      if (name == "mx_Sequence") return value;
    }
    return "";
  }

  // One call on a connection of its own.
  Answer Update(int lead, absl::string_view value = "x") {
    return Client(*sandbox_).Send(http::verb::post, kUpdate, Body(lead, value));
  }

  std::unique_ptr<Sandbox> sandbox_;
};

TEST_F(SandboxServerTest, ServesTheThreeCallsOnOneConnection) {
  Client client(*sandbox_);
  Answer answer = client.Send(http::verb::post, kUpdate, Body(3, "one"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "application/json; charset=utf-8");
  EXPECT_EQ(
      answer.body,
      R"({"Status":{"TotalCount":1,"SuccessCount":1,"FailureCount":0,)"
      R"("Message":"Processed"},"Details":{"SuccessfulLeads":[)"
      R"({"Identifier":"EmailAddress","IdentifierValue":"lead3@example.com"})"
      R"(]}})");
  EXPECT_EQ(Sequence(3), "one");
  EXPECT_TRUE(absl::StartsWith(client.Send(http::verb::get, kMetadata).body,
                               R"([{"SchemaName":"Age")"));
  EXPECT_TRUE(absl::StrContains(
      client.Send(http::verb::get, kUser).body,
      R"("LSQCommonServiceURLs":{"api":"api-in21.leadsquared.com")"));
  EXPECT_EQ(account().Stats().connections_accepted, 1u);
  EXPECT_EQ(account().Stats().calls, 3u);
}

TEST_F(SandboxServerTest, RefusesWhatIsNotACallOfTheApi) {
  Client client(*sandbox_);
  EXPECT_EQ(client.Send(http::verb::get, "/nowhere").status, 404);
  EXPECT_EQ(client.Send(http::verb::get, kUpdate).status, 405);
  EXPECT_EQ(client.Send(http::verb::post, kUser).status, 405);
  EXPECT_EQ(client.Send(http::verb::post, kUpdate, "{").status, 400);
  EXPECT_EQ(client.Send(http::verb::post, kUpdate, Body(1), true, "text/plain")
                .status,
            400);
  EXPECT_EQ(client.Send(http::verb::post, kUpdate, Body(1), false).status, 401);
  std::string many =
      R"({"SearchByKey":"EmailAddress","LeadPropertiesList":[{})";
  for (int i = 0; i < 25; ++i) absl::StrAppend(&many, ",{}");
  const Answer answer =
      client.Send(http::verb::post, kUpdate, absl::StrCat(many, "]}"));
  EXPECT_EQ(answer.status, 400);
  EXPECT_TRUE(absl::StrContains(answer.body, "MXInvalidInputException"));
}

TEST_F(SandboxServerTest, RefusesABodyOfMoreThanEightMegabytes) {
  Client client(*sandbox_);
  EXPECT_EQ(client
                .SendRaw(absl::StrCat(
                    "POST ", kUpdate,
                    " HTTP/1.1\r\nHost: x\r\nContent-Length: 8388609\r\n\r\n"))
                .status,
            413);
  EXPECT_EQ(account().Stats().posts_arrived, 1u);
}

TEST_F(SandboxServerTest, GarbageEndsTheConnectionAndNothingElse) {
  for (const std::string& bytes :
       {std::string("\x16\x03\x01\x02"), std::string(20000, 'a'),
        std::string("GET  HTTP/9.9\r\n\r\n"), std::string("\r\n\r\n\r\n"),
        std::string("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
        std::string(100, '\0')}) {
    const Answer answer = Client(*sandbox_).SendRaw(bytes + "\r\n\r\n");
    EXPECT_TRUE(answer.error || answer.status == 400) << answer.status;
  }
  EXPECT_EQ(Update(1).status, 200);
}

TEST_F(SandboxServerTest, TakesKeysFromTheQuery) {
  const std::string query = absl::StrCat(
      kUpdate, "?accessKey=u%24r0123456789abcdef0123456789abcdef&secretKey=",
      kTestSecretKey);
  EXPECT_EQ(
      Client(*sandbox_).Send(http::verb::post, query, Body(1), false).status,
      200);
  EXPECT_EQ(account().Record(1, 1)[0].key_way, KeyWay::kQuery);
  const std::string bare = absl::StrCat(kUpdate, "?accessKey=", kTestAccessKey,
                                        "&secretKey=", kTestSecretKey);
  const auto status = [&] {
    return Client(*sandbox_)
        .Send(http::verb::post, bare, Body(2, "y"), false)
        .status;
  };
  EXPECT_EQ(status(), 401);
  Faults(R"({"always":{"unencoded_dollar":"drop_writes"}})");
  EXPECT_EQ(status(), 200);
  EXPECT_EQ(Sequence(2), "");
  Faults(R"({"always":{"unencoded_dollar":"accept"}})");
  EXPECT_EQ(status(), 200);
  EXPECT_EQ(Sequence(2), "y");
}

TEST_F(SandboxServerTest, ThrottlesInEachOfItsForms) {
  Faults(R"({"allowance":{"calls":1,"window_ms":3600000}})");
  EXPECT_EQ(Update(1).status, 200);
  for (int status : {429, 403, 200}) {
    Faults(absl::StrCat(R"({"always":{"retry_after":"7","throttle_status":)",
                        status, "}}"));
    const Answer answer = Update(1, "late");
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.retry_after, "7");
    EXPECT_EQ(answer.body,
              R"x({"Status":"Error","ExceptionType":)x"
              R"x("MXAPIRateLimitExceededException","ExceptionMessage":)x"
              R"x("API calls exceeded the limit of 1 in 3600 second(s)"})x");
  }
  EXPECT_EQ(Sequence(1), "x");
  const CallStats stats = account().Stats();
  EXPECT_EQ(stats.throttled, 3u);
  EXPECT_EQ(stats.max_calls_in_window, 4);
  EXPECT_EQ(account().Record(2, 1)[0].verdict, Verdict::kThrottled);
}

TEST_F(SandboxServerTest, MetadataAndUserCallsTakeFromTheAllowance) {
  Faults(R"({"allowance":{"calls":2,"window_ms":3600000}})");
  Client client(*sandbox_);
  EXPECT_EQ(client.Send(http::verb::get, kMetadata).status, 200);
  EXPECT_EQ(client.Send(http::verb::get, kUser).status, 200);
  EXPECT_EQ(client.Send(http::verb::get, "/_sandbox/stats").status, 200);
  EXPECT_EQ(client.Send(http::verb::get, kUser).status, 429);
}

TEST_F(SandboxServerTest, FaultsThatAnswer) {
  struct Case {
    const char* fault;
    int status;
    const char* contains;
    bool applied;
  };
  for (const Case& c : std::vector<Case>{
           {"throttle_429", 429, "MXAPIRateLimitExceededException", false},
           {"throttle_403", 403, "exceeded the limit of 1000 in 5 sec", false},
           {"throttle_200", 200, "MXAPIRateLimitExceededException", false},
           {"unauthorized", 401, "Error", false},
           {"wrong_host", 401, "api-in21.leadsquared.com", false},
           {"error_500", 500, "MXInvalidInputException", false},
           {"error_412", 412, "MXInvalidInputException", false},
           {"html_502", 502, "<html>", false},
           {"empty_body", 200, "", true},
           {"garbage_json", 200, "{\"Status\"", true}}) {
    Faults(absl::StrCat(R"({"always":{"fault":")", c.fault, R"("}})"));
    const Answer answer = Update(5, c.fault);
    EXPECT_FALSE(answer.error) << c.fault << answer.error.message();
    EXPECT_EQ(answer.status, c.status) << c.fault;
    EXPECT_TRUE(absl::StrContains(answer.body, c.contains)) << c.fault;
    EXPECT_EQ(Sequence(5) == c.fault, c.applied) << c.fault;
  }
  EXPECT_EQ(account().Stats().throttled_by_fault, 3u);
  EXPECT_EQ(account().Stats().throttled, 0u);
}

TEST_F(SandboxServerTest, TheUserCallWorksOnAWrongHost) {
  Faults(R"({"always":{"fault":"wrong_host"}})");
  EXPECT_EQ(Client(*sandbox_).Send(http::verb::get, kUser).status, 200);
}

TEST_F(SandboxServerTest, FaultsThatBreakTheConnection) {
  struct Case {
    const char* fault;
    error_code error;
    bool applied;
  };
  for (const Case& c : std::vector<Case>{
           {"reset_before_reading", asio::error::connection_reset, false},
           {"reset_after_applying", asio::error::connection_reset, true},
           {"close_without_answer", http::error::end_of_stream, true},
           {"truncated_body", http::error::partial_message, true}}) {
    Faults(absl::StrCat(R"({"always":{"fault":")", c.fault, R"("}})"));
    const Answer answer = Update(6, c.fault);
    EXPECT_EQ(answer.error, c.error) << c.fault << answer.error.message();
    EXPECT_EQ(Sequence(6) == c.fault, c.applied) << c.fault;
  }
  Faults(R"({"always":{"fault":"reset_mid_answer"}})");
  EXPECT_TRUE(Update(6, "mid").error);
  EXPECT_EQ(Sequence(6), "mid");
  EXPECT_EQ(account().Stats().posts_arrived, 5u);
}

TEST_F(SandboxServerTest, WhetherAFaultAppliesCanBeTurnedRound) {
  Faults(R"({"always":{"fault":"html_502","fault_applies":true}})");
  EXPECT_EQ(Update(7, "a").status, 502);
  EXPECT_EQ(Sequence(7), "a");
  Faults(
      R"({"always":{"fault":"close_without_answer","fault_applies":false}})");
  EXPECT_TRUE(Update(7, "b").error);
  EXPECT_EQ(Sequence(7), "a");
  EXPECT_EQ(account().Record(2, 1)[0].Leads()[0].fate, LeadFate::kUntouched);
}

TEST_F(SandboxServerTest, AnOversizedAnswerIsTenMegabytes) {
  Faults(R"({"always":{"fault":"oversized"}})");
  EXPECT_GT(Update(1).body.size(), 10u * 1024 * 1024);
}

TEST_F(SandboxServerTest, FaultsTakeTheirWordsAndSizesFromTheirSwitches) {
  for (const std::string fault : {"error_500", "error_412"}) {
    Faults(R"({"always":{"error_type":"MXInvalidEntityException",)"
           R"("error_message":"No \"such\" entity","fault":")" +
           fault + R"("}})");
    EXPECT_EQ(Update(1).body,
              R"({"Status":"Error","ExceptionType":"MXInvalidEntityException",)"
              R"("ExceptionMessage":"No \"such\" entity"})");
  }
  Faults(
      R"({"always":{"fault":"wrong_host","right_host":"api-us11.example.com"}})");
  EXPECT_TRUE(absl::StrContains(Update(1).body, "api-us11.example.com"));
  Faults(R"({"always":{"fault":"none"}})");
  const std::string plain = Update(1).body;
  Faults(R"({"always":{"fault":"oversized","oversized_bytes":100}})");
  EXPECT_EQ(Update(1).body, std::string(100, ' ') + plain);
}

TEST_F(SandboxServerTest, LeadsAreWrittenWhenTheCallIsCountedOrAnswered) {
  std::uint64_t call = 0;
  for (const bool at_answer : {false, true}) {
    Faults(
        absl::StrCat(R"({"always":{"latency_min_ms":500,"latency_max_ms":500,)"
                     R"("apply_at_answer":)",
                     at_answer ? "true" : "false", "}}"));
    const std::string value = at_answer ? "at answer" : "at count";
    ++call;
    Answer answer;
    std::thread caller([&] { answer = Update(4, value); });
    while (account().Record(call, 1).empty() ||
           !account().Record(call, 1)[0].counted.has_value()) {
      std::this_thread::yield();
    }
    const bool written = Sequence(4) == value;
    // Half a second too late, and it would tell nothing.
    if (account().Stats().in_flight == 1) {
      EXPECT_EQ(written, !at_answer);
    }
    caller.join();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(Sequence(4), value);
  }
}

TEST_F(SandboxServerTest, ThrottlesComeAtTheirTimeOrAtOnce) {
  Faults(R"({"allowance":{"calls":1,"window_ms":3600000}})");
  EXPECT_EQ(Update(1).status, 200);
  const auto took = [&](const char* at_once, int latency_ms) {
    Faults(absl::StrCat(R"({"always":{"throttle_at_once":)", at_once,
                        R"(,"latency_min_ms":)", latency_ms,
                        R"(,"latency_max_ms":)", latency_ms, "}}"));
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(Update(1).status, 429);
    return std::chrono::steady_clock::now() - start;
  };
  EXPECT_GE(took("false", 100), std::chrono::milliseconds(100));
  EXPECT_LT(took("true", 20'000), std::chrono::seconds(20));
}

TEST_F(SandboxServerTest, MetadataShowsUniquenessWhereAsked) {
  const auto metadata = [&] {
    return Client(*sandbox_).Send(http::verb::get, kMetadata).body;
  };
  EXPECT_FALSE(absl::StrContains(metadata(), "IsUnique"));
  Faults(R"({"always":{"metadata_is_unique":true}})");
  EXPECT_TRUE(absl::StrContains(metadata(), R"("IsUnique":false)"));
  EXPECT_TRUE(absl::StrContains(metadata(), R"("IsReadOnly":)"));
}

// As many as the largest account has calls under way, on connections that all
// stay open.
TEST_F(SandboxServerTest, AHundredKeepAliveConnectionsAreServedInTurn) {
  std::vector<std::unique_ptr<Client>> clients;
  clients.reserve(100);
  for (int i = 0; i < 100; ++i) {
    clients.push_back(std::make_unique<Client>(*sandbox_));
  }
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(clients[static_cast<size_t>(i)]
                    ->Send(http::verb::post, kUpdate,
                           Body(i, absl::StrCat("round ", round)))
                    .status,
                200);
    }
  }
  EXPECT_EQ(Sequence(99), "round 2");
  EXPECT_EQ(account().Stats().connections_accepted, 100u);
  EXPECT_EQ(account().Stats().connections_open, 100u);
}

TEST_F(SandboxServerTest, ACallThatIsNeverAnsweredIsAppliedAllTheSame) {
  Faults(R"({"always":{"fault":"never_answer"}})");
  Client client(*sandbox_);
  std::thread sender([&] { client.Send(http::verb::post, kUpdate, Body(8)); });
  while (account().Stats().leads_applied == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  sandbox_->Stop();  // ends the client's waiting
  sender.join();
  EXPECT_EQ(Sequence(8), "x");
}

TEST_F(SandboxServerTest, LatencyPassesAndDoesNotBlockOthers) {
  Faults(
      R"({"rules":[{"when":{"calls":[1]},
          "set":{"latency_min_ms":400,"latency_max_ms":400}}]})");
  const auto start = std::chrono::steady_clock::now();
  std::thread slow([&] { EXPECT_EQ(Update(1).status, 200); });
  while (account().Stats().calls == 0) std::this_thread::yield();
  EXPECT_EQ(Update(2).status, 200);
  EXPECT_EQ(account().Stats().in_flight, 1u);
  slow.join();
  EXPECT_GE(std::chrono::steady_clock::now() - start,
            std::chrono::milliseconds(400));
}

TEST_F(SandboxServerTest, ASpikeAddsToTheLatencyOrTakesItsPlace) {
  const auto latency = [&](const std::string& always) {
    Faults(R"({"always":{"spike_probability":1,)" + always + "}}");
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(Update(1).status, 200);
    return std::chrono::steady_clock::now() - start;
  };
  EXPECT_GE(
      latency(R"("latency_min_ms":60,"latency_max_ms":60,"spike_ms":150)"),
      std::chrono::milliseconds(210));
  EXPECT_GE(
      latency(R"("latency_min_ms":60,"latency_max_ms":60,"spike_to_ms":150)"),
      std::chrono::milliseconds(150));
  EXPECT_LT(
      latency(R"("latency_min_ms":9000,"latency_max_ms":9000,"spike_to_ms":1)"),
      std::chrono::seconds(9));
}

// Without sockets: what is planned for each call.
TEST_F(SandboxServerTest, LatenciesAndSpikesAreDrawnBySeedAndCallNumber) {
  const auto planned = [](std::uint64_t seed) {
    AccountOptions options;
    options.faults_json =
        absl::StrCat(R"({"seed":)", seed,
                     R"(,"always":{"latency_min_ms":40,"latency_max_ms":120,)"
                     R"("spike_probability":0.1,"spike_to_ms":250}})");
    auto account = Account::Create(std::move(options));
    EXPECT_TRUE(account.ok()) << account.status();
    std::vector<absl::Duration> latencies;
    latencies.reserve(1000);
    for (int i = 0; i < 1000; ++i) {
      Account::Call call = (*account)->Begin({.method = "POST",
                                              .target = kUpdate,
                                              .content_type = "",
                                              .access_key = kTestAccessKey,
                                              .secret_key = kTestSecretKey});
      latencies.push_back(call.answer_after);
    }
    return latencies;
  };
  const std::vector<absl::Duration> one = planned(1);
  EXPECT_EQ(planned(1), one);
  EXPECT_NE(planned(2), one);
  int spikes = 0;
  absl::Duration least = absl::InfiniteDuration();
  absl::Duration most;
  for (const absl::Duration latency : one) {
    if (latency == absl::Milliseconds(250)) {
      ++spikes;
      continue;
    }
    least = std::min(least, latency);
    most = std::max(most, latency);
  }
  EXPECT_NEAR(spikes, 100, 40);
  EXPECT_GE(least, absl::Milliseconds(40));
  EXPECT_LT(least, absl::Milliseconds(45));
  EXPECT_LE(most, absl::Milliseconds(120));
  EXPECT_GT(most, absl::Milliseconds(115));
}

TEST_F(SandboxServerTest, ACallIsCountedAtItsMoment) {
  Faults(
      R"({"allowance":{"count_at":"fraction","count_fraction":0.5},
          "always":{"latency_min_ms":100,"latency_max_ms":100}})");
  EXPECT_EQ(Update(1).status, 200);
  Faults(R"({"allowance":{"count_at":"answer"}})");
  EXPECT_EQ(Update(1).status, 200);
  Faults(R"({"allowance":{"count_at":"arrival"}})");
  EXPECT_EQ(Update(1).status, 200);
  const auto calls = account().Record(1, 3);
  const auto waited = [&](int i) {
    return *calls[i].counted - calls[i].arrival;
  };
  EXPECT_GE(waited(0), absl::Milliseconds(50));
  EXPECT_GE(waited(1), absl::Milliseconds(100));
  EXPECT_LT(waited(2), waited(1));
  EXPECT_GE(*calls[0].answered - *calls[0].counted, absl::Milliseconds(20));
}

TEST_F(SandboxServerTest, OtherUsersOfTheAccountTakeTheirShare) {
  Faults(
      R"({"allowance":{"calls":5,"window_ms":100,"other_calls_per_second":5000}})");
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(Update(1).status, 429);
  const CallStats stats = account().Stats();
  EXPECT_GT(stats.other_users_calls, 50u);
  EXPECT_EQ(stats.max_calls_in_window, 1);
  EXPECT_GT(stats.max_calls_in_window_with_others, 5);
}

TEST_F(SandboxServerTest, KeepsTheOrderInWhichALeadWasWritten) {
  for (const char* value : {"1", "2", "3"}) Update(9, value);
  const auto history = account().History("EmailAddress", "lead9@example.com");
  ASSERT_EQ(history.size(), 3u);
  EXPECT_EQ(history[0].value, "1");
  EXPECT_EQ(history[2].value, "3");
  EXPECT_EQ(history[2].call, 3u);
}

TEST_F(SandboxServerTest, ManyConnectionsAtOnce) {
  constexpr int kThreads = 8, kCalls = 50;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Client client(*sandbox_);
      for (int i = 0; i < kCalls; ++i) {
        EXPECT_EQ(client.Send(http::verb::post, kUpdate, Body(t)).status, 200);
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    account().Stats();
    account().FaultsJson();
    account().Record(1, 10);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(account().Stats().leads_applied, kThreads * kCalls);
}

TEST_F(SandboxServerTest, SteersOverHttp) {
  Client client(*sandbox_);
  EXPECT_EQ(client
                .Send(http::verb::post, "/_sandbox/faults",
                      R"({"always":{"fault":"error_500"}})")
                .status,
            200);
  EXPECT_EQ(client.Send(http::verb::post, kUpdate, Body(1)).status, 500);
  const std::string record =
      client.Send(http::verb::get, "/_sandbox/record?from=1").body;
  EXPECT_TRUE(absl::StrContains(record, R"("fault":"error_500")"));
  EXPECT_FALSE(absl::StrContains(record, kTestAccessKey));
  EXPECT_EQ(client.Send(http::verb::post, "/_sandbox/reset").status, 200);
  EXPECT_EQ(account().Stats().calls, 0u);
}

TEST_F(SandboxServerTest, StoppingAndStartingOnATakenPortFailsLoudly) {
  SandboxOptions options;
  options.port = sandbox_->port();
  EXPECT_EQ(Sandbox::Create(options).status().code(),
            absl::StatusCode::kUnavailable);
  options.host = "nowhere";
  EXPECT_FALSE(Sandbox::Create(options).ok());
  sandbox_->Stop();
  sandbox_->Stop();
  EXPECT_EQ(account().Stats().connections_open, 0u);
}

}  // namespace
}  // namespace leadgateway::sandbox
