#ifndef LEADGATEWAY_GATEWAY_SERVER_ENGINE_H_
#define LEADGATEWAY_GATEWAY_SERVER_ENGINE_H_

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/random/bit_gen_ref.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/admin/metrics.h"
#include "gateway/base/clock.h"
#include "gateway/base/signal.h"
#include "gateway/config/config.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/dispatch/job.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/http/curl_loop.h"
#include "gateway/leadsquared/leadsquared_client.h"
#include "gateway/server/account_fields.h"

namespace leadgateway::server {

// The loop thread and what lives on it: per account a dispatcher and a client
// of LeadSquared. Everything public may be called from any thread.
class Engine {
 public:
  // Reads the accounts' keys; kFailedPrecondition with one line per mistake if
  // that fails. `clock` and `metrics` must outlive the engine.
  static absl::StatusOr<std::unique_ptr<Engine>> Create(
      const GatewayOptions& options, const Clock& clock, Metrics* metrics);
  // The same on a given loop, and with given randomness if any, which must
  // outlive the engine: in a simulated world.
  static absl::StatusOr<std::unique_ptr<Engine>> CreateOn(
      const GatewayOptions& options, const Clock& clock, Metrics* metrics,
      std::unique_ptr<http::CurlLoop> loop,
      std::optional<absl::BitGenRef> random);
  // Stops the loop. Jobs that are under way are dropped without a word, so
  // Drain first.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Runs the loop on a thread of its own until the end.
  void Start();
  // Runs it on the calling thread, until the loop stops. Instead of Start.
  void Run();

  // A job of an RPC, known to the loop thread only.
  struct Ticket {
    std::optional<dispatch::JobId> job;
    bool cancelled = false;
  };

  // Hands a job to the account, which must be configured. `answered` is called
  // once, on the loop thread, with whether it was accepted, before the observer
  // hears anything. The job can be cancelled by `ticket`.
  void Submit(absl::string_view account, dispatch::JobSpec spec,
              std::shared_ptr<dispatch::JobObserver> observer,
              std::shared_ptr<Ticket> ticket,
              absl::AnyInvocable<void(absl::Status) &&> answered);
  void Cancel(absl::string_view account, std::shared_ptr<Ticket> ticket);

  using Catalogue = AccountFields::Catalogue;
  // The account's fields: at once on this thread where they are known,
  // otherwise once, later, on the loop thread: when they have come, when
  // LeadSquared refuses the keys, or with SCHEMA_UNAVAILABLE when it is `until`
  // (at most kMostFieldsWait from now). Null where the account's checks are
  // off.
  void WithFields(absl::string_view account, absl::Time until,
                  AccountFields::Done done);
  static constexpr absl::Duration kMostFieldsWait = absl::Seconds(30);
  struct State {
    dispatch::AccountState dispatch;
    absl::Time fields_fetched_at = absl::InfinitePast();  // wall clock
    int64_t credential_generation = 0;
  };
  // Asks how the account stands; `done` is called on the loop thread.
  void GetState(absl::string_view account,
                absl::AnyInvocable<void(State) &&> done);
  // How long `leads` more leads would take; `done` is called on the loop
  // thread.
  void Estimate(absl::string_view account, int leads,
                absl::AnyInvocable<void(absl::Duration) &&> done);

  // Refuses new jobs, works off the queue for at most `timeout`, ends what then
  // still waits as not sent, waits for the calls under way, and returns.
  void Drain(absl::Duration timeout);
  // The steps of it: refuses new jobs, and sets `idle` when none is left; ends
  // what waits.
  void StartDraining(std::shared_ptr<Signal> idle);
  void GiveUp();

  // Brings the gauges of the metrics up to date: queues, free calls, and how
  // long the loop took to come round. Waits for it, at most `within`.
  void UpdateGauges(absl::Duration within);

  // Whether the loop comes round within that time; for liveness. Waits.
  bool Responds(absl::Duration within);

 private:
  struct Account {
    std::string name;
    bool schema_checks = true;
    std::vector<std::string> unique_fields;
    std::unique_ptr<leadsquared::LeadSquaredClient> client;
    std::unique_ptr<dispatch::AccountDispatcher> dispatcher;
    std::unique_ptr<AccountFields> fields;
  };

  Engine(const Clock& clock, Metrics* metrics,
         std::unique_ptr<http::CurlLoop> loop,
         std::optional<absl::BitGenRef> random, absl::Duration longest_call);
  absl::Time Tick(absl::Time now);
  bool Idle() const;
  void OnCall(const std::string& account, const dispatch::CallRecord& record);
  Account& Find(absl::string_view account);
  void FetchFields(Account& account);
  void OnFields(Account& account, const dispatch::CallReport& report,
                absl::string_view body);

  const Clock& clock_;
  Metrics* const metrics_;
  const absl::Duration longest_call_;
  // Ordered so that what uses what is destroyed first: accounts, then the loop.
  absl::BitGen own_random_;
  absl::BitGenRef random_;
  std::unique_ptr<http::CurlLoop> loop_;
  absl::flat_hash_map<std::string, std::unique_ptr<Account>> accounts_;
  // Set when nothing is under way any more; the loop thread's.
  std::shared_ptr<Signal> when_idle_;
  std::thread thread_;
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_ENGINE_H_
