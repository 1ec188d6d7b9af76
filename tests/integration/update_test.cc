#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/base/signal.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/client_callback.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/account.h"
#include "sandbox/call_record.h"
#include "tests/integration/gateway_fixture.h"

namespace leadgateway::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::SizeIs;

std::string FirstNameOf(Gateway& gateway, const std::string& email) {
  const auto lead = gateway.account().FindLead("EmailAddress", email);
  if (!lead) return "(no such lead)";
  for (const auto& field : *lead) {
    if (field.first == "FirstName") return field.second;
  }
  return "";
}

TEST(UpdateTest, TwoLeadsAreUpdatedInOneCall) {
  Gateway gateway;
  v1::BulkUpdateLeadsRequest request;
  request.set_search_by_key("EmailAddress");
  AddLead(request, "EmailAddress", EmailOf(0), "Grace")->set_tag("row 1");
  AddLead(request, "EmailAddress", EmailOf(1), "Edsger")->set_tag("row 2");
  const Answer answer = gateway.Update(request);
  ExpectAll(answer, 2, v1::OUTCOME_UPDATED);
  EXPECT_EQ(answer.summary->upstream_calls(), 1);
  EXPECT_GT(answer.summary->elapsed().nanos(), 0);
  const v1::LeadResult& second = answer.results.at(1);
  EXPECT_EQ(second.tag(), "row 2");
  EXPECT_EQ(second.identifier(), "EmailAddress");
  EXPECT_EQ(second.identifier_value(), EmailOf(1));
  EXPECT_EQ(second.attempts(), 1);
  EXPECT_EQ(FirstNameOf(gateway, EmailOf(0)), "Grace");
  EXPECT_EQ(FirstNameOf(gateway, EmailOf(1)), "Edsger");
  EXPECT_THAT(gateway.calls(),
              ElementsAre(Field(&sandbox::CallRecord::leads_applied, 2)));
}

TEST(UpdateTest, AThousandLeadsTakeFortyFullCalls) {
  Gateway gateway;
  const Answer answer = gateway.Update(Updates(0, 1000));
  ExpectAll(answer, 1000, v1::OUTCOME_UPDATED);
  EXPECT_EQ(answer.summary->upstream_calls(), 40);
  EXPECT_THAT(gateway.calls(), SizeIs(40));
  EXPECT_THAT(gateway.calls(),
              Each(Field(&sandbox::CallRecord::lead_count, 25)));
  EXPECT_EQ(gateway.stats().throttled, 0);
  for (const int lead : {0, 499, 999}) {
    EXPECT_EQ(FirstNameOf(gateway, EmailOf(lead)), "Ada");
  }
}

TEST(UpdateTest, EachSearchKeyFindsItsLeads) {
  Gateway gateway;
  const auto lead = gateway.account().FindLead("EmailAddress", EmailOf(7));
  ASSERT_TRUE(lead.has_value());
  for (const auto& [attribute, value] : *lead) {
    if (attribute != "Phone" && attribute != "Mobile" &&
        attribute != "ProspectID") {
      continue;
    }
    SCOPED_TRACE(attribute);
    v1::BulkUpdateLeadsRequest request;
    if (attribute != "ProspectID") request.set_search_by_key(attribute);
    AddLead(request, attribute, value, absl::StrCat("by ", attribute));
    ExpectAll(gateway.Update(request), 1, v1::OUTCOME_UPDATED);
    EXPECT_EQ(FirstNameOf(gateway, EmailOf(7)), absl::StrCat("by ", attribute));
  }
  EXPECT_THAT(gateway.calls(), SizeIs(3));
}

TEST(UpdateTest, TwentyRequestsForOneLeadAreAppliedInTheirOrder) {
  GatewaySetup setup;
  setup.Faults(R"({"always":{"latency_min_ms":2,"latency_max_ms":20}})");
  Gateway gateway(setup);
  std::vector<std::unique_ptr<Rpc>> rpcs;
  for (int i = 0; i < 20; ++i) {
    v1::BulkUpdateLeadsRequest request;
    request.set_search_by_key("EmailAddress");
    // The same lead in other spellings.
    AddLead(request, "EmailAddress",
            i % 2 == 0 ? EmailOf(3) : "  LEAD3@Example.Com ",
            absl::StrCat("name ", i));
    // Another one, which may share its calls with anything.
    AddLead(request, "EmailAddress", EmailOf(100 + i));
    rpcs.push_back(gateway.Start(std::move(request)));
    rpcs.back()->WaitUntilTaken();
  }
  for (const auto& rpc : rpcs) ExpectAll(rpc->Get(), 2, v1::OUTCOME_UPDATED);

  const std::vector<sandbox::AppliedUpdate> history =
      gateway.account().History("EmailAddress", EmailOf(3));
  ASSERT_THAT(history, SizeIs(20));
  std::set<uint64_t> calls;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(history[static_cast<size_t>(i)].value, absl::StrCat("name ", i));
    calls.insert(history[static_cast<size_t>(i)].call);
  }
  EXPECT_THAT(calls, SizeIs(20)) << "two updates of it were in one call";
}

// Reads an RPC to its end without a thread of its own, so that a hundred of
// them start at once.
class Reader : public grpc::ClientReadReactor<v1::BulkUpdateLeadsResponse> {
 public:
  Reader(v1::LeadGatewayService::Stub& stub, int lead)
      : request_(Updates(lead, 1)) {
    context_.set_deadline(absl::ToChronoTime(absl::Now() + kLongEnough));
    stub.async()->BulkUpdateLeads(&context_, &request_, this);
    StartRead(&message_);
  }

  v1::Summary Wait() {
    EXPECT_TRUE(done_.WaitFor(kLongEnough));
    return summary_;
  }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (message_.has_summary()) summary_ = message_.summary();
    StartRead(&message_);
  }
  void OnDone(const grpc::Status& status) override {
    EXPECT_TRUE(status.ok()) << status.error_message();
    done_.Set();
  }

  const v1::BulkUpdateLeadsRequest request_;
  grpc::ClientContext context_;
  v1::BulkUpdateLeadsResponse message_;
  v1::Summary summary_;
  Signal done_;
};

TEST(UpdateTest, AHundredRequestsOfOneLeadShareAFewCalls) {
  GatewaySetup setup;
  setup.Allow(25, absl::Seconds(5));
  Gateway gateway(setup);
  std::vector<std::unique_ptr<Reader>> readers;
  for (int i = 0; i < 100; ++i) {
    readers.push_back(std::make_unique<Reader>(gateway.stub(), i));
  }
  for (const auto& reader : readers) reader->StartCall();
  for (const auto& reader : readers) EXPECT_EQ(reader->Wait().updated(), 1);
  EXPECT_LE(gateway.calls().size(), 6);
}

}  // namespace
}  // namespace leadgateway::testing
