#include "client/lead_gateway_client.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "client/rpc_error.h"
#include "tests/client/fake_gateway.h"

namespace leadgateway::client {
namespace {

using ::leadgateway::v1::BulkUpdateLeadsRequest;
using ::leadgateway::v1::LeadResult;
using ::leadgateway::v1::OUTCOME_FAILED;
using ::leadgateway::v1::OUTCOME_NOT_SENT;
using ::leadgateway::v1::OUTCOME_UNKNOWN;
using ::leadgateway::v1::OUTCOME_UPDATED;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

BulkUpdateLeadsRequest Leads(int count) {
  BulkUpdateLeadsRequest request;
  request.set_search_by_key("EmailAddress");
  for (int i = 0; i < count; ++i) {
    auto& lead = *request.add_leads();
    lead.set_tag("tag " + std::to_string(i));
    auto& field = *lead.add_fields();
    field.set_attribute("EmailAddress");
    field.set_string_value(std::to_string(i) + "@example.com");
  }
  return request;
}

// A client, and what its callbacks got.
class Updates {
 public:
  explicit Updates(const FakeGateway& gateway, int leads_per_request = 10'000) {
    ClientOptions client_options;
    client_options.address = gateway.address();
    client_options.limits.leads = leads_per_request;
    client = *LeadGatewayClient::Create(client_options);
    options.timeout = absl::Seconds(20);
  }

  absl::StatusOr<UpdateReport> Run(const BulkUpdateLeadsRequest& request) {
    return client->Update(
        request,
        {.on_result =
             [this](const LeadResult& result, bool local) {
               results.push_back(result);
               ++times[result.index()];
               if (local) ++locals;
               if (after_result) after_result();
             },
         .on_progress =
             [this](const leadgateway::v1::Progress& progress) {
               progresses.push_back(progress);
             },
         .on_retry =
             [this](const absl::Status&, absl::Duration delay) {
               retries.push_back(delay);
               if (cancel_at_retry) options.cancellation->Cancel();
             }},
        options);
  }

  std::unique_ptr<LeadGatewayClient> client;
  CallOptions options;
  std::function<void()> after_result;
  bool cancel_at_retry = false;

  std::vector<LeadResult> results;
  std::map<int, int> times;
  int locals = 0;
  std::vector<leadgateway::v1::Progress> progresses;
  std::vector<absl::Duration> retries;
};

TEST(LeadGatewayClientTest, ResultsOutOfOrderReachTheirCallerOnceEach) {
  FakeGateway gateway({AnswerAll(OUTCOME_UPDATED, 2)});
  Updates updates(gateway);
  const auto report = updates.Run(Leads(5));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->complete);
  EXPECT_EQ(report->summary.updated(), 5);
  EXPECT_EQ(report->summary.total(), 5);
  EXPECT_EQ(report->summary.upstream_calls(), 2);
  EXPECT_THAT(report->anomalies, IsEmpty());
  EXPECT_EQ(updates.results.front().index(), 4);
  EXPECT_THAT(updates.times, ElementsAre(Pair(0, 1), Pair(1, 1), Pair(2, 1),
                                         Pair(3, 1), Pair(4, 1)));
  EXPECT_EQ(updates.locals, 0);
}

TEST(LeadGatewayClientTest, CallerPriorityAndRequestIdTravelAsMetadata) {
  FakeGateway gateway({AnswerAll(OUTCOME_UPDATED)});
  Updates updates(gateway);
  updates.options.caller = "night job";
  updates.options.priority = Priority::kBulk;
  updates.options.request_id = "r-1";
  const auto report = updates.Run(Leads(1));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->request_ids, ElementsAre("r-1"));
  const auto metadata = gateway.seen().at(0).metadata;
  EXPECT_EQ(metadata.find("x-lead-caller")->second, "night job");
  EXPECT_EQ(metadata.find("x-lead-priority")->second, "bulk");
  EXPECT_EQ(metadata.find("x-request-id")->second, "r-1");
}

TEST(LeadGatewayClientTest, AccountTravelsAsMetadataForProxiesThatRouteByIt) {
  FakeGateway gateway({AnswerAll(OUTCOME_UPDATED), AnswerAll(OUTCOME_UPDATED)});
  Updates updates(gateway, /*leads_per_request=*/1);
  BulkUpdateLeadsRequest request = Leads(2);
  request.set_account("acme");
  ASSERT_TRUE(updates.Run(request).ok());
  ASSERT_EQ(gateway.seen().size(), 2);
  for (const auto& call : gateway.seen()) {
    EXPECT_EQ(call.metadata.count("x-lead-account"), 1);
    EXPECT_EQ(call.metadata.find("x-lead-account")->second, "acme");
  }
}

TEST(LeadGatewayClientTest,
     AccountThatHttpCannotCarryTravelsInTheRequestAlone) {
  for (const std::string account : {"", "two\nlines", "f\u00fcnf"}) {
    FakeGateway gateway({AnswerAll(OUTCOME_UPDATED)});
    Updates updates(gateway);
    BulkUpdateLeadsRequest request = Leads(1);
    request.set_account(account);
    ASSERT_TRUE(updates.Run(request).ok());
    EXPECT_EQ(gateway.seen().at(0).metadata.count("x-lead-account"), 0);
    EXPECT_EQ(gateway.seen().at(0).request.account(), account);
  }
}

TEST(LeadGatewayClientTest, MetadataThatHttpCannotCarryIsAnErrorNotACrash) {
  FakeGateway gateway({AnswerAll(OUTCOME_UPDATED)});
  Updates updates(gateway);
  updates.options.caller = "two\nlines";
  EXPECT_EQ(updates.Run(Leads(1)).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(gateway.seen(), IsEmpty());
}

TEST(LeadGatewayClientTest, LeadsOfABrokenStreamAreUnknownAndLocal) {
  FakeGateway gateway({[](grpc::ServerContext&, const auto&, auto& writer) {
    FakeGateway::Response message;
    *message.add_results() = Result(1, OUTCOME_UPDATED);
    message.mutable_progress()->set_upstream_calls(7);
    writer.Write(message);
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone");
  }});
  Updates updates(gateway);
  updates.options.retry.enabled = true;
  const auto report = updates.Run(Leads(3));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_FALSE(report->complete);
  EXPECT_EQ(report->rpc_status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(report->summary.updated(), 1);
  EXPECT_EQ(report->summary.unknown(), 2);
  EXPECT_EQ(report->summary.upstream_calls(), 7);
  EXPECT_EQ(updates.locals, 2);
  const LeadResult& local = updates.results.at(1);
  EXPECT_EQ(local.index(), 0);
  EXPECT_EQ(local.tag(), "tag 0");
  EXPECT_EQ(local.outcome(), OUTCOME_UNKNOWN);
  EXPECT_EQ(local.identifier_value(), "0@example.com");
  EXPECT_EQ(local.status().message(), "stream ended before this lead's result");
  EXPECT_EQ(gateway.seen().size(), 1u) << "it was tried again";
}

TEST(LeadGatewayClientTest, UnavailableWithoutTheGatewaysReasonProvesNothing) {
  FakeGateway gateway({[](grpc::ServerContext&, const auto&, auto&) {
                         return grpc::Status(grpc::StatusCode::UNAVAILABLE,
                                             "a proxy lost the connection");
                       },
                       AnswerAll(OUTCOME_UPDATED)});
  Updates updates(gateway);
  updates.options.retry.enabled = true;
  const auto report = updates.Run(Leads(2));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->summary.unknown(), 2);
  EXPECT_EQ(gateway.seen().size(), 1u) << "it was tried again";
}

TEST(LeadGatewayClientTest, ARefusalIsTriedAgainAfterThePushback) {
  FakeGateway gateway(
      {Refuse(grpc::StatusCode::RESOURCE_EXHAUSTED, "QUEUE_FULL", "20"),
       Refuse(grpc::StatusCode::UNAVAILABLE, "DRAINING", "30"),
       AnswerAll(OUTCOME_UPDATED)});
  Updates updates(gateway);
  updates.options.retry.enabled = true;
  const auto report = updates.Run(Leads(2));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->complete);
  EXPECT_EQ(report->summary.updated(), 2);
  EXPECT_THAT(updates.retries,
              ElementsAre(absl::Milliseconds(20), absl::Milliseconds(30)));
}

TEST(LeadGatewayClientTest, ARefusalIsReturnedWithItsDetailsWhenNotToRetry) {
  FakeGateway gateway(
      {Refuse(grpc::StatusCode::RESOURCE_EXHAUSTED, "QUEUE_FULL", "20"),
       AnswerAll(OUTCOME_UPDATED)});
  Updates updates(gateway);
  const auto report = updates.Run(Leads(2));
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.status().code(), absl::StatusCode::kResourceExhausted);
  const ErrorDetails details = ReadErrorDetails(report.status());
  EXPECT_EQ(details.reason, "QUEUE_FULL");
  EXPECT_EQ(details.violations.at(0).field, "leads[3].fields[\"Emial\"]");
  EXPECT_EQ(details.retry_delay, absl::Hours(1));
  EXPECT_THAT(updates.results, IsEmpty());
  EXPECT_EQ(gateway.seen().size(), 1u);
}

TEST(LeadGatewayClientTest, APushbackThatForbidsAnotherTryIsObeyed) {
  for (const std::string pushback : {"-1", "soon"}) {
    FakeGateway gateway({Refuse(grpc::StatusCode::UNAVAILABLE, "DRAINING",
                                pushback, /*retry_seconds=*/0),
                         AnswerAll(OUTCOME_UPDATED)});
    Updates updates(gateway);
    updates.options.retry.enabled = true;
    EXPECT_FALSE(updates.Run(Leads(1)).ok()) << pushback;
    EXPECT_EQ(gateway.seen().size(), 1u) << pushback;
  }
}

TEST(LeadGatewayClientTest, RetryInfoCountsWhereThereIsNoPushback) {
  FakeGateway gateway({Refuse(grpc::StatusCode::UNAVAILABLE, "DRAINING", "",
                              /*retry_seconds=*/0),
                       AnswerAll(OUTCOME_UPDATED)});
  Updates updates(gateway);
  updates.options.retry.enabled = true;
  EXPECT_TRUE(updates.Run(Leads(1)).ok());
  EXPECT_THAT(updates.retries, ElementsAre(absl::ZeroDuration()));
}

TEST(LeadGatewayClientTest, AnHourOfWaitingIsNotBegun) {
  FakeGateway gateway({Refuse(grpc::StatusCode::UNAVAILABLE, "DRAINING", "")});
  Updates updates(gateway);
  Cancellation cancellation;
  updates.options.cancellation = &cancellation;
  updates.options.timeout = absl::InfiniteDuration();
  updates.options.retry.enabled = true;
  updates.cancel_at_retry = true;
  EXPECT_FALSE(updates.Run(Leads(1)).ok());
  EXPECT_THAT(updates.retries, IsEmpty());
}

TEST(LeadGatewayClientTest, AWaitBeyondTheTimeoutIsNotBegun) {
  FakeGateway gateway(
      {Refuse(grpc::StatusCode::UNAVAILABLE, "DRAINING", "30000")});
  Updates updates(gateway);
  Cancellation cancellation;
  updates.options.cancellation = &cancellation;
  updates.options.retry.enabled = true;
  updates.cancel_at_retry = true;
  EXPECT_FALSE(updates.Run(Leads(1)).ok());
  EXPECT_THAT(updates.retries, IsEmpty());
}

TEST(LeadGatewayClientTest, ARefusalAfterAMessageIsNotTriedAgain) {
  FakeGateway gateway(
      {[](grpc::ServerContext& context, const auto& request, auto& writer) {
         FakeGateway::Response message;
         message.mutable_progress()->set_leads_total(1);
         writer.Write(message);
         return Refuse(grpc::StatusCode::UNAVAILABLE, "DRAINING", "1")(
             context, request, writer);
       },
       AnswerAll(OUTCOME_UPDATED)});
  Updates updates(gateway);
  updates.options.retry.enabled = true;
  const auto report = updates.Run(Leads(1));
  EXPECT_EQ(report.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(gateway.seen().size(), 1u);
}

TEST(LeadGatewayClientTest, ARefusalAfterAResultLeavesTheOthersUnknown) {
  FakeGateway gateway(
      {[](grpc::ServerContext& context, const auto& request, auto& writer) {
        FakeGateway::Response message;
        *message.add_results() = Result(0, OUTCOME_UPDATED);
        writer.Write(message);
        return Refuse(grpc::StatusCode::UNAVAILABLE, "DRAINING", "")(
            context, request, writer);
      }});
  Updates updates(gateway);
  const auto report = updates.Run(Leads(2));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->summary.unknown(), 1);
  EXPECT_EQ(report->summary.not_sent(), 0);
}

TEST(LeadGatewayClientTest, ALargeRequestGoesInPartsWithIndexesOfTheWhole) {
  FakeGateway gateway({AnswerAll(OUTCOME_UPDATED, 2),
                       AnswerAll(OUTCOME_FAILED, 3),
                       AnswerAll(OUTCOME_UPDATED, 1)});
  Updates updates(gateway, /*leads_per_request=*/2);
  updates.options.request_id = "file";
  const auto report = updates.Run(Leads(5));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->complete);
  EXPECT_EQ(report->summary.updated(), 3);
  EXPECT_EQ(report->summary.failed(), 2);
  EXPECT_EQ(report->summary.upstream_calls(), 6);
  EXPECT_THAT(report->request_ids, ElementsAre("file", "file-2", "file-3"));
  ASSERT_EQ(updates.results.size(), 5u);
  for (const LeadResult& result : updates.results) {
    EXPECT_EQ(result.tag(), "tag " + std::to_string(result.index()));
  }
  EXPECT_EQ(gateway.seen().at(1).request.leads(0).tag(), "tag 2");
}

TEST(LeadGatewayClientTest, PartsAfterARefusedOneAreNotSent) {
  FakeGateway gateway(
      {AnswerAll(OUTCOME_UPDATED),
       Refuse(grpc::StatusCode::RESOURCE_EXHAUSTED, "QUEUE_FULL", "")});
  Updates updates(gateway, /*leads_per_request=*/2);
  const auto report = updates.Run(Leads(6));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->summary.updated(), 2);
  EXPECT_EQ(report->summary.not_sent(), 4);
  EXPECT_EQ(updates.locals, 4);
  EXPECT_EQ(ReadErrorDetails(report->rpc_status).reason, "QUEUE_FULL");
  EXPECT_EQ(ReadErrorDetails(updates.results.back().status()).reason,
            "NOT_REACHED");
  EXPECT_EQ(gateway.seen().size(), 2u);
}

TEST(LeadGatewayClientTest, SecondAndStrayResultsAreAnomaliesAndChangeNothing) {
  FakeGateway gateway({[](grpc::ServerContext&, const auto&, auto& writer) {
    FakeGateway::Response message;
    *message.add_results() = Result(0, OUTCOME_UPDATED);
    *message.add_results() = Result(0, OUTCOME_FAILED);
    *message.add_results() = Result(9, OUTCOME_FAILED);
    writer.Write(message);
    return grpc::Status::OK;
  }});
  Updates updates(gateway);
  const auto report = updates.Run(Leads(2));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_FALSE(report->complete);
  EXPECT_EQ(report->rpc_status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(report->summary.updated(), 1);
  EXPECT_EQ(report->summary.failed(), 0);
  EXPECT_EQ(report->summary.unknown(), 1);
  EXPECT_THAT(report->anomalies,
              ElementsAre(HasSubstr("second result for lead 0"),
                          HasSubstr("a result for index 9")));
  EXPECT_THAT(updates.times, ElementsAre(Pair(0, 1), Pair(1, 1)));
}

TEST(LeadGatewayClientTest, CancellingKeepsWhatIsKnown) {
  FakeGateway gateway(
      {[](grpc::ServerContext& context, const auto&, auto& writer) {
        FakeGateway::Response message;
        *message.add_results() = Result(0, OUTCOME_UPDATED);
        writer.Write(message);
        while (!context.IsCancelled()) absl::SleepFor(absl::Milliseconds(2));
        return grpc::Status::CANCELLED;
      }});
  Updates updates(gateway, /*leads_per_request=*/3);
  Cancellation cancellation;
  updates.options.cancellation = &cancellation;
  std::thread other;
  updates.after_result = [&] {
    if (!other.joinable()) other = std::thread([&] { cancellation.Cancel(); });
  };
  const auto report = updates.Run(Leads(5));
  other.join();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->rpc_status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(report->summary.updated(), 1);
  EXPECT_EQ(report->summary.unknown(), 2);
  EXPECT_EQ(report->summary.not_sent(), 2);
}

TEST(LeadGatewayClientTest, CancellingEndsTheWaitForAnotherTry) {
  FakeGateway gateway(
      {Refuse(grpc::StatusCode::UNAVAILABLE, "DRAINING", "15000"),
       AnswerAll(OUTCOME_UPDATED)});
  Updates updates(gateway);
  Cancellation cancellation;
  updates.options.cancellation = &cancellation;
  updates.options.retry.enabled = true;
  updates.cancel_at_retry = true;
  const absl::Time start = absl::Now();
  EXPECT_FALSE(updates.Run(Leads(1)).ok());
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));
  EXPECT_EQ(gateway.seen().size(), 1u);
}

TEST(LeadGatewayClientTest, AClosedPortIsAnErrorAtOnceAndNothingWasSent) {
  ClientOptions options;
  {
    const FakeGateway gone({});
    options.address = gone.address();
  }
  const auto client = *LeadGatewayClient::Create(options);
  const absl::Time start = absl::Now();
  const auto report = client->Update(Leads(1), {}, {});
  EXPECT_EQ(report.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReadErrorDetails(report.status()).reason, "NO_CONNECTION");
  EXPECT_LT(absl::Now() - start, absl::Seconds(8));
}

TEST(LeadGatewayClientTest, ProgressCountsTheWholeOfASplitRequest) {
  const FakeGateway::Script with_progress =
      [](grpc::ServerContext& context, const auto& request, auto& writer) {
        FakeGateway::Response message;
        message.mutable_progress()->set_leads_done(1);
        message.mutable_progress()->set_leads_total(2);
        message.mutable_progress()->set_upstream_calls(1);
        writer.Write(message);
        return AnswerAll(OUTCOME_UPDATED, 4)(context, request, writer);
      };
  FakeGateway gateway({with_progress, with_progress});
  Updates updates(gateway, /*leads_per_request=*/2);
  ASSERT_TRUE(updates.Run(Leads(4)).ok());
  ASSERT_EQ(updates.progresses.size(), 2u);
  EXPECT_EQ(updates.progresses[1].leads_done(), 3);
  EXPECT_EQ(updates.progresses[1].leads_total(), 4);
  EXPECT_EQ(updates.progresses[1].upstream_calls(), 5);
}

TEST(LeadGatewayClientTest, QuestionsPassTheAnswerOrTheErrorOn) {
  FakeGateway gateway({});
  gateway.account_status.set_account("acme");
  gateway.fields_status = {grpc::StatusCode::NOT_FOUND, "no such account"};
  Updates updates(gateway);
  const auto status = updates.client->GetAccountStatus({}, updates.options);
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->account(), "acme");
  EXPECT_EQ(updates.client->ListLeadFields({}, updates.options).status().code(),
            absl::StatusCode::kNotFound);
}

TEST(LeadGatewayClientTest, AStubOfTheCallersOwnServesAsWell) {
  FakeGateway gateway({AnswerAll(OUTCOME_UPDATED)});
  LeadGatewayClient client(
      leadgateway::v1::LeadGatewayService::NewStub(grpc::CreateChannel(
          gateway.address(), grpc::InsecureChannelCredentials())),
      {});
  const auto report = client.Update(Leads(1), {}, {});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->complete);
}

}  // namespace
}  // namespace leadgateway::client
