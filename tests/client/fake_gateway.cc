#include "tests/client/fake_gateway.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <utility>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace leadgateway::client {

using ::leadgateway::v1::LeadResult;
using ::leadgateway::v1::Outcome;

FakeGateway::FakeGateway(std::vector<Script> scripts)
    : scripts_(std::move(scripts)) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port_);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
}

FakeGateway::~FakeGateway() {
  server_->Shutdown(std::chrono::system_clock::now());
}

std::string FakeGateway::address() const {
  return "127.0.0.1:" + std::to_string(port_);
}

std::vector<FakeGateway::Seen> FakeGateway::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

grpc::Status FakeGateway::BulkUpdateLeads(grpc::ServerContext* context,
                                          const Request* request,
                                          Writer* writer) {
  std::size_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    Seen seen{*request, {}};
    for (const auto& [key, value] : context->client_metadata()) {
      seen.metadata.emplace(std::string(key.data(), key.size()),
                            std::string(value.data(), value.size()));
    }
    number = seen_.size();
    seen_.push_back(std::move(seen));
  }
  if (number >= scripts_.size()) {
    return {grpc::StatusCode::INTERNAL, "more updates than scripts"};
  }
  return scripts_[number](*context, *request, *writer);
}

grpc::Status FakeGateway::GetAccountStatus(
    grpc::ServerContext*, const leadgateway::v1::GetAccountStatusRequest*,
    leadgateway::v1::GetAccountStatusResponse* response) {
  *response = account_status;
  return grpc::Status::OK;
}

grpc::Status FakeGateway::ListLeadFields(
    grpc::ServerContext*, const leadgateway::v1::ListLeadFieldsRequest*,
    leadgateway::v1::ListLeadFieldsResponse* response) {
  *response = fields;
  return fields_status;
}

LeadResult Result(int index, Outcome outcome) {
  LeadResult result;
  result.set_index(index);
  result.set_outcome(outcome);
  return result;
}

FakeGateway::Script AnswerAll(Outcome outcome, int calls) {
  return [=](grpc::ServerContext&, const FakeGateway::Request& request,
             FakeGateway::Writer& writer) {
    for (int i = request.leads_size() - 1; i >= 0; --i) {
      FakeGateway::Response message;
      LeadResult& result = *message.add_results();
      result = Result(i, outcome);
      result.set_tag(request.leads(i).tag());
      result.set_identifier(request.search_by_key());
      for (const auto& field : request.leads(i).fields()) {
        if (field.attribute() == request.search_by_key()) {
          result.set_identifier_value(field.string_value());
        }
      }
      writer.Write(message);
    }
    FakeGateway::Response last;
    leadgateway::v1::Summary& summary = *last.mutable_summary();
    const int total = request.leads_size();
    summary.set_total(total);
    summary.set_upstream_calls(calls);
    if (outcome == leadgateway::v1::OUTCOME_UPDATED) summary.set_updated(total);
    if (outcome == leadgateway::v1::OUTCOME_FAILED) summary.set_failed(total);
    if (outcome == leadgateway::v1::OUTCOME_VALID) summary.set_valid(total);
    writer.Write(last);
    return grpc::Status::OK;
  };
}

FakeGateway::Script Refuse(grpc::StatusCode code, const std::string& reason,
                           const std::string& pushback_ms, int retry_seconds) {
  return [=](grpc::ServerContext& context, const FakeGateway::Request&,
             FakeGateway::Writer&) {
    google::rpc::ErrorInfo info;
    info.set_domain("leadgateway.v1");
    info.set_reason(reason);
    google::rpc::BadRequest bad;
    auto& violation = *bad.add_field_violations();
    violation.set_field("leads[3].fields[\"Emial\"]");
    violation.set_description("no such field");
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(retry_seconds);
    google::rpc::Status status;
    status.set_code(code);
    status.set_message("not now");
    status.add_details()->PackFrom(info);
    status.add_details()->PackFrom(bad);
    status.add_details()->PackFrom(retry);
    if (!pushback_ms.empty()) {
      context.AddTrailingMetadata("grpc-retry-pushback-ms", pushback_ms);
    }
    return grpc::Status(code, "not now", status.SerializeAsString());
  };
}

}  // namespace leadgateway::client
