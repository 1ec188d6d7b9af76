#include "gateway/leadsquared/fields_reader/fields_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gateway/base/status_macros.h"
#include "gateway/leadsquared/json_walk.h"
#include "simdjson.h"

namespace leadgateway::leadsquared {
namespace {

namespace sj = simdjson;
using schema::FieldInfo;
using sj::ondemand::json_type;

// The view lives as long as the parser.
absl::Status ReadString(sj::ondemand::value value, absl::string_view& out) {
  std::string_view text;
  LG_RETURN_IF_JSON_ERROR(value.get_string().get(text));
  // Escapes can spell what the bytes may not.
  if (text.find('\0') != std::string_view::npos) return BadJson("a NUL");
  if (!sj::validate_utf8(text)) return BadJson("not UTF-8");
  out = absl::string_view(text.data(), text.size());
  return absl::OkStatus();
}

absl::Status ReadText(sj::ondemand::value value, std::string& out) {
  json_type type;
  LG_RETURN_IF_JSON_ERROR(value.type().get(type));
  if (type == json_type::null) {
    out.clear();
    return ReadNull(value);
  }
  if (type != json_type::string) return BadJson("a text is no string");
  absl::string_view text;
  LG_RETURN_IF_ERROR(ReadString(value, text));
  out = std::string(text);
  return absl::OkStatus();
}

// 200, "200"; 0 where there is nothing.
absl::Status ReadNumber(sj::ondemand::value value, double& out) {
  out = 0;
  json_type type;
  LG_RETURN_IF_JSON_ERROR(value.type().get(type));
  switch (type) {
    case json_type::null:
      return ReadNull(value);
    case json_type::number:
      LG_RETURN_IF_JSON_ERROR(value.get_double().get(out));
      return absl::OkStatus();
    case json_type::string: {
      absl::string_view text;
      LG_RETURN_IF_ERROR(ReadString(value, text));
      if (text.empty()) return absl::OkStatus();
      if (!absl::SimpleAtod(text, &out) || !std::isfinite(out)) {
        return BadJson("a string that should be a number");
      }
      return absl::OkStatus();
    }
    default:
      return BadJson("a number is an object, an array or a boolean");
  }
}

// true, "true", "1", 1.
absl::Status ReadBool(sj::ondemand::value value, bool& out) {
  out = false;
  json_type type;
  LG_RETURN_IF_JSON_ERROR(value.type().get(type));
  switch (type) {
    case json_type::null:
      return ReadNull(value);
    case json_type::boolean:
      LG_RETURN_IF_JSON_ERROR(value.get_bool().get(out));
      return absl::OkStatus();
    case json_type::number: {
      double number = 0;
      LG_RETURN_IF_JSON_ERROR(value.get_double().get(number));
      if (number != 0 && number != 1)
        return BadJson("a boolean is neither 0 nor 1");
      out = number == 1;
      return absl::OkStatus();
    }
    case json_type::string: {
      absl::string_view text;
      LG_RETURN_IF_ERROR(ReadString(value, text));
      out = text == "1" || absl::EqualsIgnoreCase(text, "true");
      if (out || text.empty() || text == "0" ||
          absl::EqualsIgnoreCase(text, "false")) {
        return absl::OkStatus();
      }
      return BadJson("a string that should be a boolean");
    }
    default:
      return BadJson("a boolean is an object or an array");
  }
}

// 0, 1, 2, as a number or a string, or a boolean.
absl::Status ReadLock(sj::ondemand::value value, bool& out) {
  out = false;
  json_type type;
  LG_RETURN_IF_JSON_ERROR(value.type().get(type));
  if (type == json_type::boolean) return ReadBool(value, out);
  if (type != json_type::string) {
    double number = 0;
    LG_RETURN_IF_ERROR(ReadNumber(value, number));
    out = number != 0;
    return absl::OkStatus();
  }
  absl::string_view text;
  LG_RETURN_IF_ERROR(ReadString(value, text));
  double number = 0;
  if (absl::SimpleAtod(text, &number) && std::isfinite(number)) {
    out = number != 0;
  } else if (absl::EqualsIgnoreCase(text, "true")) {
    out = true;
  } else if (!text.empty() && !absl::EqualsIgnoreCase(text, "false")) {
    return BadJson("a string that should be a number");
  }
  return absl::OkStatus();
}

// [{"Value":"..."}]; null for none.
absl::Status ReadOptions(sj::ondemand::value value,
                         std::vector<std::string>& out) {
  out.clear();
  return ForEachElement(value, [&out](sj::ondemand::value element) {
    std::string option;
    LG_RETURN_IF_ERROR(ForEachField(
        element, [&option](std::string_view key, sj::ondemand::value inner) {
          return key == "Value" ? ReadText(inner, option) : Skip(inner);
        }));
    // "" would say that the field takes nothing: it is the line "Select".
    if (!option.empty()) out.push_back(std::move(option));
    return absl::OkStatus();
  });
}

// What an entry says, before it is known what the others say.
struct Entry {
  FieldInfo info;
  std::string render_type;
  bool identifier = false;
  bool unique = false;
  bool unique_stated = false;
  bool read_only = false;
  bool locked = false;
};

absl::Status ReadUnique(sj::ondemand::value value, Entry& entry) {
  json_type type;
  LG_RETURN_IF_JSON_ERROR(value.type().get(type));
  entry.unique_stated = type != json_type::null;
  return ReadBool(value, entry.unique);
}

absl::Status ReadMaxLength(sj::ondemand::value value, int& out) {
  double number = 0;
  LG_RETURN_IF_ERROR(ReadNumber(value, number));
  // -1 means "any" in some systems; 0 is no length.
  constexpr int kMost = std::numeric_limits<int>::max();
  out = static_cast<int>(std::clamp<double>(number, 0, kMost));
  return absl::OkStatus();
}

absl::Status ReadKey(std::string_view key, sj::ondemand::value value,
                     Entry& entry) {
  if (key == "SchemaName") return ReadText(value, entry.info.schema_name);
  if (key == "DisplayName") return ReadText(value, entry.info.display_name);
  if (key == "DataType") return ReadText(value, entry.info.data_type);
  if (key == "RenderTypeTextValue") return ReadText(value, entry.render_type);
  if (key == "IsMandatory") return ReadBool(value, entry.info.mandatory);
  if (key == "MaxLength") return ReadMaxLength(value, entry.info.max_length);
  if (key == "Options") return ReadOptions(value, entry.info.options);
  if (key == "IsLeadIdentifier") return ReadBool(value, entry.identifier);
  if (key == "IsUnique") return ReadUnique(value, entry);
  if (key == "IsReadOnly") return ReadBool(value, entry.read_only);
  if (key == "LockAfterCreate") return ReadLock(value, entry.locked);
  return Skip(value);
}

absl::Status ReadEntry(sj::ondemand::value value, Entry& entry) {
  LG_RETURN_IF_ERROR(ForEachField(
      value, [&entry](std::string_view key, sj::ondemand::value inner) {
        return ReadKey(key, inner, entry);
      }));
  entry.info.unique = entry.identifier || entry.unique;
  entry.info.read_only = entry.read_only || entry.locked;
  if (entry.info.data_type == "Date" && entry.render_type == "DateTime") {
    entry.info.data_type = "DateTime";
  }
  return absl::OkStatus();
}

// Unique on every account unless its administrator changed it.
bool UniqueByDefault(absl::string_view schema_name) {
  return schema_name == "EmailAddress" || schema_name == "Phone" ||
         schema_name == "Mobile";
}

// What is wrong, with the entry and the byte that had been reached.
absl::Status Where(const absl::Status& status, size_t number,
                   const sj::padded_string& json,
                   sj::ondemand::document& document) {
  std::string place = number == 0 ? "" : absl::StrCat("field ", number);
  const char* reached = nullptr;
  if (document.current_location().get(reached) == sj::SUCCESS &&
      reached >= json.data() && reached <= json.data() + json.size()) {
    absl::StrAppend(&place, place.empty() ? "" : ", ", "near byte ",
                    reached - json.data());
  }
  return place.empty() ? status
                       : BadJson(absl::StrCat(place, ": ", status.message()));
}

absl::Status ReadEntries(const sj::padded_string& json,
                         sj::ondemand::document& document,
                         std::vector<Entry>& out) {
  sj::ondemand::array array;
  if (const sj::error_code error = document.get_array().get(array)) {
    return Where(BadJson(sj::error_message(error)), 0, json, document);
  }
  size_t number = 0;  // of the entry, from 1, once there is one
  if (absl::Status status = ForEachElement(array,
                                           [&](sj::ondemand::value value) {
                                             ++number;
                                             return ReadEntry(
                                                 value, out.emplace_back());
                                           });
      !status.ok()) {
    return Where(status, number, json, document);
  }
  if (absl::Status status = ReadEnd(document); !status.ok()) {
    return Where(status, 0, json, document);
  }
  std::erase_if(
      out, [](const Entry& entry) { return entry.info.schema_name.empty(); });
  return out.empty() ? BadJson("no fields") : absl::OkStatus();
}

absl::Status Read(absl::string_view json, std::vector<Entry>& out) {
  if (absl::StripAsciiWhitespace(json).empty()) return BadJson("it is empty");
  if (const size_t nul = json.find('\0'); nul != absl::string_view::npos) {
    return BadJson(absl::StrCat("byte ", nul, ": a NUL"));
  }
  const sj::padded_string padded(json.data(), json.size());
  sj::ondemand::parser parser;
  sj::ondemand::document document;
  LG_RETURN_IF_JSON_ERROR(parser.iterate(padded).get(document));
  json_type type;
  LG_RETURN_IF_JSON_ERROR(document.type().get(type));
  if (type != json_type::array) return BadJson("it is no array of fields");
  return ReadEntries(padded, document, out);
}

}  // namespace

absl::StatusOr<std::vector<FieldInfo>> ReadFields(absl::string_view json) {
  std::vector<Entry> entries;
  if (absl::Status status = Read(json, entries); !status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the metadata is not readable: ", status.message()));
  }

  const bool any_unique =
      std::any_of(entries.begin(), entries.end(),
                  [](const Entry& entry) { return entry.info.unique; });
  std::vector<FieldInfo> fields;
  fields.reserve(entries.size());
  for (Entry& entry : entries) {
    if (!any_unique && !entry.unique_stated &&
        UniqueByDefault(entry.info.schema_name)) {
      entry.info.unique = true;
    }
    fields.push_back(std::move(entry.info));
  }
  return fields;
}

}  // namespace leadgateway::leadsquared
