#include "gateway/server/engine.h"

#include <pthread.h>

#include <algorithm>
#include <memory>
#include <optional>
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
#include "gateway/base/signal.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/leadsquared/credentials/credentials.h"
#include "gateway/model/errors.h"
#include "gateway/server/account_fields.h"
#include "gateway/server/catalogue_loader.h"

namespace leadgateway::server {
namespace {

using dispatch::CallVerdict;

absl::string_view VerdictName(CallVerdict verdict) {
  switch (verdict) {
    case CallVerdict::kAnswered:
      return "answered";
    case CallVerdict::kThrottled:
      return "throttled";
    case CallVerdict::kCredentialsRejected:
      return "credentials_rejected";
    case CallVerdict::kRefused:
      return "refused";
    case CallVerdict::kNotSent:
      return "not_sent";
    case CallVerdict::kInDoubt:
      return "in_doubt";
  }
  return "";
}

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
    std::unique_ptr<http::CurlLoop> loop,
    std::optional<absl::BitGenRef> random) {
  std::vector<std::string> mistakes;
  std::vector<leadsquared::Credentials> credentials;
  std::vector<Catalogue> catalogues(options.accounts.size());
  absl::Duration longest_call = absl::ZeroDuration();
  for (size_t i = 0; i < options.accounts.size(); ++i) {
    const AccountOptions& account = options.accounts[i];
    longest_call = std::max(longest_call, account.call_timeout);
    if (!account.metadata_file.empty()) {
      absl::StatusOr<Catalogue> saved =
          LoadCatalogue(account.metadata_file, account.unique_fields);
      if (saved.ok()) {
        catalogues[i] = *std::move(saved);
      } else {
        mistakes.push_back(absl::StrCat(
            "accounts[", i, "].metadataFile: ", saved.status().message()));
      }
    }
    absl::StatusOr<leadsquared::Credentials> keys =
        leadsquared::LoadCredentials(account.access_key_file,
                                     account.secret_key_file);
    if (!keys.ok()) {
      mistakes.push_back(
          absl::StrCat("accounts[", i, "]: ", keys.status().message()));
      continue;
    }
    for (const std::string& warning : keys->warnings) {
      LogLine(LogLevel::kWarn, "key_file")
          .Add("account", account.name)
          .Add("message", warning);
    }
    keys->generation = 1;
    credentials.push_back(*std::move(keys));
  }
  if (!mistakes.empty()) {
    return absl::FailedPreconditionError(absl::StrJoin(mistakes, "\n"));
  }
  auto engine = std::unique_ptr<Engine>(
      new Engine(clock, metrics, std::move(loop), random, longest_call));
  for (size_t i = 0; i < options.accounts.size(); ++i) {
    const AccountOptions& from = options.accounts[i];
    auto account = std::make_unique<Account>();
    account->name = from.name;
    account->schema_checks = from.schema_checks;
    account->unique_fields = from.unique_fields;
    account->fields = std::make_unique<AccountFields>(
        from.name, std::move(catalogues[i]), engine->random_);
    account->client = std::make_unique<leadsquared::LeadSquaredClient>(
        leadsquared::LeadSquaredClient::Options{
            .account = from.name,
            .base_url = from.base_url,
            .credentials_in_query = from.credentials_in_query,
            .call_timeout = from.call_timeout},
        std::move(credentials[i]), engine->loop_.get());
    dispatch::AccountDispatcher::Options dispatching;
    dispatching.account = from.name;
    dispatching.allowance = {.calls = from.calls,
                             .window = from.window,
                             .fixed_moment = from.fixed_moment};
    dispatching.max_queued_leads = options.limits.max_queued_leads;
    dispatching.max_queued_bytes = options.limits.max_queued_bytes;
    dispatching.retry_doubt = from.retry_ambiguous;
    dispatching.daily_calls = from.daily_calls;
    dispatching.wall_offset = clock.WallNow() - clock.Now();
    account->dispatcher = std::make_unique<dispatch::AccountDispatcher>(
        std::move(dispatching), account->client.get(), engine->random_,
        [engine = engine.get(),
         name = from.name](const dispatch::CallRecord& record) {
          engine->OnCall(name, record);
        });
    engine->accounts_.emplace(from.name, std::move(account));
  }
  return engine;
}

Engine::Engine(const Clock& clock, Metrics* metrics,
               std::unique_ptr<http::CurlLoop> loop,
               std::optional<absl::BitGenRef> random,
               absl::Duration longest_call)
    : clock_(clock),
      metrics_(metrics),
      longest_call_(longest_call),
      random_(random.value_or(absl::BitGenRef(own_random_))),
      loop_(std::move(loop)) {}

Engine::~Engine() {
  loop_->Stop();
  if (thread_.joinable()) thread_.join();
}

void Engine::Start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "dispatch");
    Run();
  });
}

void Engine::Run() {
  loop_->Run([this](absl::Time now) { return Tick(now); });
}

Engine::Account& Engine::Find(absl::string_view account) {
  return *accounts_.find(account)->second;
}

absl::Time Engine::Tick(absl::Time now) {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [name, account] : accounts_) {
    if (account->schema_checks) {
      if (account->fields->StartFetch(now)) FetchFields(*account);
      next = std::min(next, account->fields->Tick(now));
    }
    next = std::min(next, account->dispatcher->Tick(now));
  }
  if (when_idle_ != nullptr && Idle()) {
    when_idle_->Set();
    when_idle_ = nullptr;
  }
  return next;
}

void Engine::OnCall(const std::string& account,
                    const dispatch::CallRecord& record) {
  const dispatch::CallReport& report = *record.report;
  const absl::string_view verdict = VerdictName(report.verdict);
  metrics_->UpstreamCall(account, verdict, record.duration, record.leads);
  if (report.verdict == CallVerdict::kThrottled) metrics_->Throttled(account);
  const bool good = report.verdict == CallVerdict::kAnswered;
  LogLine line(good ? LogLevel::kInfo : LogLevel::kWarn, "upstream_call");
  line.Add("account", account)
      .Add("call", record.call)
      .Add("verdict", verdict)
      .Add("http_status", report.http_status)
      .Add("leads", record.leads)
      .Add("requests", record.jobs)
      .Add("updated", record.updated)
      .Add("duration_s", record.duration);
  // LeadSquared's sentences about a whole call name fields and limits; about a
  // lead they may quote its values, and those stay out.
  if (report.verdict == CallVerdict::kThrottled ||
      report.verdict == CallVerdict::kNotSent ||
      report.verdict == CallVerdict::kInDoubt) {
    line.Add("text", report.text);
  }
}

void Engine::Submit(absl::string_view account, dispatch::JobSpec spec,
                    std::shared_ptr<dispatch::JobObserver> observer,
                    std::shared_ptr<Ticket> ticket,
                    absl::AnyInvocable<void(absl::Status) &&> answered) {
  loop_->Post([this, &entry = Find(account), spec = std::move(spec),
               observer = std::move(observer), ticket = std::move(ticket),
               answered = std::move(answered)]() mutable {
    if (ticket->cancelled) {
      std::move(answered)(errors::Cancelled());
      return;
    }
    absl::StatusOr<dispatch::JobId> job = entry.dispatcher->Submit(
        std::move(spec), std::move(observer), clock_.Now());
    if (job.ok()) ticket->job = *job;
    std::move(answered)(job.status());
  });
}

void Engine::Cancel(absl::string_view account, std::shared_ptr<Ticket> ticket) {
  loop_->Post([this, &entry = Find(account), ticket = std::move(ticket)] {
    ticket->cancelled = true;
    if (ticket->job) entry.dispatcher->Cancel(*ticket->job, clock_.Now());
  });
}

void Engine::FetchFields(Account& account) {
  account.dispatcher->RequestOtherCall([this, &account] {
    account.client->GetFields(
        [this, &account](dispatch::CallReport report, std::string body) {
          account.dispatcher->OtherCallDone(report);
          OnFields(account, report, body);
        });
  });
}

void Engine::OnFields(Account& account, const dispatch::CallReport& report,
                      absl::string_view body) {
  const absl::Duration duration =
      report.sent_at ? report.done_at - *report.sent_at : absl::ZeroDuration();
  metrics_->UpstreamCall(account.name, VerdictName(report.verdict), duration,
                         0);
  absl::StatusOr<Catalogue> fields = absl::UnavailableError(report.text);
  if (report.verdict == CallVerdict::kAnswered) {
    fields = ReadCatalogue(body, account.unique_fields, clock_.WallNow());
  } else if (report.verdict == CallVerdict::kCredentialsRejected) {
    fields = errors::UpstreamCredentialsRejected(account.name, report.text);
  }
  account.fields->Fetched(fields, clock_.Now());
  LogLine line(fields.ok() ? LogLevel::kInfo : LogLevel::kWarn,
               fields.ok() ? "fields_loaded" : "fields_not_loaded");
  line.Add("account", account.name)
      .Add("verdict", VerdictName(report.verdict))
      .Add("http_status", report.http_status)
      .Add("duration_s", duration);
  if (fields.ok()) {
    line.Add("fields", (*fields)->fields().size());
  } else {
    line.Add("text", fields.status().message())
        .Add("next_try_in_s", account.fields->next_fetch() - clock_.Now());
  }
}

void Engine::WithFields(absl::string_view name, absl::Time until,
                        AccountFields::Done done) {
  Account& account = Find(name);
  if (!account.schema_checks) {
    std::move(done)(nullptr);
    return;
  }
  if (Catalogue known = account.fields->Get()) {
    std::move(done)(std::move(known));
    return;
  }
  until = std::min(until, clock_.Now() + kMostFieldsWait);
  loop_->Post([&account, until, done = std::move(done)]() mutable {
    account.fields->WhenKnown(until, std::move(done));
  });
}

void Engine::GetState(absl::string_view account,
                      absl::AnyInvocable<void(State) &&> done) {
  loop_->Post([this, &entry = Find(account), done = std::move(done)]() mutable {
    State state;
    state.dispatch = entry.dispatcher->State(clock_.Now());
    state.credential_generation = entry.client->credentials().generation;
    if (const Catalogue fields = entry.fields->Get()) {
      state.fields_fetched_at = fields->fetched_at();
    }
    std::move(done)(std::move(state));
  });
}

void Engine::Estimate(absl::string_view account, int leads,
                      absl::AnyInvocable<void(absl::Duration) &&> done) {
  loop_->Post(
      [this, leads, &entry = Find(account), done = std::move(done)]() mutable {
        std::move(done)(entry.dispatcher->Estimate(leads, clock_.Now()));
      });
}

bool Engine::Idle() const {
  return std::all_of(accounts_.begin(), accounts_.end(), [](const auto& entry) {
    return entry.second->dispatcher->idle();
  });
}

void Engine::Drain(absl::Duration timeout) {
  auto idle = std::make_shared<Signal>();
  StartDraining(idle);
  if (idle->WaitFor(timeout)) return;
  GiveUp();
  idle->WaitFor(longest_call_);
}

void Engine::StartDraining(std::shared_ptr<Signal> idle) {
  loop_->Post([this, idle = std::move(idle)] {
    for (const auto& [name, account] : accounts_) {
      account->dispatcher->StartDraining();
      account->fields->EndWaits(errors::Draining());
    }
    when_idle_ = idle;
  });
}

void Engine::GiveUp() {
  loop_->Post([this] {
    for (const auto& [name, account] : accounts_) {
      account->dispatcher->GiveUp(clock_.Now());
    }
  });
}

void Engine::UpdateGauges(absl::Duration within) {
  auto done = std::make_shared<Signal>();
  loop_->Post([this, done, posted = clock_.Now()] {
    const absl::Time now = clock_.Now();
    metrics_->SetLoopLag(now - posted);
    for (const auto& [name, account] : accounts_) {
      const dispatch::AccountState state = account->dispatcher->State(now);
      metrics_->SetQueuedLeads(name, state.leads_queued);
      metrics_->SetAllowanceFreeCalls(name, state.calls_free);
    }
    done->Set();
  });
  done->WaitFor(within);
}

bool Engine::Responds(absl::Duration within) {
  auto answered = std::make_shared<Signal>();
  loop_->Post([answered] { answered->Set(); });
  return answered->WaitFor(within);
}

}  // namespace leadgateway::server
