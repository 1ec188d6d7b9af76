#ifndef LEADGATEWAY_GATEWAY_BASE_MUTEX_H_
#define LEADGATEWAY_GATEWAY_BASE_MUTEX_H_

#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"

namespace leadgateway {

// std::mutex with the annotations of clang's thread-safety analysis.
//
// absl::Mutex is not used for our own state: ThreadSanitizer can't see into the
// prebuilt library and reports races in correct code.
class ABSL_LOCKABLE Mutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

  // For std::condition_variable_any.
  void lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

// Holds a Mutex for a scope.
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex)
      : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// A condition variable for Mutex.
class CondVar {
 public:
  // Waits until notified (or woken for no reason: wait in a loop).
  void Wait(Mutex& mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    condition_.wait(mutex);
  }
  // The same for at most `most`.
  void WaitFor(Mutex& mutex, absl::Duration most)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    condition_.wait_for(mutex, absl::ToChronoNanoseconds(most));
  }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable_any condition_;
};

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_BASE_MUTEX_H_
