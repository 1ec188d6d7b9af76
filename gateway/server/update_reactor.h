#ifndef LEADGATEWAY_GATEWAY_SERVER_UPDATE_REACTOR_H_
#define LEADGATEWAY_GATEWAY_SERVER_UPDATE_REACTOR_H_

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/server/update_stream.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::server {

// Writes what an UpdateStream has, one message at a time, and ends the RPC as
// the stream says. Deletes itself when gRPC is done with it.
//
// The initial metadata leaves when the request was taken, before any result. A
// refusal that is worth another try has none: only such a "Trailers-Only"
// answer is retried by gRPC's clients and by proxies (see TellRequestId).
//
// It always has exactly one thing outstanding: a gRPC operation, or the
// stream's wake. So it needs no lock.
class UpdateReactor final
    : public grpc::ServerWriteReactor<v1::BulkUpdateLeadsResponse> {
 public:
  // The answer's metadata carries `request_id`. `on_cancel` is called at most
  // once when the RPC is cancelled, past its deadline or its client gone;
  // `on_end` once, when all is over, with the status that the RPC got and
  // whether it was cancelled.
  UpdateReactor(
      grpc::CallbackServerContext* context, std::string request_id,
      absl::AnyInvocable<void() &&> on_cancel,
      absl::AnyInvocable<void(const absl::Status&, bool cancelled) &&> on_end);

  // Starts. Before the reactor is returned to gRPC.
  void Start(std::shared_ptr<UpdateStream> stream);

  // The stream has something.
  void Wake() { Pump(); }

 private:
  void Pump();
  // Ends the RPC with `status_`, after that message if there is one.
  void End(const v1::BulkUpdateLeadsResponse* last_message);

  void OnSendInitialMetadataDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  grpc::CallbackServerContext* const context_;
  const std::string request_id_;
  bool opened_ = false;
  absl::AnyInvocable<void() &&> on_cancel_;
  absl::AnyInvocable<void(const absl::Status&, bool) &&> on_end_;
  std::shared_ptr<UpdateStream> stream_;
  v1::BulkUpdateLeadsResponse message_;
  absl::Status status_;
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_UPDATE_REACTOR_H_
