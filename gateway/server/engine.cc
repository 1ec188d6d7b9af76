#include "gateway/server/engine.h"

#include <pthread.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/random/bit_gen_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/base/mutex.h"
#include "gateway/base/signal.h"
#include "gateway/base/span_file.h"
#include "gateway/base/status_macros.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/leadsquared/credentials/credentials.h"
#include "gateway/leadsquared/credentials/key_source.h"
#include "gateway/model/errors.h"
#include "gateway/server/account_fields.h"
#include "gateway/server/account_loader.h"
#include "gateway/server/catalogue_loader.h"
#include "gateway/server/catalogue_store.h"
#include "gateway/server/key_watcher.h"
#include "gateway/server/spans.h"

namespace leadgateway::server {
namespace {

using dispatch::CallVerdict;

// At the end: a disk that takes longer than this has lost the state.
constexpr absl::Duration kMostStateWait = absl::Seconds(10);
// The loop comes round within milliseconds unless it is stuck.
constexpr absl::Duration kMostApplyWait = absl::Seconds(30);

// Counts results on their way to whoever waits for them.
class CountingObserver final : public dispatch::JobObserver {
 public:
  CountingObserver(std::shared_ptr<dispatch::JobObserver> next,
                   Metrics::Account* metrics,
                   std::shared_ptr<Activity> activity, const Clock& clock)
      : next_(std::move(next)),
        metrics_(metrics),
        activity_(std::move(activity)),
        clock_(clock) {}

  void OnResults(std::vector<LeadResult> results) override {
    metrics_->Results(results);
    activity_->AddResults(results, clock_.Now());
    next_->OnResults(std::move(results));
  }
  void OnProgress(const dispatch::JobProgress& progress) override {
    next_->OnProgress(progress);
  }
  void OnFinished(int upstream_calls) override {
    next_->OnFinished(upstream_calls);
  }

 private:
  const std::shared_ptr<dispatch::JobObserver> next_;
  Metrics::Account* const metrics_;
  const std::shared_ptr<Activity> activity_;
  const Clock& clock_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> Engine::Create(
    const GatewayOptions& options, const Clock& clock, Metrics* metrics) {
  absl::StatusOr<std::unique_ptr<http::CurlLoop>> loop =
      http::CurlLoop::Create({}, clock);
  if (!loop.ok()) return loop.status();
  return CreateOn(options, clock, metrics, *std::move(loop), std::nullopt);
}

absl::StatusOr<std::unique_ptr<Engine>> Engine::CreateOn(
    const GatewayOptions& options, const Clock& clock, Metrics* metrics,
    std::unique_ptr<http::CurlLoop> loop, std::optional<absl::BitGenRef> random,
    StateWriter::Save save_state) {
  std::unique_ptr<CatalogueStore> store;
  if (!options.state_dir.empty()) {
    auto opened = CatalogueStore::Create(options.state_dir);
    if (!opened.ok()) {
      return absl::FailedPreconditionError(
          absl::StrCat("stateDir: ", opened.status().message()));
    }
    store = *std::move(opened);
  }
  absl::StatusOr<std::vector<LoadedAccount>> loaded =
      LoadAccounts(options.accounts, store.get());
  if (!loaded.ok()) return loaded.status();
  LogKeyWarnings(*loaded);
  auto engine = std::unique_ptr<Engine>(
      new Engine(clock, metrics, std::move(loop), random));
  engine->catalogue_store_ = std::move(store);
  engine->save_state_ = std::move(save_state);
  engine->applied_ = options.accounts;
  engine->MindCallTimeouts(options);
  for (LoadedAccount& each : *loaded) {
    engine->first_sources_.emplace(each.options.name, each.keys);
    auto account = engine->NewAccount(std::move(each), options.limits);
    engine->on_loop_.emplace(account->name, account);
    const MutexLock lock(engine->mutex_);
    engine->accounts_.emplace(account->name, account);
  }
  if (!options.state_dir.empty()) {
    if (absl::Status status = engine->OpenLedgers(options.state_dir);
        !status.ok()) {
      return absl::FailedPreconditionError(
          absl::StrCat("stateDir: ", status.message()));
    }
  }
  return engine;
}

std::shared_ptr<Engine::Account> Engine::NewAccount(
    LoadedAccount loaded, const LimitOptions& limits) {
  const EngineAccount::Shared shared{.clock = clock_,
                                     .metrics = metrics_,
                                     .http = loop_.get(),
                                     .random = random_};
  auto account = std::make_shared<Account>(
      std::move(loaded), limits, shared,
      [this](const Account& of, const dispatch::CallRecord& record) {
        OnCall(of, record);
      });
  account->client->SetRecheckKeys(
      [this, name = account->name](absl::AnyInvocable<void() &&> done) {
        if (key_watcher_ == nullptr) return std::move(done)();
        key_watcher_->Recheck(name, [this, done = std::move(done)]() mutable {
          loop_->Post(std::move(done));
        });
      });
  return account;
}

absl::Status Engine::Apply(const GatewayOptions& options) {
  absl::StatusOr<std::vector<LoadedAccount>> loaded =
      LoadAccounts(options.accounts, catalogue_store_.get(), applied_);
  if (!loaded.ok()) return loaded.status();
  LogKeyWarnings(*loaded);
  MindCallTimeouts(options);
  std::map<std::string, leadsquared::KeySource> sources;
  for (const LoadedAccount& each : *loaded) {
    if (each.credentials) sources.emplace(each.options.name, each.keys);
  }
  auto applied = std::make_shared<Signal>();
  loop_->Post([this, applied, limits = options.limits,
               drain_timeout = options.drain_timeout,
               longest_call = longest_call_,
               loaded = *std::move(loaded)]() mutable {
    std::set<std::string> names;
    for (const LoadedAccount& each : loaded) names.insert(each.options.name);
    for (const auto& [name, account] : on_loop_) {
      if (names.contains(name)) continue;
      account->Retire(drain_timeout);
      key_watcher_->Forget(name);
    }
    for (LoadedAccount& each : loaded) {
      const std::string name = each.options.name;
      if (const auto known = on_loop_.find(name); known != on_loop_.end()) {
        const bool was_retired = known->second->retired;
        known->second->Reconfigure(std::move(each), limits);
        if (was_retired) TakeOverFromRetired(known->second, longest_call);
        continue;
      }
      auto account = NewAccount(std::move(each), limits);
      if (state_directory_ != nullptr) {
        if (absl::Status status = OpenLedger(*account); !status.ok()) {
          LogLine(LogLevel::kError, "state_not_kept")
              .Add("account", name)
              .Add("text", status.message());
        }
      }
      TakeOverFromRetired(account, longest_call);
      on_loop_.emplace(name, account);
      const MutexLock lock(mutex_);
      accounts_.emplace(name, std::move(account));
    }
    if (fields_known_) fields_known_();
    applied->Set();
  });
  applied_ = options.accounts;
  for (auto& [name, source] : sources) {
    key_watcher_->Watch(name, std::move(source));
  }
  // Then an RPC that has seen the new configuration finds its account.
  if (!applied->WaitFor(kMostApplyWait)) {
    return absl::UnavailableError(
        "the dispatch loop is stuck; the new accounts begin when it goes on");
  }
  return absl::OkStatus();
}

void Engine::TakeOverFromRetired(const std::shared_ptr<Account>& account,
                                 absl::Duration longest_call) {
  std::vector<Account*> before;
  for (const auto& [name, other] : on_loop_) {
    if (other->retired && account->IsSameAs(*other)) {
      before.push_back(other.get());
    }
  }
  // First, since one may be another's heir.
  for (Account* const other : before) other->Disinherit();
  for (Account* const other : before) other->HandOverTo(account, longest_call);
}

void Engine::MindCallTimeouts(const GatewayOptions& options) {
  for (const AccountOptions& account : options.accounts) {
    longest_call_ = std::max(longest_call_, account.call_timeout);
  }
}

absl::Time Engine::TendRetired(absl::Time now) {
  absl::Time next = absl::InfiniteFuture();
  for (auto it = on_loop_.begin(); it != on_loop_.end();) {
    Account& account = *it->second;
    next = std::min(next, account.TendRetired(now));
    if (!account.Forgettable(now)) {
      ++it;
      continue;
    }
    CloseLedger(account);
    LogLine(LogLevel::kInfo, "account_gone").Add("account", account.name);
    {
      const MutexLock lock(mutex_);
      accounts_.erase(account.name);
    }
    it = on_loop_.erase(it);
  }
  return next;
}

void Engine::OnKeys(const std::string& name, leadsquared::Credentials keys) {
  const auto it = on_loop_.find(name);
  if (it != on_loop_.end()) it->second->TakeKeys(std::move(keys));
}

void Engine::TakeKeys(std::string account, leadsquared::Credentials keys) {
  loop_->Post(
      [this, account = std::move(account), keys = std::move(keys)]() mutable {
        OnKeys(account, std::move(keys));
      });
}

absl::Status Engine::OpenLedgers(const std::string& directory) {
  LG_ASSIGN_OR_RETURN(state_directory_, StateDirectory::Take(directory));
  state_writer_ = save_state_ == nullptr
                      ? std::make_unique<StateWriter>()
                      : std::make_unique<StateWriter>(
                            save_state_, StateWriter::Thread::kCallers);
  for (const auto& [name, account] : on_loop_) {
    LG_RETURN_IF_ERROR(OpenLedger(*account));
  }
  return absl::OkStatus();
}

absl::Status Engine::OpenLedger(Account& account) {
  account.ledger = std::make_unique<CallLedger>(
      CallLedger::Options{
          .account = account.name,
          .path = state_directory_->FileOf(account.name),
          .calls = account.dispatcher->allowance().limit(),
          .save = save_state_ == nullptr ? SaveState : save_state_},
      &account.dispatcher->budget(), &account.dispatcher->allowance(),
      state_writer_.get(), [this](absl::AnyInvocable<void() &&> function) {
        loop_->Post(std::move(function));
      });
  absl::StatusOr<Recovery> recovery = account.ledger->Open(clock_.Now());
  if (!recovery.ok()) {
    account.ledger = nullptr;
    return recovery.status();
  }
  LogLine line(recovery->assumed.empty() ? LogLevel::kInfo : LogLevel::kWarn,
               "state_recovered");
  line.Add("account", account.name).Add("calls_today", recovery->calls_today);
  if (!recovery->assumed.empty()) line.Add("text", recovery->assumed);
  return absl::OkStatus();
}

void Engine::CloseLedgers() {
  if (state_writer_ == nullptr) return;
  state_writer_.reset();  // waits for what is being written
  for (const auto& [name, account] : on_loop_) CloseLedger(*account);
}

void Engine::CloseLedger(Account& account) {
  if (account.ledger == nullptr) return;
  const absl::Status status = account.ledger->Close(
      account.dispatcher->calls_in_flight(), clock_.Now());
  account.ledger = nullptr;
  if (!status.ok()) {
    LogLine(LogLevel::kError, "state_not_saved")
        .Add("account", account.name)
        .Add("text", status.message());
  }
}

Engine::Engine(const Clock& clock, Metrics* metrics,
               std::unique_ptr<http::CurlLoop> loop,
               std::optional<absl::BitGenRef> random)
    : clock_(clock),
      metrics_(metrics),
      random_(random.value_or(absl::BitGenRef(own_random_))),
      loop_(std::move(loop)),
      last_turn_ns_(absl::ToUnixNanos(clock.Now())) {}

Engine::~Engine() {
  loop_->Stop();
  if (thread_.joinable()) thread_.join();
  // The loop's thread asks it to look, so it goes after that.
  key_watcher_ = nullptr;
}

void Engine::Start() {
  key_watcher_ = std::make_unique<KeyWatcher>(
      clock_,
      [this](const std::string& account, leadsquared::Credentials keys) {
        TakeKeys(account, std::move(keys));
      });
  for (auto& [name, source] : first_sources_) {
    key_watcher_->Watch(name, std::move(source));
  }
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "dispatch");
    Run();
  });
}

void Engine::Run() {
  loop_->Run([this](absl::Time now) { return Tick(now); });
}

std::shared_ptr<Engine::Account> Engine::Find(absl::string_view account) const {
  const MutexLock lock(mutex_);
  const auto it = accounts_.find(account);
  return it == accounts_.end() ? nullptr : it->second;
}

absl::Time Engine::Tick(absl::Time now) {
  if (now >= wake_at_) metrics_->LoopLag(now - wake_at_);
  last_turn_ns_.store(absl::ToUnixNanos(now), std::memory_order_relaxed);
  absl::Time next = now + kHeartbeat;
  const absl::Duration wall_offset = clock_.WallNow() - now;
  next = std::min(next, TendRetired(now));
  for (const auto& [name, account] : on_loop_) {
    account->dispatcher->budget().SetWallOffset(wall_offset);
    if (account->schema_checks && !account->retired) {
      if (account->fields->StartFetch(now)) FetchFields(*account);
      next = std::min(next, account->fields->Tick(now));
    }
    next = std::min(next, account->dispatcher->Tick(now));
    if (account->ledger != nullptr) {
      next = std::min(next, account->ledger->Tick(now));
    }
  }
  if (when_idle_ != nullptr && Idle()) {
    when_idle_->Set();
    when_idle_ = nullptr;
  }
  wake_at_ = std::max(next, now);
  return next;
}

void Engine::OnCall(const Account& account,
                    const dispatch::CallRecord& record) {
  const dispatch::CallReport& report = *record.report;
  account.metrics->UpdateCall(record);
  account.activity->AddCall(
      record.leads, report.verdict == CallVerdict::kThrottled, report.done_at);
  if (report.unknown_field && account.schema_checks) {
    account.fields->Refuted(clock_.Now());
  }
  std::optional<Span> span;
  if (spans_ != nullptr) {
    span = SpanOfCall(record,
                      {.account = account.name,
                       .base_url = account.base_url,
                       .wall_offset = clock_.WallNow() - clock_.Now()},
                      random_);
    if (span) spans_->Write(*span);
  }
  const bool good = report.verdict == CallVerdict::kAnswered;
  LogLine line(good ? LogLevel::kInfo : LogLevel::kWarn, "upstream_call");
  if (!line.enabled()) return;
  line.Add("account", account.name)
      .Add("call", record.call)
      .Add("verdict", VerdictName(report.verdict))
      .Add("http_status", report.http_status)
      .Add("leads", record.leads)
      .Add("duration_s", record.duration);
  if (good) {
    line.Add("updated", record.updated)
        .Add("not_found", record.not_found)
        .Add("rejected", record.rejected)
        .Add("untold", record.untold);
  }
  std::vector<absl::string_view> requests;
  std::vector<std::string> traces;
  absl::Duration longest_wait = absl::ZeroDuration();
  for (const dispatch::CallShare& share : record.shares) {
    requests.push_back(share.job->request_id);
    if (share.job->trace.valid()) {
      traces.push_back(share.job->trace.TraceIdText());
    }
    longest_wait = std::max(longest_wait, share.waited);
  }
  line.Add("longest_wait_s", longest_wait).AddList("request_ids", requests);
  if (!traces.empty()) {
    line.AddList("trace_ids",
                 std::vector<absl::string_view>(traces.begin(), traces.end()));
  }
  if (span) line.Add("span_id", span->context.SpanIdText());
  // LeadSquared's own sentences stay out: they may quote a lead's values. What
  // they say of the limit is a number; of keys, it is what the operator needs
  // (the client has taken the keys out); the rest here is the gateway's.
  if (report.limit_calls) line.Add("limit_calls", *report.limit_calls);
  if (report.limit_window) line.Add("limit_window_s", *report.limit_window);
  if (report.retry_after) line.Add("retry_after_s", *report.retry_after);
  if (report.verdict == CallVerdict::kCredentialsRejected ||
      report.verdict == CallVerdict::kNotSent ||
      report.verdict == CallVerdict::kInDoubt) {
    line.Add("text", report.text);
  }
  if (!report.unknown_fields.empty()) {
    line.Add("unknown_fields", absl::StrJoin(report.unknown_fields, ", "));
  }
}

void Engine::Submit(absl::string_view account, dispatch::JobSpec spec,
                    std::shared_ptr<dispatch::JobObserver> observer,
                    std::shared_ptr<Ticket> ticket,
                    absl::AnyInvocable<void(absl::Status) &&> answered) {
  std::shared_ptr<Account> entry = Find(account);
  if (entry != nullptr) {
    observer = std::make_shared<CountingObserver>(
        std::move(observer), entry->metrics, entry->activity, clock_);
  }
  loop_->Post([this, entry = std::move(entry), name = std::string(account),
               spec = std::move(spec), observer = std::move(observer),
               ticket = std::move(ticket), answered = std::move(answered),
               posted_at = clock_.Now()]() mutable {
    metrics_->LoopLag(clock_.Now() - posted_at);
    if (ticket->cancelled) {
      std::move(answered)(errors::Cancelled());
      return;
    }
    if (entry == nullptr || entry->retired) {
      std::move(answered)(errors::AccountUnknown(name, {}));
      return;
    }
    absl::StatusOr<dispatch::JobId> job = entry->dispatcher->Submit(
        std::move(spec), std::move(observer), clock_.Now());
    if (job.ok()) ticket->job = *job;
    std::move(answered)(job.status());
  });
}

void Engine::Cancel(absl::string_view account, std::shared_ptr<Ticket> ticket) {
  loop_->Post([this, entry = Find(account), ticket = std::move(ticket)] {
    ticket->cancelled = true;
    if (entry == nullptr) return;
    entry->fields->Cancel(ticket.get());
    if (ticket->job) entry->dispatcher->Cancel(*ticket->job, clock_.Now());
  });
}

void Engine::Hold(absl::string_view account, std::shared_ptr<Ticket> ticket,
                  absl::AnyInvocable<bool() &&> held) {
  loop_->Post([entry = Find(account), ticket = std::move(ticket),
               held = std::move(held)]() mutable {
    if (ticket->job && entry != nullptr) {
      entry->dispatcher->Hold(*ticket->job, std::move(held)());
    }
  });
}

void Engine::FetchFields(Account& account) {
  account.dispatcher->RequestOtherCall([this, &account] {
    if (account.retired) {
      // Nobody asks any more. Not from within the dispatcher's turn.
      loop_->Post([this, &account] {
        dispatch::CallReport none;
        none.verdict = CallVerdict::kNotSent;
        account.OtherCallDone(none);
        account.fields->Fetched(absl::UnavailableError(""), clock_.Now());
      });
      return;
    }
    account.client->GetFields(
        account.loads_options,
        [this, &account](dispatch::CallReport report, std::string body) {
          account.OtherCallDone(report);
          OnFields(account, report, std::move(body));
        });
  });
}

void Engine::OnFields(Account& account, const dispatch::CallReport& report,
                      std::string body) {
  const absl::Duration duration =
      report.sent_at ? report.done_at - *report.sent_at : absl::ZeroDuration();
  account.metrics->OtherCall(report.verdict, duration);
  if (spans_ != nullptr) {
    spans_->Write(
        SpanOfFieldsCall(report,
                         {.account = account.name,
                          .base_url = account.base_url,
                          .wall_offset = clock_.WallNow() - clock_.Now()},
                         random_));
  }
  absl::StatusOr<Catalogue> fields = absl::UnavailableError(report.text);
  if (report.verdict == CallVerdict::kAnswered) {
    fields = ReadCatalogue(body, account.unique_fields, clock_.WallNow());
  } else if (report.verdict == CallVerdict::kCredentialsRejected &&
             !report.keys_replaced) {
    fields = errors::UpstreamCredentialsRejected(account.name, report.text);
  }
  const bool first = account.fields->Get() == nullptr;
  account.fields->Fetched(fields, clock_.Now());
  if (fields.ok() && first && fields_known_) fields_known_();
  if (fields.ok() && catalogue_store_ != nullptr) {
    catalogue_store_->Save(account.name, std::move(body),
                           (*fields)->fetched_at());
  }
  LogLine line(fields.ok() ? LogLevel::kInfo : LogLevel::kWarn,
               fields.ok() ? "fields_loaded" : "fields_not_loaded");
  line.Add("account", account.name)
      .Add("verdict", VerdictName(report.verdict))
      .Add("http_status", report.http_status)
      .Add("duration_s", duration);
  if (fields.ok()) {
    account.dispatcher->FieldsRefreshed([&](absl::string_view name) {
      return (*fields)->Find(name) != nullptr;
    });
    line.Add("fields", (*fields)->fields().size());
  } else {
    line.Add("text", fields.status().message())
        .Add("next_try_in_s", account.fields->next_fetch() - clock_.Now());
  }
}

void Engine::WithFields(absl::string_view name, absl::Time until,
                        std::shared_ptr<Ticket> ticket,
                        absl::FunctionRef<int64_t()> bytes,
                        AccountFields::Done done) {
  const std::shared_ptr<Account> account = Find(name);
  if (account == nullptr || account->retired) {
    std::move(done)(errors::AccountUnknown(name, {}));
    return;
  }
  if (!account->schema_checks) {
    std::move(done)(nullptr);
    return;
  }
  if (Catalogue known = account->fields->Get()) {
    std::move(done)(std::move(known));
    return;
  }
  loop_->Post([this, account, until, ticket = std::move(ticket), held = bytes(),
               done = std::move(done)]() mutable {
    if (ticket != nullptr && ticket->cancelled) {
      return std::move(done)(errors::Cancelled());
    }
    if (account->retired) {
      return std::move(done)(errors::AccountUnknown(account->name, {}));
    }
    // The fields will not come if no call may be made; this says why.
    if (absl::Status refused = account->dispatcher->WhyRefused(clock_.Now());
        !refused.ok()) {
      std::move(done)(std::move(refused));
      return;
    }
    account->fields->WhenKnown(until, {ticket.get(), held}, std::move(done));
  });
}

void Engine::WithNewerFields(absl::string_view name, Catalogue known,
                             absl::Time until, std::shared_ptr<Ticket> ticket,
                             int64_t bytes, AccountFields::Done done) {
  until = std::min(until, clock_.Now() + kMostNewerFieldsWait);
  loop_->Post([this, account = Find(name), known = std::move(known), until,
               ticket = std::move(ticket), bytes,
               done = std::move(done)]() mutable {
    if (ticket != nullptr && ticket->cancelled) {
      return std::move(done)(errors::Cancelled());
    }
    // Without the account, the request ends where it hands over its leads.
    if (account == nullptr || account->retired) {
      return std::move(done)(std::move(known));
    }
    account->fields->WhenNewer(known, clock_.Now(), until,
                               {ticket.get(), bytes}, std::move(done));
  });
}

std::map<std::string, bool> Engine::FieldsKnown() const {
  std::map<std::string, bool> known;
  const MutexLock lock(mutex_);
  for (const auto& [name, account] : accounts_) {
    if (account->retired) continue;
    known.emplace(name,
                  !account->schema_checks || account->fields->Get() != nullptr);
  }
  return known;
}

void Engine::OnFieldsKnown(absl::AnyInvocable<void()> changed) {
  loop_->Post([this, changed = std::move(changed)]() mutable {
    fields_known_ = std::move(changed);
    fields_known_();
  });
}

void Engine::GetState(absl::string_view account,
                      absl::AnyInvocable<void(State) &&> done) {
  loop_->Post([this, entry = Find(account), done = std::move(done)]() mutable {
    State state;
    if (entry == nullptr) return std::move(done)(std::move(state));
    state.dispatch = entry->State(clock_.Now());
    state.credential_generation = entry->client->credentials().generation;
    state.keeps_state = entry->ledger != nullptr;
    if (state.keeps_state) state.state_problem = entry->ledger->problem();
    if (const Catalogue fields = entry->fields->Get()) {
      state.fields_fetched_at = fields->fetched_at();
    }
    std::move(done)(std::move(state));
  });
}

void Engine::Foresee(absl::string_view account, dispatch::JobSpec spec,
                     int leads,
                     absl::AnyInvocable<void(dispatch::JobOutlook) &&> done) {
  loop_->Post([this, spec = std::move(spec), leads, entry = Find(account),
               done = std::move(done)]() mutable {
    std::move(done)(entry == nullptr ? dispatch::JobOutlook()
                                     : entry->dispatcher->Foresee(
                                           spec, leads, clock_.Now()));
  });
}

bool Engine::Idle() const {
  return std::all_of(on_loop_.begin(), on_loop_.end(), [](const auto& entry) {
    return entry.second->dispatcher->idle();
  });
}

void Engine::Drain(absl::Duration timeout) {
  auto idle = std::make_shared<Signal>();
  StartDraining(idle);
  if (!idle->WaitFor(timeout)) {
    GiveUp();
    idle->WaitFor(longest_call_);
  }
  auto written = std::make_shared<Signal>();
  LeaveState(written);
  written->WaitFor(kMostStateWait);
}

void Engine::LeaveState(std::shared_ptr<Signal> written) {
  loop_->Post([this, written = std::move(written)] {
    CloseLedgers();
    written->Set();
  });
}

void Engine::StartDraining(std::shared_ptr<Signal> idle) {
  loop_->Post([this, idle = std::move(idle)] {
    for (const auto& [name, account] : on_loop_) {
      account->dispatcher->StartDraining();
      account->fields->EndWaits(errors::Draining());
    }
    when_idle_ = idle;
  });
}

void Engine::GiveUp() {
  loop_->Post([this] {
    for (const auto& [name, account] : on_loop_) {
      account->dispatcher->GiveUp(clock_.Now());
    }
  });
}

std::optional<std::vector<AccountView>> Engine::View(absl::Duration within) {
  struct Answer {
    Signal done;
    std::vector<AccountView> views;
  };
  const auto answer = std::make_shared<Answer>();
  loop_->Post([this, answer] {
    const absl::Time now = clock_.Now();
    for (const auto& [name, account] : on_loop_) {
      // One that is gone shows as long as it has something to do.
      if (account->retired && account->dispatcher->idle()) continue;
      answer->views.push_back(account->View(now));
    }
    answer->done.Set();
  });
  if (!answer->done.WaitFor(within)) return std::nullopt;
  std::sort(answer->views.begin(), answer->views.end(),
            [](const AccountView& a, const AccountView& b) {
              return a.gauges.account < b.gauges.account;
            });
  return std::move(answer->views);
}

void Engine::CountResults(absl::string_view account,
                          absl::Span<const LeadResult> results) {
  if (results.empty()) return;
  const std::shared_ptr<Account> entry = Find(account);
  if (entry == nullptr) return;
  entry->metrics->Results(results);
  entry->activity->AddResults(results, clock_.Now());
}

absl::Duration Engine::SilentFor() const {
  return clock_.Now() -
         absl::FromUnixNanos(last_turn_ns_.load(std::memory_order_relaxed));
}

bool Engine::Responds(absl::Duration within) {
  auto answered = std::make_shared<Signal>();
  loop_->Post([answered] { answered->Set(); });
  return answered->WaitFor(within);
}

}  // namespace leadgateway::server
