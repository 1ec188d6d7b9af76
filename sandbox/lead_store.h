// The leads of the account, found by ProspectID and by every unique field.
// Not thread-safe: the account's lock guards it.
#ifndef SANDBOX_LEAD_STORE_H_
#define SANDBOX_LEAD_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "sandbox/field_catalogue.h"
#include "sandbox/key_text.h"

namespace leadgateway::sandbox {

class LeadStore {
 public:
  using LeadId = std::uint32_t;
  using NamedValue = std::pair<std::string, std::string>;

  // Indexes the unique fields of the catalogue.
  explicit LeadStore(const FieldCatalogue& catalogue);

  // FailedPrecondition when two leads hold one value already.
  absl::Status AddKeyField(absl::string_view name, KeyKind kind);
  // Forgets a field's index; its values stay.
  void RemoveKeyField(absl::string_view name);
  bool IsKeyField(absl::string_view name) const;

  // Gives the lead a ProspectID when it brings none. AlreadyExists when
  // another lead holds one of its unique values; the message names the field.
  absl::StatusOr<LeadId> Add(absl::Span<const NamedValue> fields);

  std::optional<LeadId> Find(absl::string_view key_field,
                             absl::string_view value) const;
  // The name of a unique field that another lead holds with the same value.
  std::optional<std::string> Conflict(
      LeadId lead, absl::Span<const NamedValue> fields) const;
  // Sets the values; "" empties. Call Conflict first.
  void Set(LeadId lead, absl::Span<const NamedValue> fields);

  // Empty for a field that holds nothing.
  std::string Value(LeadId lead, absl::string_view field) const;
  // Fields that hold something, in the order in which they were first set.
  std::vector<NamedValue> Fields(LeadId lead) const;
  size_t size() const { return leads_.size(); }

  // Adds count leads: EmailAddress lead<i>@example.com, Phone +91-9<9 digits>,
  // Mobile +91-8<9 digits>, mx_Customer_ID C<8 digits>, names and a stage; the
  // seed decides ProspectID and names.
  absl::Status Generate(std::uint64_t count, std::uint64_t seed);

  // The ProspectID that Generate gives to lead i.
  static std::string GeneratedProspectId(std::uint64_t i, std::uint64_t seed);

 private:
  using FieldId = std::uint16_t;
  using Lead = std::vector<std::pair<FieldId, std::string>>;
  struct KeyIndex {
    KeyKind kind;
    absl::flat_hash_map<std::string, LeadId> leads;
  };

  FieldId Intern(absl::string_view name);
  const std::string* Slot(LeadId lead, absl::string_view field) const;

  std::vector<Lead> leads_;
  std::vector<std::string> names_;
  absl::flat_hash_map<std::string, FieldId> ids_;
  absl::flat_hash_map<std::string, KeyIndex> keys_;
};

}  // namespace leadgateway::sandbox

#endif  // SANDBOX_LEAD_STORE_H_
