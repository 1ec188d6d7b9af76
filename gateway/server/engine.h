#ifndef LEADGATEWAY_GATEWAY_SERVER_ENGINE_H_
#define LEADGATEWAY_GATEWAY_SERVER_ENGINE_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/random/bit_gen_ref.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gateway/admin/activity.h"
#include "gateway/admin/metrics.h"
#include "gateway/admin/status_page.h"
#include "gateway/base/clock.h"
#include "gateway/base/mutex.h"
#include "gateway/base/signal.h"
#include "gateway/base/span_file.h"
#include "gateway/config/config.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/dispatch/job.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/http/curl_loop.h"
#include "gateway/leadsquared/credentials/credentials.h"
#include "gateway/leadsquared/credentials/key_source.h"
#include "gateway/leadsquared/leadsquared_client.h"
#include "gateway/model/lead.h"
#include "gateway/server/account_fields.h"
#include "gateway/server/account_loader.h"
#include "gateway/server/call_ledger.h"
#include "gateway/server/catalogue_store.h"
#include "gateway/server/engine_account.h"
#include "gateway/server/key_watcher.h"
#include "gateway/server/state_file.h"
#include "gateway/server/state_writer.h"

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
  // outlive the engine: in a simulated world. `save_state` saves on the loop's
  // thread what otherwise a thread of its own does.
  static absl::StatusOr<std::unique_ptr<Engine>> CreateOn(
      const GatewayOptions& options, const Clock& clock, Metrics* metrics,
      std::unique_ptr<http::CurlLoop> loop,
      std::optional<absl::BitGenRef> random,
      StateWriter::Save save_state = nullptr);
  // Stops the loop. Jobs that are under way are dropped without a word, so
  // Drain first.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Records the calls that carry leads of recorded RPCs. `spans` must outlive
  // the engine. Before Start.
  void WriteSpansTo(SpanFile* spans) { spans_ = spans; }

  // Runs the loop on a thread of its own until the end.
  void Start();
  // Runs it on the calling thread, until the loop stops. Instead of Start.
  void Run();

  // A job of an RPC, known to the loop thread only.
  struct Ticket {
    std::optional<dispatch::JobId> job;
    bool cancelled = false;
  };

  // Takes over another set of accounts while everything runs. Changes nothing
  // if a key or a saved field list of the new set can't be read: then
  // kFailedPrecondition with one line per mistake. After Start and before
  // Drain, one call at a time; waits for the loop.
  //
  // New accounts begin. The settings of known ones change in place, with their
  // queue and what is known of their allowance and budget; keys in another
  // place are taken like new keys in the same place. Those that are gone take
  // no more leads, work off what they have accepted for
  // `options.drain_timeout`, and end the rest as not sent; what is known of
  // their calls is kept as long as LeadSquared counts them, should they come
  // back. A new account with the access key of one that is gone is that one
  // under another name: it inherits its calls, and takes its turn at once.
  absl::Status Apply(const GatewayOptions& options);

  // Hands a job to the account; NOT_FOUND if it is gone. `answered` is called
  // once, on the loop thread, with whether it was accepted, before the observer
  // hears anything. The job can be cancelled by `ticket`.
  void Submit(absl::string_view account, dispatch::JobSpec spec,
              std::shared_ptr<dispatch::JobObserver> observer,
              std::shared_ptr<Ticket> ticket,
              absl::AnyInvocable<void(absl::Status) &&> answered);
  void Cancel(absl::string_view account, std::shared_ptr<Ticket> ticket);
  // Holds the job's leads back while `held` returns true, which is called soon,
  // on the loop thread.
  void Hold(absl::string_view account, std::shared_ptr<Ticket> ticket,
            absl::AnyInvocable<bool() &&> held);

  using Catalogue = AccountFields::Catalogue;
  // The account's fields: at once on this thread where they are known,
  // otherwise once, later, on the loop thread: when they have come, when
  // LeadSquared refuses the keys, or with SCHEMA_UNAVAILABLE when it is `until`
  // or those that wait hold too much. Null where the account's checks are off.
  // Who waits may have a ticket, by which it can be cancelled, and tells how
  // much is held for it if it is asked, on this thread.
  void WithFields(absl::string_view account, absl::Time until,
                  std::shared_ptr<Ticket> ticket,
                  absl::FunctionRef<int64_t()> bytes, AccountFields::Done done);
  // The account's fields for whoever misses one in `known`: newer ones if they
  // can be had, otherwise the same again. Later, on the loop thread; it waits
  // until `until`, and at most kMostNewerFieldsWait.
  void WithNewerFields(absl::string_view account, Catalogue known,
                       absl::Time until, std::shared_ptr<Ticket> ticket,
                       int64_t bytes, AccountFields::Done done);
  static constexpr absl::Duration kMostNewerFieldsWait = absl::Seconds(10);
  // For each account, by name, whether its requests need not wait for fields:
  // they are known, or not checked.
  std::map<std::string, bool> FieldsKnown() const;
  // Calls `changed` on the loop thread, now and whenever that has changed.
  void OnFieldsKnown(absl::AnyInvocable<void()> changed);
  struct State {
    dispatch::AccountState dispatch;
    absl::Time fields_fetched_at = absl::InfinitePast();  // wall clock
    int64_t credential_generation = 0;
    bool keeps_state = false;   // calls are counted across restarts
    std::string state_problem;  // why that does not work now; "" if it does
  };
  // Asks how the account stands; `done` is called on the loop thread, with
  // nothing in it if the account is gone.
  void GetState(absl::string_view account,
                absl::AnyInvocable<void(State) &&> done);
  // What a job with `leads` leads would meet with if it were submitted now, as
  // AccountDispatcher::Foresee tells; `done` is called on the loop thread.
  void Foresee(absl::string_view account, dispatch::JobSpec spec, int leads,
               absl::AnyInvocable<void(dispatch::JobOutlook) &&> done);

  // Refuses new jobs, works off the queue for at most `timeout`, ends what then
  // still waits as not sent, waits for the calls under way, and returns.
  void Drain(absl::Duration timeout);
  // The steps of it: refuses new jobs, and sets `idle` when none is left; ends
  // what waits; writes down what the calls leave to the next process.
  void StartDraining(std::shared_ptr<Signal> idle);
  void GiveUp();
  void LeaveState(std::shared_ptr<Signal> written);

  // New keys of an account, from whoever watches for them.
  void TakeKeys(std::string account, leadsquared::Credentials keys);

  // How every account stands, by name. Waits for the loop, at most `within`;
  // none if it did not come round in that time.
  std::optional<std::vector<AccountView>> View(absl::Duration within);

  // Counts results that dispatch does not know of.
  void CountResults(absl::string_view account,
                    absl::Span<const LeadResult> results);

  // Since the loop came round last. It does so every kHeartbeat at least.
  absl::Duration SilentFor() const;
  static constexpr absl::Duration kHeartbeat = absl::Seconds(1);

  // Whether the loop comes round within that time; for liveness. Waits.
  bool Responds(absl::Duration within);

 private:
  using Account = EngineAccount;

  Engine(const Clock& clock, Metrics* metrics,
         std::unique_ptr<http::CurlLoop> loop,
         std::optional<absl::BitGenRef> random);
  absl::Time Tick(absl::Time now);
  bool Idle() const;
  void OnCall(const Account& account, const dispatch::CallRecord& record);
  // Takes up what the last process left. Before the loop runs.
  absl::Status OpenLedgers(const std::string& directory);
  // The same for one account.
  absl::Status OpenLedger(Account& account);
  // Writes down what this one leaves. After the last call.
  void CloseLedgers();
  void CloseLedger(Account& account);
  // Null if it is gone. Any thread.
  std::shared_ptr<Account> Find(absl::string_view account) const;
  // Makes an account of it, for the loop thread.
  std::shared_ptr<Account> NewAccount(LoadedAccount loaded,
                                      const LimitOptions& limits);
  void OnKeys(const std::string& account, leadsquared::Credentials keys);
  // If `account` is a retired one under another name, it takes over its calls.
  void TakeOverFromRetired(const std::shared_ptr<Account>& account,
                           absl::Duration longest_call);
  // Knows the longest of the calls that may be under way.
  void MindCallTimeouts(const GatewayOptions& options);
  // Ends what retired accounts could not work off in time; forgets those that
  // can be. Returns when to be called next at the latest.
  absl::Time TendRetired(absl::Time now);
  void FetchFields(Account& account);
  void OnFields(Account& account, const dispatch::CallReport& report,
                std::string body);

  const Clock& clock_;
  Metrics* const metrics_;
  SpanFile* spans_ = nullptr;
  // Of all accounts that there have been; not the loop thread's.
  absl::Duration longest_call_;
  // Ordered so that what uses what is destroyed first: accounts, then the loop.
  absl::BitGen own_random_;
  absl::BitGenRef random_;
  std::unique_ptr<http::CurlLoop> loop_;
  StateWriter::Save save_state_;  // null: SaveState
  std::unique_ptr<StateDirectory> state_directory_;
  std::unique_ptr<StateWriter> state_writer_;
  std::unique_ptr<CatalogueStore> catalogue_store_;
  mutable Mutex mutex_;
  // Those that can be found by name.
  absl::flat_hash_map<std::string, std::shared_ptr<Account>> accounts_
      ABSL_GUARDED_BY(mutex_);
  // The same ones, by name; the loop thread's.
  std::map<std::string, std::shared_ptr<Account>> on_loop_;
  // Sources of the first accounts, until Start watches them.
  std::map<std::string, leadsquared::KeySource> first_sources_;
  // The accounts of the last configuration; for Apply alone.
  std::vector<AccountOptions> applied_;
  absl::AnyInvocable<void()> fields_known_;  // the loop thread's
  // Set when nothing is under way any more; the loop thread's.
  std::shared_ptr<Signal> when_idle_;
  // When the loop asked to be called; its thread's.
  absl::Time wake_at_ = absl::InfiniteFuture();
  // When it came round last, by the clock.
  std::atomic<int64_t> last_turn_ns_;
  std::thread thread_;
  // While it runs.
  std::unique_ptr<KeyWatcher> key_watcher_;
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_ENGINE_H_
