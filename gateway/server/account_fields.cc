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

AccountFields::AccountFields(std::string account, Catalogue saved,
                             absl::BitGenRef random)
    : account_(std::move(account)),
      random_(random),
      fields_(std::move(saved)) {}

AccountFields::Catalogue AccountFields::Get() const {
  const MutexLock lock(mutex_);
  return fields_;
}

void AccountFields::WhenKnown(absl::Time until, Done done) {
  if (Catalogue known = Get()) {
    std::move(done)(std::move(known));
  } else if (!keys_refused_.ok()) {
    std::move(done)(keys_refused_);
  } else {
    waits_.push_back({until, std::move(done)});
  }
}

bool AccountFields::StartFetch(absl::Time now) {
  if (fetching_ || now < next_fetch_) return false;
  fetching_ = true;
  return true;
}

void AccountFields::Fetched(absl::StatusOr<Catalogue> result, absl::Time now) {
  fetching_ = false;
  if (result.ok()) {
    failures_ = 0;
    keys_refused_ = absl::OkStatus();
    next_fetch_ = now + kRefresh * absl::Uniform(random_, 0.9, 1.1);
    {
      const MutexLock lock(mutex_);
      fields_ = *result;
    }
    Answer(result);
    return;
  }
  next_fetch_ = now + dispatch::JitteredBackoff(kFirstPause, kMostPause,
                                                failures_++, random_);
  keys_refused_ = absl::IsFailedPrecondition(result.status())
                      ? result.status()
                      : absl::OkStatus();
  if (!keys_refused_.ok()) Answer(keys_refused_);
}

absl::Time AccountFields::Tick(absl::Time now) {
  absl::Time next = fetching_ ? absl::InfiniteFuture() : next_fetch_;
  std::vector<Wait> over;
  std::erase_if(waits_, [&](Wait& wait) {
    if (wait.until > now) {
      next = std::min(next, wait.until);
      return false;
    }
    over.push_back(std::move(wait));
    return true;
  });
  for (Wait& wait : over) {
    std::move(wait.done)(errors::SchemaUnavailable(account_));
  }
  return next;
}

void AccountFields::CredentialsChanged() {
  keys_refused_ = absl::OkStatus();
  if (failures_ > 0) Refresh();
}

void AccountFields::EndWaits(const absl::Status& status) { Answer(status); }

void AccountFields::Answer(const absl::StatusOr<Catalogue>& answer) {
  std::vector<Wait> waits = std::move(waits_);
  waits_.clear();
  for (Wait& wait : waits) std::move(wait.done)(answer);
}

}  // namespace leadgateway::server
