// Answers over real sockets that break off after each byte, by an end of the
// connection and by a reset: none of them is ever taken for success.

#include <atomic>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/base/secret.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/leadsquared/credentials/credentials.h"
#include "gateway/leadsquared/leadsquared_client.h"
#include "gateway/model/lead.h"
#include "gtest/gtest.h"
#include "tests/http/loop_runner.h"
#include "tests/support/raw_http_server.h"

namespace leadgateway {
namespace {

using dispatch::CallReport;
using dispatch::CallVerdict;
using testing::RawHttpServer;

std::string Response(int status, absl::string_view body) {
  return absl::StrCat("HTTP/1.1 ", status,
                      " Whatever\r\nContent-Length: ", body.size(),
                      "\r\nContent-Type: application/json\r\n\r\n", body);
}

std::string Chunked(absl::string_view body) {
  std::string response =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (size_t at = 0; at < body.size(); at += 10) {
    const absl::string_view chunk = body.substr(at, 10);
    absl::StrAppend(&response, absl::Hex(chunk.size()), "\r\n", chunk, "\r\n");
  }
  return absl::StrCat(response, "0\r\n\r\n");
}

enum class End { kClose, kReset };

class SocketTortureTest : public ::testing::TestWithParam<End> {
 protected:
  // The verdict on each beginning of `response`, from no byte to all of it.
  std::vector<CallVerdict> VerdictsOnEachBeginningOf(
      const std::string& response) {
    std::atomic<size_t> length = 0;
    RawHttpServer server([&](RawHttpServer::Connection& connection) {
      if (!connection.ReadRequest()) return;
      connection.Write(absl::string_view(response).substr(0, length));
      if (GetParam() == End::kReset) connection.Reset();
    });
    http::LoopRunner runner;
    leadsquared::Credentials keys;
    keys.access_key = Secret("access");
    keys.secret_key = Secret("secret");
    leadsquared::LeadSquaredClient client(
        {.account = "acme",
         .base_url = absl::StrCat("http://127.0.0.1:", server.port()),
         .call_timeout = absl::Seconds(20)},
        std::move(keys), &runner.loop());
    LeadUpdate lead;
    lead.fields = {{"EmailAddress", "a@b.c"}, {"FirstName", "Ada"}};
    std::vector<CallVerdict> verdicts;
    for (; length <= response.size(); ++length) {
      std::promise<CallVerdict> verdict;
      runner.Do([&] {
        client.Update({"EmailAddress", {&lead}, nullptr},
                      [&](const CallReport& report) {
                        verdict.set_value(report.verdict);
                      });
      });
      verdicts.push_back(verdict.get_future().get());
    }
    runner.Stop();
    return verdicts;
  }
};

INSTANTIATE_TEST_SUITE_P(Ends, SocketTortureTest,
                         ::testing::Values(End::kClose, End::kReset),
                         [](const auto& test) {
                           return test.param == End::kClose ? "Close" : "Reset";
                         });

constexpr char kUpdated[] =
    R"({"Status":{"TotalCount":1,"SuccessCount":1,"Message":"Processed"},)"
    R"("Details":{"SuccessfulLeads":[{"Identifier":"EmailAddress",)"
    R"("IdentifierValue":"a@b.c"}]}})";

TEST_P(SocketTortureTest, SuccessIsOnlyBelievedWhole) {
  struct {
    std::string response;
    size_t whole;  // bytes after which nothing is missing
  } cases[] = {{Response(200, kUpdated), 0}, {Chunked(kUpdated), 0}};
  cases[0].whole = cases[0].response.size();
  // But for the very last line break.
  cases[1].whole = cases[1].response.size() - 2;
  for (const auto& c : cases) {
    const std::vector<CallVerdict> verdicts =
        VerdictsOnEachBeginningOf(c.response);
    for (size_t length = 0; length < verdicts.size(); ++length) {
      if (length >= c.whole && verdicts[length] == CallVerdict::kAnswered) {
        continue;
      }
      // A reset may overtake what was written before it.
      if (length == c.response.size() && GetParam() == End::kClose) {
        ADD_FAILURE() << "the whole answer is not believed";
      }
      ASSERT_EQ(verdicts[length], CallVerdict::kInDoubt) << length;
    }
  }
}

TEST_P(SocketTortureTest, ARefusalIsOnlyBelievedWhole) {
  const std::string response =
      Response(412, R"({"Status":"Error","ExceptionType":"MXInvalidInput",)"
                    R"("ExceptionMessage":"no"})");
  const std::vector<CallVerdict> verdicts = VerdictsOnEachBeginningOf(response);
  for (size_t length = 0; length + 1 < verdicts.size(); ++length) {
    ASSERT_EQ(verdicts[length], CallVerdict::kInDoubt) << length;
  }
  if (GetParam() == End::kClose) {
    EXPECT_EQ(verdicts.back(), CallVerdict::kRefused);
  }
}

}  // namespace
}  // namespace leadgateway
