// Spans of RPCs and of the calls that carry their leads, read back from the
// file that a collector reads.

#include <rapidjson/document.h>

#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "tests/integration/gateway_fixture.h"

namespace leadgateway::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

struct ReadSpan {
  std::string name, trace, id, parent, problem;
  int kind = 0;
  int64_t start = 0, end = 0;
  std::vector<std::string> links;  // "TRACE-SPAN"
  std::map<std::string, std::string> attributes;

  std::string Link() const { return absl::StrCat(trace, "-", id); }
};

std::string TextOf(const rapidjson::Value& object, const char* name) {
  return object.HasMember(name) ? object[name].GetString() : "";
}

std::vector<ReadSpan> SpansIn(const std::string& path) {
  std::vector<ReadSpan> spans;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    rapidjson::Document document;
    document.Parse(line.c_str());
    EXPECT_FALSE(document.HasParseError()) << line;
    if (document.HasParseError()) continue;
    for (const auto& from :
         document["resourceSpans"][0]["scopeSpans"][0]["spans"].GetArray()) {
      ReadSpan& span = spans.emplace_back();
      span.name = TextOf(from, "name");
      span.trace = TextOf(from, "traceId");
      span.id = TextOf(from, "spanId");
      span.parent = TextOf(from, "parentSpanId");
      span.kind = from["kind"].GetInt();
      span.start = std::stoll(TextOf(from, "startTimeUnixNano"));
      span.end = std::stoll(TextOf(from, "endTimeUnixNano"));
      if (from.HasMember("status")) {
        EXPECT_EQ(from["status"]["code"].GetInt(), 2);
        span.problem = TextOf(from["status"], "message");
      }
      if (from.HasMember("links")) {
        for (const auto& link : from["links"].GetArray()) {
          span.links.push_back(absl::StrCat(TextOf(link, "traceId"), "-",
                                            TextOf(link, "spanId")));
        }
      }
      for (const auto& attribute : from["attributes"].GetArray()) {
        const auto& value = attribute["value"];
        span.attributes[TextOf(attribute, "key")] =
            value.HasMember("intValue") ? TextOf(value, "intValue")
                                        : TextOf(value, "stringValue");
      }
    }
  }
  return spans;
}

constexpr char kCallName[] = "LeadSquared UpdateV2";

class TracingTest : public ::testing::Test {
 protected:
  TracingTest() {
    setup_.HoldAnd();
    setup_.tracing.file = absl::StrCat(dir_.path(), "/spans.jsonl");
  }

  CallOptions InTrace(char digit, bool sampled = true) {
    CallOptions options;
    options.metadata = {
        {"traceparent",
         absl::StrCat("00-", std::string(32, digit), "-",
                      std::string(16, digit), sampled ? "-01" : "-00")},
        {"x-request-id", std::string(1, digit)}};
    return options;
  }
  // Once the gateway has gone, with all that it wrote.
  std::vector<ReadSpan> Spans() const { return SpansIn(setup_.tracing.file); }
  static std::vector<ReadSpan> Named(const std::vector<ReadSpan>& spans,
                                     absl::string_view part) {
    std::vector<ReadSpan> found;
    for (const ReadSpan& span : spans) {
      if (absl::StrContains(span.name, part)) found.push_back(span);
    }
    return found;
  }

  TempDir dir_;
  GatewaySetup setup_;
};

TEST_F(TracingTest, ASharedCallIsLinkedToEachOfItsRpcs) {
  std::vector<std::string> log;
  {
    Gateway gateway(setup_);
    const auto holder = gateway.Hold();
    const auto a = gateway.Start(Updates(0, 5), InTrace('a'));
    a->WaitUntilTaken();
    const auto b = gateway.Start(Updates(5, 5), InTrace('b'));
    b->WaitUntilTaken();
    // Its caller does not record.
    const auto c = gateway.Start(Updates(10, 5), InTrace('c', false));
    c->WaitUntilTaken();
    for (const auto& rpc : {&a, &b, &c}) {
      ExpectAll((*rpc)->Get(), 5, v1::OUTCOME_UPDATED);
    }
    holder->Get();
    gateway.server().Drain();
    log = gateway.log();
  }
  const std::vector<ReadSpan> spans = Spans();
  const std::vector<ReadSpan> rpcs = Named(spans, "BulkUpdateLeads");
  ASSERT_THAT(rpcs, SizeIs(3));  // a, b, and the holder, which begins a trace
  std::map<char, ReadSpan> by_trace;
  for (const ReadSpan& rpc : rpcs) {
    EXPECT_EQ(rpc.kind, 2);
    EXPECT_EQ(rpc.attributes.at("rpc.grpc.status_code"), "0");
    EXPECT_LE(rpc.start, rpc.end);
    EXPECT_LT(rpc.end - rpc.start, int64_t{60'000'000'000});
    if (!rpc.parent.empty()) by_trace[rpc.trace[0]] = rpc;
  }
  ASSERT_THAT(by_trace, SizeIs(2));
  for (const char digit : {'a', 'b'}) {
    const ReadSpan& rpc = by_trace[digit];
    EXPECT_EQ(rpc.trace, std::string(32, digit));
    EXPECT_EQ(rpc.parent, std::string(16, digit));
    EXPECT_NE(rpc.id, rpc.parent);
    EXPECT_EQ(rpc.attributes.at("leadgateway.request_id"),
              std::string(1, digit));
    EXPECT_EQ(rpc.attributes.at("leadgateway.leads.updated"), "5");
  }

  // One call carried a, b and c; it is below the first and linked to both.
  std::vector<ReadSpan> shared;
  for (const ReadSpan& call : Named(spans, kCallName)) {
    EXPECT_EQ(call.kind, 3);
    if (!call.links.empty()) shared.push_back(call);
  }
  ASSERT_THAT(shared, SizeIs(1));
  const ReadSpan& call = shared[0];
  EXPECT_EQ(call.attributes.at("leadgateway.requests"), "3");
  EXPECT_EQ(call.attributes.at("leadgateway.leads"), "15");
  EXPECT_EQ(call.attributes.at("http.response.status_code"), "200");
  EXPECT_THAT(call.links,
              UnorderedElementsAre(by_trace['a'].Link(), by_trace['b'].Link()));
  EXPECT_THAT(call.links, Contains(absl::StrCat(call.trace, "-", call.parent)));

  // The log's lines have the same ids.
  std::set<std::string> ids;
  for (const ReadSpan& span : spans) {
    EXPECT_TRUE(ids.insert(span.id).second) << "two spans have an id";
  }
  int lines = 0;
  for (const std::string& line : log) {
    rapidjson::Document document;
    document.Parse(line.c_str());
    const std::string event = TextOf(document, "event");
    if (event != "rpc" && event != "upstream_call") continue;
    if (TextOf(document, "request_id") == "c") {
      EXPECT_EQ(TextOf(document, "trace_id"), std::string(32, 'c'));
      EXPECT_EQ(TextOf(document, "span_id"), "");
      continue;
    }
    EXPECT_THAT(ids, Contains(TextOf(document, "span_id"))) << line;
    ++lines;
  }
  EXPECT_EQ(lines, static_cast<int>(spans.size()));
}

TEST_F(TracingTest, ATryAgainIsASpanOfItsOwnAndSaysWhatWentWrong) {
  setup_.Faults(R"({"rules":[{"when":{"calls":[1]},
                              "set":{"fault":"reset_after_applying"}}]})");
  {
    Gateway gateway(setup_);
    ExpectAll(gateway.Update(Updates(0, 1), InTrace('a')), 1,
              v1::OUTCOME_UPDATED);
  }
  const std::vector<ReadSpan> spans = Spans();
  const std::vector<ReadSpan> rpcs = Named(spans, "BulkUpdateLeads");
  const std::vector<ReadSpan> calls = Named(spans, kCallName);
  ASSERT_THAT(rpcs, SizeIs(1));
  ASSERT_THAT(calls, SizeIs(2));
  EXPECT_EQ(calls[0].problem, "in_doubt");
  EXPECT_EQ(calls[1].problem, "");
  for (const ReadSpan& call : calls) {
    EXPECT_EQ(call.parent, rpcs[0].id);
    EXPECT_EQ(call.trace, rpcs[0].trace);
    EXPECT_THAT(call.links, IsEmpty());
    EXPECT_GE(call.start, rpcs[0].start);
  }
}

TEST_F(TracingTest, GarbageIsNoTraceparentAndThePartThatIsRecordedIsKept) {
  setup_.tracing.sampled_part = 0;
  {
    Gateway gateway(setup_);
    for (const std::string& garbage :
         {std::string("00-"), std::string(500, '0'), std::string("hello"),
          absl::StrCat("00-", std::string(32, '0'), "-", std::string(16, '1'),
                       "-01"),
          absl::StrCat("ff-", std::string(32, '1'), "-", std::string(16, '1'),
                       "-01"),
          absl::StrCat("00-", std::string(32, 'A'), "-", std::string(16, '1'),
                       "-01")}) {
      CallOptions options;
      options.metadata = {{"traceparent", garbage}};
      ExpectAll(gateway.Update(Updates(0, 1), options), 1, v1::OUTCOME_UPDATED);
    }
    ExpectAll(gateway.Update(Updates(0, 1)), 1, v1::OUTCOME_UPDATED);
    EXPECT_THAT(SpansIn(setup_.tracing.file), IsEmpty());
    gateway.Status();
  }
  EXPECT_THAT(Spans(), IsEmpty());
}

}  // namespace
}  // namespace leadgateway::testing
