#ifndef LEADGATEWAY_GATEWAY_SCHEMA_FIELD_CATALOGUE_H_
#define LEADGATEWAY_GATEWAY_SCHEMA_FIELD_CATALOGUE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace leadgateway::schema {

// One field of the account's leads.
struct FieldInfo {
  std::string schema_name;
  std::string display_name;
  // As LeadSquared spells it: "Text", "Number", "Date", "DateTime", ...
  std::string data_type;
  // Whether it identifies a lead, so that leads can be searched by it.
  bool unique = false;
  bool mandatory = false;
  // Whether updates of it are refused. It may be a search key all the same.
  bool read_only = false;
  // In characters. 0: not stated.
  int max_length = 0;
  // The values of a select field. Empty: not stated.
  std::vector<std::string> options;
};

// The account's lead fields at one moment. Immutable, hence for any thread.
class FieldCatalogue {
 public:
  // `unique_fields` are unique on this account, whatever metadata says; those
  // that are no fields of it are passed over. ProspectID is always unique, in
  // either spelling. Of fields with the same schema name the first one stays,
  // and those without a name are passed over. Fails with kInvalidArgument when
  // no fields are left. `fetched_at` is wall time.
  static absl::StatusOr<std::shared_ptr<const FieldCatalogue>> Create(
      std::vector<FieldInfo> fields,
      const std::vector<std::string>& unique_fields, absl::Time fetched_at);

  FieldCatalogue(const FieldCatalogue&) = delete;
  FieldCatalogue& operator=(const FieldCatalogue&) = delete;

  // The field of exactly this name (LeadSquared's names are case-sensitive), or
  // null. Allocates nothing.
  const FieldInfo* Find(absl::string_view schema_name) const;

  // The schema names that `name` may have meant, best first: the same but for
  // case; the field that people see under this name; then those whose schema or
  // display name is within an edit distance of a third of the length of `name`,
  // whatever the case. At most `most`. A long `name` costs no more than a short
  // one.
  std::vector<std::string> Nearest(absl::string_view name,
                                   size_t most = 3) const;

  // The schema names of the unique fields, sorted.
  std::vector<std::string> UniqueNames() const;

  // Sorted by schema name.
  absl::Span<const FieldInfo> fields() const { return fields_; }

  absl::Time fetched_at() const { return fetched_at_; }

  // How many fields were dropped since their schema name was there already.
  int duplicates() const { return duplicates_; }

 private:
  FieldCatalogue(std::vector<FieldInfo> fields, absl::Time fetched_at,
                 int duplicates);

  const std::vector<FieldInfo> fields_;
  const absl::Time fetched_at_;
  const int duplicates_;
  size_t longest_name_ = 0;
  // Keys point into fields_.
  absl::flat_hash_map<absl::string_view, const FieldInfo*> by_name_;
};

}  // namespace leadgateway::schema

#endif  // LEADGATEWAY_GATEWAY_SCHEMA_FIELD_CATALOGUE_H_
