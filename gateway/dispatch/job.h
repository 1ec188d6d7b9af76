#ifndef LEADGATEWAY_GATEWAY_DISPATCH_JOB_H_
#define LEADGATEWAY_GATEWAY_DISPATCH_JOB_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/base/trace.h"
#include "gateway/model/lead.h"
#include "gateway/model/reason.h"

// A request on its way through dispatch: the job, and its leads.
namespace leadgateway::dispatch {

using JobId = uint64_t;

enum class Priority { kInteractive = 0, kBulk = 1 };
inline constexpr int kPriorities = 2;

// How far a job is.
struct JobProgress {
  int leads_done = 0;
  int leads_total = 0;
  int leads_queued_ahead = 0;
  absl::Duration estimated_remaining;
  int upstream_calls = 0;
};

// What is foreseen of a job that has not been submitted.
struct JobOutlook {
  int upstream_calls = 0;  // that carry at least one of its leads
  int leads_queued_ahead = 0;
  absl::Duration duration;  // until its last lead is answered
};

// Hears of one job. All calls come on dispatch's thread, and may come from
// within AccountDispatcher's methods; they must not call back into it.
class JobObserver {
 public:
  virtual ~JobObserver() = default;

  // Results that are final. Each lead of the job is in exactly one of these.
  virtual void OnResults(std::vector<LeadResult> results) = 0;

  // Now and then until the end.
  virtual void OnProgress(const JobProgress& progress) = 0;

  // The last call, exactly once, after all results.
  virtual void OnFinished(int upstream_calls) = 0;
};

// What a request asks of dispatch.
struct JobSpec {
  std::string caller;
  // For logs and traces of the calls that carry its leads.
  std::string request_id;
  TraceContext trace;
  Priority priority = Priority::kInteractive;
  std::string search_key;  // "" finds leads by ProspectId
  // A lead that does not exist is kUnprocessed instead of kFailed.
  bool nonexistent_is_unprocessed = false;
  // At least one; no two with the same lane_key.
  std::vector<LeadUpdate> leads;
  // When all results must be there, by the monotonic clock.
  absl::Time finish_by = absl::InfiniteFuture();
};

struct Job;
struct Flow;
struct Group;

// One lead of a job.
struct QueuedLead {
  enum class State {
    kBlocked,   // another update of the same lead goes first
    kEligible,  // could leave with the next call
    kBackoff,   // waits to be sent again
    kIsolated,  // waits for a call of its own, to find out who spoils a call
    kInFlight,
    kGone,  // has its result, and no call carries it
  };

  Job* job = nullptr;
  LeadUpdate update;
  State state = State::kBlocked;
  bool reported = false;
  int attempts = 0;
  uint64_t call = 0;  // kInFlight: the call that carries it
  // Set once a call that carried it ended in doubt: it can't become kNotSent
  // any more, whatever happens later.
  std::optional<Reason> doubt;
  std::string doubt_text;
  int doubtful_attempts = 0;
  // A call that carried it was refused whole, and whose fault that was is not
  // known: it was read, so it can't become kNotSent any more.
  bool call_refused = false;
  // Why it is back in the queue although nobody read it.
  std::optional<Reason> turned_away;
  absl::Time eligible_since;

  uint32_t bytes = 0;  // what it counts for in the queue's bound

  // The lane: updates of the same lead in the order of their acceptance.
  std::string lane;
  QueuedLead* lane_before = nullptr;
  QueuedLead* lane_after = nullptr;
};

// A request that is under way. Lives until its last lead is kGone.
struct Job {
  JobId id = 0;
  std::shared_ptr<JobObserver> observer;  // none once finished
  JobSpec spec;                           // `leads` is empty: they are below
  std::vector<QueuedLead> leads;          // never grows: addresses are stable
  std::deque<QueuedLead*> eligible;
  // None of its leads are sent while it is: its client does not read.
  bool held = false;
  Flow* flow = nullptr;
  Group* group = nullptr;
  absl::Time accepted_at;
  absl::Time next_progress;
  absl::Duration told_remaining;  // in the last progress message
  int reported = 0;
  int gone = 0;
  int waiting = 0;  // neither in flight nor gone
  int upstream_calls = 0;
  uint64_t last_call = 0;  // the last call that carried a lead of this job

  bool finished() const { return observer == nullptr; }
};

}  // namespace leadgateway::dispatch

#endif  // LEADGATEWAY_GATEWAY_DISPATCH_JOB_H_
