// A std::mutex that clang's thread-safety analysis understands. The sandbox has
// its own because it shares no code with what it judges.
#ifndef SANDBOX_MUTEX_H_
#define SANDBOX_MUTEX_H_

#include <mutex>

#include "absl/base/thread_annotations.h"

namespace leadgateway::sandbox {

class ABSL_LOCKABLE Mutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

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

}  // namespace leadgateway::sandbox

#endif  // SANDBOX_MUTEX_H_
