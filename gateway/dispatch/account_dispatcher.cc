#include "gateway/dispatch/account_dispatcher.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/model/errors.h"
#include "gateway/model/lead.h"
#include "gateway/model/reason.h"

namespace leadgateway::dispatch {
namespace {

// Retries of leads in doubt: full jitter below 200 ms, 400 ms, ...
constexpr absl::Duration kFirstBackoff = absl::Milliseconds(200);
constexpr absl::Duration kMostBackoff = absl::Seconds(5);
// How much a new estimate must differ from what was told to be told early.
constexpr double kEstimateChange = 0.2;
constexpr size_t kThrottleTextBytes = 256;

bool HasField(const LeadUpdate& lead, absl::string_view name) {
  return std::any_of(
      lead.fields.begin(), lead.fields.end(),
      [&](const FieldValue& field) { return field.attribute == name; });
}

}  // namespace

AccountDispatcher::AccountDispatcher(
    Options options, Upstream* upstream, absl::BitGenRef random,
    std::function<void(const CallRecord&)> on_call)
    : options_(std::move(options)),
      upstream_(upstream),
      random_(random),
      on_call_(std::move(on_call)),
      allowance_(options_.allowance),
      queue_(options_.caller_weights),
      pacer_(options_.batching),
      budget_(options_.budget),
      forecast_(options_.max_leads_per_call, &allowance_, &budget_, &breaker_,
                &queue_),
      admission_(AdmissionOptions(), &forecast_, &budget_),
      self_(std::make_shared<AccountDispatcher*>(this)) {}

Admission::Options AccountDispatcher::AdmissionOptions() const {
  return {.account = options_.account,
          .max_leads = options_.max_queued_leads,
          .max_bytes = options_.max_queued_bytes,
          .max_leads_per_caller = options_.max_queued_leads_per_caller,
          .max_bytes_per_caller = options_.max_queued_bytes_per_caller,
          .leads_per_call = options_.max_leads_per_call};
}

AccountDispatcher::~AccountDispatcher() { *self_ = nullptr; }

// ---------------------------------------------------------------- admission

absl::Status AccountDispatcher::WhyRefused(absl::Time now) {
  if (draining_) return errors::Draining();
  if (credentials_rejected_ && now < credentials_retry_at_) {
    return errors::UpstreamCredentialsRejected(options_.account,
                                               credentials_text_);
  }
  return admission_.CheckBudget(now);
}

absl::StatusOr<JobId> AccountDispatcher::Submit(
    JobSpec spec, std::shared_ptr<JobObserver> observer, absl::Time now) {
  if (absl::Status refused = WhyRefused(now); !refused.ok()) return refused;
  const int leads = static_cast<int>(spec.leads.size());
  auto owned = std::make_unique<Job>();
  Job* const job = owned.get();
  job->accepted_at = now;
  job->next_progress = now + kProgressInterval;
  job->observer = std::move(observer);
  job->spec = std::move(spec);
  job->leads.resize(static_cast<size_t>(leads));
  int64_t bytes = 0;
  for (size_t i = 0; i < job->leads.size(); ++i) {
    QueuedLead& lead = job->leads[i];
    lead.job = job;
    lead.bytes = static_cast<uint32_t>(FootprintOf(job->spec.leads[i]) +
                                       sizeof(QueuedLead));
    bytes += lead.bytes;
  }

  const FairQueue::Load caller = queue_.LoadOf(job->spec.caller);
  queue_.AddJob(job);
  absl::Status refused = admission_.CheckRoom(
      *job, leads, bytes, {leads_waiting_, bytes_}, caller, now);
  job->waiting = leads;
  job->flow->waiting += leads;
  if (refused.ok()) {
    refused = admission_.CheckTime(*job, SiblingsBefore(*job), now);
  }
  if (!refused.ok()) {
    job->flow->waiting -= leads;
    queue_.DropJob(job);
    return refused;
  }

  job->id = next_job_++;
  forecast_.ObserveArrival(*job->flow, leads, now);
  leads_waiting_ += leads;
  bytes_ += bytes;
  job->flow->bytes += bytes;
  for (size_t i = 0; i < job->leads.size(); ++i) {
    QueuedLead& lead = job->leads[i];
    lead.update = std::move(job->spec.leads[i]);
    lead.lane = absl::StrCat(job->spec.search_key, "\n", lead.update.lane_key);
    const bool first = lanes_.Enter(&lead);
    if (EndIfFieldUnknown(&lead, now)) continue;
    if (first) MakeEligible(&lead, now);
  }
  job->spec.leads.clear();
  job->spec.leads.shrink_to_fit();
  const JobId id = job->id;
  SetTimer(job->spec.finish_by, {TimerKind::kFinish, id, 0});
  SetTimer(StopSendingAt(*job, now), {TimerKind::kStopSending, id, 0});
  SetTimer(now + kProgressCheck, {TimerKind::kProgress, id, 0});
  jobs_.emplace(id, std::move(owned));
  return id;
}

absl::Time AccountDispatcher::StopSendingAt(const Job& job,
                                            absl::Time now) const {
  return job.spec.finish_by - forecast_.LikelyLatency(now);
}

int64_t AccountDispatcher::SiblingsBefore(const Job& job) const {
  if (job.flow->jobs == 1) return 0;
  int64_t siblings = 0;
  for (const auto& [id, other] : jobs_) {
    if (other.get() == &job || other->flow != job.flow || other->held) continue;
    // One lead a turn each.
    siblings += std::min(other->waiting, job.waiting);
  }
  return siblings;
}

JobOutlook AccountDispatcher::Foresee(const JobSpec& spec, int leads,
                                      absl::Time now) {
  if (leads == 0) return JobOutlook();
  Job job;
  job.spec.caller = spec.caller;
  job.spec.priority = spec.priority;
  job.spec.search_key = spec.search_key;
  job.waiting = leads;
  queue_.AddJob(&job);
  const JobOutlook outlook = forecast_.OutlookOf(job, SiblingsBefore(job), now);
  queue_.DropJob(&job);
  return outlook;
}

// ------------------------------------------------------------------- timers

void AccountDispatcher::SetTimer(absl::Time when, Timer timer) {
  if (when == absl::InfiniteFuture()) return;
  timers_.emplace(when, timer);
}

void AccountDispatcher::RunTimers(absl::Time now) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const Timer timer = timers_.begin()->second;
    timers_.erase(timers_.begin());
    const auto it = jobs_.find(timer.job);
    if (it == jobs_.end()) continue;
    Job& job = *it->second;
    switch (timer.kind) {
      case TimerKind::kStopSending: {
        // Calls may have become faster since.
        const absl::Time stop = StopSendingAt(job, now);
        if (stop > now) {
          SetTimer(stop, timer);
        } else {
          EndWaiting(job, Reason::kDeadline, now);
        }
        break;
      }
      case TimerKind::kFinish:
        EndAll(job, Reason::kDeadline, now);
        break;
      case TimerKind::kBackoffOver: {
        QueuedLead& lead = job.leads[timer.lead];
        if (lead.state == QueuedLead::State::kBackoff) queue_.PushFront(&lead);
        break;
      }
      case TimerKind::kProgress:
        if (job.reported < static_cast<int>(job.leads.size())) {
          TellProgress(job, now);
          SetTimer(now + kProgressCheck, timer);
        }
        break;
    }
  }
}

void AccountDispatcher::TellProgress(Job& job, absl::Time now) {
  const JobProgress progress =
      forecast_.ProgressOf(job, SiblingsBefore(job), now);
  // What the last message would say now.
  const absl::Duration expected =
      job.told_remaining - (now - job.next_progress + kProgressInterval);
  const absl::Duration change =
      absl::AbsDuration(progress.estimated_remaining - expected);
  const bool changed =
      change > absl::Seconds(1) &&
      change > kEstimateChange * std::max(expected, absl::Seconds(1));
  // Not at the next look: that would be late.
  if (now + kProgressCheck <= job.next_progress && !changed) return;
  job.next_progress = now + kProgressInterval;
  job.told_remaining = progress.estimated_remaining;
  job.observer->OnProgress(progress);
}

absl::Time AccountDispatcher::Tick(absl::Time now) {
  RunTimers(now);
  // These are few, and without field metadata nothing can be sent: they need
  // not wait for the spread of the day's budget.
  while (!other_calls_.empty() && MayCall(now) && budget_.FreeOfDay(now) > 0) {
    auto go = std::move(other_calls_.front());
    other_calls_.pop_front();
    allowance_.Take();
    CountCall(now);
    ++other_calls_in_flight_;
    std::move(go)();
  }
  SendIsolated(now);
  SendPlanned(now);
  EndWithBudget(now);
  Flush();

  absl::Time next =
      timers_.empty() ? absl::InfiniteFuture() : timers_.begin()->first;
  const bool something_waits = !other_calls_.empty() || isolation_.HasNext();
  absl::Time wanted = something_waits ? now : absl::InfiniteFuture();
  queue_.ForEachGroup([&](const Group& group) {
    if (group.eligible == 0) return;
    wanted = std::min(wanted, group.eligible >= options_.max_leads_per_call
                                  ? now
                                  : DepartureTime(group, now));
  });
  if (wanted == absl::InfiniteFuture()) return next;
  if (credentials_rejected_ && now < credentials_retry_at_) {
    return std::min(next, credentials_retry_at_);
  }
  wanted = std::max(wanted, allowance_.NextFree(now));
  if (budget_.Free(now) == 0) {
    const absl::Time released = budget_.WhenFree(1, now);
    // What is released but not granted comes with Grant.
    wanted =
        released <= now ? absl::InfiniteFuture() : std::max(wanted, released);
  }
  if (breaker_.open()) {
    wanted = std::max(wanted, breaker_.next_probe(calls_in_flight()));
  }
  return std::min(next, wanted);
}

// ------------------------------------------------------------------ sending

bool AccountDispatcher::MayCall(absl::Time now) {
  if (credentials_rejected_) {
    if (now < credentials_retry_at_) return false;
    credentials_rejected_ = false;
  }
  return breaker_.Allows(now, calls_in_flight()) &&
         allowance_.FreeCalls(now) > 0;
}

bool AccountDispatcher::MaySend(absl::Time now) {
  return budget_.Free(now) > 0 && MayCall(now);
}

void AccountDispatcher::EndWithBudget(absl::Time now) {
  if (leads_waiting_ == 0 || !budget_.Exhausted(now)) return;
  const absl::Time next_day = budget_.DayEnd(now);
  for (const auto& [id, job] : jobs_) {
    if (!job->finished() && job->waiting > 0 &&
        StopSendingAt(*job, now) <= next_day) {
      EndWaiting(*job, Reason::kDailyBudgetSpent, now);
    }
  }
}

absl::Time AccountDispatcher::DepartureTime(const Group& group,
                                            absl::Time now) const {
  int waiting_so = 0;
  queue_.ForEachGroup([&](const Group& each) {
    if (each.eligible > 0 && each.eligible < options_.max_leads_per_call) {
      ++waiting_so;
    }
  });
  return pacer_.DepartureTime(queue_.Oldest(group), now,
                              allowance_.window() + forecast_.mean_latency(),
                              allowance_.usable(), waiting_so);
}

void AccountDispatcher::CountCall(absl::Time now) {
  ++calls_total_;
  budget_.Take(now);
  // A silent probe keeps its slot: with two windows between them, there are
  // slots left for when the upstream is back.
  breaker_.Sent(now, std::max({Breaker::kLeastPatience, 2 * allowance_.window(),
                               allowance_.Doubt()}));
  pacer_.Sent(now, allowance_.window() + forecast_.mean_latency(),
              allowance_.usable());
}

void AccountDispatcher::SendIsolated(absl::Time now) {
  while (MaySend(now)) {
    auto next = isolation_.Next();
    if (!next) return;
    auto& [part, task] = *next;
    std::erase_if(
        part, [&](QueuedLead* lead) { return EndIfFieldUnknown(lead, now); });
    if (part.empty()) {
      isolation_.PartEnded(*task, Isolation::PartEnd::kUnclear);
      continue;
    }
    Send(std::move(part), std::move(task), now);
  }
}

void AccountDispatcher::SendPlanned(absl::Time now) {
  const int most = options_.max_leads_per_call;
  while (MaySend(now)) {
    Group* const group = queue_.NextGroup([&](const Group& candidate) {
      return candidate.eligible >= most || DepartureTime(candidate, now) <= now;
    });
    if (group == nullptr) return;
    std::vector<QueuedLead*> leads;
    leads.reserve(static_cast<size_t>(most));
    // Where all that waits leaves now, nobody waits for another one's leads,
    // and a request costs the least, and ends the soonest, in the fewest calls.
    const bool together =
        !breaker_.open() && group->eligible == queue_.eligible() &&
        group->eligible % most == 0 &&
        group->eligible / most <=
            std::min<int64_t>(allowance_.FreeCalls(now), budget_.Free(now));
    while (static_cast<int>(leads.size()) < most) {
      QueuedLead* const lead = queue_.Pop(group, together);
      if (lead == nullptr) break;
      if (now >= StopSendingAt(*lead->job, now)) {
        // Calls have become slower than they were when its timer was set.
        queue_.PushFront(lead);
        EndWaiting(*lead->job, Reason::kDeadline, now);
        continue;
      }
      lead->state = QueuedLead::State::kBlocked;  // out of the queue
      if (!EndIfFieldUnknown(lead, now)) leads.push_back(lead);
    }
    queue_.EndCall(*group,
                   leads.empty() ? 0 : most - static_cast<int>(leads.size()));
    if (leads.empty()) continue;
    Send(std::move(leads), nullptr, now);
  }
}

void AccountDispatcher::Send(std::vector<QueuedLead*> leads,
                             std::shared_ptr<IsolationTask> isolation,
                             absl::Time now) {
  const uint64_t id = next_call_++;
  UpdateCall update;
  update.search_key = leads.front()->job->spec.search_key;
  update.leads.reserve(leads.size());
  int first_time = 0;
  for (QueuedLead* lead : leads) {
    Job& job = *lead->job;
    lead->state = QueuedLead::State::kInFlight;
    lead->call = id;
    if (lead->attempts++ == 0) ++first_time;
    --job.waiting;
    --job.flow->waiting;
    if (job.last_call != id) {
      job.last_call = id;
      ++job.upstream_calls;
    }
    update.leads.push_back(&lead->update);
  }
  leads_waiting_ -= static_cast<int>(leads.size());
  leads_in_flight_ += static_cast<int>(leads.size());
  retry_budget_.SentFirst(first_time);
  allowance_.Take();
  CountCall(now);
  recent_calls_.emplace_back(now, static_cast<int>(leads.size()));
  while (recent_calls_.front().first + allowance_.window() < now) {
    recent_calls_.pop_front();
  }
  calls_.emplace(
      id, Call{id, std::move(leads), std::move(isolation), now, false, false});
  update.leave = [self = self_, id] {
    return *self != nullptr ? (*self)->Leave(id)
                            : std::vector<const LeadUpdate*>();
  };
  upstream_->Update(std::move(update), [self = self_, id](CallReport report) {
    if (*self != nullptr) {
      (*self)->OnReport(id, std::move(report));
    }
  });
}

std::vector<const LeadUpdate*> AccountDispatcher::Leave(uint64_t call_id) {
  Call& call = calls_.at(call_id);
  std::vector<const LeadUpdate*> leads;
  leads.reserve(call.leads.size());
  for (const QueuedLead* lead : call.leads) {
    if (!lead->reported) leads.push_back(&lead->update);
  }
  call.left = !leads.empty();
  call.called_off = leads.empty();
  return leads;
}

// ------------------------------------------------------------------ answers

void AccountDispatcher::SettleAllowance(const CallReport& report,
                                        bool called_off) {
  if (report.handshake) allowance_.ObserveRoundTrip(*report.handshake);
  if (report.round_trip) allowance_.ObserveRoundTrip(*report.round_trip);
  if (!report.sent_at) {
    allowance_.NeverSent();
  } else if (report.answered) {
    allowance_.Answered(*report.sent_at, report.done_at);
    forecast_.ObserveLatency(report.done_at - *report.sent_at, report.done_at);
  } else if (report.http_status != 0) {
    allowance_.AnsweredByOther(*report.sent_at, report.done_at);
  } else {
    allowance_.Lost(*report.sent_at, report.done_at);
  }
  if (report.verdict == CallVerdict::kThrottled) {
    ++throttles_;
    last_throttle_ = report.done_at;
    last_throttle_text_ = errors::Bounded(report.text, kThrottleTextBytes);
    allowance_.Throttled(report.done_at, report.limit_calls,
                         report.limit_window, report.retry_after);
  }
  switch (report.verdict) {
    case CallVerdict::kAnswered:
    case CallVerdict::kThrottled:
    case CallVerdict::kRefused:
    case CallVerdict::kCredentialsRejected:
      breaker_.Succeeded();
      break;
    case CallVerdict::kNotSent:
    case CallVerdict::kInDoubt:
      if (!called_off) breaker_.Failed(report.done_at, random_);
      break;
  }
}

void AccountDispatcher::OtherCallDone(const CallReport& report) {
  --other_calls_in_flight_;
  SettleAllowance(report);
}

void AccountDispatcher::OnReport(uint64_t call_id, CallReport report) {
  const absl::Time now = report.done_at;
  const auto it = calls_.find(call_id);
  Call call = std::move(it->second);
  calls_.erase(it);
  SettleAllowance(report, call.called_off);
  leads_in_flight_ -= static_cast<int>(call.leads.size());
  for (QueuedLead* lead : call.leads) {
    // In limbo until one of the Settle... below decides.
    lead->state = QueuedLead::State::kBlocked;
  }

  if (call.isolation != nullptr) {
    Isolation::PartEnd end = Isolation::PartEnd::kUnclear;
    if (report.verdict == CallVerdict::kAnswered) {
      end = Isolation::PartEnd::kTaken;
    } else if (report.verdict == CallVerdict::kRefused) {
      end = Isolation::PartEnd::kRefused;
    }
    isolation_.PartEnded(*call.isolation, end);
  }

  const CallRecord record = RecordOf(call.id, call.leads, call.left_at, report);
  switch (report.verdict) {
    case CallVerdict::kAnswered:
      isolation_.CallAnswered();
      for (size_t i = 0; i < call.leads.size(); ++i) {
        const LeadVerdict untold;
        const LeadVerdict& verdict =
            i < report.leads.size() ? report.leads[i] : untold;
        SettleLead(call.leads[i], verdict, now);
      }
      break;
    case CallVerdict::kThrottled:
    case CallVerdict::kNotSent:
      // From the last to the first, since each goes to the front of its job.
      for (auto lead = call.leads.rbegin(); lead != call.leads.rend(); ++lead) {
        SettleTurnedAway(*lead, report.verdict == CallVerdict::kThrottled
                                    ? Reason::kThrottled
                                    : Reason::kUpstreamUnavailable);
      }
      break;
    case CallVerdict::kInDoubt:
      for (QueuedLead* lead : call.leads) {
        SettleDoubt(lead, report.doubt, report.text, now);
      }
      break;
    case CallVerdict::kRefused:
      LearnUnknownFields(call, report);
      SettleRefused(call, report);
      break;
    case CallVerdict::kCredentialsRejected:
      if (!report.keys_replaced) {
        RejectCredentials(call, report);
        break;
      }
      // It says nothing of the new keys: sent again, with those.
      for (auto lead = call.leads.rbegin(); lead != call.leads.rend(); ++lead) {
        SettleTurnedAway(*lead, Reason::kUpstreamCredentialsRejected);
      }
      break;
  }
  // Whatever has its result and went nowhere is over.
  for (QueuedLead* lead : call.leads) {
    if (lead->reported && lead->state == QueuedLead::State::kBlocked) {
      MarkGone(lead, now);
    }
  }
  if (given_up_) {
    // Nothing goes again: neither what was turned away nor what is in doubt.
    for (QueuedLead* lead : call.leads) {
      if (!lead->reported) EndWaiting(*lead->job, Reason::kDraining, now);
    }
  }
  if (on_call_) on_call_(record);
  Flush();
}

void AccountDispatcher::SettleLead(QueuedLead* lead, const LeadVerdict& verdict,
                                   absl::Time now) {
  // The answer comes too late: the lead has its result.
  if (lead->reported) return;
  switch (verdict.kind) {
    case LeadVerdict::Kind::kUpdated:
      Report(lead, Outcome::kUpdated, std::nullopt);
      return;
    case LeadVerdict::Kind::kNotFound:
      if (lead->doubt) return ReportDoubt(lead, verdict.text);
      Report(
          lead,
          lead->job->spec.nonexistent_is_unprocessed ? Outcome::kUnprocessed
                                                     : Outcome::kFailed,
          errors::LeadProblem(Reason::kLeadNotFoundOrForbidden, verdict.text));
      return;
    case LeadVerdict::Kind::kRejected:
      if (lead->doubt) return ReportDoubt(lead, verdict.text);
      Report(lead, Outcome::kFailed,
             errors::LeadProblem(Reason::kRejectedByLeadSquared, verdict.text));
      return;
    case LeadVerdict::Kind::kUntold:
      SettleDoubt(lead, Reason::kAnswerIncomplete, verdict.text, now);
      return;
  }
}

void AccountDispatcher::SettleDoubt(QueuedLead* lead, Reason reason,
                                    const std::string& text, absl::Time now) {
  lead->doubt = reason;
  lead->doubt_text = text;
  ++lead->doubtful_attempts;
  if (lead->reported) return;
  const absl::Time again =
      now + JitteredBackoff(kFirstBackoff, kMostBackoff,
                            lead->doubtful_attempts - 1, random_);
  if (!options_.retry_doubt ||
      lead->doubtful_attempts >= kMaxAmbiguousAttempts ||
      again >= StopSendingAt(*lead->job, now) || !retry_budget_.Spend()) {
    ReportDoubt(lead, "");
    return;
  }
  // The lane stays with the lead: an older value must not overwrite a newer
  // one.
  lead->state = QueuedLead::State::kBackoff;
  ++lead->job->waiting;
  ++lead->job->flow->waiting;
  ++leads_waiting_;
  SetTimer(again, {TimerKind::kBackoffOver, lead->job->id,
                   static_cast<size_t>(lead - lead->job->leads.data())});
}

void AccountDispatcher::SettleTurnedAway(QueuedLead* lead, Reason reason) {
  lead->turned_away = reason;
  if (lead->reported) return;
  ++lead->job->waiting;
  ++lead->job->flow->waiting;
  ++leads_waiting_;
  queue_.PushFront(lead);
}

void AccountDispatcher::LearnUnknownFields(const Call& call,
                                           const CallReport& report) {
  for (const std::string& name : report.unknown_fields) {
    const bool sent = std::any_of(
        call.leads.begin(), call.leads.end(),
        [&](const QueuedLead* lead) { return HasField(lead->update, name); });
    if (sent) unknown_fields_.Remember(name, report.text, report.done_at);
  }
}

void AccountDispatcher::SettleRefused(const Call& call,
                                      const CallReport& report) {
  const auto refuse = [&](QueuedLead* lead) {
    if (lead->doubt) return ReportDoubt(lead, report.text);
    Report(lead, Outcome::kFailed,
           errors::LeadProblem(Reason::kRejectedByLeadSquared, report.text));
  };
  // A lead that has a field which the refusal names is guilty, and need not be
  // searched for. (It may have its result already, and explains the refusal
  // all the same.)
  bool explained = false;
  std::vector<QueuedLead*> open;
  for (QueuedLead* lead : call.leads) {
    const bool guilty =
        call.leads.size() == 1 ||
        std::any_of(report.unknown_fields.begin(), report.unknown_fields.end(),
                    [&](const std::string& name) {
                      return HasField(lead->update, name);
                    });
    explained |= guilty;
    if (lead->reported) continue;
    if (guilty) {
      refuse(lead);
    } else {
      open.push_back(lead);
    }
  }
  if (open.empty()) return;
  if (explained ? isolation_.SendAgain(open) : isolation_.Split(open)) {
    for (QueuedLead* lead : open) {
      lead->call_refused = true;
      ++lead->job->waiting;
      ++lead->job->flow->waiting;
    }
    leads_waiting_ += static_cast<int>(open.size());
    return;
  }
  for (QueuedLead* lead : open) {
    if (lead->doubt) {
      ReportDoubt(lead, report.text);
    } else {
      Report(lead, Outcome::kFailed,
             errors::LeadProblem(Reason::kCallRefused, report.text));
    }
  }
}

void AccountDispatcher::RejectCredentials(const Call& call,
                                          const CallReport& report) {
  credentials_rejected_ = true;
  credentials_text_ = report.text;
  credentials_retry_at_ = report.done_at + kCredentialsRetry;
  for (QueuedLead* lead : call.leads) {
    if (!lead->reported) {
      ReportUnsent(lead, Reason::kUpstreamCredentialsRejected, report.done_at);
    }
  }
  for (const auto& [id, job] : jobs_) {
    if (!job->finished()) {
      EndWaiting(*job, Reason::kUpstreamCredentialsRejected, report.done_at);
    }
  }
}

// -------------------------------------------------------------- leads' ends

void AccountDispatcher::MakeEligible(QueuedLead* lead, absl::Time now) {
  lead->eligible_since = now;
  queue_.Push(lead);
}

const FieldValue* AccountDispatcher::FindUnknownField(const LeadUpdate& lead,
                                                      absl::Time now) const {
  for (const FieldValue& field : lead.fields) {
    if (unknown_fields_.Find(field.attribute, now) != nullptr) return &field;
  }
  return nullptr;
}

bool AccountDispatcher::EndIfFieldUnknown(QueuedLead* lead, absl::Time now) {
  if (unknown_fields_.empty()) return false;
  const FieldValue* const field = FindUnknownField(lead->update, now);
  if (field == nullptr) return false;
  const UnknownFields::Entry& said =
      *unknown_fields_.Find(field->attribute, now);
  Unqueue(lead);
  if (lead->doubt) {
    ReportDoubt(lead, said.words);
  } else if (!lead->call_refused) {
    // Calls that carried it, if any, were turned away unread: so this refusal
    // is the gateway's and not LeadSquared's.
    Report(lead, Outcome::kInvalid,
           errors::FieldSaidUnknown(lead->update.index, field->attribute,
                                    said.words, now - said.said_at));
  } else {
    Report(lead, Outcome::kFailed,
           errors::LeadProblem(Reason::kRejectedByLeadSquared, said.words));
  }
  MarkGone(lead, now);
  return true;
}

void AccountDispatcher::Unqueue(QueuedLead* lead) {
  if (lead->state == QueuedLead::State::kEligible) queue_.Remove(lead);
  if (lead->state == QueuedLead::State::kIsolated) isolation_.Remove(lead);
  --lead->job->waiting;
  --lead->job->flow->waiting;
  --leads_waiting_;
}

void AccountDispatcher::Report(QueuedLead* lead, Outcome outcome,
                               std::optional<Problem> problem) {
  Job& job = *lead->job;
  lead->reported = true;
  ++job.reported;
  LeadResult result;
  result.index = lead->update.index;
  // A call under way still needs the key to join its answer.
  result.tag = std::move(lead->update.tag);
  result.outcome = outcome;
  result.identifier = lead->update.key().attribute;
  result.identifier_value = lead->update.key().value;
  result.problem = std::move(problem);
  result.attempts = lead->attempts;
  unflushed_[job.id].push_back(std::move(result));
}

void AccountDispatcher::ReportUnsent(QueuedLead* lead, Reason reason,
                                     absl::Time now) {
  if (lead->doubt) return ReportDoubt(lead, "");
  if (lead->call_refused) {
    Report(lead, Outcome::kFailed, errors::LeadProblem(Reason::kCallRefused));
    return;
  }
  // What turned it away, or kept it waiting, tells more than that time ran out
  // meanwhile.
  if (reason == Reason::kDeadline && lead->turned_away) {
    reason = *lead->turned_away;
  } else if (reason == Reason::kDeadline && budget_.Free(now) == 0) {
    reason = Reason::kDailyBudgetSpent;
  }
  if (reason == Reason::kDraining && account_gone_) {
    Report(lead, Outcome::kNotSent, errors::LeadAccountGone(options_.account));
    return;
  }
  if (reason == Reason::kDailyBudgetSpent) {
    Report(lead, Outcome::kNotSent,
           errors::LeadBudgetSpent(budget_.WallOf(budget_.WhenFree(1, now)),
                                   budget_.zone()));
    return;
  }
  Report(
      lead, Outcome::kNotSent,
      errors::LeadProblem(reason, reason == Reason::kUpstreamCredentialsRejected
                                      ? credentials_text_
                                      : ""));
}

void AccountDispatcher::ReportDoubt(QueuedLead* lead,
                                    absl::string_view later_text) {
  Report(lead, Outcome::kUnknown,
         errors::LeadProblem(lead->doubt.value_or(Reason::kNoAnswer),
                             later_text.empty()
                                 ? absl::string_view(lead->doubt_text)
                                 : later_text));
}

void AccountDispatcher::MarkGone(QueuedLead* lead, absl::Time now) {
  lead->state = QueuedLead::State::kGone;
  QueuedLead* const next = lanes_.Leave(lead);
  if (next != nullptr && next->state == QueuedLead::State::kBlocked) {
    MakeEligible(next, now);
  }
  Job& job = *lead->job;
  // A long job gives back what its finished leads have held.
  bytes_ -= lead->bytes;
  job.flow->bytes -= lead->bytes;
  lead->update = LeadUpdate();
  std::string().swap(lead->doubt_text);
  ++job.gone;
  maybe_over_.insert(job.id);
}

void AccountDispatcher::EndWaiting(Job& job, Reason reason, absl::Time now) {
  for (QueuedLead& lead : job.leads) {
    if (lead.reported || lead.state == QueuedLead::State::kInFlight ||
        lead.state == QueuedLead::State::kGone) {
      continue;
    }
    Unqueue(&lead);
    ReportUnsent(&lead, reason, now);
    MarkGone(&lead, now);
  }
}

void AccountDispatcher::EndAll(Job& job, Reason reason, absl::Time now) {
  EndWaiting(job, reason, now);
  EndConnecting(job, reason, now);
  for (QueuedLead& lead : job.leads) {
    if (lead.reported) continue;
    if (!lead.doubt) lead.doubt = Reason::kNoAnswer;
    ReportDoubt(&lead, "");
  }
}

void AccountDispatcher::EndConnecting(Job& job, Reason reason, absl::Time now) {
  std::set<uint64_t> calls;
  for (QueuedLead& lead : job.leads) {
    if (lead.reported || calls_.at(lead.call).left) continue;
    calls.insert(lead.call);
    --lead.attempts;
    ReportUnsent(&lead, reason, now);
  }
  // No call that leaves carries them.
  job.upstream_calls -= static_cast<int>(calls.size());
}

void AccountDispatcher::Cancel(JobId id, absl::Time now) {
  const auto it = jobs_.find(id);
  if (it == jobs_.end()) return;
  EndAll(*it->second, Reason::kCancelled, now);
  Flush();
}

void AccountDispatcher::Hold(JobId id, bool held) {
  const auto it = jobs_.find(id);
  if (it == jobs_.end()) return;
  if (held) {
    queue_.Hold(it->second.get());
  } else {
    queue_.Resume(it->second.get());
  }
}

void AccountDispatcher::GiveUp(absl::Time now) {
  draining_ = true;
  given_up_ = true;
  for (const auto& [id, job] : jobs_) {
    EndWaiting(*job, Reason::kDraining, now);
  }
  Flush();
}

void AccountDispatcher::Flush() {
  // Observers may not call back, so nothing is added while this runs.
  auto unflushed = std::move(unflushed_);
  unflushed_.clear();
  for (auto& [id, results] : unflushed) {
    Job& job = *jobs_.at(id);
    job.observer->OnResults(std::move(results));
    if (job.reported == static_cast<int>(job.leads.size())) {
      job.observer->OnFinished(job.upstream_calls);
      job.observer = nullptr;
    }
  }
  for (const JobId id : maybe_over_) {
    const auto it = jobs_.find(id);
    if (it == jobs_.end()) continue;
    Job& job = *it->second;
    if (job.gone < static_cast<int>(job.leads.size())) continue;
    queue_.DropJob(&job);
    jobs_.erase(it);
  }
  maybe_over_.clear();
}

// -------------------------------------------------------------------- state

void AccountDispatcher::RequestOtherCall(absl::AnyInvocable<void() &&> go) {
  other_calls_.push_back(std::move(go));
}

void AccountDispatcher::GiveUpAccount(absl::Time now) {
  account_gone_ = true;
  GiveUp(now);
}

void AccountDispatcher::Reconfigure(const Options& options, absl::Time now) {
  options_.allowance = options.allowance;
  options_.max_queued_leads = options.max_queued_leads;
  options_.max_queued_bytes = options.max_queued_bytes;
  options_.max_queued_leads_per_caller = options.max_queued_leads_per_caller;
  options_.max_queued_bytes_per_caller = options.max_queued_bytes_per_caller;
  options_.retry_doubt = options.retry_doubt;
  options_.budget = options.budget;
  options_.caller_weights = options.caller_weights;
  allowance_.Reconfigure(options.allowance, now);
  budget_.Reconfigure(options.budget);
  queue_.SetWeights(options.caller_weights);
  admission_.Reconfigure(AdmissionOptions());
}

AccountState AccountDispatcher::State(absl::Time now) {
  AccountState state;
  state.limit_calls = allowance_.limit();
  state.limit_window = allowance_.window();
  state.limit_learned = allowance_.learned();
  state.configured_calls = options_.allowance.calls;
  state.calls_free = allowance_.FreeCalls(now);
  state.calls_held = allowance_.held(now);
  state.calls_under_way = allowance_.in_flight();
  const absl::Time next = allowance_.NextFree(now);
  // All calls under way: the next one frees a window after the first answer.
  state.next_free_in = next == absl::InfiniteFuture()
                           ? forecast_.mean_latency() + allowance_.window()
                           : next - now;
  state.calls_total = calls_total_;
  state.calls_today = budget_.SpentToday(now);
  if (budget_.limited()) {
    state.budget_calls = budget_.calls();
    state.budget_free =
        std::max<int64_t>(0, budget_.Released(now) - budget_.SpentToday(now));
    state.budget_next_free_in = budget_.WhenFree(1, now) - now;
    state.budget_ends_in = budget_.DayEnd(now) - now;
  }
  state.paused_for =
      std::max(absl::ZeroDuration(), allowance_.paused_until() - now);
  state.leads_queued = leads_waiting_;
  state.bytes_queued = bytes_;
  state.leads_in_flight = leads_in_flight_;
  std::map<std::string, AccountState::Caller> callers;
  queue_.ForEachFlow([&](const Flow& flow) {
    if (flow.waiting == 0) return;
    AccountState::Caller& caller = callers[flow.caller];
    caller.leads += flow.waiting;
    if (flow.priority == Priority::kBulk) caller.bulk_leads += flow.waiting;
    caller.bytes += flow.bytes;
    caller.weight = flow.weight;
  });
  for (auto& [name, caller] : callers) {
    caller.name = name;
    state.callers.push_back(std::move(caller));
  }
  std::stable_sort(
      state.callers.begin(), state.callers.end(),
      [](const auto& a, const auto& b) { return a.leads > b.leads; });
  state.throttles = throttles_;
  state.last_throttle = last_throttle_;
  state.last_throttle_text = last_throttle_text_;
  int leads = 0;
  int calls = 0;
  for (const auto& [sent, count] : recent_calls_) {
    if (sent + allowance_.window() < now) continue;
    leads += count;
    ++calls;
  }
  if (calls > 0) state.mean_leads_per_call = static_cast<double>(leads) / calls;
  if (credentials_rejected_ && now < credentials_retry_at_) {
    state.block = Block::kKeys;
    state.blocked = absl::StrCat("LeadSquared refuses the gateway's keys: ",
                                 credentials_text_);
  } else if (budget_.Exhausted(now)) {
    state.block = Block::kBudget;
    state.blocked =
        absl::StrCat("today's budget of ", budget_.calls(), " calls is spent");
  } else if (budget_.Free(now) == 0) {
    state.block = Block::kBudget;
    state.blocked =
        state.budget_next_free_in > absl::ZeroDuration()
            ? "the day's budget is spread over the day; its next call is not "
              "due yet"
            : "the day's calls are being written down before they are made";
  } else if (now < allowance_.paused_until()) {
    state.block = Block::kThrottle;
    state.blocked = absl::StrCat(
        "paused after a throttle, for ",
        absl::FormatDuration(absl::Ceil(allowance_.paused_until() - now,
                                        absl::Milliseconds(1))));
  } else if (breaker_.open()) {
    state.block = Block::kUpstream;
    state.blocked = "LeadSquared does not answer; one call at a time tries";
  } else if (draining_) {
    state.block = Block::kDraining;
    state.blocked = account_gone_ ? "the account is no longer configured"
                                  : "the gateway is shutting down";
  }
  return state;
}

}  // namespace leadgateway::dispatch
