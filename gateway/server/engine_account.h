#ifndef LEADGATEWAY_GATEWAY_SERVER_ENGINE_ACCOUNT_H_
#define LEADGATEWAY_GATEWAY_SERVER_ENGINE_ACCOUNT_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/random/bit_gen_ref.h"
#include "absl/time/time.h"
#include "gateway/admin/activity.h"
#include "gateway/admin/metrics.h"
#include "gateway/admin/status_page.h"
#include "gateway/base/clock.h"
#include "gateway/config/config.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/http/http_client.h"
#include "gateway/leadsquared/credentials/credentials.h"
#include "gateway/leadsquared/leadsquared_client.h"
#include "gateway/server/account_fields.h"
#include "gateway/server/account_loader.h"
#include "gateway/server/call_ledger.h"

namespace leadgateway::server {

// One account of the engine: what calls LeadSquared for it, what decides when,
// and what is known of it. Lives on the loop thread but for the first members,
// which any thread may read. Settings change in place: the queue and what is
// known of calls already made outlive them.
struct EngineAccount {
  // What all accounts share; it must outlive them.
  struct Shared {
    const Clock& clock;
    Metrics* metrics;
    http::HttpClient* http;
    absl::BitGenRef random;
  };

  // `loaded` has credentials. `on_call` as in AccountDispatcher.
  EngineAccount(
      LoadedAccount loaded, const LimitOptions& limits, const Shared& shared,
      std::function<void(const EngineAccount&, const dispatch::CallRecord&)>
          on_call);

  // Takes other settings over, and other keys if some were read.
  void Reconfigure(LoadedAccount loaded, const LimitOptions& limits);
  void TakeKeys(leadsquared::Credentials keys);

  // A new configuration has left the account out: it takes no more leads, and
  // until `give_up_at` it works off its queue.
  void Retire(absl::Duration drain_timeout);
  // Ends what it could not work off in time. Returns when to be called next at
  // the latest.
  absl::Time TendRetired(absl::Time now);
  // Whether a retired account can be forgotten: it has nothing left to do, and
  // should it come back, LeadSquared counts no call that it would not know of.
  bool Forgettable(absl::Time now);
  // Whether that account is this one under another name.
  bool IsSameAs(const EngineAccount& other) const {
    return client->credentials().access_key ==
           other.client->credentials().access_key;
  }
  // This one is retired: hands over what it has done to `heir`, which IsSameAs
  // this, and ends its queue. Calls that are under way end within
  // `longest_call`; the heir is told when.
  void HandOverTo(const std::shared_ptr<EngineAccount>& heir,
                  absl::Duration longest_call);
  // Takes back from the heir, if there is one, the calls that are under way
  // still: whoever hands them over next, or makes calls again, counts them.
  void Disinherit();

  // A call that the dispatcher's RequestOtherCall has granted is over.
  void OtherCallDone(const dispatch::CallReport& report);

  dispatch::AccountState State(absl::Time now);
  AccountView View(absl::Time now);

  // Any thread.
  const std::string name;
  std::atomic<bool> schema_checks{true};
  std::atomic<bool> retired{false};
  Metrics::Account* const metrics;
  const std::shared_ptr<Activity> activity = std::make_shared<Activity>();
  // Of `fields`, Get is any thread's, too; all else is the loop thread's.
  std::unique_ptr<AccountFields> fields;

  std::string base_url;
  int queue_limit_leads = 0;
  int64_t daily_calls = 0;
  std::vector<std::string> unique_fields;
  bool loads_options = true;
  std::unique_ptr<leadsquared::LeadSquaredClient> client;
  std::unique_ptr<dispatch::AccountDispatcher> dispatcher;
  std::unique_ptr<CallLedger> ledger;  // none without a state directory
  // Retired: since when, and until when it works off its queue.
  absl::Time retired_at = absl::InfiniteFuture();
  absl::Time give_up_at = absl::InfiniteFuture();

 private:
  void TellHeir(const dispatch::CallReport& report);

  const Clock& clock_;
  std::weak_ptr<EngineAccount> heir_;
  absl::Time calls_end_by_;  // as the heir knows it
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_ENGINE_ACCOUNT_H_
