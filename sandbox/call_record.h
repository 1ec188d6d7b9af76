// What the sandbox remembers of each call, and the figures over all of them.
// Not thread-safe: the account's lock guards it.
#ifndef SANDBOX_CALL_RECORD_H_
#define SANDBOX_CALL_RECORD_H_

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sandbox/credentials.h"
#include "sandbox/lead_updater.h"
#include "sandbox/scenario.h"

namespace leadgateway::sandbox {

enum class Verdict {
  kPending,           // not answered yet
  kAnswered,          // carried out and answered as the API would
  kRefused,           // refused by the API's own rules (4xx, MX errors)
  kThrottled,         // over the allowance
  kThrottledByFault,  // said to be over the allowance
  kUnauthorized,      // wrong keys
  kFault,             // any other fault
};
absl::string_view VerdictName(Verdict verdict);

struct CallRecord {
  std::uint64_t number = 0;      // from 1, in order of arrival
  std::uint64_t connection = 0;  // from 1, in order of accepting
  Endpoint endpoint = Endpoint::kUnknown;
  bool is_post = false;
  absl::Time arrival;
  std::optional<absl::Time> counted;   // when the allowance was asked
  std::optional<absl::Time> answered;  // when the answer was handed over
  // The whole answer (or the reset that stands for it) left for the socket.
  // A client that has gone may still not have read it.
  bool delivered = false;
  int status = 0;  // 0: no answer was sent
  Verdict verdict = Verdict::kPending;
  Fault fault = Fault::kNone;
  bool applied = false;  // at least one lead was written
  KeyWay key_way = KeyWay::kNone;
  std::string key_label;
  std::string identifier;        // the search key
  bool without_options = false;  // of a metadata call: excludeOptionSets=1
  std::uint32_t lead_count = 0;
  std::uint32_t leads_applied = 0;
  std::string packed_leads;  // see PackLeads

  std::vector<RequestLead> Leads() const;
  std::string ToJson() const;  // one line, without a line end
};

// One string in place of 26 allocations a call.
std::string PackLeads(const std::vector<RequestLead>& leads);

struct CallStats {
  std::uint64_t calls = 0;
  std::uint64_t posts_arrived = 0;     // UpdateV2 calls, those reset included
  std::uint64_t updates_received = 0;  // UpdateV2 calls whose body was read
  std::uint64_t throttled = 0;
  std::uint64_t throttled_by_fault = 0;
  std::uint64_t unauthorized = 0;
  std::uint64_t other_users_calls = 0;
  // Over the moments of counting of this server's calls, refused ones too.
  int max_calls_in_window = 0;
  // The same with other users' calls.
  int max_calls_in_window_with_others = 0;
  std::uint64_t leads_received = 0;
  std::uint64_t leads_applied = 0;
  std::array<std::uint64_t, 27> calls_by_leads{};  // 26: more than 25
  std::map<int, std::uint64_t> calls_by_status;    // 0: no answer
  std::map<std::string, std::uint64_t> calls_by_verdict;
  std::uint64_t in_flight = 0;
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_open = 0;
  std::uint64_t leads_held = 0;

  std::string ToJson() const;
};

// Keeps the newest `limit` calls; figures cover all of them.
class CallLog {
 public:
  explicit CallLog(size_t limit) : limit_(limit) {}

  // Numbers the call.
  CallRecord Begin(CallRecord record);
  // Replaces the record of that number if it is still kept.
  void Update(const CallRecord& record);
  // Update, and counts the call in the figures.
  void Finish(const CallRecord& record);

  void Delivered(std::uint64_t number);

  // Calls numbered from `from` on, at most `limit`.
  std::vector<CallRecord> From(std::uint64_t from, size_t limit) const;
  CallStats& stats() { return stats_; }
  const CallStats& stats() const { return stats_; }
  // Forgets calls and figures; numbers begin at 1 again. A call from before
  // the clearing must not be reported any more: compare generation().
  void Clear();
  std::uint64_t generation() const { return generation_; }

 private:
  size_t limit_;
  std::uint64_t next_ = 1;
  std::uint64_t generation_ = 0;
  std::deque<CallRecord> records_;
  CallStats stats_;
};

}  // namespace leadgateway::sandbox

#endif  // SANDBOX_CALL_RECORD_H_
