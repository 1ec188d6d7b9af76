#include "sandbox/field_catalogue.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace leadgateway::sandbox {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void Text(Writer& writer, absl::string_view text) {
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

// The numbers of the controls that the web application draws.
int RenderType(absl::string_view text) {
  static constexpr std::pair<absl::string_view, int> kTypes[] = {
      {"Textbox", 1},      {"TextArea", 2}, {"Checkbox", 3},
      {"Dropdown", 5},     {"Date", 6},     {"DateTime", 7},
      {"Email", 8},        {"Phone", 9},    {"Website", 10},
      {"MultiSelect", 14}, {"Number", 15},  {"Time", 21},
      {"ActiveUsers", 22},
  };
  for (const auto& [name, number] : kTypes) {
    if (name == text) return number;
  }
  return 0;
}

// Fixed, so that two runs answer the same bytes.
constexpr absl::string_view kCreatedOn = "/Date(1417453996000+0000)/";
constexpr absl::string_view kModifiedOn = "/Date(1711021396000+0000)/";

void WriteField(Writer& writer, const Field& field, bool exclude_options,
                bool with_unique) {
  writer.StartObject();
  writer.Key("SchemaName");
  Text(writer, field.schema_name);
  writer.Key("DisplayName");
  Text(writer, field.display_name);
  writer.Key("DataType");
  Text(writer, field.data_type);
  writer.Key("RenderType");
  writer.Int(RenderType(field.render_type_text));
  writer.Key("RenderTypeTextValue");
  Text(writer, field.render_type_text);
  writer.Key("IsMandatory");
  writer.Bool(field.is_mandatory);
  if (field.max_length.has_value()) {
    writer.Key("MaxLength");
    Text(writer, *field.max_length);
  }
  if (field.range_min.has_value()) {
    writer.Key("RangeMin");
    Text(writer, *field.range_min);
  }
  if (field.range_max.has_value()) {
    writer.Key("RangeMax");
    Text(writer, *field.range_max);
  }
  if (!exclude_options && !field.options.empty()) {
    writer.Key("Options");
    writer.StartArray();
    for (const std::string& option : field.options) {
      writer.StartObject();
      writer.Key("Value");
      Text(writer, option);
      writer.EndObject();
    }
    writer.EndArray();
  }
  writer.Key("IsLeadIdentifier");
  writer.Bool(field.is_unique);
  if (with_unique) {
    writer.Key("IsUnique");
    writer.Bool(field.is_unique);
    writer.Key("IsReadOnly");
    writer.Bool(field.is_read_only);
  }
  writer.Key("LockAfterCreate");
  writer.Int(field.lock_after_create);
  writer.Key("ShowInImport");
  writer.Bool(true);
  writer.Key("CreatedOn");
  Text(writer, kCreatedOn);
  writer.Key("ModifiedOn");
  Text(writer, kModifiedOn);
  writer.EndObject();
}

}  // namespace

const Field* FieldCatalogue::Find(absl::string_view name) const {
  auto it = index_.find(CanonicalAttribute(name));
  return it == index_.end() ? nullptr : &fields_[it->second];
}

absl::Status FieldCatalogue::Add(Field field) {
  if (field.schema_name.empty()) {
    return absl::InvalidArgumentError("A field needs a SchemaName");
  }
  field.schema_name = std::string(CanonicalAttribute(field.schema_name));
  if (field.display_name.empty()) field.display_name = field.schema_name;
  if (!index_.emplace(field.schema_name, fields_.size()).second) {
    return absl::AlreadyExistsError(
        absl::StrCat("Field ", field.schema_name, " exists already"));
  }
  fields_.push_back(std::move(field));
  return absl::OkStatus();
}

absl::Status FieldCatalogue::Remove(absl::string_view name) {
  name = CanonicalAttribute(name);
  if (name == "ProspectID") {
    return absl::InvalidArgumentError("ProspectID cannot be removed");
  }
  auto it = index_.find(name);
  if (it == index_.end()) {
    return absl::NotFoundError(absl::StrCat("No field ", name));
  }
  fields_.erase(fields_.begin() + static_cast<std::ptrdiff_t>(it->second));
  index_.clear();
  for (size_t i = 0; i < fields_.size(); ++i) {
    index_.emplace(fields_[i].schema_name, i);
  }
  return absl::OkStatus();
}

std::string FieldCatalogue::MetadataJson(absl::string_view schema_name,
                                         bool exclude_options,
                                         bool with_unique) const {
  rapidjson::StringBuffer buffer;
  Writer writer(buffer);
  writer.StartArray();
  if (schema_name.empty()) {
    for (const Field& field : fields_) {
      WriteField(writer, field, exclude_options, with_unique);
    }
  } else if (const Field* field = Find(schema_name)) {
    WriteField(writer, *field, exclude_options, with_unique);
  }
  writer.EndArray();
  return std::string(buffer.GetString(), buffer.GetSize());
}

}  // namespace leadgateway::sandbox
