#ifndef LEADGATEWAY_CLIENT_CANCELLATION_H_
#define LEADGATEWAY_CLIENT_CANCELLATION_H_

#include <grpcpp/client_context.h>

#include <condition_variable>
#include <memory>
#include <mutex>

#include "absl/time/time.h"

namespace leadgateway::client {

// Ends an Update from another thread. One object serves one Update; once
// cancelled it stays so.
class Cancellation {
 public:
  // Any thread, any number of times, before, during or after the Update.
  void Cancel();

  bool cancelled() const;

  // Makes Cancel() end `context`'s call too, at once if it came already. The
  // context before it is forgotten. For the client library.
  void Attach(std::shared_ptr<grpc::ClientContext> context);

  // Sleeps, at most until Cancel(). Returns whether it was cancelled.
  bool SleepFor(absl::Duration duration);

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool cancelled_ = false;                         // Under mutex_.
  std::shared_ptr<grpc::ClientContext> attached_;  // Under mutex_.
};

}  // namespace leadgateway::client

#endif  // LEADGATEWAY_CLIENT_CANCELLATION_H_
