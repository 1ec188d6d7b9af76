#include "sandbox/lead_updater.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "sandbox/draw.h"
#include "sandbox/wire_answers.h"

namespace leadgateway::sandbox {
namespace {

absl::string_view SearchKey(const UpdateRequest& request) {
  return request.search_key.empty() ? absl::string_view("ProspectId")
                                    : request.search_key;
}

// The value by which a lead is searched; null when it brings none.
const std::string* KeyValue(const UpdateLead& lead, absl::string_view key,
                            bool refuse_prospectID) {
  for (const UpdateField& field : lead.fields) {
    if (refuse_prospectID && field.attribute == "ProspectID") continue;
    if (CanonicalAttribute(field.attribute) == CanonicalAttribute(key)) {
      return &field.value;
    }
  }
  return nullptr;
}

// A refusal of the whole call, or nothing.
struct Refusal {
  int status;
  std::string type;
  std::string message;
};

std::optional<Refusal> RefuseCall(
    const UpdateRequest& request, const Behaviour& behaviour,
    const FieldCatalogue& catalogue, const LeadStore& store,
    const absl::flat_hash_map<std::string, int>& copies) {
  const absl::string_view key = SearchKey(request);
  if (behaviour.refuse_prospectID && key == "ProspectID") {
    return Refusal{400, "MXInvalidInputException",
                   "SearchByKey ProspectID is not a valid attribute"};
  }
  if (!store.IsKeyField(key)) {
    return Refusal{400, "MXInvalidInputException",
                   "SearchByKey should be a unique field"};
  }
  const bool unknown_fails_call =
      behaviour.unknown_attribute == UnknownAttribute::kFailCall412 ||
      behaviour.unknown_attribute == UnknownAttribute::kFailCall500;
  std::vector<std::string> unknown;
  for (const UpdateLead& lead : request.leads) {
    for (const UpdateField& field : lead.fields) {
      if (!behaviour.poison_value.empty() &&
          field.value == behaviour.poison_value) {
        return Refusal{behaviour.poison_status, behaviour.poison_type,
                       "Invalid data for the datatype of a lead field"};
      }
      if (unknown_fails_call && catalogue.Find(field.attribute) == nullptr &&
          std::find(unknown.begin(), unknown.end(), field.attribute) ==
              unknown.end()) {
        unknown.push_back(field.attribute);
      }
    }
  }
  if (unknown_fails_call && !unknown.empty()) {
    return Refusal{behaviour.unknown_attribute == UnknownAttribute::kFailCall412
                       ? 412
                       : 500,
                   "MXUnknownAttributeException",
                   absl::StrCat("Attribute(s) does not exist - ",
                                absl::StrJoin(unknown, ", "))};
  }
  if (behaviour.duplicates == Duplicates::kFailCall) {
    int most = 1;
    for (const auto& [value, count] : copies) most = std::max(most, count);
    if (most > 1) {
      return Refusal{500, "MXDuplicateEntryException", DuplicateReason(most)};
    }
  }
  return std::nullopt;
}

// Why the fields of a found lead cannot be written; empty when they can. On
// success `writes` holds what to write.
std::string CheckFields(const UpdateLead& lead, absl::string_view key,
                        LeadStore::LeadId id, const Behaviour& behaviour,
                        const FieldCatalogue& catalogue, const LeadStore& store,
                        std::vector<LeadStore::NamedValue>& writes) {
  for (const UpdateField& update : lead.fields) {
    // The key found the lead; it is not written over its own value.
    if (CanonicalAttribute(update.attribute) == CanonicalAttribute(key)) {
      continue;
    }
    const Field* field = catalogue.Find(update.attribute);
    if (field == nullptr) continue;  // UnknownAttribute::kIgnore
    if (field->schema_name == "ProspectID") continue;  // never rewritten
    if (field->lock_after_create > 0 &&
        behaviour.locked_fields != Locked::kStore) {
      if (behaviour.locked_fields == Locked::kIgnore) continue;
      return absl::StrCat("Field(s) locked after create - ",
                          field->schema_name);
    }
    if (behaviour.refuse_outside_options && !update.value.empty() &&
        !field->options.empty() && field->data_type != "MultiSelect" &&
        std::find(field->options.begin(), field->options.end(), update.value) ==
            field->options.end()) {
      return absl::StrCat("Invalid option value for ", field->schema_name);
    }
    writes.emplace_back(field->schema_name, update.value);
  }
  if (std::optional<std::string> taken = store.Conflict(id, writes)) {
    const Field* field = catalogue.Find(*taken);
    return absl::StrCat("A Lead with same ",
                        field == nullptr ? *taken : field->display_name,
                        " already exists.");
  }
  return "";
}

void Shuffle(std::vector<LeadLine>& lines, std::uint64_t seed,
             std::uint64_t call, std::uint64_t list) {
  for (size_t i = lines.size(); i > 1; --i) {
    const size_t j =
        DrawBits(seed, DrawFor::kShuffle, call, list * 1000 + i) % i;
    std::swap(lines[i - 1], lines[j]);
  }
}

// The identifier and the leads' key values, for the record.
UpdateResult NameLeads(const UpdateRequest& request) {
  UpdateResult result;
  result.identifier = std::string(SearchKey(request));
  for (const UpdateLead& lead : request.leads) {
    const std::string* value = KeyValue(lead, SearchKey(request), false);
    RequestLead& named = result.leads.emplace_back();
    if (value != nullptr) named.key_value = *value;
  }
  return result;
}

}  // namespace

std::string EchoValue(absl::string_view value, KeyKind kind,
                      const Behaviour& behaviour) {
  std::string echo(value);
  if (behaviour.echo_trimmed) absl::StripAsciiWhitespace(&echo);
  if (behaviour.echo_lower) absl::AsciiStrToLower(&echo);
  if (behaviour.echo_upper) absl::AsciiStrToUpper(&echo);
  if (behaviour.echo_digits && kind == KeyKind::kPhone) {
    echo = NormaliseKey(KeyKind::kPhone, echo);
  }
  if (behaviour.echo_padded) {
    const size_t at = echo.find('@');
    echo.insert(at == std::string::npos ? echo.size() : at, " ");
  }
  return echo;
}

UpdateResult UpdateLeads(const UpdateRequest& request,
                         const Behaviour& behaviour, std::uint64_t seed,
                         std::uint64_t call, bool write,
                         const FieldCatalogue& catalogue, LeadStore& store,
                         OnApplied on_applied) {
  UpdateResult result = NameLeads(request);
  const absl::string_view key = SearchKey(request);
  const Field* key_field = catalogue.Find(key);
  const KeyKind kind = key_field == nullptr
                           ? KeyKind::kText
                           : KeyKindOf(key, key_field->data_type);

  std::vector<std::string> keys;
  absl::flat_hash_map<std::string, int> copies;
  for (const UpdateLead& lead : request.leads) {
    const std::string* value = KeyValue(lead, key, behaviour.refuse_prospectID);
    keys.push_back(value == nullptr ? "" : NormaliseKey(kind, *value));
    if (!keys.back().empty()) ++copies[keys.back()];
  }
  if (std::optional<Refusal> refusal =
          RefuseCall(request, behaviour, catalogue, store, copies)) {
    result.status = refusal->status;
    result.body = ErrorJson(refusal->type, refusal->message);
    return result;
  }

  UpdateAnswer answer;
  answer.total = static_cast<int>(request.leads.size());
  int unprocessed = 0;
  const std::string identifier = CanonicalAttribute(key) == "ProspectID"
                                     ? behaviour.answer_prospect_id
                                     : std::string(key);
  for (size_t i = 0; i < request.leads.size(); ++i) {
    const UpdateLead& lead = request.leads[i];
    LeadFate fate = LeadFate::kFailed;
    std::string reason;
    bool omitted = false;
    std::vector<LeadStore::NamedValue> writes;
    // Nothing for an empty key.
    const std::optional<LeadStore::LeadId> id = store.Find(key, keys[i]);
    if (lead.fields.empty()) {
      reason = std::string(kReasonNoFields);
    } else if (keys[i].empty()) {
      reason = std::string(kReasonNotFound);
      omitted = behaviour.keyless_leads == Keyless::kOmitted;
    } else if (copies[keys[i]] > 1 &&
               behaviour.duplicates == Duplicates::kFailBoth) {
      reason = DuplicateReason(copies[keys[i]]);
    } else if (behaviour.unknown_attribute == UnknownAttribute::kFailLead &&
               std::any_of(lead.fields.begin(), lead.fields.end(),
                           [&](const UpdateField& field) {
                             return catalogue.Find(field.attribute) == nullptr;
                           })) {
      reason = std::string(kReasonUnknownField);
    } else if (!id.has_value()) {
      reason = std::string(kReasonNotFound);
      if (request.push_non_existent) fate = LeadFate::kUnprocessed;
    } else {
      reason = CheckFields(lead, key, *id, behaviour, catalogue, store, writes);
      if (reason.empty()) {
        fate = LeadFate::kSuccess;
        if (write) {
          store.Set(*id, writes);
          on_applied(*id, i, lead.fields);
          ++result.applied;
        }
      }
    }
    result.leads[i].fate = fate;
    if (behaviour.omit_probability > 0 &&
        DrawUnit(seed, DrawFor::kOmission, call, i) <
            behaviour.omit_probability) {
      omitted = true;
    }
    LeadLine line{identifier,
                  EchoValue(result.leads[i].key_value, kind, behaviour),
                  std::move(reason)};
    int& count = fate == LeadFate::kSuccess  ? answer.success
                 : fate == LeadFate::kFailed ? answer.failure
                                             : unprocessed;
    ++count;
    result.leads[i].named = !omitted;
    if (omitted) continue;
    auto& lines = fate == LeadFate::kSuccess  ? answer.successful_leads
                  : fate == LeadFate::kFailed ? answer.failed_leads
                                              : answer.unprocessed_leads;
    lines.push_back(std::move(line));
  }
  if (request.push_non_existent) answer.unprocessed = unprocessed;
  if (answer.success == 0) {
    answer.message = "Error";
  } else if (answer.success == answer.total) {
    answer.message = "Processed";
  } else {
    answer.message = behaviour.partial_message;
  }
  answer.success += behaviour.wrong_counts;
  if (behaviour.shuffle) {
    Shuffle(answer.successful_leads, seed, call, 0);
    Shuffle(answer.failed_leads, seed, call, 1);
    Shuffle(answer.unprocessed_leads, seed, call, 2);
  }
  result.body = UpdateAnswerJson(answer);
  return result;
}

}  // namespace leadgateway::sandbox
