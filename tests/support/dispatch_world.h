#ifndef LEADGATEWAY_TESTS_SUPPORT_DISPATCH_WORLD_H_
#define LEADGATEWAY_TESTS_SUPPORT_DISPATCH_WORLD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/dispatch/job.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/model/lead.h"
#include "gateway/model/outcome.h"
#include "gateway/model/reason.h"

namespace leadgateway::testing {

// A lead of one call, as it was when the call left.
struct SentLead {
  std::string tag;  // the job's name and the lead's index: unique in a test
  std::string lane;
  int32_t index = 0;
};

// One call that a dispatcher made.
struct SentCall {
  size_t number = 0;  // 0, 1, ...
  absl::Time at;
  std::optional<absl::Time> done_at;
  std::string search_key;
  std::vector<SentLead> leads;
  dispatch::CallReport report;  // what it will be answered
  absl::Duration latency;

  bool Carries(absl::string_view tag) const;
};

// Listens to one job, and fails the test when the protocol is broken: a lead
// with two results, results after the end, two ends.
class JobWatch final : public dispatch::JobObserver {
 public:
  JobWatch(std::string name, int leads, const absl::Time* now)
      : name_(std::move(name)), leads_(leads), now_(now) {}

  void OnResults(std::vector<LeadResult> results) override;
  void OnProgress(const dispatch::JobProgress& progress) override;
  void OnFinished(int upstream_calls) override;

  int Count(Outcome outcome) const;
  int Count(Outcome outcome, Reason reason) const;
  const LeadResult& Of(int32_t index) const { return results.at(index); }

  std::map<int32_t, LeadResult> results;
  std::vector<absl::Time> result_times;
  std::vector<absl::Time> progress_times;
  std::vector<dispatch::JobProgress> progress;
  std::optional<absl::Time> finished_at;
  int upstream_calls = 0;
  dispatch::JobId id = 0;

 private:
  const std::string name_;
  const int leads_;
  const absl::Time* const now_;
};

// An AccountDispatcher in virtual time, with an upstream that answers by a
// script. Fails the test when the dispatcher asks to be called again and again
// without time passing, when a call has too many leads, and when a lane is
// twice in one call or in flight.
class DispatchWorld final : public dispatch::Upstream {
 public:
  // What a call is answered: fill in the report's verdict (times are set by the
  // world) and the latency.
  using Script = std::function<void(SentCall& call)>;

  explicit DispatchWorld(dispatch::AccountDispatcher::Options options = {},
                         uint64_t seed = 1);

  dispatch::AccountDispatcher& dispatcher() { return *dispatcher_; }
  absl::Time now() const { return now_; }
  absl::Duration elapsed() const { return now_ - start_; }

  // Submits leads named NAME:0, NAME:1, ... with keys of their own.
  std::shared_ptr<JobWatch> Submit(const std::string& name, int leads,
                                   dispatch::JobSpec spec = {});
  // The same with these lane keys.
  std::shared_ptr<JobWatch> SubmitKeys(const std::string& name,
                                       const std::vector<std::string>& keys,
                                       dispatch::JobSpec spec = {});
  // The same, when it may be refused; `watch` hears nothing then.
  absl::StatusOr<std::shared_ptr<JobWatch>> TrySubmit(
      const std::string& name, const std::vector<std::string>& keys,
      dispatch::JobSpec spec);
  void Cancel(const JobWatch& watch);

  // Runs `action` at that time from the start on.
  void At(absl::Duration since_start, std::function<void()> action);
  void RunFor(absl::Duration duration);
  // Until all jobs are over; fails the test when they are not within `most`.
  void RunUntilIdle(absl::Duration most = absl::Minutes(30));

  // The calls that carried the lead.
  std::vector<const SentCall*> CallsWith(absl::string_view tag) const;
  // What waited and was called "not later than": asks the dispatcher now.
  void Tick();

  void Update(dispatch::UpdateCall call,
              absl::AnyInvocable<void(dispatch::CallReport) &&> done) override;

  Script script;
  // Changes leads before they are submitted.
  std::function<void(LeadUpdate&)> amend;
  std::vector<SentCall> calls;
  // Called when a call leaves, after the checks.
  std::function<void(const SentCall&)> on_sent;
  // Called when a call has ended.
  std::function<void(const dispatch::CallRecord&)> on_record;
  int in_flight = 0;
  int most_in_flight = 0;

 private:
  void RunUntil(absl::Time until, bool stop_when_idle);

  const absl::Time start_ = absl::UnixEpoch() + absl::Hours(1000);
  absl::Time now_ = start_;
  absl::Time wake_ = absl::InfiniteFuture();
  int ticks_now_ = 0;
  std::mt19937_64 random_;
  std::multimap<absl::Time, absl::AnyInvocable<void()>> events_;
  std::set<std::string> lanes_in_flight_;
  bool in_update_ = false;
  std::unique_ptr<dispatch::AccountDispatcher> dispatcher_;
};

// Scripts' parts.
void AnswerUpdated(SentCall& call);
void AnswerThrottled(SentCall& call,
                     std::optional<int64_t> limit = std::nullopt,
                     std::optional<absl::Duration> retry_after = std::nullopt);
void AnswerNotSent(SentCall& call);
void AnswerInDoubt(SentCall& call, Reason doubt = Reason::kNoAnswer);
void AnswerRefused(SentCall& call, const std::string& text);
void AnswerCredentialsRejected(SentCall& call, const std::string& text);
// Every lead's verdict by its tag.
void AnswerEach(
    SentCall& call,
    const std::function<dispatch::LeadVerdict(const SentLead&)>& verdict);

}  // namespace leadgateway::testing

#endif  // LEADGATEWAY_TESTS_SUPPORT_DISPATCH_WORLD_H_
