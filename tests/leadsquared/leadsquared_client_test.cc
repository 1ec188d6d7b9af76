#include "gateway/leadsquared/leadsquared_client.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/base/secret.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/http/http_client.h"
#include "gateway/leadsquared/credentials/credentials.h"
#include "gateway/model/lead.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/leadsquared/samples.h"

namespace leadgateway::leadsquared {
namespace {

using dispatch::CallReport;
using dispatch::CallVerdict;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// Keeps what is sent until the test answers it.
class FakeHttp final : public http::HttpClient {
 public:
  void Send(http::HttpRequest request,
            absl::AnyInvocable<void(http::HttpReply) &&> done) override {
    requests.push_back(std::move(request));
    callbacks.push_back(std::move(done));
  }
  void Answer(size_t i, int status, absl::string_view body) {
    http::HttpReply reply;
    reply.sent_at = absl::UnixEpoch();
    reply.done_at = absl::UnixEpoch() + absl::Milliseconds(50);
    reply.http_status = status;
    reply.body = std::string(body);
    std::move(callbacks[i])(std::move(reply));
  }
  std::vector<std::string> Headers(size_t i) const {
    std::vector<std::string> lines;
    for (const Secret& line : requests[i].headers)
      lines.push_back(line.Reveal());
    return lines;
  }

  std::vector<http::HttpRequest> requests;
  std::vector<absl::AnyInvocable<void(http::HttpReply) &&>> callbacks;
};

class LeadSquaredClientTest : public ::testing::Test {
 protected:
  static Credentials Keys(const std::string& access,
                          const std::string& secret) {
    Credentials credentials;
    credentials.access_key = Secret(access);
    credentials.secret_key = Secret(secret);
    return credentials;
  }
  LeadSquaredClient Client(bool in_query = false) {
    LeadSquaredClient::Options options;
    options.account = "acme";
    options.base_url = "https://api-in21.leadsquared.com";
    options.credentials_in_query = in_query;
    options.call_timeout = absl::Seconds(7);
    return LeadSquaredClient(options, Keys("u$rA", "sB"), &http_);
  }
  LeadSquaredClientTest() {
    lead_.fields = {{"EmailAddress", "jack@gmail.com"}, {"FirstName", "Jack"}};
  }
  dispatch::UpdateCall Call() const {
    return {"EmailAddress", {&lead_}, nullptr};
  }

  LeadUpdate lead_;
  FakeHttp http_;
};

TEST_F(LeadSquaredClientTest, PostsTheLeadsWithTheKeysInHeaders) {
  LeadSquaredClient client = Client();
  client.Update(Call(), [](CallReport) {});
  ASSERT_EQ(http_.requests.size(), 1);
  const http::HttpRequest& request = http_.requests[0];
  EXPECT_EQ(request.method, http::HttpRequest::Method::kPost);
  EXPECT_EQ(request.url.Reveal(),
            "https://api-in21.leadsquared.com/v2/LeadManagement.svc/Lead/Bulk/"
            "UpdateV2");
  EXPECT_THAT(http_.Headers(0), Contains("x-LSQ-AccessKey: u$rA"));
  EXPECT_THAT(http_.Headers(0), Contains("x-LSQ-SecretKey: sB"));
  EXPECT_THAT(http_.Headers(0), Contains("Content-Type: application/json"));
  EXPECT_THAT(request.body, HasSubstr("jack@gmail.com"));
  EXPECT_THAT(request.body, HasSubstr(R"("SearchByKey":"EmailAddress")"));
  EXPECT_EQ(request.timeout, absl::Seconds(7));
  EXPECT_LE(request.connect_timeout, request.timeout);
}

TEST_F(LeadSquaredClientTest, PutsTheKeysIntoTheQueryOnlyWhereToldTo) {
  LeadSquaredClient client = Client(/*in_query=*/true);
  client.Update(Call(), [](CallReport) {});
  EXPECT_THAT(http_.requests.at(0).url.Reveal(),
              HasSubstr("UpdateV2?accessKey=u%24rA&secretKey=sB"));
  for (const std::string& line : http_.Headers(0)) {
    EXPECT_THAT(line, Not(HasSubstr("LSQ")));
  }
}

TEST_F(LeadSquaredClientTest, UsesNewKeysFromTheNextCallOn) {
  LeadSquaredClient client = Client();
  client.Update(Call(), [](CallReport) {});
  client.SetCredentials(Keys("new", "newer"));
  client.Update(Call(), [](CallReport) {});
  EXPECT_THAT(http_.Headers(0), Contains("x-LSQ-AccessKey: u$rA"));
  EXPECT_THAT(http_.Headers(1), Contains("x-LSQ-AccessKey: new"));
}

TEST_F(LeadSquaredClientTest, ReportsWhatTheAnswerSays) {
  LeadSquaredClient client = Client();
  std::vector<CallReport> reports;
  client.Update(
      Call(), [&](CallReport report) { reports.push_back(std::move(report)); });
  EXPECT_TRUE(reports.empty());
  SetLogSinkForTest([](absl::string_view) {});
  http_.Answer(0, 200, kSuccessSample);
  SetLogSinkForTest(nullptr);
  ASSERT_EQ(reports.size(), 1);
  EXPECT_EQ(reports[0].verdict, CallVerdict::kAnswered);
  ASSERT_EQ(reports[0].leads.size(), 1);
  EXPECT_EQ(reports[0].leads[0].kind, dispatch::LeadVerdict::Kind::kUpdated);
}

TEST_F(LeadSquaredClientTest, LogsAnAnswerThatDoesNotFitWithoutItsValues) {
  LeadSquaredClient client = Client();
  client.Update(Call(), [](CallReport) {});
  std::vector<std::string> lines;
  SetLogSinkForTest([&](absl::string_view line) { lines.emplace_back(line); });
  http_.Answer(0, 200, kSuccessSample);  // names james, too
  SetLogSinkForTest(nullptr);
  ASSERT_EQ(lines.size(), 1);
  EXPECT_THAT(lines[0], HasSubstr(R"("event":"answer_does_not_fit")"));
  EXPECT_THAT(lines[0], HasSubstr(R"("account":"acme")"));
  EXPECT_THAT(lines[0], HasSubstr(R"("entries_that_fit_no_lead":1)"));
  EXPECT_THAT(lines[0], Not(HasSubstr("gmail")));
}

TEST_F(LeadSquaredClientTest, HidesItsKeysInWhatAnAnswerSays) {
  LeadSquaredClient client = Client();
  std::vector<CallReport> reports;
  const auto keep = [&](CallReport report) {
    reports.push_back(std::move(report));
  };
  client.Update(Call(), keep);
  // The keys that the call bore count, not those of now.
  client.SetCredentials(Keys("new", "newer"));
  client.GetFields(true, [&](CallReport report, std::string) { keep(report); });
  http_.Answer(0, 401,
               R"({"Status":"Error","ExceptionType":"MXUnauthorizedException",)"
               R"("ExceptionMessage":"u$rA and sB are no keys"})");
  http_.Answer(1, 401,
               R"({"Status":"Error","ExceptionType":"MXUnauthorizedException",)"
               R"("ExceptionMessage":"new and newer are no keys"})");
  ASSERT_EQ(reports.size(), 2);
  EXPECT_EQ(reports[0].text,
            "MXUnauthorizedException: (a key) and (a key) are no keys");
  EXPECT_THAT(reports[1].text, Not(HasSubstr("new")));
}

TEST_F(LeadSquaredClientTest, HidesItsKeysInWhateverForm) {
  LeadSquaredClient client = Client();
  client.SetCredentials(Keys("u$rnew", "u$rnewer"));
  const auto told = [&](const std::string& words) {
    std::string text;
    client.Update(Call(), [&](CallReport report) { text = report.text; });
    http_.Answer(http_.requests.size() - 1, 401,
                 absl::StrCat(R"({"Status":"Error","ExceptionType":"MXE",)"
                              R"("ExceptionMessage":")",
                              words, R"("})"));
    return text;
  };
  EXPECT_EQ(told("u$rnewer!"), "MXE: (a key)!");
  EXPECT_EQ(told("?accessKey=u%24rnew&"), "MXE: ?accessKey=(a key)&");
  EXPECT_EQ(told(R"(\u0075$rnew!)"), "MXE: (a key)!");
  // One that lies across the end of what is told.
  const std::string far = told(std::string(1010, 'x') + "u$rnewer");
  EXPECT_THAT(far, Not(HasSubstr("u$r")));
}

TEST_F(LeadSquaredClientTest, HidesItsKeysInTheReasonOfALead) {
  LeadSquaredClient client = Client();
  client.SetCredentials(Keys("u$rnew", "secret"));
  CallReport report;
  client.Update(Call(), [&](CallReport r) { report = std::move(r); });
  std::string answer = R"({"Status":{"TotalCount":1,"SuccessCount":0,)"
                       R"("FailureCount":1,"Message":"Error"},)"
                       R"("Details":{"FailedLeads":[{"Identifier":)"
                       R"("EmailAddress","IdentifierValue":"@","Reason":)"
                       R"("key u$rnew, secret"}]}})";
  answer = absl::StrReplaceAll(
      answer, {{"\"@\"", absl::StrCat("\"", lead_.key().value, "\"")}});
  http_.Answer(0, 200, answer);
  ASSERT_EQ(report.leads.size(), 1);
  EXPECT_EQ(report.leads[0].text, "key (a key), (a key)");
}

// What is told of a call reaches the callers of other leads, too.
TEST_F(LeadSquaredClientTest, HidesTheValuesThatARefusedCallQuotes) {
  LeadUpdate other;
  other.fields = {{"EmailAddress", "jill@gmail.com"}, {"mx_Yes", "Yes"}};
  LeadSquaredClient client = Client();
  const auto text_of = [&](std::vector<const LeadUpdate*> leads, int status,
                           absl::string_view type, absl::string_view message) {
    CallReport report;
    client.Update({"EmailAddress", std::move(leads), nullptr},
                  [&](CallReport told) { report = std::move(told); });
    http_.Answer(http_.callbacks.size() - 1, status,
                 absl::StrCat(R"({"Status":"Error","ExceptionType":")", type,
                              R"(","ExceptionMessage":")", message, R"("})"));
    return report.text;
  };
  const std::string quote = "Yes: JACK@gmail.com, of Jack, is not new";
  const std::string hidden = "Yes: (a value), of (a value), is not new";
  EXPECT_THAT(
      text_of({&lead_, &other}, 500, "MXDuplicateEntryException", quote),
      HasSubstr(hidden));
  EXPECT_THAT(text_of({&lead_}, 401, "", quote), HasSubstr(hidden));
  EXPECT_THAT(text_of({&lead_}, 429, "MXAPIRateLimitExceededException", quote),
              HasSubstr(hidden));
  // Whose lead it is hears it as it was said.
  EXPECT_THAT(text_of({&lead_}, 500, "MXDuplicateEntryException", quote),
              HasSubstr(quote));
  // A value across the place where a long text is cut.
  for (size_t before = 980; before < 1030; ++before) {
    EXPECT_THAT(text_of({&lead_, &other}, 500, "MXInvalidInputException",
                        absl::StrCat(std::string(before, '-'),
                                     "jill@gmail.com is not new")),
                Not(HasSubstr("jill")));
  }
}

TEST_F(LeadSquaredClientTest, GetsTheFieldsAndHandsOnTheBody) {
  LeadSquaredClient client = Client();
  std::string body;
  CallReport report;
  client.GetFields(true, [&](CallReport r, std::string b) {
    report = std::move(r);
    body = std::move(b);
  });
  ASSERT_EQ(http_.requests.size(), 1);
  EXPECT_EQ(http_.requests[0].method, http::HttpRequest::Method::kGet);
  EXPECT_EQ(http_.requests[0].body, "");
  EXPECT_THAT(http_.requests[0].url.Reveal(),
              HasSubstr("/v2/LeadManagement.svc/LeadsMetaData.Get"));
  EXPECT_THAT(http_.Headers(0), Contains("x-LSQ-AccessKey: u$rA"));
  http_.Answer(0, 200, "[{}]");
  EXPECT_EQ(report.verdict, CallVerdict::kAnswered);
  EXPECT_EQ(body, "[{}]");
}

TEST_F(LeadSquaredClientTest, ReportsAThrottleOfTheFieldsCall) {
  LeadSquaredClient client = Client();
  CallReport report;
  client.GetFields(false,
                   [&](CallReport r, std::string) { report = std::move(r); });
  http_.Answer(0, 200, kThrottleSample);
  EXPECT_EQ(report.verdict, CallVerdict::kThrottled);
  EXPECT_EQ(report.limit_calls, 25);
}

}  // namespace
}  // namespace leadgateway::leadsquared
