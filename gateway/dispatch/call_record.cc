#include "gateway/dispatch/call_record.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "gateway/dispatch/job.h"
#include "gateway/dispatch/upstream.h"

namespace leadgateway::dispatch {

CallRecord RecordOf(uint64_t call, const std::vector<QueuedLead*>& leads,
                    absl::Time left_at, const CallReport& report) {
  CallRecord record;
  record.call = call;
  record.leads = static_cast<int>(leads.size());
  record.report = &report;
  record.left_at = left_at;
  if (report.sent_at) record.duration = report.done_at - *report.sent_at;
  for (const QueuedLead* lead : leads) {
    const JobSpec* const job = &lead->job->spec;
    auto share = std::find_if(
        record.shares.begin(), record.shares.end(),
        [job](const CallShare& candidate) { return candidate.job == job; });
    if (share == record.shares.end()) {
      share = record.shares.insert(
          share,
          CallShare{.job = job, .waited = left_at - lead->job->accepted_at});
    }
    ++share->leads;
    if (lead->attempts == 1) ++share->first_time;
  }
  if (report.verdict != CallVerdict::kAnswered) return record;
  for (size_t i = 0; i < leads.size(); ++i) {
    switch (i < report.leads.size() ? report.leads[i].kind
                                    : LeadVerdict::Kind::kUntold) {
      case LeadVerdict::Kind::kUpdated:
        ++record.updated;
        break;
      case LeadVerdict::Kind::kNotFound:
        ++record.not_found;
        break;
      case LeadVerdict::Kind::kRejected:
        ++record.rejected;
        break;
      case LeadVerdict::Kind::kUntold:
        ++record.untold;
        break;
    }
  }
  return record;
}

}  // namespace leadgateway::dispatch
