// What an UpdateV2 call does to the leads, and what it answers.
#ifndef SANDBOX_LEAD_UPDATER_H_
#define SANDBOX_LEAD_UPDATER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "sandbox/behaviour.h"
#include "sandbox/field_catalogue.h"
#include "sandbox/lead_store.h"
#include "sandbox/update_request.h"

namespace leadgateway::sandbox {

// What became of one lead of a request, for the record.
enum class LeadFate : char {
  kUntouched = '-',  // the call was refused or lost before its leads' turn
  kSuccess = 's',
  kFailed = 'f',
  kUnprocessed = 'u',
};

struct RequestLead {
  std::string key_value;
  LeadFate fate = LeadFate::kUntouched;
  bool named = false;  // by the answer, were it whole
  std::string value;   // of AccountOptions::history_field
};

struct UpdateResult {
  int status = 200;
  std::string body;
  std::string identifier;          // the search key
  std::vector<RequestLead> leads;  // in the request's order
  int applied = 0;
};

// Called once for each lead that is written, in the request's order.
using OnApplied = absl::FunctionRef<void(LeadStore::LeadId lead, size_t index,
                                         const std::vector<UpdateField>&)>;

// With write false the answer is the same and nothing is stored.
UpdateResult UpdateLeads(const UpdateRequest& request,
                         const Behaviour& behaviour, std::uint64_t seed,
                         std::uint64_t call, bool write,
                         const FieldCatalogue& catalogue, LeadStore& store,
                         OnApplied on_applied);

// The value as the account echoes it.
std::string EchoValue(absl::string_view value, KeyKind kind,
                      const Behaviour& behaviour);

}  // namespace leadgateway::sandbox

#endif  // SANDBOX_LEAD_UPDATER_H_
