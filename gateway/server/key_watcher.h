#ifndef LEADGATEWAY_GATEWAY_SERVER_KEY_WATCHER_H_
#define LEADGATEWAY_GATEWAY_SERVER_KEY_WATCHER_H_

#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/mutex.h"
#include "gateway/leadsquared/credentials/credentials.h"
#include "gateway/leadsquared/credentials/key_source.h"

namespace leadgateway::server {

// Looks at the key files of all accounts, every kInterval and when asked, on a
// thread of its own: files may be on a network. It polls, since that works on
// every kind of mount, and a second is soon enough.
class KeyWatcher {
 public:
  // `on_fresh` is called on the watcher's thread with each new pair. `clock`
  // must outlive the watcher.
  KeyWatcher(const Clock& clock,
             std::function<void(const std::string& account,
                                leadsquared::Credentials keys)>
                 on_fresh);
  // Stops. Rechecks under way are dropped without a word.
  ~KeyWatcher();
  KeyWatcher(const KeyWatcher&) = delete;
  KeyWatcher& operator=(const KeyWatcher&) = delete;

  // Any thread, and in the order of the calls. A second Watch of an account
  // replaces its source.
  void Watch(std::string account, leadsquared::KeySource source);
  void Forget(std::string account);

  // Looks at the account's files now. `done` is called on the watcher's thread
  // once there is no new pair, or after `on_fresh` got it; while both files are
  // being written it waits for them, at most kLongestRecheck.
  void Recheck(std::string account, absl::AnyInvocable<void() &&> done);

  static constexpr absl::Duration kInterval = absl::Seconds(1);
  static constexpr absl::Duration kLongestRecheck = absl::Seconds(3);

 private:
  struct Waiting {
    std::string account;
    absl::Time until;
    absl::AnyInvocable<void() &&> done;
  };
  void Run();
  void Do(absl::AnyInvocable<void() &&> what);
  // Returns whether a new pair is to be expected right away.
  bool Check(const std::string& account, leadsquared::KeySource& source);

  const Clock& clock_;
  const std::function<void(const std::string&, leadsquared::Credentials)>
      on_fresh_;
  Mutex mutex_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<absl::AnyInvocable<void() &&>> to_do_ ABSL_GUARDED_BY(mutex_);
  // The thread's.
  std::map<std::string, leadsquared::KeySource> sources_;
  std::vector<Waiting> waiting_;
  std::thread thread_;
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_KEY_WATCHER_H_
