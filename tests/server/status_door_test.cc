#include "gateway/server/status_door.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/model/errors.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"

namespace leadgateway::server {
namespace {

// Every error of a request that there is.
std::vector<absl::Status> AllErrors() {
  return {
      errors::EmptyRequest(),
      errors::TooManyLeads(10'001, 10'000),
      errors::AccountUnknown("nobody", {"acme"}),
      errors::AccountForbidden("acme", "crm", "its address", "why"),
      errors::SearchKeyUnknown("Emial", {"EmailAddress"}),
      errors::SearchKeyNotUnique("City", {"EmailAddress"}),
      errors::QueueFull("account \"acme\"", "acme", 7, 8, 2, "leads",
                        absl::Seconds(3)),
      errors::DeadlineTooShort("acme", absl::Seconds(9), absl::Seconds(3),
                               absl::Milliseconds(2'500)),
      errors::DailyBudgetSpent("acme", 10'000, 10'000, absl::Hours(3),
                               absl::UnixEpoch(), absl::UTCTimeZone()),
      errors::Draining(),
      errors::SchemaUnavailable("acme"),
      errors::UpstreamCredentialsRejected("acme", "words"),
      errors::DeadlineExceeded("acme"),
  };
}

google::rpc::Status Rich(const grpc::Status& status) {
  google::rpc::Status rich;
  EXPECT_TRUE(rich.ParseFromString(status.error_details()));
  return rich;
}

TEST(ToGrpc, KeepsOk) { EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok()); }

TEST(ToGrpc, KeepsCodeMessageAndDetailsOfEachError) {
  for (const absl::Status& status : AllErrors()) {
    SCOPED_TRACE(std::string(status.message()));
    const grpc::Status out = ToGrpc(status);
    EXPECT_EQ(static_cast<int>(out.error_code()),
              static_cast<int>(status.code()));
    EXPECT_EQ(out.error_message(), status.message());
    const google::rpc::Status rich = Rich(out);
    EXPECT_EQ(rich.code(), static_cast<int>(status.code()));
    EXPECT_EQ(rich.message(), status.message());
    // ErrorInfo first, and each type once.
    ASSERT_GE(rich.details_size(), 1);
    google::rpc::ErrorInfo info;
    ASSERT_TRUE(rich.details(0).UnpackTo(&info));
    EXPECT_EQ(info.domain(), "leadgateway.v1");
    EXPECT_EQ(info.reason(), errors::ReasonNameOf(status));
    std::set<std::string> types;
    for (const auto& detail : rich.details()) {
      EXPECT_TRUE(types.insert(detail.type_url()).second) << detail.type_url();
    }
  }
}

TEST(ToGrpc, CarriesTheDetailsThatTheContractNames) {
  google::rpc::Status rich =
      Rich(ToGrpc(errors::QueueFull("account \"acme\"", "acme", 7, 8, 2,
                                    "leads", absl::Milliseconds(2'500))));
  ASSERT_EQ(rich.details_size(), 3);
  google::rpc::QuotaFailure quota;
  google::rpc::RetryInfo retry;
  EXPECT_TRUE(rich.details(1).UnpackTo(&quota));
  EXPECT_EQ(quota.violations(0).subject(), "account:acme");
  EXPECT_TRUE(rich.details(2).UnpackTo(&retry));
  EXPECT_EQ(retry.retry_delay().seconds(), 2);
  EXPECT_EQ(retry.retry_delay().nanos(), 500'000'000);

  rich = Rich(ToGrpc(errors::SearchKeyUnknown("Emial", {"EmailAddress"})));
  google::rpc::BadRequest bad;
  ASSERT_EQ(rich.details_size(), 2);
  ASSERT_TRUE(rich.details(1).UnpackTo(&bad));
  EXPECT_EQ(bad.field_violations(0).field(), "search_by_key");
}

TEST(ToGrpc, KeepsAStatusWithoutDetails) {
  const grpc::Status out = ToGrpc(absl::InternalError("oops"));
  EXPECT_EQ(out.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(out.error_message(), "oops");
  EXPECT_EQ(Rich(out).details_size(), 0);
}

TEST(RetryPushback, IsInMillisecondsRoundedUp) {
  const auto of = [](absl::Duration delay) {
    return RetryPushback(
        errors::QueueFull("account \"acme\"", "acme", 7, 8, 2, "leads", delay));
  };
  EXPECT_EQ(of(absl::Milliseconds(2'500)), "2500");
  EXPECT_EQ(of(absl::Microseconds(1'001)), "2");
  EXPECT_EQ(of(absl::Hours(20)), "72000000");
  EXPECT_EQ(of(absl::ZeroDuration()), std::nullopt);
}

TEST(RetryPushback, IsAbsentWhereNothingSaysWhen) {
  EXPECT_EQ(RetryPushback(errors::EmptyRequest()), std::nullopt);
  EXPECT_EQ(RetryPushback(absl::OkStatus()), std::nullopt);
  EXPECT_NE(RetryPushback(errors::Draining()), std::nullopt);
}

}  // namespace
}  // namespace leadgateway::server
