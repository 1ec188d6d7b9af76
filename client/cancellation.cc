#include "client/cancellation.h"

#include <memory>
#include <utility>

namespace leadgateway::client {

void Cancellation::Cancel() {
  std::shared_ptr<grpc::ClientContext> context;
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    context = attached_;
  }
  changed_.notify_all();
  // Outside the lock: gRPC is free to call anything from here. The shared
  // pointer keeps the context alive if its RPC ends meanwhile.
  if (context != nullptr) context->TryCancel();
}

bool Cancellation::cancelled() const {
  const std::lock_guard lock(mutex_);
  return cancelled_;
}

void Cancellation::Attach(std::shared_ptr<grpc::ClientContext> context) {
  {
    const std::lock_guard lock(mutex_);
    attached_ = context;
    if (!cancelled_) return;
  }
  if (context != nullptr) context->TryCancel();
}

bool Cancellation::SleepFor(absl::Duration duration) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, absl::ToChronoNanoseconds(duration),
                           [this] { return cancelled_; });
}

}  // namespace leadgateway::client
