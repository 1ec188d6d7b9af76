#ifndef LEADGATEWAY_GATEWAY_BASE_SIGNAL_H_
#define LEADGATEWAY_GATEWAY_BASE_SIGNAL_H_

#include <chrono>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "gateway/base/mutex.h"

namespace leadgateway {

// Tells one thread that something has happened in another. Once set, it stays
// set. Any thread.
class Signal {
 public:
  void Set() {
    const MutexLock lock(mutex_);
    set_ = true;
    changed_.NotifyAll();
  }

  // Waits until it is set, at most `most`; whether it is.
  bool WaitFor(absl::Duration most) {
    const auto until =
        std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(most);
    const MutexLock lock(mutex_);
    while (!set_) {
      const auto left = until - std::chrono::steady_clock::now();
      if (left <= std::chrono::nanoseconds(0)) break;
      changed_.WaitFor(mutex_, absl::FromChrono(left));
    }
    return set_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool set_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_BASE_SIGNAL_H_
