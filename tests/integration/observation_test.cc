// What the gateway tells of its work: that the log has one line for each RPC
// and each call, that the metrics say what happened, and that neither grows
// with what callers write.

#include <rapidjson/document.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "gateway/config/config.h"
#include "gateway/server/server.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.grpc.pb.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/account.h"
#include "sandbox/call_record.h"
#include "sandbox/credentials.h"
#include "tests/integration/gateway_fixture.h"
#include "tests/integration/program.h"

namespace leadgateway::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// A line of the log: numbers and texts as they are written, lists joined by
// ",".
using Line = std::map<std::string, std::string>;

std::vector<Line> LinesOf(const std::vector<std::string>& log,
                          absl::string_view event) {
  std::vector<Line> lines;
  for (const std::string& text : log) {
    rapidjson::Document document;
    document.Parse<rapidjson::kParseNumbersAsStringsFlag>(text.c_str());
    EXPECT_TRUE(document.IsObject()) << text;
    if (!document.IsObject() || event != document["event"].GetString()) {
      continue;
    }
    Line& line = lines.emplace_back();
    // By number: clang takes this version's iterators for ambiguous in C++20.
    for (rapidjson::SizeType i = 0; i < document.MemberCount(); ++i) {
      const auto& member = *(document.MemberBegin() + i);
      std::string& value = line[member.name.GetString()];
      EXPECT_EQ(value, "") << text;  // each name once
      if (member.value.IsArray()) {
        for (const auto& item : member.value.GetArray()) {
          absl::StrAppend(&value, value.empty() ? "" : ",", item.GetString());
        }
      } else if (member.value.IsBool()) {
        value = member.value.GetBool() ? "true" : "false";
      } else {
        value = member.value.GetString();
      }
    }
  }
  return lines;
}

// Those of `lines` whose `name` is `value`.
std::vector<Line> Where(const std::vector<Line>& lines, const std::string& name,
                        absl::string_view value) {
  std::vector<Line> found;
  for (const Line& line : lines) {
    const auto it = line.find(name);
    if (it != line.end() && it->second == value) found.push_back(line);
  }
  return found;
}

std::string In(const Line& line, const std::string& name) {
  const auto it = line.find(name);
  return it == line.end() ? "(absent)" : it->second;
}
int NumberIn(const Line& line, const std::string& name) {
  int number = 0;
  return absl::SimpleAtoi(In(line, name), &number) ? number : 0;
}
double SecondsIn(const Line& line, const std::string& name) {
  double number = -1;
  EXPECT_TRUE(absl::SimpleAtod(In(line, name), &number)) << name;
  return number;
}

// Of Prometheus's text: what is written of each series, "NAME{LABELS}".
std::map<std::string, double> Series(const std::string& page) {
  std::map<std::string, double> series;
  for (const absl::string_view line : absl::StrSplit(page, '\n')) {
    const size_t space = line.rfind(' ');
    if (!absl::StartsWith(line, "leadgateway_") || space == line.npos) continue;
    double value = 0;
    EXPECT_TRUE(absl::SimpleAtod(
        absl::StripSuffix(line.substr(space + 1), "\r"), &value))
        << line;
    series[std::string(line.substr(0, space))] = value;
  }
  return series;
}

class ObservationTest : public ::testing::Test {
 protected:
  ObservationTest() { setup_.admin = true; }

  void Start() { gateway_ = std::make_unique<Gateway>(setup_); }
  std::string Page(const std::string& path) {
    return HttpGet(gateway_->server().admin_address(), path);
  }
  std::map<std::string, double> Metrics() { return Series(Page("/metrics")); }

  static CallOptions As(const std::string& caller, const std::string& id) {
    CallOptions options;
    options.metadata = {{"x-lead-caller", caller}, {"x-request-id", id}};
    return options;
  }
  grpc::Status ListFields(const std::string& account, const std::string& id) {
    grpc::ClientContext context;
    context.AddMetadata("x-lead-caller", "ops");
    context.AddMetadata("x-request-id", id);
    v1::ListLeadFieldsRequest request;
    request.set_account(account);
    v1::ListLeadFieldsResponse response;
    return gateway_->stub().ListLeadFields(&context, request, &response);
  }
  grpc::Status AskStatus(const std::string& account, const std::string& id) {
    grpc::ClientContext context;
    context.AddMetadata("x-lead-caller", "ops");
    context.AddMetadata("x-request-id", id);
    v1::GetAccountStatusRequest request;
    request.set_account(account);
    v1::GetAccountStatusResponse response;
    return gateway_->stub().GetAccountStatus(&context, request, &response);
  }

  GatewaySetup setup_;
  std::unique_ptr<Gateway> gateway_;
};

TEST_F(ObservationTest, EachRpcAndEachCallIsOneLineOfTheLog) {
  constexpr char kTrace[] = "4bf92f3577b34da6a3ce929d0e0e4736";
  setup_.Faults(
      R"({"rules":[{"when":{"endpoints":["update"],"times":1},"set":{"fault":"throttle_429"}}]})");
  Start();
  CallOptions traced = As("nightly", "id-updates");
  traced.metadata.emplace("traceparent",
                          absl::StrCat("00-", kTrace, "-00f067aa0ba902b7-01"));
  v1::BulkUpdateLeadsRequest request = Updates(0, 60);
  AddLead(request, "EmailAddress", "nobody@example.com");
  ExpectComplete(gateway_->Update(request, traced), 61);
  EXPECT_EQ(ReasonOf(gateway_->Update({}, As("crm", "id-empty")).status),
            "EMPTY_REQUEST");
  v1::BulkUpdateLeadsRequest elsewhere = Updates(0, 1);
  elsewhere.set_account("initech");
  EXPECT_FALSE(
      gateway_->Update(elsewhere, As("crm", "id-nowhere")).status.ok());
  EXPECT_TRUE(AskStatus("", "id-status").ok());
  EXPECT_FALSE(AskStatus("initech", "id-status-nowhere").ok());
  EXPECT_FALSE(ListFields("", "id-fields").ok());
  gateway_->server().Drain();

  const std::vector<Line> rpcs = LinesOf(gateway_->log(), "rpc");
  EXPECT_THAT(rpcs, SizeIs(6));
  const auto line_of = [&](const std::string& id) {
    const std::vector<Line> lines = Where(rpcs, "request_id", id);
    EXPECT_THAT(lines, SizeIs(1)) << id;
    return lines.empty() ? Line() : lines.front();
  };
  const Line updates = line_of("id-updates");
  EXPECT_EQ(In(updates, "method"), "BulkUpdateLeads");
  EXPECT_EQ(In(updates, "trace_id"), kTrace);
  EXPECT_EQ(In(updates, "caller"), "nightly");
  EXPECT_EQ(In(updates, "account"), "acme");
  EXPECT_EQ(In(updates, "code"), "OK");
  EXPECT_EQ(In(updates, "reason"), "(absent)");
  EXPECT_EQ(In(updates, "leads"), "61");
  EXPECT_EQ(In(updates, "updated"), "60");
  EXPECT_EQ(In(updates, "failed"), "1");
  EXPECT_EQ(In(updates, "unknown"), "(absent)");
  EXPECT_GT(SecondsIn(updates, "duration_s"), 0);
  const Line empty = line_of("id-empty");
  EXPECT_EQ(In(empty, "caller"), "crm");
  EXPECT_EQ(In(empty, "code"), "INVALID_ARGUMENT");
  EXPECT_EQ(In(empty, "reason"), "EMPTY_REQUEST");
  EXPECT_EQ(In(empty, "trace_id"), "(absent)");
  EXPECT_EQ(In(line_of("id-nowhere"), "reason"), "ACCOUNT_UNKNOWN");
  EXPECT_EQ(In(line_of("id-status"), "method"), "GetAccountStatus");
  EXPECT_EQ(In(line_of("id-status"), "code"), "OK");
  EXPECT_EQ(In(line_of("id-status-nowhere"), "code"), "NOT_FOUND");
  EXPECT_EQ(In(line_of("id-fields"), "method"), "ListLeadFields");
  EXPECT_EQ(In(line_of("id-fields"), "caller"), "ops");
  EXPECT_EQ(In(line_of("id-fields"), "reason"), "SCHEMA_UNAVAILABLE");

  // As many calls as LeadSquared saw, with as many leads; each names its RPC.
  const std::vector<Line> calls = LinesOf(gateway_->log(), "upstream_call");
  const std::vector<sandbox::CallRecord> seen = gateway_->calls();
  EXPECT_EQ(calls.size(), seen.size());
  EXPECT_EQ(In(updates, "upstream_calls"), absl::StrCat(calls.size()));
  EXPECT_THAT(Where(calls, "verdict", "throttled"), SizeIs(1));
  EXPECT_THAT(Where(calls, "level", "warn"), SizeIs(1));
  EXPECT_EQ(Where(calls, "verdict", "answered").size(), calls.size() - 1);
  std::multiset<std::string> told;
  std::multiset<std::string> sent;
  std::set<std::string> numbers;
  int updated = 0;
  int not_found = 0;
  for (const Line& call : calls) {
    told.insert(In(call, "leads"));
    numbers.insert(In(call, "call"));
    updated += NumberIn(call, "updated");
    not_found += NumberIn(call, "not_found");
    EXPECT_EQ(In(call, "account"), "acme");
    EXPECT_EQ(In(call, "request_ids"), "id-updates");
    EXPECT_EQ(In(call, "trace_ids"), kTrace);
    EXPECT_EQ(In(call, "http_status"),
              In(call, "verdict") == "throttled" ? "429" : "200");
    EXPECT_GE(SecondsIn(call, "duration_s"), 0);
    EXPECT_LE(SecondsIn(call, "duration_s"), SecondsIn(updates, "duration_s"));
    EXPECT_GE(SecondsIn(call, "longest_wait_s"), 0);
  }
  for (const sandbox::CallRecord& call : seen) {
    sent.insert(absl::StrCat(call.lead_count));
  }
  EXPECT_EQ(told, sent);
  EXPECT_EQ(numbers.size(), calls.size());
  EXPECT_EQ(updated, 60);
  EXPECT_EQ(not_found, 1);
}

TEST_F(ObservationTest, TheLogsLevelChangesWhileItRuns) {
  Start();
  const auto set = [&](const std::string& level) {
    return HttpAnswer(gateway_->server().admin_address(), "PUT",
                      absl::StrCat("/loglevel?level=", level));
  };
  const auto lines = [&] { return LinesOf(gateway_->log(), "rpc").size(); };
  ExpectAll(gateway_->Update(Updates(0, 1)), 1, v1::OUTCOME_UPDATED);
  EXPECT_TRUE(Eventually([&] { return lines() == 1; }));
  EXPECT_THAT(set("warn"), AllOf(HasSubstr("200 OK"), HasSubstr("warn\n")));
  ExpectAll(gateway_->Update(Updates(0, 1)), 1, v1::OUTCOME_UPDATED);
  EXPECT_THAT(set("loud"), HasSubstr("400 Bad Request"));
  EXPECT_THAT(set("info"), HasSubstr("200 OK"));
  ExpectAll(gateway_->Update(Updates(0, 2)), 2, v1::OUTCOME_UPDATED);
  // The one in between left none, though it was over before this one began.
  EXPECT_TRUE(Eventually([&] { return lines() >= 2; }));
  gateway_->server().Drain();
  EXPECT_EQ(lines(), 2u);
  EXPECT_EQ(LinesOf(gateway_->log(), "upstream_call").size(), 2u);
  const std::vector<Line> changes = LinesOf(gateway_->log(), "log_level");
  ASSERT_THAT(changes, SizeIs(2));
  EXPECT_EQ(In(changes[0], "from") + In(changes[0], "to"), "infowarn");
  EXPECT_EQ(In(changes[1], "from") + In(changes[1], "to"), "warninfo");
}

// A wrong regional host answers 401, and names the right one: whoever looks
// anywhere finds it.
TEST_F(ObservationTest, TheRightHostIsToldWhereverSomebodyLooks) {
  constexpr char kRight[] = "api-ir31.leadsquared.com";
  setup_.Faults(absl::StrCat(
      R"({"always":{"fault":"wrong_host","right_host":")", kRight, "\"}}"));
  setup_.other_accounts = {setup_.account};
  setup_.other_accounts[0].name = "with-checks";
  setup_.other_accounts[0].schema_checks = true;
  Start();
  for (const std::string account : {"acme", "with-checks"}) {
    v1::BulkUpdateLeadsRequest request = Updates(0, 20);  // one call
    request.set_account(account);
    const Answer answer = gateway_->Update(request);
    EXPECT_EQ(answer.status.error_code(),
              grpc::StatusCode::FAILED_PRECONDITION);
    EXPECT_EQ(ReasonOf(answer.status), "UPSTREAM_CREDENTIALS_REJECTED");
    EXPECT_THAT(answer.status.error_message(), HasSubstr(kRight));
    EXPECT_THAT(answer.status.error_message(), HasSubstr("baseUrl"));
  }
  EXPECT_THAT(gateway_->Status().blocked(), HasSubstr(kRight));
  EXPECT_THAT(Page("/?account=acme"),
              AllOf(HasSubstr(kRight), HasSubstr("keys refused")));
  EXPECT_EQ(
      Metrics()[R"(leadgateway_account_blocked{account="acme",reason="keys"})"],
      1);
  gateway_->server().Drain();
  const std::vector<Line> calls =
      Where(LinesOf(gateway_->log(), "upstream_call"), "account", "acme");
  ASSERT_THAT(calls, Not(IsEmpty()));
  for (const Line& call : calls) {
    EXPECT_EQ(In(call, "verdict"), "credentials_rejected");
    EXPECT_THAT(In(call, "text"), HasSubstr(kRight));
  }
  const std::vector<Line> loads = Where(
      LinesOf(gateway_->log(), "fields_not_loaded"), "account", "with-checks");
  ASSERT_THAT(loads, Not(IsEmpty()));
  EXPECT_THAT(In(loads[0], "text"), HasSubstr(kRight));
}

TEST_F(ObservationTest, TheMetricsSayWhatHappened) {
  TempDir dir;
  const auto keys = [](int version) {
    return sandbox::KeyPair{.label = absl::StrCat("v", version),
                            .access_key = absl::StrCat("u$raccess", version),
                            .secret_key = absl::StrCat("secret", version)};
  };
  const auto write = [&](const sandbox::KeyPair& pair) {
    setup_.account.access_key_file = dir.Write("access", pair.access_key);
    setup_.account.secret_key_file = dir.Write("secret", pair.secret_key);
  };
  write(keys(1));
  setup_.Allow(20, absl::Seconds(1));
  setup_.sandbox.account.keys = {keys(1), keys(2)};
  setup_.account.calls = 40;  // as nobody has told LeadSquared
  setup_.account.daily_calls = 1000;
  setup_.account.spread_daily_calls = false;
  setup_.account.schema_checks = true;
  setup_.account.retry_ambiguous = false;
  setup_.Faults(
      R"({"rules":[{"when":{"endpoints":["update"],"times":1},"set":{"fault":"throttle_429"}}]})");
  Start();
  ExpectAll(gateway_->Update(Updates(0, 30)), 30, v1::OUTCOME_UPDATED);
  v1::BulkUpdateLeadsRequest absent;
  absent.set_search_by_key("EmailAddress");
  AddLead(absent, "EmailAddress", "nobody@example.com");
  ExpectAll(gateway_->Update(absent), 1, v1::OUTCOME_FAILED);
  v1::BulkUpdateLeadsRequest wrong = Updates(40, 1);
  wrong.mutable_leads(0)->mutable_fields(1)->set_attribute("Frist");
  ExpectAll(gateway_->Update(wrong), 1, v1::OUTCOME_INVALID, "FIELD_UNKNOWN");
  ASSERT_TRUE(
      gateway_->account()
          .SetFaults(
              R"({"rules":[],"always":{"fault":"reset_after_applying"}})")
          .ok());
  ExpectAll(gateway_->Update(Updates(50, 3)), 3, v1::OUTCOME_UNKNOWN);
  EXPECT_EQ(ReasonOf(gateway_->Update({}).status), "EMPTY_REQUEST");
  // A line is written, and a figure counted, just after the last message.
  EXPECT_TRUE(Eventually([&] {
    return Metrics()
               [R"(leadgateway_rpcs_in_progress{method="BulkUpdateLeads"})"] ==
           0;
  }));

  const std::map<std::string, double> now = Metrics();
  const auto of = [&](absl::string_view name, absl::string_view more = "") {
    const auto it = now.find(
        absl::StrCat("leadgateway_", name, "{account=\"acme\"", more, "}"));
    if (it != now.end()) return it->second;
    ADD_FAILURE() << "no " << name << more;
    return -1.0;
  };
  EXPECT_EQ(of("leads_total", R"(,outcome="updated")"), 30);
  EXPECT_EQ(of("leads_total", R"(,outcome="failed")"), 1);
  EXPECT_EQ(of("leads_total", R"(,outcome="invalid")"), 1);
  EXPECT_EQ(of("leads_total", R"(,outcome="unknown")"), 3);
  EXPECT_EQ(of("leads_total", R"(,outcome="not_sent")"), 0);
  EXPECT_EQ(of("lead_problems_total", R"(,reason="NO_ANSWER")"), 3);
  EXPECT_EQ(of("lead_problems_total", R"(,reason="FIELD_UNKNOWN")"), 1);
  EXPECT_EQ(
      of("lead_problems_total", R"(,reason="LEAD_NOT_FOUND_OR_FORBIDDEN")"), 1);
  EXPECT_EQ(of("throttles_total"), 1);
  EXPECT_EQ(of("upstream_calls_total", R"(,verdict="throttled")"), 1);
  EXPECT_EQ(of("upstream_calls_total", R"(,verdict="in_doubt")"), 1);
  EXPECT_EQ(of("upstream_calls_total", R"(,verdict="not_sent")"), 0);
  // Loads of the fields included.
  const auto calls = static_cast<double>(gateway_->stats().calls);
  EXPECT_EQ(of("upstream_calls_total", R"(,verdict="answered")"), calls - 2);
  EXPECT_EQ(of("upstream_call_duration_seconds_count"), calls);
  double leads = 0;
  for (const sandbox::CallRecord& call : gateway_->calls()) {
    leads += call.lead_count;
  }
  EXPECT_EQ(of("leads_per_call_sum"), leads);
  EXPECT_EQ(of("leads_per_call_count"),
            static_cast<double>(gateway_->calls().size()));
  EXPECT_EQ(of("queue_wait_seconds_count"), 34);
  EXPECT_EQ(of("queued_leads"), 0);
  EXPECT_EQ(of("in_flight_leads"), 0);
  EXPECT_EQ(of("allowance_configured_calls"), 40);
  EXPECT_EQ(of("allowance_limit_calls"), 20);  // learned
  EXPECT_EQ(of("allowance_window_seconds"), 1);
  EXPECT_EQ(of("daily_budget_calls"), 1000);
  EXPECT_EQ(of("daily_used_calls"), calls);
  EXPECT_EQ(of("key_generation"), 1);
  EXPECT_GE(of("catalogue_age_seconds"), 0);
  EXPECT_LT(of("catalogue_age_seconds"), absl::ToDoubleSeconds(kLongEnough));
  const auto rpcs = [&](const char* code) {
    return now.at(absl::StrCat("leadgateway_rpcs_total{code=\"", code,
                               "\",method=\"BulkUpdateLeads\"}"));
  };
  EXPECT_EQ(rpcs("OK"), 4);
  EXPECT_EQ(rpcs("INVALID_ARGUMENT"), 1);
  EXPECT_EQ(now.at("leadgateway_rpc_duration_seconds_count{method="
                   "\"BulkUpdateLeads\"}"),
            5);
  EXPECT_GT(now.at("leadgateway_loop_lag_seconds_count"), 0);
  EXPECT_LT(now.at("leadgateway_loop_silent_seconds"), 30);

  write(keys(2));
  EXPECT_TRUE(Eventually([&] {
    return Metrics()[R"(leadgateway_key_generation{account="acme"})"] == 2;
  }));
}

// From the loop's own state to what a browser is given.
TEST_F(ObservationTest, TheStatusPageShowsTheAccountAsItStands) {
  setup_.Allow(4, absl::Hours(1));
  setup_.account.schema_checks = true;  // its load is a call, too
  Start();
  CallOptions patient = As("nightly", "id");
  patient.deadline = absl::Hours(10);
  const auto rpc = gateway_->Start(Updates(0, 100), patient);
  EXPECT_TRUE(Eventually([&] {
    const v1::GetAccountStatusResponse now = gateway_->Status();
    return now.calls_total() == 4 && now.leads_in_flight() == 0 &&
           now.leads_queued() == 25;
  }));
  const std::string page = Page("/");
  const auto count = [&page](absl::string_view part) {
    return std::vector<std::string>(absl::StrSplit(page, std::string(part)))
               .size() -
           1;
  };
  EXPECT_THAT(page,
              AllOf(HasSubstr("200 OK"), HasSubstr("http-equiv=\"refresh\""),
                    Not(HasSubstr("<script"))));
  // A box for each call, and one in the legend.
  EXPECT_EQ(count("<i class=\"busy\"></i>"), 0u + 1);
  EXPECT_EQ(count("<i class=\"held\"></i>"), 4u + 1);
  EXPECT_EQ(count("<i class=\"free\"></i>"), 0u + 1);
  for (const char* const text :
       {"4 calls in any 1 h", "nightly", "updated <b>75</b>", "calls <b>3</b>",
        "mean <b>25.0</b>", "throttles <b>0</b>", "never"}) {
    EXPECT_THAT(page, HasSubstr(text));
  }
  EXPECT_THAT(page, Not(HasSubstr("none yet")));  // the field list
  rpc->Cancel();
}

// Whoever may call may write what he likes into names. Memory of a scraper, and
// the gateway's own, must not follow.
TEST_F(ObservationTest, NoSeriesComesFromWhatCallersWrite) {
  setup_.account.schema_checks = true;
  setup_.Allow(1000, absl::Seconds(1));
  Start();
  const auto everything = [&](const std::string& word) {
    const CallOptions options = As("caller-" + word, "request-" + word);
    v1::BulkUpdateLeadsRequest request = Updates(0, 1);
    request.mutable_leads(0)->set_tag("tag-" + word);
    ExpectAll(gateway_->Update(request, options), 1, v1::OUTCOME_UPDATED);
    request.mutable_leads(0)->mutable_fields(1)->set_attribute("f" + word);
    ExpectAll(gateway_->Update(request, options), 1, v1::OUTCOME_INVALID);
    request.set_search_by_key("key-" + word);
    EXPECT_FALSE(gateway_->Update(request, options).status.ok());
    request.set_account("account-" + word);
    EXPECT_FALSE(gateway_->Update(request, options).status.ok());
    EXPECT_FALSE(AskStatus("account-" + word, "status-" + word).ok());
    EXPECT_FALSE(ListFields("account-" + word, "fields-" + word).ok());
    EXPECT_FALSE(CallRaw(gateway_->channel(),
                         "/leadgateway.v1.LeadGatewayService/M" + word, "")
                     .status.ok());
  };
  const auto names = [&] {
    std::set<std::string> all;
    for (const auto& [name, value] : Metrics()) all.insert(name);
    return all;
  };
  everything("once");
  const std::set<std::string> before = names();
  ASSERT_THAT(before, Not(IsEmpty()));
  constexpr int kCallers = 150;
  for (int i = 0; i < kCallers; ++i) everything(absl::StrCat("x", i));
  EXPECT_EQ(names(), before);
  EXPECT_THAT(Page("/metrics"), Not(HasSubstr("caller-")));
  // They have nothing in the queue any more, so nothing is kept of them.
  EXPECT_THAT(gateway_->Status().callers(), IsEmpty());
  EXPECT_THAT(Page("/"), Not(HasSubstr("caller-")));
}

}  // namespace
}  // namespace leadgateway::testing
