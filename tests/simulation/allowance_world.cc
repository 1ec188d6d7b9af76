#include "tests/simulation/allowance_world.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/dispatch/job.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/model/lead.h"

namespace leadgateway::simulation {
namespace {

class Deaf final : public dispatch::JobObserver {
 public:
  void OnResults(std::vector<LeadResult>) override {}
  void OnProgress(const dispatch::JobProgress&) override {}
  void OnFinished(int) override {}
};

dispatch::AccountDispatcher::Options DispatchingOf(
    const AllowanceWorld::Options& options) {
  const AccountModel& model = options.model;
  dispatch::AccountDispatcher::Options dispatching;
  dispatching.account = "acme";
  dispatching.allowance.calls =
      model.configured_calls > 0 ? model.configured_calls : model.calls;
  dispatching.allowance.window = model.window;
  dispatching.allowance.fixed_moment = model.fixed_moment;
  dispatching.batching = options.batching;
  dispatching.max_leads_per_call = options.max_leads_per_call;
  // Some models have windows of more calls than one caller's queue may fill.
  dispatching.max_queued_leads_per_caller = dispatching.max_queued_leads;
  dispatching.max_queued_bytes_per_caller = dispatching.max_queued_bytes;
  return dispatching;
}

}  // namespace

AllowanceWorld::AllowanceWorld(Options options)
    : model_(options.model),
      account_(options.model, options.seed, start_),
      random_(options.seed),
      observer_(std::make_shared<Deaf>()),
      dispatcher_(std::make_unique<dispatch::AccountDispatcher>(
          DispatchingOf(options), this, random_)) {}

int AllowanceWorld::Submit(int leads, std::string caller) {
  const int number = requests_++;
  dispatch::JobSpec spec;
  spec.caller = std::move(caller);
  spec.search_key = "EmailAddress";
  spec.leads.resize(static_cast<size_t>(leads));
  for (int i = 0; i < leads; ++i) {
    LeadUpdate& lead = spec.leads[static_cast<size_t>(i)];
    lead.index = i;
    lead.tag = absl::StrCat(number);
    // Short enough to need no memory of its own.
    lead.lane_key = absl::StrCat(number % 1'000'000, "-", i);
    lead.fields = {{"EmailAddress", lead.lane_key}};
  }
  const absl::StatusOr<dispatch::JobId> job =
      dispatcher_->Submit(std::move(spec), observer_, now_);
  if (!job.ok()) {
    std::fprintf(stderr, "refused: %s\n", job.status().ToString().c_str());
    std::abort();
  }
  Tick();
  return number;
}

int AllowanceWorld::leads_waiting() const {
  return dispatcher_->State(now_).leads_queued;
}

void AllowanceWorld::At(absl::Duration since_start,
                        std::function<void()> action) {
  actions_.emplace(start_ + since_start, std::move(action));
}

void AllowanceWorld::Tick() { wake_ = dispatcher_->Tick(now_); }

bool AllowanceWorld::Step(absl::Time until) {
  absl::Time next = wake_;
  if (!actions_.empty()) next = std::min(next, actions_.begin()->first);
  if (!pending_.empty()) next = std::min(next, pending_.begin()->first);
  if (next > until) return false;
  now_ = std::max(now_, next);
  while (!actions_.empty() && actions_.begin()->first <= now_) {
    const auto action = std::move(actions_.begin()->second);
    actions_.erase(actions_.begin());
    action();
  }
  while (!pending_.empty() && pending_.begin()->first <= now_) {
    Pending pending = std::move(pending_.begin()->second);
    pending_.erase(pending_.begin());
    End(std::move(pending));
  }
  Tick();
  return true;
}

void AllowanceWorld::RunUntil(const std::function<bool()>& done) {
  while (!done() && Step(absl::InfiniteFuture())) {
  }
}

void AllowanceWorld::RunFor(absl::Duration duration) {
  const absl::Time until = now_ + duration;
  while (Step(until)) {
  }
  now_ = until;
}

void AllowanceWorld::Update(
    dispatch::UpdateCall call,
    absl::AnyInvocable<void(dispatch::CallReport) &&> done) {
  Pending pending;
  pending.call = account_.Send(now_);
  pending.leads = static_cast<int>(call.leads.size());
  pending.done = std::move(done);
  ++calls_;
  leads_sent_ += pending.leads;
  if (on_call) {
    std::vector<int> requests;
    requests.reserve(call.leads.size());
    for (const LeadUpdate* const lead : call.leads) {
      int number = 0;
      if (absl::SimpleAtoi(lead->tag, &number)) requests.push_back(number);
    }
    on_call(requests);
  }
  const absl::Time ended = pending.call.ended;
  pending_.emplace(ended, std::move(pending));
}

void AllowanceWorld::End(Pending pending) {
  const ModelAccount::Call& call = pending.call;
  dispatch::CallReport report;
  report.sent_at = call.sent;
  report.done_at = now_;
  report.answered = call.answered;
  report.round_trip = call.round_trip;
  const bool throttled = call.answered && account_.Throttled(call);
  if (throttled) {
    report.verdict = dispatch::CallVerdict::kThrottled;
    report.limit_calls = model_.calls;
    report.limit_window = model_.window;
    report.text = "API calls exceeded the limit";
  } else if (call.answered) {
    report.verdict = dispatch::CallVerdict::kAnswered;
    report.leads.resize(static_cast<size_t>(pending.leads));
    for (dispatch::LeadVerdict& verdict : report.leads) {
      verdict.kind = dispatch::LeadVerdict::Kind::kUpdated;
    }
  } else {
    report.verdict = dispatch::CallVerdict::kInDoubt;
    report.http_status = call.by_proxy ? 504 : 0;
    report.text = call.by_proxy ? "HTTP 504" : "the connection died";
  }
  std::move(pending.done)(std::move(report));
}

}  // namespace leadgateway::simulation
