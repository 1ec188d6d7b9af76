#ifndef LEADGATEWAY_TESTS_SIMULATION_ALLOWANCE_WORLD_H_
#define LEADGATEWAY_TESTS_SIMULATION_ALLOWANCE_WORLD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/dispatch/job.h"
#include "gateway/dispatch/upstream.h"
#include "tests/simulation/allowance_model.h"

namespace leadgateway::simulation {

// A production dispatcher in virtual time, with a model of LeadSquared behind
// it. All leads are found and updated: what is looked at is when calls leave.
class AllowanceWorld final : public dispatch::Upstream {
 public:
  struct Options {
    AccountModel model = {};
    dispatch::BatchPacer::Options batching = {};
    int max_leads_per_call = 25;
    uint64_t seed = 1;
  };

  explicit AllowanceWorld(Options options);

  absl::Time now() const { return now_; }
  absl::Duration elapsed() const { return now_ - start_; }
  ModelAccount& account() { return account_; }
  dispatch::AccountDispatcher& dispatcher() { return *dispatcher_; }

  // A request. Its number tells its leads apart in on_call.
  int Submit(int leads, std::string caller = "caller");
  int leads_waiting() const;

  void At(absl::Duration since_start, std::function<void()> action);
  // Until `done` says so; asked after each event.
  void RunUntil(const std::function<bool()>& done);
  void RunFor(absl::Duration duration);

  // A call leaves: for each of its leads the request's number.
  std::function<void(const std::vector<int>& requests)> on_call;

  int64_t calls() const { return calls_; }
  int64_t leads_sent() const { return leads_sent_; }
  absl::Time start() const { return start_; }

  void Update(dispatch::UpdateCall call,
              absl::AnyInvocable<void(dispatch::CallReport) &&> done) override;

 private:
  struct Pending {
    ModelAccount::Call call;
    int leads = 0;
    absl::AnyInvocable<void(dispatch::CallReport) &&> done;
  };
  void End(Pending pending);
  void Tick();
  // The next event or wake-up; false if there is none until `until`.
  bool Step(absl::Time until);

  const AccountModel model_;
  const absl::Time start_ = absl::UnixEpoch() + absl::Hours(1000);
  absl::Time now_ = start_;
  absl::Time wake_ = absl::InfiniteFuture();
  ModelAccount account_;
  std::mt19937_64 random_;
  std::shared_ptr<dispatch::JobObserver> observer_;
  std::unique_ptr<dispatch::AccountDispatcher> dispatcher_;
  std::multimap<absl::Time, Pending> pending_;
  std::multimap<absl::Time, std::function<void()>> actions_;
  int requests_ = 0;
  int64_t calls_ = 0;
  int64_t leads_sent_ = 0;
};

}  // namespace leadgateway::simulation

#endif  // LEADGATEWAY_TESTS_SIMULATION_ALLOWANCE_WORLD_H_
