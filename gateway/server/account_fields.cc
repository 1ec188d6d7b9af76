#include "gateway/server/account_fields.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/random/bit_gen_ref.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/base/mutex.h"
#include "gateway/dispatch/breaker.h"
#include "gateway/model/errors.h"

namespace leadgateway::server {

AccountFields::AccountFields(Options options, absl::BitGenRef random)
    : options_(std::move(options)), random_(random), fields_(options_.saved) {
  if (options_.pinned) next_fetch_ = absl::InfiniteFuture();
}

AccountFields::Catalogue AccountFields::Get() const {
  const MutexLock lock(mutex_);
  return fields_;
}

void AccountFields::WhenKnown(absl::Time until, Waiter waiter, Done done) {
  if (Catalogue known = Get()) {
    std::move(done)(std::move(known));
  } else if (!keys_refused_.ok()) {
    std::move(done)(keys_refused_);
  } else if (!HasRoom(waiter)) {
    std::move(done)(errors::SchemaUnavailable(options_.account));
  } else {
    Add({until, waiter, std::move(done)});
  }
}

void AccountFields::Add(Wait wait) {
  waiting_bytes_ += wait.waiter.bytes;
  waits_.push_back(std::move(wait));
}

void AccountFields::WhenNewer(const Catalogue& known, absl::Time now,
                              absl::Time until, Waiter waiter, Done done) {
  Catalogue current = Get();
  const bool may_fetch =
      fetching_ || (!options_.pinned && now >= extra_from_ && failures_ == 0);
  if (current != known || !may_fetch || until <= now || !HasRoom(waiter)) {
    std::move(done)(std::move(current));
    return;
  }
  Add({until, waiter, std::move(done), /*for_newer=*/true});
  FetchExtra(now);
}

void AccountFields::Cancel(const void* who) {
  Answer([who](const Wait& wait) { return wait.waiter.who == who; },
         errors::Cancelled());
}

void AccountFields::Refuted(absl::Time now) { FetchExtra(now); }

void AccountFields::FetchExtra(absl::Time now) {
  // After a failure the next try is soon, anyway.
  if (options_.pinned || fetching_ || failures_ > 0) return;
  if (now - extra_from_ >= kMostExtraPause) extra_pause_ = kFirstExtraPause;
  const absl::Time when = std::max(now, extra_from_);
  if (when >= next_fetch_) return;
  next_fetch_ = when;
  extra_ = true;
}

bool AccountFields::StartFetch(absl::Time now) {
  if (fetching_ || now < next_fetch_) return false;
  fetching_ = true;
  return true;
}

void AccountFields::PlanNext(absl::Time now) {
  // As long as there are none, they are due.
  if (Get() == nullptr) return;
  next_fetch_ = options_.refresh == absl::ZeroDuration()
                    ? absl::InfiniteFuture()
                    : now + options_.refresh * absl::Uniform(random_, 0.9, 1.1);
}

void AccountFields::Fetched(absl::StatusOr<Catalogue> result, absl::Time now) {
  fetching_ = false;
  const bool extra = std::exchange(extra_, false);
  if (result.ok()) {
    const Catalogue before = Get();
    const bool changed = before == nullptr || !before->HasSameNames(**result);
    if (changed) {
      extra_pause_ = kFirstExtraPause;
    } else if (extra) {
      extra_pause_ = std::min(extra_pause_ * 2, kMostExtraPause);
    }
    extra_from_ = now + extra_pause_;
    failures_ = 0;
    keys_refused_ = absl::OkStatus();
    {
      const MutexLock lock(mutex_);
      fields_ = *result;
    }
    PlanNext(now);
    Answer([](const Wait&) { return true; }, result);
    return;
  }
  next_fetch_ = now + dispatch::JitteredBackoff(kFirstPause, kMostPause,
                                                failures_++, random_);
  keys_refused_ = absl::IsFailedPrecondition(result.status())
                      ? result.status()
                      : absl::OkStatus();
  // Old fields are better than none.
  Answer([](const Wait& wait) { return wait.for_newer; }, Get());
  if (!keys_refused_.ok()) {
    Answer([](const Wait&) { return true; }, keys_refused_);
  }
}

absl::Time AccountFields::Tick(absl::Time now) {
  Answer(
      [now](const Wait& wait) { return wait.for_newer && wait.until <= now; },
      Get());
  Answer([now](const Wait& wait) { return wait.until <= now; },
         errors::SchemaUnavailable(options_.account));
  absl::Time next = fetching_ ? absl::InfiniteFuture() : next_fetch_;
  for (const Wait& wait : waits_) next = std::min(next, wait.until);
  return next;
}

void AccountFields::Refresh() {
  if (!options_.pinned) next_fetch_ = absl::InfinitePast();
}

void AccountFields::Replace(const Catalogue& fields) {
  {
    const MutexLock lock(mutex_);
    fields_ = fields;
  }
  if (options_.pinned) next_fetch_ = absl::InfiniteFuture();
  Answer([](const Wait&) { return true; }, fields);
}

void AccountFields::Reconfigure(absl::Duration refresh, bool pinned,
                                int64_t max_waiting_bytes, absl::Time now) {
  options_.max_waiting_bytes = max_waiting_bytes;
  if (refresh == options_.refresh && pinned == options_.pinned) return;
  options_.refresh = refresh;
  options_.pinned = pinned;
  PlanNext(now);
}

void AccountFields::CredentialsChanged() {
  keys_refused_ = absl::OkStatus();
  if (failures_ > 0) Refresh();
}

void AccountFields::EndWaits(const absl::Status& status) {
  Answer([](const Wait&) { return true; }, status);
}

template <typename Ends>
void AccountFields::Answer(Ends ends, const absl::StatusOr<Catalogue>& answer) {
  // Out of the list first: an answer may lead to the next wait.
  std::vector<Wait> over;
  std::erase_if(waits_, [&](Wait& wait) {
    if (!ends(wait)) return false;
    waiting_bytes_ -= wait.waiter.bytes;
    over.push_back(std::move(wait));
    return true;
  });
  for (Wait& wait : over) std::move(wait.done)(answer);
}

}  // namespace leadgateway::server
