#ifndef LEADGATEWAY_GATEWAY_SERVER_ACCOUNT_FIELDS_H_
#define LEADGATEWAY_GATEWAY_SERVER_ACCOUNT_FIELDS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/random/bit_gen_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/base/mutex.h"
#include "gateway/model/limits.h"
#include "gateway/schema/field_catalogue.h"

namespace leadgateway::server {

// The field catalogue of one account: kept, served while LeadSquared is down,
// due for a refresh now and then, and waited for while there is none or a newer
// one may tell more. Fetches nothing itself and reads no clock. Unless a
// comment says otherwise, for the loop thread only.
class AccountFields {
 public:
  using Catalogue = std::shared_ptr<const schema::FieldCatalogue>;
  using Done = absl::AnyInvocable<void(absl::StatusOr<Catalogue>) &&>;

  struct Options {
    std::string account;
    // Served until a fetch succeeds; null if there is none.
    Catalogue saved;
    // Fields are fetched anew after this time, give or take a tenth, so that
    // the replicas of a gateway do not ask together. Zero: never on its own,
    // once they are there.
    absl::Duration refresh = kDefaultFieldRefresh;
    // `saved` is all that will ever be known.
    bool pinned = false;
    // What may be held for those that wait.
    int64_t max_waiting_bytes = kDefaultMaxQueuedBytes;
  };

  // `random` must outlive this object.
  AccountFields(Options options, absl::BitGenRef random);

  // What is known now; null if nothing is. Any thread.
  Catalogue Get() const;

  // Who waits: by this it can be let go of, and so much memory is held for it.
  struct Waiter {
    const void* who = nullptr;
    int64_t bytes = 0;
  };

  // Calls `done` once: at once if the fields are known or the keys are refused,
  // otherwise when that changes, or with SCHEMA_UNAVAILABLE in the first Tick
  // from `until` on, or at once if those that wait would hold too much memory.
  void WhenKnown(absl::Time until, Waiter waiter, Done done);

  // The same for whoever misses a field in `known`: `done` gets newer fields,
  // at once if they are there, otherwise when a fetch brings them. It gets the
  // same ones again when that fetch fails, at `until`, or at once where no
  // fetch may be made for it: after one, the next one is not before
  // kFirstExtraPause; twice, four times, ... that as long as they bring no new
  // name, and at most kMostExtraPause.
  void WhenNewer(const Catalogue& known, absl::Time now, absl::Time until,
                 Waiter waiter, Done done);

  // Ends the waits of `who`, whose caller has gone.
  void Cancel(const void* who);

  // LeadSquared has refused a field that it should have: fetches early, as
  // often as above.
  void Refuted(absl::Time now);

  // Whether to fetch now. If so, a fetch is under way from then on until
  // Fetched is called.
  bool StartFetch(absl::Time now);
  // How the fetch ended. An error leaves what was known in place; one with the
  // code kFailedPrecondition says that the keys are refused, and ends all
  // waits.
  void Fetched(absl::StatusOr<Catalogue> result, absl::Time now);

  // Ends waits that are over. Returns when to be called next at the latest.
  absl::Time Tick(absl::Time now);

  // The account has new keys: what LeadSquared said of the old ones no longer
  // stands, and a fetch that failed is due.
  void CredentialsChanged();

  // Fetches anew soon, since what is read from an answer has changed.
  void Refresh();

  // Other fields than those known, as in Options::saved.
  void Replace(const Catalogue& fields);

  // Other settings, as in Options.
  void Reconfigure(absl::Duration refresh, bool pinned,
                   int64_t max_waiting_bytes, absl::Time now);

  // Ends all waits with `status`.
  void EndWaits(const absl::Status& status);

  absl::Time next_fetch() const { return next_fetch_; }
  bool fetching() const { return fetching_; }
  // Not OK if the last fetch was refused for the keys: what LeadSquared said.
  const absl::Status& keys_refused() const { return keys_refused_; }

  // After a failure: full jitter below 1 s, 2 s, ... 60 s.
  static constexpr absl::Duration kFirstPause = absl::Seconds(1);
  static constexpr absl::Duration kMostPause = absl::Seconds(60);
  // A caller that goes on naming a field that does not exist must not cost more
  // calls than the refresh itself; whoever has just made a field in LeadSquared
  // must not wait long.
  static constexpr absl::Duration kFirstExtraPause = absl::Seconds(2);
  static constexpr absl::Duration kMostExtraPause = absl::Minutes(10);

 private:
  struct Wait {
    absl::Time until;
    Waiter waiter;
    Done done;
    bool for_newer = false;
  };
  // Ends the waits that `ends` says true of.
  template <typename Ends>
  void Answer(Ends ends, const absl::StatusOr<Catalogue>& answer);
  // Has fields fetched at once or as soon as an extra fetch may be made.
  void FetchExtra(absl::Time now);
  void PlanNext(absl::Time now);
  bool HasRoom(const Waiter& waiter) const {
    return waiting_bytes_ + waiter.bytes <= options_.max_waiting_bytes;
  }
  void Add(Wait wait);

  Options options_;
  absl::BitGenRef random_;
  mutable Mutex mutex_;
  Catalogue fields_ ABSL_GUARDED_BY(mutex_);

  absl::Time next_fetch_ = absl::InfinitePast();
  bool fetching_ = false;
  bool extra_ = false;  // the next fetch, or the one under way, is one
  absl::Time extra_from_ = absl::InfinitePast();  // when one may be made
  absl::Duration extra_pause_ = kFirstExtraPause;
  int failures_ = 0;  // since the last success
  absl::Status keys_refused_;
  std::vector<Wait> waits_;
  int64_t waiting_bytes_ = 0;  // of all of them
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_ACCOUNT_FIELDS_H_
