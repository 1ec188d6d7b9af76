#ifndef LEADGATEWAY_GATEWAY_SERVER_ACCOUNT_FIELDS_H_
#define LEADGATEWAY_GATEWAY_SERVER_ACCOUNT_FIELDS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/random/bit_gen_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/base/mutex.h"
#include "gateway/schema/field_catalogue.h"

namespace leadgateway::server {

// The field catalogue of one account: kept, served while LeadSquared is down,
// due for a refresh now and then, and waited for while there is none. Fetches
// nothing itself and reads no clock. Unless a comment says otherwise, for the
// loop thread only.
class AccountFields {
 public:
  using Catalogue = std::shared_ptr<const schema::FieldCatalogue>;
  using Done = absl::AnyInvocable<void(absl::StatusOr<Catalogue>) &&>;

  // `saved` is served until a fetch succeeds; null if there is none.
  AccountFields(std::string account, Catalogue saved, absl::BitGenRef random);

  // What is known now; null if nothing is. Any thread.
  Catalogue Get() const;

  // Calls `done` once: at once if the fields are known or the keys are refused,
  // otherwise when that changes, or with SCHEMA_UNAVAILABLE in the first Tick
  // from `until` on.
  void WhenKnown(absl::Time until, Done done);

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
  void Refresh() { next_fetch_ = absl::InfinitePast(); }

  // Ends all waits with `status`.
  void EndWaits(const absl::Status& status);

  absl::Time next_fetch() const { return next_fetch_; }
  bool fetching() const { return fetching_; }
  // Whether the last fetch was refused for the keys.
  bool keys_refused() const { return !keys_refused_.ok(); }

  // Fields are fetched anew after this time, give or take a tenth, so that the
  // replicas of a gateway do not ask together.
  static constexpr absl::Duration kRefresh = absl::Minutes(10);
  // After a failure: full jitter below 1 s, 2 s, ... 60 s.
  static constexpr absl::Duration kFirstPause = absl::Seconds(1);
  static constexpr absl::Duration kMostPause = absl::Seconds(60);

 private:
  struct Wait {
    absl::Time until;
    Done done;
  };
  void Answer(const absl::StatusOr<Catalogue>& answer);

  const std::string account_;
  absl::BitGenRef random_;
  mutable Mutex mutex_;
  Catalogue fields_ ABSL_GUARDED_BY(mutex_);

  absl::Time next_fetch_ = absl::InfinitePast();
  bool fetching_ = false;
  int failures_ = 0;  // since the last success
  absl::Status keys_refused_;
  std::vector<Wait> waits_;
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_ACCOUNT_FIELDS_H_
