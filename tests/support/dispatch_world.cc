#include "tests/support/dispatch_world.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/model/limits.h"
#include "gtest/gtest.h"

namespace leadgateway::testing {

using dispatch::CallReport;
using dispatch::CallVerdict;
using dispatch::LeadVerdict;

bool SentCall::Carries(absl::string_view tag) const {
  return std::any_of(leads.begin(), leads.end(),
                     [&](const SentLead& lead) { return lead.tag == tag; });
}

// ----------------------------------------------------------------- JobWatch

void JobWatch::OnResults(std::vector<LeadResult> batch) {
  EXPECT_FALSE(batch.empty()) << name_;
  EXPECT_FALSE(finished_at) << name_ << ": results after the end";
  for (LeadResult& result : batch) {
    EXPECT_GE(result.index, 0) << name_;
    EXPECT_LT(result.index, leads_) << name_;
    EXPECT_EQ(result.tag, absl::StrCat(name_, ":", result.index));
    EXPECT_EQ(result.problem.has_value(), result.outcome != Outcome::kUpdated)
        << result.tag;
    const int32_t index = result.index;
    EXPECT_TRUE(results.emplace(index, std::move(result)).second)
        << name_ << ": a second result of lead " << index;
    result_times.push_back(*now_);
  }
}

void JobWatch::OnProgress(const dispatch::JobProgress& told) {
  EXPECT_FALSE(finished_at) << name_ << ": progress after the end";
  EXPECT_EQ(told.leads_total, leads_) << name_;
  // Results of the same moment may still be on their way.
  EXPECT_GE(told.leads_done, static_cast<int>(results.size())) << name_;
  EXPECT_LT(told.leads_done, leads_) << name_;
  EXPECT_GE(told.estimated_remaining, absl::ZeroDuration()) << name_;
  EXPECT_GE(told.leads_queued_ahead, 0) << name_;
  progress.push_back(told);
  progress_times.push_back(*now_);
}

void JobWatch::OnFinished(int calls) {
  EXPECT_FALSE(finished_at) << name_ << ": a second end";
  EXPECT_EQ(static_cast<int>(results.size()), leads_)
      << name_ << ": the end before all results";
  finished_at = *now_;
  upstream_calls = calls;
}

int JobWatch::Count(Outcome outcome) const {
  return static_cast<int>(std::count_if(
      results.begin(), results.end(),
      [&](const auto& entry) { return entry.second.outcome == outcome; }));
}

int JobWatch::Count(Outcome outcome, Reason reason) const {
  return static_cast<int>(
      std::count_if(results.begin(), results.end(), [&](const auto& entry) {
        return entry.second.outcome == outcome && entry.second.problem &&
               entry.second.problem->reason == reason;
      }));
}

// ------------------------------------------------------------ DispatchWorld

DispatchWorld::DispatchWorld(dispatch::AccountDispatcher::Options options,
                             uint64_t seed)
    : script(AnswerUpdated),
      random_(seed),
      dispatcher_(std::make_unique<dispatch::AccountDispatcher>(
          std::move(options), this, random_,
          [this](const dispatch::CallRecord& record) {
            if (on_record) on_record(record);
          })) {}

absl::StatusOr<std::shared_ptr<JobWatch>> DispatchWorld::TrySubmit(
    const std::string& name, const std::vector<std::string>& keys,
    dispatch::JobSpec spec) {
  auto watch =
      std::make_shared<JobWatch>(name, static_cast<int>(keys.size()), &now_);
  for (size_t i = 0; i < keys.size(); ++i) {
    LeadUpdate lead;
    lead.index = static_cast<int32_t>(i);
    lead.tag = absl::StrCat(name, ":", i);
    lead.fields = {{"EmailAddress", keys[i]}, {"FirstName", "John"}};
    lead.lane_key = keys[i];
    if (amend) amend(lead);
    spec.leads.push_back(std::move(lead));
  }
  if (spec.caller.empty()) spec.caller = name;
  const auto id = dispatcher_->Submit(std::move(spec), watch, now_);
  if (!id.ok()) return id.status();
  watch->id = *id;
  Tick();
  return watch;
}

std::shared_ptr<JobWatch> DispatchWorld::SubmitKeys(
    const std::string& name, const std::vector<std::string>& keys,
    dispatch::JobSpec spec) {
  auto watch = TrySubmit(name, keys, std::move(spec));
  EXPECT_TRUE(watch.ok()) << name << ": " << watch.status();
  if (!watch.ok()) return std::make_shared<JobWatch>(name, 0, &now_);
  return *watch;
}

std::shared_ptr<JobWatch> DispatchWorld::Submit(const std::string& name,
                                                int leads,
                                                dispatch::JobSpec spec) {
  std::vector<std::string> keys;
  for (int i = 0; i < leads; ++i) {
    keys.push_back(absl::StrCat(name, "-", i, "@example.com"));
  }
  return SubmitKeys(name, keys, std::move(spec));
}

void DispatchWorld::Cancel(const JobWatch& watch) {
  dispatcher_->Cancel(watch.id, now_);
  Tick();
}

void DispatchWorld::Tick() { wake_ = dispatcher_->Tick(now_); }

void DispatchWorld::At(absl::Duration since_start,
                       std::function<void()> action) {
  events_.emplace(start_ + since_start, std::move(action));
}

void DispatchWorld::RunUntil(absl::Time until, bool stop_when_idle) {
  while (!(stop_when_idle && dispatcher_->idle() && events_.empty())) {
    absl::Time next = wake_;
    if (!events_.empty()) next = std::min(next, events_.begin()->first);
    if (next > until) {
      now_ = until;
      return;
    }
    if (next > now_) {
      now_ = next;
      ticks_now_ = 0;
    } else if (++ticks_now_ > 20'000) {
      FAIL() << "the dispatcher spins at " << elapsed();
    }
    while (!events_.empty() && events_.begin()->first <= now_) {
      auto event = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      event();
    }
    Tick();
  }
}

void DispatchWorld::RunFor(absl::Duration duration) {
  RunUntil(now_ + duration, false);
}

void DispatchWorld::RunUntilIdle(absl::Duration most) {
  RunUntil(now_ + most, true);
  EXPECT_TRUE(dispatcher_->idle()) << "jobs are left after " << most;
}

std::vector<const SentCall*> DispatchWorld::CallsWith(
    absl::string_view tag) const {
  std::vector<const SentCall*> found;
  for (const SentCall& call : calls) {
    if (call.Carries(tag)) found.push_back(&call);
  }
  return found;
}

void DispatchWorld::Update(dispatch::UpdateCall update,
                           absl::AnyInvocable<void(CallReport) &&> done) {
  EXPECT_FALSE(in_update_);
  in_update_ = true;
  update.leave();  // all of them, at once
  SentCall call;
  call.number = calls.size();
  call.at = now_;
  call.search_key = update.search_key;
  call.latency = absl::Milliseconds(80);
  EXPECT_GE(update.leads.size(), 1);
  EXPECT_LE(update.leads.size(), static_cast<size_t>(kMaxLeadsPerCall));
  for (const LeadUpdate* lead : update.leads) {
    EXPECT_FALSE(lead->tag.empty()) << "a lead that is over is sent";
    const std::string lane =
        absl::StrCat(update.search_key, "\n", lead->lane_key);
    EXPECT_TRUE(lanes_in_flight_.insert(lane).second)
        << "lane in flight twice: " << lane;
    call.leads.push_back({lead->tag, lane, lead->index});
  }
  script(call);
  calls.push_back(call);
  most_in_flight = std::max(most_in_flight, ++in_flight);
  if (on_sent) on_sent(call);
  events_.emplace(now_ + call.latency, [this, number = call.number,
                                        done = std::move(done)]() mutable {
    SentCall& ended = calls[number];
    ended.done_at = now_;
    for (const SentLead& lead : ended.leads) {
      lanes_in_flight_.erase(lead.lane);
    }
    --in_flight;
    CallReport report = ended.report;
    report.done_at = now_;
    if (report.verdict != CallVerdict::kNotSent) report.sent_at = ended.at;
    report.answered = report.verdict != CallVerdict::kNotSent &&
                      report.verdict != CallVerdict::kInDoubt;
    std::move(done)(std::move(report));
  });
  in_update_ = false;
}

// ------------------------------------------------------------------ scripts

void AnswerEach(SentCall& call,
                const std::function<LeadVerdict(const SentLead&)>& verdict) {
  call.report = CallReport();
  call.report.verdict = CallVerdict::kAnswered;
  for (const SentLead& lead : call.leads) {
    call.report.leads.push_back(verdict(lead));
  }
}

void AnswerUpdated(SentCall& call) {
  AnswerEach(call, [](const SentLead&) {
    return LeadVerdict{LeadVerdict::Kind::kUpdated, ""};
  });
}

void AnswerThrottled(SentCall& call, std::optional<int64_t> limit,
                     std::optional<absl::Duration> retry_after) {
  call.report = CallReport();
  call.report.verdict = CallVerdict::kThrottled;
  call.report.limit_calls = limit;
  call.report.retry_after = retry_after;
  call.report.text = "API calls exceeded the limit";
}

void AnswerNotSent(SentCall& call) {
  call.report = CallReport();
  call.report.verdict = CallVerdict::kNotSent;
  call.report.text = "no connection";
}

void AnswerInDoubt(SentCall& call, Reason doubt) {
  call.report = CallReport();
  call.report.verdict = CallVerdict::kInDoubt;
  call.report.doubt = doubt;
  call.report.text = "connection reset";
}

void AnswerRefused(SentCall& call, const std::string& text) {
  call.report = CallReport();
  call.report.verdict = CallVerdict::kRefused;
  call.report.text = text;
}

void AnswerCredentialsRejected(SentCall& call, const std::string& text) {
  call.report = CallReport();
  call.report.verdict = CallVerdict::kCredentialsRejected;
  call.report.text = text;
}

}  // namespace leadgateway::testing
