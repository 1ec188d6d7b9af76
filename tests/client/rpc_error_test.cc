#include "client/rpc_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "google/rpc/error_details.pb.h"

namespace leadgateway::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

grpc::Status WithDetails() {
  google::rpc::ErrorInfo info;
  info.set_reason("DAILY_BUDGET_SPENT");
  info.set_domain(kGatewayDomain);
  google::rpc::QuotaFailure quota;
  auto& violation = *quota.add_violations();
  violation.set_subject("account:acme");
  violation.set_description("1000 calls a day");
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(2);
  retry.mutable_retry_delay()->set_nanos(500'000'000);
  google::rpc::Status status;
  status.add_details()->PackFrom(info);
  status.add_details()->PackFrom(quota);
  status.add_details()->PackFrom(retry);
  status.add_details()->set_type_url("type.googleapis.com/some.other.Type");
  return {grpc::StatusCode::RESOURCE_EXHAUSTED, "spent",
          status.SerializeAsString()};
}

TEST(RpcErrorTest, DetailsSurviveTheWayThroughAbslStatus) {
  const absl::Status status = FromGrpcStatus(WithDetails());
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "spent");
  const ErrorDetails details = ReadErrorDetails(status);
  EXPECT_EQ(details.reason, "DAILY_BUDGET_SPENT");
  EXPECT_EQ(details.domain, kGatewayDomain);
  EXPECT_THAT(details.quotas, ElementsAre("account:acme: 1000 calls a day"));
  EXPECT_EQ(details.retry_delay, absl::Milliseconds(2500));
  EXPECT_THAT(details.violations, IsEmpty());
}

TEST(RpcErrorTest, DetailsThatDoNotParseAreLeftOut) {
  const absl::Status status = FromGrpcStatus(
      {grpc::StatusCode::INTERNAL, "broken", "\xFF\xFF no message"});
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ReadErrorDetails(status).reason, "");
  EXPECT_TRUE(FromGrpcStatus(grpc::Status::OK).ok());
}

TEST(RpcErrorTest, OnlyARefusalProvesThatNothingWasSent) {
  EXPECT_TRUE(NothingWasSent(FromGrpcStatus(WithDetails())));
  EXPECT_TRUE(NothingWasSent(absl::PermissionDeniedError("a mesh's policy")));
  EXPECT_TRUE(NothingWasSent(absl::UnimplementedError("another service")));
  EXPECT_FALSE(NothingWasSent(absl::UnavailableError("connection reset")));
  EXPECT_FALSE(NothingWasSent(absl::DeadlineExceededError("by the client")));
  EXPECT_FALSE(NothingWasSent(absl::ResourceExhaustedError("large answer")));
  EXPECT_FALSE(NothingWasSent(absl::CancelledError("")));
  EXPECT_FALSE(NothingWasSent(
      MakeClientError(absl::StatusCode::kDataLoss, "", "RESULTS_MISSING")));
}

}  // namespace
}  // namespace leadgateway::client
