#ifndef LEADGATEWAY_GATEWAY_SERVER_UNDER_WAY_H_
#define LEADGATEWAY_GATEWAY_SERVER_UNDER_WAY_H_

#include <chrono>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "gateway/base/mutex.h"

namespace leadgateway::server {

// Counts the RPCs that are under way, for who waits for the last. Any thread.
class UnderWay {
 public:
  void Begin() {
    const MutexLock lock(mutex_);
    ++count_;
  }
  void End() {
    const MutexLock lock(mutex_);
    if (--count_ == 0) none_.NotifyAll();
  }
  // Waits until there are none, at most `most`; whether there are none.
  bool WaitForNone(absl::Duration most) {
    const auto until =
        std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(most);
    const MutexLock lock(mutex_);
    while (count_ > 0) {
      const auto left = until - std::chrono::steady_clock::now();
      if (left <= std::chrono::nanoseconds(0)) return false;
      none_.WaitFor(mutex_, absl::FromChrono(left));
    }
    return true;
  }

 private:
  Mutex mutex_;
  CondVar none_;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_UNDER_WAY_H_
