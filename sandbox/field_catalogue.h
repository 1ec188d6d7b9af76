// The account's lead fields, and the metadata answer made of them.
#ifndef SANDBOX_FIELD_CATALOGUE_H_
#define SANDBOX_FIELD_CATALOGUE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "sandbox/key_text.h"

namespace leadgateway::sandbox {

struct Field {
  std::string schema_name;
  std::string display_name;
  std::string data_type = "Text";
  std::string render_type_text = "Textbox";
  bool is_mandatory = false;
  // Strings on the wire, and absent from some fields.
  std::optional<std::string> max_length;
  std::optional<std::string> range_min;
  std::optional<std::string> range_max;
  std::vector<std::string> options;
  bool is_unique = false;
  bool is_read_only = false;
  int lock_after_create = 0;
};

class FieldCatalogue {
 public:
  // More than 140 fields, standard and custom, every data type.
  static FieldCatalogue RealAccount();

  // Names are case-sensitive; ProspectId and ProspectID are one field.
  const Field* Find(absl::string_view name) const;
  const std::vector<Field>& fields() const { return fields_; }

  // AlreadyExists, or InvalidArgument for an empty name.
  absl::Status Add(Field field);
  // NotFound; ProspectID cannot be removed.
  absl::Status Remove(absl::string_view name);

  // The JSON array of LeadsMetaData.Get. An empty schema_name means all.
  // with_unique adds IsUnique and IsReadOnly, which not every account shows.
  std::string MetadataJson(absl::string_view schema_name, bool exclude_options,
                           bool with_unique) const;

 private:
  std::vector<Field> fields_;
  absl::flat_hash_map<std::string, size_t> index_;
};

}  // namespace leadgateway::sandbox

#endif  // SANDBOX_FIELD_CATALOGUE_H_
