#include "sandbox/lead_store.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "sandbox/draw.h"

namespace leadgateway::sandbox {

LeadStore::LeadStore(const FieldCatalogue& catalogue) {
  for (const Field& field : catalogue.fields()) {
    if (!field.is_unique) continue;
    keys_[field.schema_name].kind =
        KeyKindOf(field.schema_name, field.data_type);
  }
}

absl::Status LeadStore::AddKeyField(absl::string_view name, KeyKind kind) {
  name = CanonicalAttribute(name);
  KeyIndex index;
  index.kind = kind;
  for (LeadId lead = 0; lead < leads_.size(); ++lead) {
    const std::string* value = Slot(lead, name);
    if (value == nullptr) continue;
    std::string key = NormaliseKey(kind, *value);
    if (key.empty()) continue;
    if (!index.leads.emplace(std::move(key), lead).second) {
      return absl::FailedPreconditionError(
          absl::StrCat("Two leads hold the same ", name));
    }
  }
  keys_[name] = std::move(index);
  return absl::OkStatus();
}

void LeadStore::RemoveKeyField(absl::string_view name) {
  keys_.erase(CanonicalAttribute(name));
}

bool LeadStore::IsKeyField(absl::string_view name) const {
  return keys_.contains(CanonicalAttribute(name));
}

absl::StatusOr<LeadStore::LeadId> LeadStore::Add(
    absl::Span<const NamedValue> fields) {
  const LeadId lead = static_cast<LeadId>(leads_.size());
  if (std::optional<std::string> field = Conflict(lead, fields)) {
    return absl::AlreadyExistsError(
        absl::StrCat("Another lead holds the same ", *field));
  }
  leads_.emplace_back();
  Set(lead, fields);
  if (Slot(lead, "ProspectID") == nullptr) {
    Set(lead, {{"ProspectID", GeneratedProspectId(lead, 0x5eed)}});
  }
  return lead;
}

std::optional<LeadStore::LeadId> LeadStore::Find(
    absl::string_view key_field, absl::string_view value) const {
  auto index = keys_.find(CanonicalAttribute(key_field));
  if (index == keys_.end()) return std::nullopt;
  const std::string key = NormaliseKey(index->second.kind, value);
  if (key.empty()) return std::nullopt;
  auto it = index->second.leads.find(key);
  if (it == index->second.leads.end()) return std::nullopt;
  return it->second;
}

std::optional<std::string> LeadStore::Conflict(
    LeadId lead, absl::Span<const NamedValue> fields) const {
  for (const auto& [name, value] : fields) {
    if (!IsKeyField(name)) continue;
    const std::optional<LeadId> holder = Find(name, value);
    if (holder.has_value() && *holder != lead) return name;
  }
  return std::nullopt;
}

void LeadStore::Set(LeadId lead, absl::Span<const NamedValue> fields) {
  for (const auto& [raw_name, value] : fields) {
    const absl::string_view name = CanonicalAttribute(raw_name);
    const FieldId id = Intern(name);
    Lead& slots = leads_[lead];
    std::string* slot = nullptr;
    for (auto& [slot_id, slot_value] : slots) {
      if (slot_id == id) slot = &slot_value;
    }
    if (auto index = keys_.find(name); index != keys_.end()) {
      KeyIndex& key_index = index->second;
      if (slot != nullptr) {
        auto old = key_index.leads.find(NormaliseKey(key_index.kind, *slot));
        if (old != key_index.leads.end() && old->second == lead) {
          key_index.leads.erase(old);
        }
      }
      std::string key = NormaliseKey(key_index.kind, value);
      if (!key.empty()) key_index.leads.emplace(std::move(key), lead);
    }
    if (slot != nullptr) {
      *slot = value;
    } else {
      slots.emplace_back(id, value);
    }
  }
}

std::string LeadStore::Value(LeadId lead, absl::string_view field) const {
  const std::string* value = Slot(lead, field);
  return value == nullptr ? std::string() : *value;
}

std::vector<LeadStore::NamedValue> LeadStore::Fields(LeadId lead) const {
  std::vector<NamedValue> fields;
  for (const auto& [id, value] : leads_[lead]) {
    if (!value.empty()) fields.emplace_back(names_[id], value);
  }
  return fields;
}

std::string LeadStore::GeneratedProspectId(std::uint64_t i,
                                           std::uint64_t seed) {
  const std::uint64_t high = DrawBits(seed, DrawFor::kGeneratedLead, i, 0);
  const std::uint64_t low = DrawBits(seed, DrawFor::kGeneratedLead, i, 1);
  return absl::StrFormat("%08x-%04x-4%03x-a%03x-%012x", high >> 32,
                         (high >> 16) & 0xffff, high & 0xfff, low >> 52,
                         low & 0xffffffffffff);
}

absl::Status LeadStore::Generate(std::uint64_t count, std::uint64_t seed) {
  static constexpr absl::string_view kFirst[] = {
      "Asha", "Ravi", "Meera", "Arjun", "Nisha", "Jack", "John", "Maya"};
  static constexpr absl::string_view kLast[] = {
      "Rao", "Iyer", "Sharma", "Wick", "Sparrow", "Nair", "Das", "Khan"};
  static constexpr absl::string_view kStage[] = {"Prospect", "Opportunity",
                                                 "Customer", "Disqualified"};
  leads_.reserve(leads_.size() + count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t bits = DrawBits(seed, DrawFor::kGeneratedLead, i, 2);
    const NamedValue fields[] = {
        {"ProspectID", GeneratedProspectId(i, seed)},
        {"EmailAddress", absl::StrCat("lead", i, "@example.com")},
        {"Phone", absl::StrFormat("+91-9%09d", i)},
        {"Mobile", absl::StrFormat("+91-8%09d", i)},
        {"mx_Customer_ID", absl::StrFormat("C%08d", i)},
        {"FirstName", std::string(kFirst[bits % 8])},
        {"LastName", std::string(kLast[(bits >> 8) % 8])},
        {"ProspectStage", std::string(kStage[(bits >> 16) % 4])},
    };
    if (absl::StatusOr<LeadId> lead = Add(fields); !lead.ok()) {
      return lead.status();
    }
  }
  return absl::OkStatus();
}

LeadStore::FieldId LeadStore::Intern(absl::string_view name) {
  auto [it, is_new] =
      ids_.try_emplace(std::string(name), static_cast<FieldId>(names_.size()));
  if (is_new) names_.emplace_back(name);
  return it->second;
}

const std::string* LeadStore::Slot(LeadId lead, absl::string_view field) const {
  auto id = ids_.find(CanonicalAttribute(field));
  if (id == ids_.end()) return nullptr;
  for (const auto& [slot_id, value] : leads_[lead]) {
    if (slot_id == id->second) return &value;
  }
  return nullptr;
}

}  // namespace leadgateway::sandbox
