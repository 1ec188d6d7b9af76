#ifndef LEADGATEWAY_GATEWAY_SCHEMA_FIELD_CATALOGUE_H_
#define LEADGATEWAY_GATEWAY_SCHEMA_FIELD_CATALOGUE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace leadgateway::schema {

// What the values of a field are, as far as it matters here.
enum class FieldKind {
  kOther,  // not known: everything fits
  kText,
  kNumber,
  kBoolean,
  kDate,
  kDateTime,
  kTime,
  kEmail,
  kPhone,
  kWebsite,
  kSelect,
  kMultiSelect,
};

// The kind of a LeadSquared data type, in any case.
FieldKind KindOf(absl::string_view data_type);

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
  // Of data_type; FieldCatalogue::Create fills it in.
  FieldKind kind = FieldKind::kOther;
};

// What somebody may have meant by the name of a field that does not exist.
struct Suggestion {
  // Whether the name is one that people see: the names are those of the fields
  // that they see it on.
  bool is_display_name = false;
  std::vector<std::string> names;  // best first; may be empty
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

  // The schema names that `name` may have meant: those that are the same but
  // for case; if there are none, the fields that people see under this name; if
  // there are none of them either, those whose schema or display name is within
  // an edit distance of a third of the length of `name`, whatever the case,
  // best first. At most `most`. A long `name` costs no more than a short one.
  std::vector<std::string> Nearest(absl::string_view name,
                                   size_t most = 3) const;

  // The same, with the reason.
  Suggestion Suggest(absl::string_view name, size_t most = 3) const;

  // Whether `value` is exactly one of the options of `field`, which is one of
  // fields(). True for fields whose options are not stated.
  bool HasOption(const FieldInfo& field, absl::string_view value) const;

  // The option that `value` may have meant: the same but for case and white
  // space around it, or the nearest one within an edit distance of a third of
  // its length. "" if there is none.
  absl::string_view NearestOption(const FieldInfo& field,
                                  absl::string_view value) const;

  // Whether the fields have the same names.
  bool HasSameNames(const FieldCatalogue& other) const;

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
  // By position in fields_, where there are more than a few; into fields_, too.
  std::vector<absl::flat_hash_set<absl::string_view>> options_;
};

}  // namespace leadgateway::schema

#endif  // LEADGATEWAY_GATEWAY_SCHEMA_FIELD_CATALOGUE_H_
