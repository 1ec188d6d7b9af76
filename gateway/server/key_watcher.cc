#include "gateway/server/key_watcher.h"

#include <pthread.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/base/mutex.h"
#include "gateway/leadsquared/credentials/credentials.h"
#include "gateway/leadsquared/credentials/key_source.h"

namespace leadgateway::server {
namespace {

// How often files are looked at that are being written while someone waits.
constexpr absl::Duration kRecheckInterval = absl::Milliseconds(50);

}  // namespace

KeyWatcher::KeyWatcher(
    const Clock& clock,
    std::function<void(const std::string&, leadsquared::Credentials)> on_fresh)
    : clock_(clock),
      on_fresh_(std::move(on_fresh)),
      thread_([this] { Run(); }) {}

KeyWatcher::~KeyWatcher() {
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void KeyWatcher::Do(absl::AnyInvocable<void() &&> what) {
  const MutexLock lock(mutex_);
  to_do_.push_back(std::move(what));
  changed_.NotifyAll();
}

void KeyWatcher::Watch(std::string account, leadsquared::KeySource source) {
  Do([this, account = std::move(account),
      source = std::move(source)]() mutable {
    sources_.erase(account);
    sources_.emplace(std::move(account), std::move(source));
  });
}

void KeyWatcher::Forget(std::string account) {
  Do([this, account = std::move(account)] { sources_.erase(account); });
}

void KeyWatcher::Recheck(std::string account,
                         absl::AnyInvocable<void() &&> done) {
  Do([this, account = std::move(account), done = std::move(done)]() mutable {
    waiting_.push_back(
        {std::move(account), clock_.Now() + kLongestRecheck, std::move(done)});
  });
}

bool KeyWatcher::Check(const std::string& account,
                       leadsquared::KeySource& source) {
  leadsquared::KeySource::Look look = source.Check(clock_.Now());
  if (!look.problem.ok()) {
    LogLine(LogLevel::kWarn, "keys_not_readable")
        .Add("account", account)
        .Add("message", look.problem.message())
        .Add("consequence", "the keys read before stay in use");
  }
  if (look.fresh) {
    for (const std::string& warning : look.fresh->warnings) {
      LogLine(LogLevel::kWarn, "key_file")
          .Add("account", account)
          .Add("message", warning);
    }
    on_fresh_(account, *std::move(look.fresh));
  }
  return look.pending;
}

void KeyWatcher::Run() {
  pthread_setname_np(pthread_self(), "keys");
  absl::Time next_round = clock_.Now() + kInterval;
  while (true) {
    std::vector<absl::AnyInvocable<void() &&>> to_do;
    {
      const MutexLock lock(mutex_);
      if (!stopped_ && to_do_.empty()) {
        const absl::Duration until_round = next_round - clock_.Now();
        const absl::Duration wait =
            waiting_.empty() ? until_round
                             : std::min(until_round, kRecheckInterval);
        if (wait > absl::ZeroDuration()) changed_.WaitFor(mutex_, wait);
      }
      if (stopped_) return;
      to_do.swap(to_do_);
    }
    for (auto& what : to_do) std::move(what)();

    std::vector<Waiting> settled;
    std::erase_if(waiting_, [&](Waiting& waiting) {
      const auto source = sources_.find(waiting.account);
      if (source != sources_.end() && Check(source->first, source->second) &&
          clock_.Now() < waiting.until) {
        return false;
      }
      settled.push_back(std::move(waiting));
      return true;
    });
    for (Waiting& waiting : settled) std::move(waiting.done)();

    if (clock_.Now() < next_round) continue;
    for (auto& [account, source] : sources_) Check(account, source);
    next_round = clock_.Now() + kInterval;
  }
}

}  // namespace leadgateway::server
