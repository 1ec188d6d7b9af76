#include "gateway/server/account_status_proto.h"

#include <algorithm>

#include "absl/time/time.h"
#include "gateway/config/config.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/server/engine.h"
#include "gateway/server/result_proto.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::server {

void ToProto(const Engine::State& state, const AccountOptions& account,
             const LimitOptions& limits, absl::Time now, absl::Time wall_now,
             v1::GetAccountStatusResponse* out) {
  const dispatch::AccountState& dispatch = state.dispatch;
  out->set_account(account.name);
  out->set_limit_calls(dispatch.limit_calls);
  ToProto(dispatch.limit_window, out->mutable_limit_window());
  out->set_limit_source(dispatch.limit_learned ? v1::LIMIT_SOURCE_LEARNED
                                               : v1::LIMIT_SOURCE_CONFIGURED);
  out->set_calls_free(dispatch.calls_free);
  ToProto(dispatch.next_free_in, out->mutable_next_call_free_in());
  out->set_mean_leads_per_call(dispatch.mean_leads_per_call);
  out->set_calls_total(dispatch.calls_total);
  out->set_calls_today(dispatch.calls_today);
  out->set_daily_calls(account.daily_calls);
  if (account.daily_calls > 0) {
    v1::DailyBudget* const budget = out->mutable_daily_budget();
    budget->set_calls(dispatch.budget_calls);
    budget->set_calls_spent(dispatch.calls_today);
    budget->set_calls_free(dispatch.budget_free);
    ToProto(dispatch.budget_next_free_in, budget->mutable_next_call_free_in());
    ToProto(wall_now + dispatch.budget_ends_in, budget->mutable_ends_at());
    budget->set_spread(account.spread_daily_calls ? v1::DAILY_SPREAD_EVEN
                                                  : v1::DAILY_SPREAD_NONE);
    budget->set_zone(account.daily_zone.name());
  }
  out->set_keeps_state(state.keeps_state);
  out->set_state_problem(state.state_problem);

  out->set_leads_queued(dispatch.leads_queued);
  out->set_bytes_queued(dispatch.bytes_queued);
  out->set_max_leads_queued(limits.max_queued_leads);
  out->set_max_bytes_queued(limits.max_queued_bytes);
  out->set_leads_in_flight(dispatch.leads_in_flight);
  const auto told = std::min<size_t>(dispatch.callers.size(), kMaxCallersTold);
  for (size_t i = 0; i < told; ++i) {
    const dispatch::AccountState::Caller& from = dispatch.callers[i];
    v1::CallerQueue* const queue = out->add_callers();
    queue->set_caller(from.name);
    queue->set_leads_queued(from.leads);
    queue->set_bulk_leads_queued(from.bulk_leads);
    queue->set_bytes_queued(from.bytes);
    queue->set_weight(from.weight);
  }

  if (dispatch.throttles > 0) {
    v1::Throttle* const throttle = out->mutable_last_throttle();
    ToProto(wall_now - (now - dispatch.last_throttle),
            throttle->mutable_time());
    throttle->set_text(dispatch.last_throttle_text);
    throttle->set_count(dispatch.throttles);
  }
  if (dispatch.paused_for > absl::ZeroDuration()) {
    ToProto(dispatch.paused_for, out->mutable_paused_for());
  }
  out->set_blocked(dispatch.blocked);
  out->set_credential_generation(state.credential_generation);
  if (state.fields_fetched_at != absl::InfinitePast()) {
    ToProto(state.fields_fetched_at, out->mutable_fields_fetched_at());
  }
}

}  // namespace leadgateway::server
