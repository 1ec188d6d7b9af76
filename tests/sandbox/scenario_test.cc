#include "sandbox/scenario.h"

#include <gtest/gtest.h>

namespace leadgateway::sandbox {
namespace {

Scenario From(absl::string_view json) {
  absl::StatusOr<Scenario> scenario = Scenario().With(json);
  EXPECT_TRUE(scenario.ok()) << scenario.status();
  return scenario.ok() ? *scenario : Scenario();
}

Fault FaultOf(Scenario& scenario, std::uint64_t call,
              Endpoint endpoint = Endpoint::kUpdate) {
  return scenario.Pick(call, endpoint)->fault;
}

TEST(ScenarioTest, ARuleMeetsTheCallsThatItNames) {
  Scenario scenario = From(
      R"({"rules":[{"when":{"calls":[2,4]},"set":{"fault":"html_502"}}]})");
  EXPECT_EQ(FaultOf(scenario, 1), Fault::kNone);
  EXPECT_EQ(FaultOf(scenario, 2), Fault::kHtml502);
  EXPECT_EQ(FaultOf(scenario, 3), Fault::kNone);
  EXPECT_EQ(FaultOf(scenario, 4), Fault::kHtml502);
}

TEST(ScenarioTest, ConditionsAreTakenTogether) {
  Scenario scenario = From(
      R"({"rules":[{"when":{"from":4,"to":9,"every":2,"times":2,
          "endpoints":["metadata"]},"set":{"fault":"empty_body"}}]})");
  EXPECT_EQ(FaultOf(scenario, 2, Endpoint::kMetadata), Fault::kNone);
  EXPECT_EQ(FaultOf(scenario, 4, Endpoint::kUpdate), Fault::kNone);
  EXPECT_EQ(FaultOf(scenario, 4, Endpoint::kMetadata), Fault::kEmptyBody);
  EXPECT_EQ(FaultOf(scenario, 5, Endpoint::kMetadata), Fault::kNone);
  EXPECT_EQ(FaultOf(scenario, 6, Endpoint::kMetadata), Fault::kEmptyBody);
  EXPECT_EQ(FaultOf(scenario, 8, Endpoint::kMetadata), Fault::kNone);
}

TEST(ScenarioTest, ProbabilityIsDrawnBySeedAndCallNumber) {
  const char* json =
      R"({"seed":9,"rules":[{"when":{"probability":0.2},"set":{"fault":"error_500"}}]})";
  Scenario first = From(json), second = From(json);
  int hit = 0;
  for (std::uint64_t call = 1; call <= 2000; ++call) {
    const Fault fault = FaultOf(first, call);
    hit += fault == Fault::kError500;
    EXPECT_EQ(fault, FaultOf(second, call));
  }
  EXPECT_NEAR(hit, 400, 70);
}

TEST(ScenarioTest, LaterRulesAndRulesOverAlwaysWin) {
  Scenario scenario = From(
      R"({"always":{"fault":"html_502","shuffle":true},
          "rules":[{"set":{"fault":"error_500"}},{"set":{"fault":"none"}}]})");
  EXPECT_EQ(FaultOf(scenario, 1), Fault::kNone);
  EXPECT_TRUE(scenario.Pick(1, Endpoint::kUpdate)->shuffle);
}

TEST(ScenarioTest, SettingKeepsWhatIsNotNamed) {
  Scenario scenario = From(R"({"always":{"shuffle":true},"seed":4})");
  absl::StatusOr<Scenario> next =
      scenario.With(R"({"always":{"wrong_counts":1}})");
  ASSERT_TRUE(next.ok());
  EXPECT_TRUE(next->always->shuffle);
  EXPECT_EQ(next->always->wrong_counts, 1);
  EXPECT_EQ(next->seed, 4u);
}

TEST(ScenarioTest, WhatItWritesItReads) {
  Scenario scenario = From(
      R"({"seed":3,"allowance":{"calls":5,"kind":"bucket","count_at":"random"},
          "always":{"echo":["lower","digits"],"fault_applies":true,
          "latency_max_ms":2.5},
          "rules":[{"when":{"from":2},"set":{"fault":"oversized"}}]})");
  const std::string json = scenario.ToJson();
  EXPECT_EQ(From(json).ToJson(), json);
  EXPECT_EQ(From(json).allowance.calls, 5);
  EXPECT_TRUE(From(json).always->echo_digits);
}

TEST(ScenarioTest, RefusesWhatItDoesNotKnow) {
  for (const char* json :
       {"",
        "[]",
        "{",
        "null",
        "{\"x\":1}",
        R"({"always":{"fault":"no"}})",
        R"({"always":{"nope":true}})",
        R"({"always":{"shuffle":1}})",
        R"({"always":[]})",
        R"({"seed":-1})",
        R"({"allowance":{"calls":0}})",
        R"({"allowance":{"window_ms":0}})",
        R"({"rules":{}})",
        R"({"rules":[1]})",
        R"({"rules":[{}]})",
        R"({"rules":[{"when":{"probability":2},"set":{"shuffle":true}}]})",
        R"({"rules":[{"when":{"every":0},"set":{"shuffle":true}}]})",
        R"({"rules":[{"when":{"calls":[]},"set":{"shuffle":true}}]})",
        R"({"rules":[{"when":{"endpoints":["x"]},"set":{"shuffle":true}}]})",
        R"({"always":{"retry_after":"1\r\nX: y"}})",
        R"({"always":{"latency_min_ms":5}})",
        R"({"always":{"echo":["sideways"]}})",
        "{\"always\":{\"\xff\":1}}"}) {
    EXPECT_FALSE(Scenario().With(json).ok()) << json;
  }
  EXPECT_FALSE(Scenario().With(std::string(100000, '[')).ok());
}

}  // namespace
}  // namespace leadgateway::sandbox
