#include "gateway/server/engine_account.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/config/config.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/dispatch/allowance.h"
#include "gateway/dispatch/daily_budget.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/leadsquared/credentials/credentials.h"
#include "gateway/leadsquared/leadsquared_client.h"
#include "gateway/model/errors.h"
#include "gateway/model/field_checks.h"
#include "gateway/schema/field_catalogue.h"
#include "gateway/server/account_fields.h"
#include "gateway/server/account_loader.h"

namespace leadgateway::server {
namespace {

// How long an account that a new configuration leaves out is still there for
// RPCs that have begun: longer than any of them waits for newer fields.
constexpr absl::Duration kRetirement = absl::Seconds(35);

leadsquared::LeadSquaredClient::Options ClientOptions(
    const AccountOptions& account) {
  return {.account = account.name,
          .base_url = account.base_url,
          .credentials_in_query = account.credentials_in_query,
          .call_timeout = account.call_timeout};
}

dispatch::AccountDispatcher::Options DispatchOptions(
    const AccountOptions& account, const LimitOptions& limits) {
  dispatch::AccountDispatcher::Options options;
  options.account = account.name;
  options.allowance = {.calls = account.calls,
                       .window = account.window,
                       .fixed_moment = account.fixed_moment};
  options.max_queued_leads = limits.max_queued_leads;
  options.max_queued_bytes = limits.max_queued_bytes;
  options.max_queued_leads_per_caller = limits.max_queued_leads_per_caller;
  options.max_queued_bytes_per_caller = limits.max_queued_bytes_per_caller;
  options.retry_doubt = account.retry_ambiguous;
  options.budget = {.calls = account.daily_calls,
                    .spread = account.spread_daily_calls
                                  ? dispatch::DailyBudget::Spread::kEven
                                  : dispatch::DailyBudget::Spread::kNone,
                    .window_calls = account.calls,
                    .zone = account.daily_zone};
  options.caller_weights = {account.caller_weights.begin(),
                            account.caller_weights.end()};
  return options;
}

// Whether the metadata file is all that will be known of the fields.
bool IsPinned(const AccountOptions& account) {
  return !account.metadata_file.empty() &&
         account.field_refresh == absl::ZeroDuration();
}

bool NeedsOptions(const AccountOptions& account) {
  return account.field_checks.options != CheckPolicy::kOff;
}

}  // namespace

EngineAccount::EngineAccount(
    LoadedAccount loaded, const LimitOptions& limits, const Shared& shared,
    std::function<void(const EngineAccount&, const dispatch::CallRecord&)>
        on_call)
    : name(loaded.options.name),
      metrics(&shared.metrics->ForAccount(name)),
      clock_(shared.clock) {
  const AccountOptions& from = loaded.options;
  schema_checks = from.schema_checks;
  base_url = from.base_url;
  queue_limit_leads = limits.max_queued_leads;
  daily_calls = from.daily_calls;
  unique_fields = from.unique_fields;
  loads_options = NeedsOptions(from);
  fields = std::make_unique<AccountFields>(
      AccountFields::Options{.account = name,
                             .saved = std::move(loaded.saved_fields),
                             .refresh = from.field_refresh,
                             .pinned = IsPinned(from),
                             .max_waiting_bytes = limits.max_queued_bytes},
      shared.random);
  client = std::make_unique<leadsquared::LeadSquaredClient>(
      ClientOptions(from), *std::move(loaded.credentials), shared.http);
  dispatcher = std::make_unique<dispatch::AccountDispatcher>(
      DispatchOptions(from, limits), client.get(), shared.random,
      [this, on_call = std::move(on_call)](const dispatch::CallRecord& record) {
        TellHeir(*record.report);
        on_call(*this, record);
      });
  dispatcher->budget().SetWallOffset(clock_.WallNow() - clock_.Now());
}

void EngineAccount::Reconfigure(LoadedAccount loaded,
                                const LimitOptions& limits) {
  const AccountOptions& to = loaded.options;
  const absl::Time now = clock_.Now();
  if (retired.exchange(false)) {
    retired_at = absl::InfiniteFuture();
    give_up_at = absl::InfiniteFuture();
    dispatcher->TakeAgain();
    Disinherit();
  }
  queue_limit_leads = limits.max_queued_leads;
  daily_calls = to.daily_calls;
  schema_checks = to.schema_checks;
  if (unique_fields != to.unique_fields || loads_options != NeedsOptions(to) ||
      base_url != to.base_url) {
    unique_fields = to.unique_fields;
    loads_options = NeedsOptions(to);
    base_url = to.base_url;
    fields->Refresh();
  }
  fields->Reconfigure(to.field_refresh, IsPinned(to), limits.max_queued_bytes,
                      now);
  // What LeadSquared has said itself is better, unless it is never asked.
  if (loaded.saved_fields != nullptr &&
      (IsPinned(to) || fields->Get() == nullptr)) {
    fields->Replace(std::move(loaded.saved_fields));
  }
  client->SetOptions(ClientOptions(to));
  dispatcher->Reconfigure(DispatchOptions(to, limits), now);
  if (!loaded.credentials) return;
  const leadsquared::Credentials& known = client->credentials();
  if (!(loaded.credentials->access_key == known.access_key) ||
      !(loaded.credentials->secret_key == known.secret_key)) {
    TakeKeys(*std::move(loaded.credentials));
    // They may be those of another account of LeadSquared's.
    fields->Refresh();
  }
}

void EngineAccount::TakeKeys(leadsquared::Credentials keys) {
  keys.generation = client->credentials().generation + 1;
  LogLine(LogLevel::kInfo, "credentials_changed")
      .Add("account", name)
      .Add("generation", keys.generation);
  client->SetCredentials(std::move(keys));
  dispatcher->CredentialsChanged();
  fields->CredentialsChanged();
}

void EngineAccount::Retire(absl::Duration drain_timeout) {
  if (retired.exchange(true)) return;
  retired_at = clock_.Now();
  give_up_at = retired_at + drain_timeout;
  fields->EndWaits(errors::AccountUnknown(name, {}));
}

absl::Time EngineAccount::TendRetired(absl::Time now) {
  if (now >= give_up_at) {
    dispatcher->GiveUpAccount(now);
    give_up_at = absl::InfiniteFuture();
  }
  return give_up_at;
}

bool EngineAccount::Forgettable(absl::Time now) {
  // An RPC that began before may still come with its leads.
  if (!retired || now - retired_at < kRetirement || !dispatcher->idle() ||
      fields->fetching() || dispatcher->allowance().held(now) > 0) {
    return false;
  }
  // Written down, today's calls are known all the same.
  if (ledger != nullptr) return !ledger->writing();
  return !dispatcher->budget().limited() ||
         dispatcher->budget().SpentToday(now) == 0;
}

void EngineAccount::HandOverTo(const std::shared_ptr<EngineAccount>& heir,
                               absl::Duration longest_call) {
  const absl::Time now = clock_.Now();
  Disinherit();
  dispatch::Allowance& to = heir->dispatcher->allowance();
  for (const absl::Time since : dispatcher->allowance().HeldSince(now)) {
    to.HoldSince(since);
  }
  calls_end_by_ = now + longest_call;
  for (int i = 0; i < dispatcher->calls_in_flight(); ++i) {
    to.HoldUnderWay(calls_end_by_);
  }
  heir_ = heir;
  // What the heir knows already, it has from this one: a name that comes back.
  const int64_t more = dispatcher->budget().SpentToday(now) -
                       heir->dispatcher->budget().SpentToday(now);
  heir->dispatcher->budget().Restore(more, now);
  dispatcher->GiveUpAccount(now);
  LogLine(LogLevel::kInfo, "account_renamed")
      .Add("account", heir->name)
      .Add("before", name);
}

void EngineAccount::Disinherit() {
  if (const std::shared_ptr<EngineAccount> heir = heir_.lock()) {
    for (int i = 0; i < dispatcher->calls_in_flight(); ++i) {
      heir->dispatcher->allowance().UnderWayEnded(calls_end_by_, std::nullopt);
    }
  }
  heir_.reset();
}

void EngineAccount::OtherCallDone(const dispatch::CallReport& report) {
  dispatcher->OtherCallDone(report);
  TellHeir(report);
}

void EngineAccount::TellHeir(const dispatch::CallReport& report) {
  const std::shared_ptr<EngineAccount> heir = heir_.lock();
  if (heir == nullptr) return;
  dispatch::Allowance& allowance = heir->dispatcher->allowance();
  switch (report.verdict) {
    case dispatch::CallVerdict::kNotSent:
      return allowance.UnderWayEnded(calls_end_by_, std::nullopt);
    case dispatch::CallVerdict::kInDoubt:
      return;  // may still be counted
    default:
      return allowance.UnderWayEnded(calls_end_by_, report.done_at);
  }
}

dispatch::AccountState EngineAccount::State(absl::Time now) {
  dispatch::AccountState state = dispatcher->State(now);
  // Without fields no lead gets as far as a call that would tell.
  if (state.block == dispatch::Block::kNone && !fields->keys_refused().ok()) {
    state.block = dispatch::Block::kKeys;
    state.blocked = std::string(fields->keys_refused().message());
  }
  return state;
}

AccountView EngineAccount::View(absl::Time now) {
  AccountView view;
  view.gauges.account = name;
  view.gauges.state = State(now);
  view.gauges.queue_limit_leads = queue_limit_leads;
  view.gauges.daily_calls = daily_calls;
  view.gauges.credential_generation = client->credentials().generation;
  view.gauges.schema_checks = schema_checks;
  if (const AccountFields::Catalogue known = fields->Get()) {
    view.gauges.catalogue_age = clock_.WallNow() - known->fetched_at();
  }
  view.activity = activity->Last(now);
  view.base_url = base_url;
  if (view.gauges.state.throttles > 0) {
    view.throttled_ago = now - view.gauges.state.last_throttle;
  }
  return view;
}

}  // namespace leadgateway::server
