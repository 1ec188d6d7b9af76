#ifndef LEADGATEWAY_TESTS_CLIENT_FAKE_GATEWAY_H_
#define LEADGATEWAY_TESTS_CLIENT_FAKE_GATEWAY_H_

#include <grpcpp/server.h>
#include <grpcpp/server_context.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "leadgateway/v1/lead_gateway.grpc.pb.h"

namespace leadgateway::client {

// A gateway in this process, on a free port of the loopback, that answers each
// update by the next script.
class FakeGateway : public leadgateway::v1::LeadGatewayService::Service {
 public:
  using Request = leadgateway::v1::BulkUpdateLeadsRequest;
  using Response = leadgateway::v1::BulkUpdateLeadsResponse;
  using Writer = grpc::ServerWriter<Response>;
  using Script = std::function<grpc::Status(grpc::ServerContext&,
                                            const Request&, Writer&)>;

  // What an update came with.
  struct Seen {
    Request request;
    std::multimap<std::string, std::string> metadata;
  };

  // Update number i is answered by scripts[i]; those beyond fail.
  explicit FakeGateway(std::vector<Script> scripts);
  ~FakeGateway() override;

  std::string address() const;
  std::vector<Seen> seen() const;

  // Answers of the questions.
  leadgateway::v1::GetAccountStatusResponse account_status;
  grpc::Status fields_status;
  leadgateway::v1::ListLeadFieldsResponse fields;

 private:
  grpc::Status BulkUpdateLeads(grpc::ServerContext* context,
                               const Request* request, Writer* writer) override;
  grpc::Status GetAccountStatus(
      grpc::ServerContext* context,
      const leadgateway::v1::GetAccountStatusRequest* request,
      leadgateway::v1::GetAccountStatusResponse* response) override;
  grpc::Status ListLeadFields(
      grpc::ServerContext* context,
      const leadgateway::v1::ListLeadFieldsRequest* request,
      leadgateway::v1::ListLeadFieldsResponse* response) override;

  const std::vector<Script> scripts_;
  mutable std::mutex mutex_;
  std::vector<Seen> seen_;  // Under mutex_.
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// A result for the lead at `index`.
leadgateway::v1::LeadResult Result(int index, leadgateway::v1::Outcome outcome);

// Answers each lead with `outcome`, the last one first, one message each, then
// a summary that fits. `calls`: what the summary says of upstream calls.
FakeGateway::Script AnswerAll(leadgateway::v1::Outcome outcome, int calls = 1);

// Refuses with an ErrorInfo of the gateway, a RetryInfo, and a pushback unless
// it is empty.
FakeGateway::Script Refuse(grpc::StatusCode code, const std::string& reason,
                           const std::string& pushback_ms,
                           int retry_seconds = 3600);

}  // namespace leadgateway::client

#endif  // LEADGATEWAY_TESTS_CLIENT_FAKE_GATEWAY_H_
