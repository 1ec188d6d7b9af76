#ifndef LEADGATEWAY_GATEWAY_SERVER_UPDATE_STREAM_H_
#define LEADGATEWAY_GATEWAY_SERVER_UPDATE_STREAM_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/mutex.h"
#include "gateway/dispatch/job.h"
#include "gateway/model/lead.h"
#include "gateway/model/outcome.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::server {

// Between dispatch, which pushes results, and a reactor, which writes messages
// when its client takes them: gathers what waits into messages, keeps the
// totals, and decides how the RPC ends. Knows no gRPC. Any thread.
//
// Memory: results wait here when the client is slow. At kMostUnread it is
// congested, and whoever sends leads for it should hold them back; then only
// results of calls under way still come, and at the end those of leads that are
// not sent any more, which take less than the leads did.
class UpdateStream final : public dispatch::JobObserver {
 public:
  // `total` leads will get a result each. `wake` is called without a lock held,
  // once, when Pull had returned kNothingYet and that has changed; it must call
  // Pull (or see to it).
  UpdateStream(std::string account, int total, const Clock& clock,
               absl::AnyInvocable<void()> wake);

  // `changed` is called without a lock held whenever `congested` has changed.
  // Before Accepted and Refused.
  void WatchCongestion(absl::AnyInvocable<void()> changed);
  // The client has not read for long: kMostUnread wait, and no less than
  // kLeastUnread since.
  bool congested() const;
  static constexpr size_t kMostUnread = size_t{32} << 10;
  static constexpr size_t kLeastUnread = size_t{8} << 10;

  // The request was taken. Exactly one of Accepted and Refused is called,
  // first. `invalid` are the results of leads that dispatch will not report;
  // `warnings` join the results of the leads with those indexes.
  using Warnings = absl::flat_hash_map<int32_t, std::vector<FieldViolation>>;
  void Accepted(std::vector<LeadResult> invalid,
                std::optional<v1::Plan> plan = std::nullopt,
                Warnings warnings = {});
  // The RPC ends with `status`.
  void Refused(absl::Status status);

  void OnResults(std::vector<LeadResult> results) override;
  void OnProgress(const dispatch::JobProgress& progress) override;
  void OnFinished(int upstream_calls) override;

  // The client is gone: what waits is dropped, and Pull returns no messages.
  void Abandon();
  // Bytes that results take until they are read.
  size_t unread_bytes() const;

  // kOpen: the request was taken, so the answer can begin. Once, before the
  // first message; never for a request that was refused.
  enum class Pulled { kOpen, kMessage, kEnd, kNothingYet };
  // The next thing to do: begin the answer, write `message`, end the RPC with
  // `end`, or wait for `wake`. One caller at a time.
  Pulled Pull(v1::BulkUpdateLeadsResponse* message, absl::Status* end);
  // A message with results is closed at this size: far below the 4 MiB that
  // clients take by default, and little enough to hold for a client that does
  // not read.
  static constexpr size_t kMessageBytes = size_t{16} << 10;

  // Results by outcome so far, in the order of the enumeration.
  using Totals = std::array<int, kOutcomeCount>;
  Totals totals() const;
  int upstream_calls() const;

 private:
  Pulled PullLocked(v1::BulkUpdateLeadsResponse* message, absl::Status* end)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Wakes the reader if it waits and there is something for it.
  void MaybeWake() ABSL_LOCKS_EXCLUDED(mutex_);
  bool Ready() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether that changed.
  bool UpdateCongestion() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Count(const std::vector<LeadResult>& results)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The status of an RPC of which nothing was done for one reason.
  std::optional<absl::Status> WholeFailure() const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string account_;
  const int total_;
  const Clock& clock_;
  const absl::Time started_;
  absl::AnyInvocable<void()> wake_;
  absl::AnyInvocable<void()> congestion_changed_ = [] {};

  mutable Mutex mutex_;
  std::deque<LeadResult> results_ ABSL_GUARDED_BY(mutex_);
  size_t unread_ ABSL_GUARDED_BY(mutex_) = 0;
  bool congested_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<dispatch::JobProgress> progress_ ABSL_GUARDED_BY(mutex_);
  std::optional<v1::Plan> plan_ ABSL_GUARDED_BY(mutex_);
  Warnings warnings_ ABSL_GUARDED_BY(mutex_);  // of results that are to come
  std::optional<absl::Status> refused_ ABSL_GUARDED_BY(mutex_);
  Totals totals_ ABSL_GUARDED_BY(mutex_) = {};
  int counted_ ABSL_GUARDED_BY(mutex_) = 0;
  int upstream_calls_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time finished_at_ ABSL_GUARDED_BY(mutex_);
  bool accepted_ ABSL_GUARDED_BY(mutex_) = false;
  bool opened_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  bool abandoned_ ABSL_GUARDED_BY(mutex_) = false;
  bool results_written_ ABSL_GUARDED_BY(mutex_) = false;
  bool summary_written_ ABSL_GUARDED_BY(mutex_) = false;
  bool reader_waits_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_UPDATE_STREAM_H_
