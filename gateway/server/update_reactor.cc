#include "gateway/server/update_reactor.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gateway/model/outcome.h"
#include "gateway/server/request_context.h"
#include "gateway/server/status_door.h"
#include "gateway/server/update_stream.h"
#include "grpcpp/server_context.h"

namespace leadgateway::server {

UpdateReactor::UpdateReactor(
    grpc::CallbackServerContext* context, std::string request_id,
    absl::AnyInvocable<void() &&> on_cancel,
    absl::AnyInvocable<void(const absl::Status&, bool) &&> on_end)
    : context_(context),
      request_id_(std::move(request_id)),
      on_cancel_(std::move(on_cancel)),
      on_end_(std::move(on_end)) {}

void UpdateReactor::Start(std::shared_ptr<UpdateStream> stream) {
  stream_ = std::move(stream);
  Pump();
}

void UpdateReactor::OnSendInitialMetadataDone(bool ok) {
  if (!ok) stream_->Abandon();
  Pump();
}

void UpdateReactor::OnWriteDone(bool ok) {
  // The client is gone: OnCancel comes or has come, and ends the rest.
  if (!ok) stream_->Abandon();
  Pump();
}

void UpdateReactor::Pump() {
  message_.Clear();
  switch (stream_->Pull(&message_, &status_)) {
    case UpdateStream::Pulled::kOpen:
      opened_ = true;
      TellRequestId(absl::OkStatus(), request_id_, context_);
      // On its own, before the first message: metadata that travels with a
      // stream's first write has been seen to stall gRPC 1.51.
      StartSendInitialMetadata();
      return;
    case UpdateStream::Pulled::kMessage:
      // The summary is in the last one, which leaves together with the end:
      // one write to the socket, and one wait for it, less.
      if (message_.has_summary()) return End(&message_);
      StartWrite(&message_);
      return;
    case UpdateStream::Pulled::kEnd:
      return End(nullptr);
    case UpdateStream::Pulled::kNothingYet:
      return;
  }
}

void UpdateReactor::End(const v1::BulkUpdateLeadsResponse* last_message) {
  if (!opened_) TellRequestId(status_, request_id_, context_);
  const UpdateStream::Totals totals = stream_->totals();
  const auto add = [&](const char* name, Outcome outcome) {
    context_->AddTrailingMetadata(
        name, absl::StrCat(totals[static_cast<size_t>(outcome)]));
  };
  if (status_.ok()) {
    add("x-leads-updated", Outcome::kUpdated);
    add("x-leads-failed", Outcome::kFailed);
    add("x-leads-unprocessed", Outcome::kUnprocessed);
    add("x-leads-invalid", Outcome::kInvalid);
    add("x-leads-not-sent", Outcome::kNotSent);
    add("x-leads-unknown", Outcome::kUnknown);
  } else if (const auto pushback = RetryPushback(status_)) {
    context_->AddTrailingMetadata("grpc-retry-pushback-ms", *pushback);
  }
  if (last_message == nullptr) return Finish(ToGrpc(status_));
  StartWriteAndFinish(last_message, grpc::WriteOptions(), ToGrpc(status_));
}

void UpdateReactor::OnCancel() {
  stream_->Abandon();
  std::move(on_cancel_)();
}

void UpdateReactor::OnDone() {
  std::move(on_end_)(status_, context_->IsCancelled());
  delete this;
}

}  // namespace leadgateway::server
