// One LeadSquared account: its leads, fields, keys, allowance and record, and
// the life of a call in it. Thread-safe. Knows no sockets.
#ifndef SANDBOX_ACCOUNT_H_
#define SANDBOX_ACCOUNT_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sandbox/allowance.h"
#include "sandbox/call_record.h"
#include "sandbox/credentials.h"
#include "sandbox/field_catalogue.h"
#include "sandbox/lead_store.h"
#include "sandbox/mutex.h"
#include "sandbox/reply.h"
#include "sandbox/scenario.h"

namespace leadgateway::sandbox {

struct AccountOptions {
  std::vector<KeyPair> keys;  // empty: TestKeys()
  FieldCatalogue fields = FieldCatalogue::RealAccount();
  std::uint64_t seed = 1;
  std::uint64_t generate_leads = 0;
  std::vector<std::string> lead_files;
  Allowance allowance;
  Behaviour always;
  std::string faults_json;  // applied over the two above; empty: none
  size_t max_leads_per_call = 25;
  std::string api_host = "api-in21.leadsquared.com";
  size_t record_limit = 1'000'000;
  // The attribute whose successive values are kept per lead; "*" keeps whole
  // updates, "" nothing. The record has the value, too, with each lead that was
  // read, whether it was written or not.
  std::string history_field;
};

// One write of one lead.
struct AppliedUpdate {
  std::uint64_t call = 0;
  std::uint32_t index = 0;  // of the lead in its call
  absl::Time at;
  std::string value;  // of history_field, or all fields as a JSON object
};

struct RequestHead {
  absl::string_view method;
  absl::string_view target;
  absl::string_view content_type;
  absl::string_view access_key;  // the x-LSQ- headers
  absl::string_view secret_key;
  std::uint64_t connection = 0;
};

class Account {
 public:
  // A call under way. Owned by its connection.
  struct Call {
    CallRecord record;
    std::uint64_t generation = 0;
    std::shared_ptr<const Behaviour> behaviour;
    std::uint64_t seed = 0;
    std::string query;
    bool json_content = false;
    bool write = true;
    bool counts = false;
    // From the arrival: when the call is counted, when it is answered.
    absl::Duration count_after;
    absl::Duration answer_after;
    bool decided = false;  // `reply` is final: nothing is left to carry out
    Reply reply;
  };

  // InvalidArgument or NotFound: files, faults, options that cannot be taken.
  static absl::StatusOr<std::unique_ptr<Account>> Create(
      AccountOptions options);

  // The steps of a call, in this order. Begin: its head has arrived.
  Call Begin(const RequestHead& head);
  // In place of the next two: the body is too large to be read.
  void RefuseTooLarge(Call& call);
  // At count_after: asks the allowance, applies unless that waits. True when
  // the answer may leave at once.
  bool Count(Call& call, absl::string_view body);
  // At answer_after: completes call.reply.
  void Answer(Call& call, absl::string_view body);
  // The reply is about to leave; also for a call whose body never came whole.
  void Finish(Call& call);
  // All of the reply has been handed to the socket.
  void Delivered(const Call& call);

  void ConnectionOpened();
  void ConnectionClosed();

  // Sets the switches that `json` names (see Scenario::With).
  absl::Status SetFaults(absl::string_view json);
  // Back to the options' allowance and `always`, no rules.
  void ClearFaults();
  std::string FaultsJson() const;

  absl::Status AddField(Field field);
  absl::Status RemoveField(absl::string_view name);
  std::vector<Field> Fields() const;
  void AcceptKeys(std::vector<KeyPair> pairs);

  absl::StatusOr<size_t> LoadLeadsFromText(absl::string_view text);
  absl::Status AddLead(const std::vector<LeadStore::NamedValue>& fields);
  // Sets fields of a lead; NotFound, or AlreadyExists for a taken value.
  absl::Status SetLead(absl::string_view key, absl::string_view value,
                       const std::vector<LeadStore::NamedValue>& fields);
  // Its fields that hold something; nothing when there is no such lead.
  std::optional<std::vector<LeadStore::NamedValue>> FindLead(
      absl::string_view key, absl::string_view value) const;
  std::vector<AppliedUpdate> History(absl::string_view key,
                                     absl::string_view value) const;
  // JSON lines, one per lead that was written: {"lead":ProspectID,"applied":..}
  std::string HistoryJson() const;

  std::vector<CallRecord> Record(std::uint64_t from, size_t limit) const;
  CallStats Stats() const;
  // Forgets calls, figures, history and the allowance's past; call numbers
  // begin at 1 again and rules' `times` anew. Leads, fields, keys and switches
  // stay.
  void Reset();

  // Wall time that never runs backwards.
  absl::Time Now() const;

 private:
  explicit Account(AccountOptions options);

  void RestartAllowance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AdoptScenario(Scenario next) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool WithinAllowance(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CarryOut(Call& call, absl::string_view body)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CarryOutUpdate(Call& call, absl::string_view body, bool apply)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Throttle(Call& call, int status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const AccountOptions options_;
  const absl::Time start_;
  const std::chrono::steady_clock::time_point steady_start_;

  mutable Mutex mutex_;
  FieldCatalogue fields_ ABSL_GUARDED_BY(mutex_);
  LeadStore store_ ABSL_GUARDED_BY(mutex_);
  KeyRing keys_ ABSL_GUARDED_BY(mutex_);
  Scenario scenario_ ABSL_GUARDED_BY(mutex_);
  WindowJudge judge_ ABSL_GUARDED_BY(mutex_);
  WindowPeak peak_ ABSL_GUARDED_BY(mutex_);
  WindowPeak peak_with_others_ ABSL_GUARDED_BY(mutex_);
  OtherUsers others_ ABSL_GUARDED_BY(mutex_);
  CallLog log_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t connections_accepted_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t connections_open_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<LeadStore::LeadId, std::vector<AppliedUpdate>> history_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace leadgateway::sandbox

#endif  // SANDBOX_ACCOUNT_H_
