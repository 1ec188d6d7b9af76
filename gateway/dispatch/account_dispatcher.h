#ifndef LEADGATEWAY_GATEWAY_DISPATCH_ACCOUNT_DISPATCHER_H_
#define LEADGATEWAY_GATEWAY_DISPATCH_ACCOUNT_DISPATCHER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/random/bit_gen_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/dispatch/admission.h"
#include "gateway/dispatch/allowance.h"
#include "gateway/dispatch/batch_pacer.h"
#include "gateway/dispatch/breaker.h"
#include "gateway/dispatch/call_record.h"
#include "gateway/dispatch/daily_budget.h"
#include "gateway/dispatch/fair_queue.h"
#include "gateway/dispatch/forecast.h"
#include "gateway/dispatch/isolation.h"
#include "gateway/dispatch/job.h"
#include "gateway/dispatch/lanes.h"
#include "gateway/dispatch/retry_budget.h"
#include "gateway/dispatch/unknown_fields.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/model/lead.h"
#include "gateway/model/limits.h"

namespace leadgateway::dispatch {

// Why an account sends nothing.
enum class Block {
  kNone,
  kKeys,      // LeadSquared refuses the keys
  kBudget,    // the day's calls are made
  kThrottle,  // a throttle's pause
  kUpstream,  // LeadSquared does not answer; single calls try
  kDraining,
};

// How an account stands.
struct AccountState {
  int limit_calls = 0;
  absl::Duration limit_window;
  bool limit_learned = false;
  int configured_calls = 0;
  int calls_free = 0;
  int calls_held = 0;       // of limit_calls: under way, or in the window
  int calls_under_way = 0;  // of calls_held
  absl::Duration next_free_in;
  int64_t calls_total = 0;
  int64_t calls_today = 0;
  int leads_queued = 0;
  int64_t bytes_queued = 0;
  int leads_in_flight = 0;
  struct Caller {
    std::string name;
    int leads = 0;
    int bulk_leads = 0;  // those of `leads` in the bulk class
    int64_t bytes = 0;
    double weight = 1;
  };
  std::vector<Caller> callers;  // longest queue first
  int64_t throttles = 0;
  absl::Time last_throttle = absl::InfinitePast();  // monotonic
  std::string last_throttle_text;
  double mean_leads_per_call = 0;  // of the last window's calls
  Block block = Block::kNone;
  std::string blocked;        // the same in words; "" for kNone
  absl::Duration paused_for;  // after a throttle

  // Zero and meaningless without a budget.
  int64_t budget_calls = 0;
  int64_t budget_free = 0;  // that may be spent now
  absl::Duration budget_next_free_in;
  absl::Duration budget_ends_in;
};

// Turns the leads of many jobs of one account into calls, and answers into
// results. A plain single-threaded object: time, randomness and transport are
// given to it.
//
// For every accepted job its observer hears exactly one result per lead and
// then OnFinished, whatever the upstream does, as long as Tick is called in
// time.
class AccountDispatcher {
 public:
  struct Options {
    std::string account;
    Allowance::Options allowance;
    BatchPacer::Options batching;
    // Positive. Others weigh 1.
    absl::flat_hash_map<std::string, double> caller_weights;
    int max_leads_per_call = kMaxLeadsPerCall;
    int max_queued_leads = kDefaultMaxQueuedLeads;
    int64_t max_queued_bytes = kDefaultMaxQueuedBytes;
    int max_queued_leads_per_caller = kDefaultMaxQueuedLeadsPerCaller;
    int64_t max_queued_bytes_per_caller = kDefaultMaxQueuedBytesPerCaller;
    // Leads whose call ended in doubt are sent again.
    bool retry_doubt = true;
    DailyBudget::Options budget;
  };

  // `upstream` and `random` must outlive this object. `on_call` hears of each
  // call that ended; it must not call back.
  AccountDispatcher(Options options, Upstream* upstream, absl::BitGenRef random,
                    std::function<void(const CallRecord&)> on_call = nullptr);
  ~AccountDispatcher();
  AccountDispatcher(const AccountDispatcher&) = delete;
  AccountDispatcher& operator=(const AccountDispatcher&) = delete;

  // Accepts a job, or says why not; then nothing of it was kept and `observer`
  // hears nothing.
  absl::StatusOr<JobId> Submit(JobSpec spec,
                               std::shared_ptr<JobObserver> observer,
                               absl::Time now);

  // The job's caller is gone: what waits is not sent any more, and the observer
  // hears the rest as kNotSent or kUnknown. Unknown ids are ignored.
  void Cancel(JobId id, absl::Time now);

  // The job's client reads too slowly to take more results, or reads again:
  // holds its leads back, or lets them be sent again. Unknown ids are ignored.
  void Hold(JobId id, bool held);

  // Sends what can be sent, ends what is due. Returns when to be called next at
  // the latest. Call it after each Submit and after each report, too.
  absl::Time Tick(absl::Time now);

  // A call that carries no leads (field metadata) wants its share of the
  // allowance: `go` is called within a Tick when a call may leave; the caller
  // then owes OtherCallDone.
  void RequestOtherCall(absl::AnyInvocable<void() &&> go);
  void OtherCallDone(const CallReport& report);

  // Why a request would be refused now whatever it holds; OK if it would not.
  absl::Status WhyRefused(absl::Time now);

  // The day's budget: where it stands, what was spent before, what time it is.
  DailyBudget& budget() { return budget_; }
  // The allowance, for what must survive a restart.
  Allowance& allowance() { return allowance_; }

  // Refuses new jobs from now on.
  void StartDraining() { draining_ = true; }
  // Ends all that waits as not sent, since the gateway goes down; calls under
  // way are the last ones.
  void GiveUp(absl::Time now);
  // The same, since the account is no longer configured.
  void GiveUpAccount(absl::Time now);
  // The account is configured again: takes jobs as before.
  void TakeAgain() { draining_ = given_up_ = account_gone_ = false; }
  bool idle() const { return jobs_.empty(); }
  // Of jobs and others.
  int calls_in_flight() const {
    return static_cast<int>(calls_.size()) + other_calls_in_flight_;
  }

  // The account's keys have been replaced: a rejection of the old ones no
  // longer stands.
  void CredentialsChanged() { credentials_rejected_ = false; }

  // Newer field metadata has come. What the upstream said does not exist, and
  // `exists` now, is sent again.
  void FieldsRefreshed(const std::function<bool(absl::string_view)>& exists) {
    unknown_fields_.Forget(exists);
  }

  // Takes over other settings; queue, allowance and budget keep what they know.
  // `account`, `batching` and `max_leads_per_call` stay as they were.
  void Reconfigure(const Options& options, absl::Time now);

  AccountState State(absl::Time now);
  // What a job with `leads` leads would meet with if it were submitted now;
  // `spec` says whose it is, and its own leads don't count.
  JobOutlook Foresee(const JobSpec& spec, int leads, absl::Time now);

  // Progress is told at least this often, give or take what a timer is late.
  static constexpr absl::Duration kProgressInterval = absl::Seconds(10);
  // How often a job's estimate is looked at.
  static constexpr absl::Duration kProgressCheck = absl::Seconds(1);
  // Rejected keys are tried again after this time even without new ones.
  static constexpr absl::Duration kCredentialsRetry = absl::Seconds(60);

 private:
  struct Call {
    uint64_t id = 0;
    std::vector<QueuedLead*> leads;
    std::shared_ptr<IsolationTask> isolation;
    absl::Time left_at;
    bool left = false;        // or may have
    bool called_off = false;  // all of its jobs ended before it left
  };
  enum class TimerKind { kStopSending, kFinish, kBackoffOver, kProgress };
  struct Timer {
    TimerKind kind;
    JobId job;
    size_t lead;
  };

  Admission::Options AdmissionOptions() const;
  void SetTimer(absl::Time when, Timer timer);
  void RunTimers(absl::Time now);
  void TellProgress(Job& job, absl::Time now);

  // Whether a call may leave, as far as anything but the day's budget goes.
  bool MayCall(absl::Time now);
  bool MaySend(absl::Time now);
  // Ends the leads that will not see the next day, when today's budget is
  // spent.
  void EndWithBudget(absl::Time now);
  void SendIsolated(absl::Time now);
  void SendPlanned(absl::Time now);
  void Send(std::vector<QueuedLead*> leads,
            std::shared_ptr<IsolationTask> isolation, absl::Time now);
  // The call's connection stands: who goes with it.
  std::vector<const LeadUpdate*> Leave(uint64_t call_id);
  void OnReport(uint64_t call_id, CallReport report);
  void SettleAllowance(const CallReport& report, bool called_off = false);
  void SettleLead(QueuedLead* lead, const LeadVerdict& verdict, absl::Time now);
  void SettleDoubt(QueuedLead* lead, Reason reason, const std::string& text,
                   absl::Time now);
  void SettleTurnedAway(QueuedLead* lead, Reason reason);
  void SettleRefused(const Call& call, const CallReport& report);
  // Keeps in mind which fields a refusal names that leads of the call have.
  void LearnUnknownFields(const Call& call, const CallReport& report);
  // The lead's first field that the upstream said does not exist, or null.
  const FieldValue* FindUnknownField(const LeadUpdate& lead,
                                     absl::Time now) const;
  // Ends a waiting lead if it has such a field: it costs no call. True if so.
  bool EndIfFieldUnknown(QueuedLead* lead, absl::Time now);
  void RejectCredentials(const Call& call, const CallReport& report);

  void MakeEligible(QueuedLead* lead, absl::Time now);
  // Takes a waiting lead out of whatever it waits in.
  void Unqueue(QueuedLead* lead);
  void Report(QueuedLead* lead, Outcome outcome,
              std::optional<Problem> problem);
  // kNotSent for `reason`, or kUnknown where an earlier call left doubt.
  void ReportUnsent(QueuedLead* lead, Reason reason, absl::Time now);
  void ReportDoubt(QueuedLead* lead, absl::string_view later_text);
  // The lead is done with: frees its lane.
  void MarkGone(QueuedLead* lead, absl::Time now);
  void EndWaiting(Job& job, Reason reason, absl::Time now);
  void EndAll(Job& job, Reason reason, absl::Time now);
  // Ends leads in flight whose calls have not left yet: they stay behind.
  void EndConnecting(Job& job, Reason reason, absl::Time now);
  // Hands out what Report has gathered and frees jobs that are over. Last thing
  // in every public method that may report.
  void Flush();

  // When the group's next call may leave if it is not full.
  absl::Time DepartureTime(const Group& group, absl::Time now) const;
  void CountCall(absl::Time now);

  // Leads of the flow's other jobs that will be sent before the job's last.
  int64_t SiblingsBefore(const Job& job) const;
  // When a call that leaves is likely to be answered too late.
  absl::Time StopSendingAt(const Job& job, absl::Time now) const;

  Options options_;
  Upstream* const upstream_;
  absl::BitGenRef random_;
  const std::function<void(const CallRecord&)> on_call_;

  Allowance allowance_;
  FairQueue queue_;
  Lanes lanes_;
  RetryBudget retry_budget_;
  Breaker breaker_;
  BatchPacer pacer_;
  Isolation isolation_;
  DailyBudget budget_;
  Forecast forecast_;
  Admission admission_;
  UnknownFields unknown_fields_;

  std::map<JobId, std::unique_ptr<Job>> jobs_;
  std::map<uint64_t, Call> calls_;
  std::multimap<absl::Time, Timer> timers_;
  std::deque<absl::AnyInvocable<void() &&>> other_calls_;
  std::map<JobId, std::vector<LeadResult>> unflushed_;
  std::set<JobId> maybe_over_;

  JobId next_job_ = 1;
  uint64_t next_call_ = 1;
  int64_t calls_total_ = 0;
  int leads_waiting_ = 0;
  int leads_in_flight_ = 0;
  int other_calls_in_flight_ = 0;
  int64_t bytes_ = 0;
  bool draining_ = false;
  bool given_up_ = false;
  bool account_gone_ = false;
  bool credentials_rejected_ = false;
  std::string credentials_text_;
  absl::Time credentials_retry_at_ = absl::InfinitePast();
  int64_t throttles_ = 0;
  absl::Time last_throttle_ = absl::InfinitePast();
  std::string last_throttle_text_;
  std::deque<std::pair<absl::Time, int>> recent_calls_;  // sent at, leads
  // Callbacks of calls that outlive this object find it gone.
  std::shared_ptr<AccountDispatcher*> self_;
};

}  // namespace leadgateway::dispatch

#endif  // LEADGATEWAY_GATEWAY_DISPATCH_ACCOUNT_DISPATCHER_H_
