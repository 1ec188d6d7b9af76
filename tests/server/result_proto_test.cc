#include "gateway/server/result_proto.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/model/errors.h"
#include "gateway/model/lead.h"
#include "gateway/model/outcome.h"
#include "gateway/model/reason.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::server {
namespace {

TEST(ResultProto, NamesEachOutcomeAsTheContractDoes) {
  std::set<int> numbers;
  for (int i = 0; i < kOutcomeCount; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    const v1::Outcome proto = ToProto(outcome);
    EXPECT_EQ(v1::Outcome_Name(proto),
              absl::StrCat("OUTCOME_", OutcomeName(outcome)));
    numbers.insert(proto);
  }
  EXPECT_EQ(numbers.size(), kOutcomeCount);
}

TEST(ResultProto, SetsTheIndexEvenWhereItIsZeroAndNoStatusForUpdated) {
  LeadResult result;
  result.tag = "tag";
  result.outcome = Outcome::kUpdated;
  result.identifier = "EmailAddress";
  result.identifier_value = "a@b.c";
  result.attempts = 2;
  v1::LeadResult proto;
  MoveToProto(result, &proto);
  EXPECT_TRUE(proto.has_index());
  EXPECT_EQ(proto.index(), 0);
  EXPECT_EQ(proto.tag(), "tag");
  EXPECT_EQ(proto.identifier(), "EmailAddress");
  EXPECT_EQ(proto.identifier_value(), "a@b.c");
  EXPECT_EQ(proto.attempts(), 2);
  EXPECT_FALSE(proto.has_status());
}

TEST(ResultProto, GivesEachReasonItsCodeAndAnErrorInfo) {
  for (const ReasonInfo& info : AllReasons()) {
    LeadResult result;
    result.outcome = Outcome::kFailed;
    result.problem = errors::LeadProblem(info.reason, "words");
    v1::LeadResult proto;
    MoveToProto(result, &proto);
    EXPECT_EQ(proto.status().code(), static_cast<int>(info.code));
    EXPECT_EQ(proto.status().message(), result.problem->message);
    ASSERT_EQ(proto.status().details_size(), 1);
    google::rpc::ErrorInfo error;
    ASSERT_TRUE(proto.status().details(0).UnpackTo(&error));
    EXPECT_EQ(error.reason(), std::string(info.name));
    EXPECT_EQ(error.domain(), "leadgateway.v1");
  }
}

TEST(ResultProto, ListsTheMistakesOfAnInvalidLeadUpToABound) {
  for (const int mistakes : {1, 3, 1'000}) {
    LeadResult result;
    result.outcome = Outcome::kInvalid;
    result.problem.emplace();
    result.problem->reason = Reason::kValueMissing;
    for (int i = 0; i < mistakes; ++i) {
      result.problem->violations.push_back(
          {Reason::kValueMissing, absl::StrCat("leads[0].fields[\"f", i, "\"]"),
           "has no value"});
    }
    v1::LeadResult proto;
    MoveToProto(result, &proto);
    ASSERT_EQ(proto.status().details_size(), 2);
    google::rpc::BadRequest bad;
    ASSERT_TRUE(proto.status().details(1).UnpackTo(&bad));
    ASSERT_EQ(bad.field_violations_size(), mistakes);
    EXPECT_EQ(bad.field_violations(0).field(), "leads[0].fields[\"f0\"]");
    EXPECT_EQ(bad.field_violations(0).description(),
              "VALUE_MISSING: has no value");
  }
}

TEST(ResultProto, WritesTimesAndDurations) {
  google::protobuf::Duration duration;
  ToProto(absl::Milliseconds(-1'500), &duration);
  EXPECT_EQ(duration.seconds(), -1);
  EXPECT_EQ(duration.nanos(), -500'000'000);
  google::protobuf::Timestamp timestamp;
  ToProto(absl::FromUnixMillis(1'500), &timestamp);
  EXPECT_EQ(timestamp.seconds(), 1);
  EXPECT_EQ(timestamp.nanos(), 500'000'000);
  // Before 1970, too, nanos count forward.
  ToProto(absl::FromUnixMillis(-1'500), &timestamp);
  EXPECT_EQ(timestamp.seconds(), -2);
  EXPECT_EQ(timestamp.nanos(), 500'000'000);
}

}  // namespace
}  // namespace leadgateway::server
