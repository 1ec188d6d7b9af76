#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/call_record.h"
#include "tests/integration/gateway_fixture.h"

namespace leadgateway::testing {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;

// Makes one of 25 leads of three requests that share a call spoil it.
struct Poison {
  std::string name;
  std::string always;     // the sandbox's switches
  std::string attribute;  // of the guilty lead's second field
  std::string value;
  std::string says;  // what its result quotes
};

void PrintTo(const Poison& poison, std::ostream* out) { *out << poison.name; }

class PoisonTest : public ::testing::TestWithParam<Poison> {};

INSTANTIATE_TEST_SUITE_P(
    EachKind, PoisonTest,
    ::testing::Values(
        Poison{"Value500", R"("poison_value":"spoilt")", "FirstName", "spoilt",
               "MXInvalidDataTypeException"},
        Poison{"Value412",
               R"("poison_value":"spoilt","poison_status":412,)"
               R"("poison_type":"MXInvalidInputException")",
               "FirstName", "spoilt", "MXInvalidInputException"},
        Poison{"Attribute412", R"("unknown_attribute":"fail_call_412")",
               "mx_Nowhere", "x", "mx_Nowhere"},
        Poison{"Attribute500", R"("unknown_attribute":"fail_call_500")",
               "mx_Nowhere", "x", "mx_Nowhere"}),
    [](const auto& test) { return test.param.name; });

TEST_P(PoisonTest, OneGuiltyLeadFailsAloneWhereverItStands) {
  for (const int guilty : {0, 12, 24}) {
    SCOPED_TRACE(guilty);
    GatewaySetup setup;
    setup.HoldAnd(GetParam().always);
    Gateway gateway(setup);
    const auto held = gateway.Hold();
    const std::vector<int> sizes = {9, 8, 8};
    std::vector<std::unique_ptr<Rpc>> rpcs;
    int first = 0;
    for (const int size : sizes) {
      v1::BulkUpdateLeadsRequest request = Updates(first, size);
      if (guilty >= first && guilty < first + size) {
        v1::LeadField* const field =
            request.mutable_leads(guilty - first)->mutable_fields(1);
        field->set_attribute(GetParam().attribute);
        field->set_string_value(GetParam().value);
      }
      rpcs.push_back(gateway.Start(std::move(request)));
      first += size;
    }
    first = 0;
    for (size_t i = 0; i < rpcs.size(); ++i) {
      const Answer answer = rpcs[i]->Get();
      ExpectComplete(answer, sizes[i]);
      for (const auto& [index, result] : answer.results) {
        if (first + index != guilty) {
          EXPECT_EQ(result.outcome(), v1::OUTCOME_UPDATED)
              << result.ShortDebugString();
          continue;
        }
        EXPECT_EQ(result.outcome(), v1::OUTCOME_FAILED);
        EXPECT_EQ(ReasonOf(result), "REJECTED_BY_LEADSQUARED");
        EXPECT_EQ(result.status().code(),
                  grpc::StatusCode::FAILED_PRECONDITION);
        EXPECT_THAT(result.status().message(), HasSubstr(GetParam().says));
      }
      first += sizes[i];
    }
    ExpectAll(held->Get(), 1, v1::OUTCOME_UPDATED);
    EXPECT_EQ(gateway.stats().leads_applied, 25);
    const std::vector<sandbox::CallRecord> calls = gateway.calls();
    EXPECT_THAT(calls, Contains(Field(&sandbox::CallRecord::lead_count, 25)));
    // Beside the one turned away, the held lead's, and the shared one.
    EXPECT_LE(calls.size(), 3 + 10);
  }
}

TEST(UnknownAttributeTest, WhereLeadSquaredFailsTheLeadOnlyTheLeadFails) {
  Gateway gateway;
  v1::BulkUpdateLeadsRequest request = Updates(0, 25);
  request.mutable_leads(7)->mutable_fields(1)->set_attribute("mx_Nowhere");
  const Answer answer = gateway.Update(request);
  ExpectComplete(answer, 25);
  EXPECT_EQ(CountOf(answer, v1::OUTCOME_UPDATED), 24);
  EXPECT_EQ(ReasonOf(answer.results.at(7)), "REJECTED_BY_LEADSQUARED");
  EXPECT_EQ(answer.summary->upstream_calls(), 1);
}

TEST(PoisonedRequestTest, TenGuiltyLeadsAmongAThousandFailAndTheRestIsUpdated) {
  for (const absl::string_view always :
       {R"("poison_value":"spoilt")",
        R"("unknown_attribute":"fail_call_412")"}) {
    SCOPED_TRACE(always);
    const bool by_value = absl::StrContains(always, "poison_value");
    GatewaySetup setup;
    setup.Allow(200, absl::Seconds(1));
    setup.Faults(absl::StrCat(R"({"always":{)", always, "}}"));
    Gateway gateway(setup);
    v1::BulkUpdateLeadsRequest request = Updates(0, 1000);
    std::set<int> guilty;
    for (int lead = 37; lead < 1000; lead += 97) {
      guilty.insert(lead);
      v1::LeadField* const field =
          request.mutable_leads(lead)->mutable_fields(1);
      if (by_value) {
        field->set_string_value("spoilt");
      } else {
        field->set_attribute(absl::StrCat("mx_Nowhere", lead));
      }
    }
    ASSERT_EQ(guilty.size(), 10);
    const Answer answer = gateway.Update(request);
    ExpectComplete(answer, 1000);
    for (const auto& [index, result] : answer.results) {
      if (guilty.contains(index)) {
        EXPECT_EQ(result.outcome(), v1::OUTCOME_FAILED);
        EXPECT_EQ(ReasonOf(result), "REJECTED_BY_LEADSQUARED");
      } else {
        EXPECT_EQ(result.outcome(), v1::OUTCOME_UPDATED)
            << result.ShortDebugString();
      }
    }
    EXPECT_EQ(gateway.stats().leads_applied, 990);
    const int calls = static_cast<int>(gateway.calls().size());
    RecordProperty(by_value ? "calls_by_value" : "calls_by_attribute", calls);
    // Forty, and the budget of extra ones; one each where the refusal names the
    // field.
    EXPECT_LE(calls, 40 + (by_value ? 100 : 10));
  }
}

TEST(UnknownAttributeTest, ACallerWhoRepeatsItCostsNoMoreCalls) {
  GatewaySetup setup;
  setup.Faults(R"({"always":{"unknown_attribute":"fail_call_412"}})");
  Gateway gateway(setup);
  v1::BulkUpdateLeadsRequest request = Updates(0, 25);
  request.mutable_leads(7)->mutable_fields(1)->set_attribute("mx_Nowhere");
  const Answer first = gateway.Update(request);
  ExpectComplete(first, 25);
  EXPECT_EQ(CountOf(first, v1::OUTCOME_UPDATED), 24);
  EXPECT_EQ(ReasonOf(first.results.at(7)), "REJECTED_BY_LEADSQUARED");
  EXPECT_EQ(first.summary->upstream_calls(), 2);

  const Answer second = gateway.Update(request);
  ExpectComplete(second, 25);
  EXPECT_EQ(CountOf(second, v1::OUTCOME_UPDATED), 24);
  EXPECT_EQ(second.summary->upstream_calls(), 1);
  const v1::LeadResult& refused = second.results.at(7);
  EXPECT_EQ(refused.outcome(), v1::OUTCOME_INVALID);
  EXPECT_EQ(ReasonOf(refused), "FIELD_UNKNOWN");
  EXPECT_EQ(refused.attempts(), 0);
  EXPECT_THAT(refused.status().message(),
              HasSubstr("Attribute(s) does not exist - mx_Nowhere"));
  const Details details = DetailsOf(refused.status());
  ASSERT_TRUE(details.bad_request.has_value());
  EXPECT_EQ(details.bad_request->field_violations(0).field(),
            "leads[7].fields[\"mx_Nowhere\"]");
  EXPECT_THAT(gateway.log(),
              Contains(HasSubstr(R"("unknown_fields":"mx_Nowhere")")));
  EXPECT_EQ(gateway.calls().size(), 3);
}

TEST(PoisonedRequestTest, AllLeadsOfARequestMayBeGuilty) {
  GatewaySetup setup;
  setup.Faults(R"({"always":{"poison_value":"spoilt"}})");
  Gateway gateway(setup);
  ExpectAll(gateway.Update(Updates(0, 10, "spoilt")), 10, v1::OUTCOME_FAILED,
            "REJECTED_BY_LEADSQUARED");
  ExpectAll(gateway.Update(Updates(0, 10)), 10, v1::OUTCOME_UPDATED);
}

}  // namespace
}  // namespace leadgateway::testing
