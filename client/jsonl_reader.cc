#include "client/jsonl_reader.h"

#include <simdjson.h>

#include <cstdint>
#include <string>
#include <unordered_set>
#include <utility>

#include "client/printable.h"

namespace leadgateway::leadctl {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kBlank = " \t\r";

// A line longer than this is a mistake: nobody's lead is that long.
constexpr std::size_t kMaxLineBytes = 1 << 20;

// A member's name in a message, cut after this many bytes.
constexpr std::size_t kMaxNameBytes = 64;

// Why a line is refused; empty: it is fine.
using Complaint = std::string;

Complaint NotJson(simdjson::error_code error) {
  if (error == simdjson::UTF8_ERROR) return "invalid UTF-8";
  // simdjson's texts are constants: they do not quote the input.
  return std::string("not valid JSON (") + simdjson::error_message(error) + ")";
}

// Turns lines into leads. Keeps simdjson's parser and its buffers from line to
// line.
class JsonlLeadsReader {
 public:
  JsonlLeadsReader(std::string_view text, const RowOptions& options)
      : text_(text), options_(options) {
    if (text_.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
      text_.remove_prefix(kByteOrderMark.size());
    }
  }

  LeadRows Read() {
    LeadRows rows;
    int number = 0;
    std::size_t position = 0;
    while (position < text_.size()) {
      std::size_t end = text_.find('\n', position);
      if (end == std::string_view::npos) end = text_.size();
      const std::string_view line = text_.substr(position, end - position);
      position = end + 1;
      ++number;
      if (line.find_first_not_of(kBlank) == std::string_view::npos) continue;

      leadgateway::v1::Lead lead;
      Complaint complaint = ReadLine(line, lead);
      if (complaint.empty()) {
        *rows.leads.Add() = std::move(lead);
        rows.lines.push_back(number);
      } else {
        ++rows.bad_rows;
        rows.mistakes.Add({.line = number, .text = std::move(complaint)});
      }
    }
    if (rows.leads.empty() && rows.bad_rows == 0) {
      rows.mistakes.Add({.text = "the file has no leads"});
      rows.unusable = true;
    }
    return rows;
  }

 private:
  Complaint ReadLine(std::string_view line, leadgateway::v1::Lead& lead) {
    if (line.size() > kMaxLineBytes) {
      return "the line is longer than " + std::to_string(kMaxLineBytes) +
             " bytes";
    }
    // simdjson reads beyond the end of what it parses; padded_string makes room
    // for that.
    const simdjson::padded_string padded(line.data(), line.size());
    ondemand::document document;
    if (auto error = parser_.iterate(padded).get(document)) {
      return NotJson(error);
    }
    ondemand::object object;
    if (auto error = document.get_object().get(object)) {
      return error == simdjson::INCORRECT_TYPE ? "not a JSON object"
                                               : NotJson(error);
    }
    names_.clear();
    for (auto member : object) {
      Complaint complaint = ReadMember(member, lead);
      if (!complaint.empty()) return complaint;
    }
    // On-demand parsing stops where it was asked to; the rest of the line is
    // still unread.
    const char* rest = nullptr;
    if (document.current_location().get(rest) != simdjson::OUT_OF_BOUNDS) {
      return "text after the JSON object";
    }
    if (names_.empty()) return "the object is empty";
    return {};
  }

  Complaint ReadMember(simdjson::simdjson_result<ondemand::field> member,
                       leadgateway::v1::Lead& lead) {
    ondemand::field field;
    if (auto error = std::move(member).get(field)) return NotJson(error);
    std::string_view key;
    if (auto error = field.unescaped_key().get(key)) return NotJson(error);
    if (key.empty()) return "a member without a name";
    std::string name(key);
    if (!names_.insert(name).second) return Of(name) + " is there twice";

    ondemand::value value = field.value();
    if (name == options_.tag_column) return ReadTag(name, value, lead);
    leadgateway::v1::LeadField& target = *lead.add_fields();
    Complaint complaint = ReadValue(name, value, target);
    target.set_attribute(std::move(name));
    return complaint;
  }

  static Complaint ReadTag(const std::string& name, ondemand::value& value,
                           leadgateway::v1::Lead& lead) {
    std::string_view tag;
    const auto error = value.get_string().get(tag);
    if (error == simdjson::INCORRECT_TYPE) {
      return Of(name) + " is the tag and must be a string";
    }
    if (error) return NotJson(error);
    if (tag.size() > kMaxTagBytes) {
      return Of(name) + " is the tag and has " + std::to_string(tag.size()) +
             " bytes, at most " + std::to_string(kMaxTagBytes) + " are allowed";
    }
    lead.set_tag(std::string(tag));
    return {};
  }

  static Complaint ReadValue(const std::string& name, ondemand::value& value,
                             leadgateway::v1::LeadField& target) {
    ondemand::json_type type;
    if (auto error = value.type().get(type)) return NotJson(error);
    switch (type) {
      case ondemand::json_type::object:
        return Of(name) + " is an object; a field has one plain value";
      case ondemand::json_type::array:
        return Of(name) + " is an array; a field has one plain value";
      case ondemand::json_type::string: {
        std::string_view text;
        if (auto error = value.get_string().get(text)) return NotJson(error);
        if (text.find('\0') != std::string_view::npos) {
          return Of(name) + " holds a NUL character";
        }
        target.set_string_value(std::string(text));
        return {};
      }
      case ondemand::json_type::number:
        return ReadNumber(name, value, target);
      case ondemand::json_type::boolean: {
        bool flag = false;
        if (auto error = value.get_bool().get(flag)) return NotJson(error);
        target.set_bool_value(flag);
        return {};
      }
      case ondemand::json_type::null: {
        bool is_null = false;
        const auto error = value.is_null().get(is_null);
        if (error) return NotJson(error);
        if (!is_null) return NotJson(simdjson::N_ATOM_ERROR);
        target.mutable_clear();
        return {};
      }
    }
    return Of(name) + " has a value of an unknown kind";
  }

  static Complaint ReadNumber(const std::string& name, ondemand::value& value,
                              leadgateway::v1::LeadField& target) {
    ondemand::number number;
    if (value.get_number().get(number)) {
      return Of(name) + " is a number that is malformed or out of range";
    }
    switch (number.get_number_type()) {
      case ondemand::number_type::signed_integer:
        target.set_int64_value(number.get_int64());
        return {};
      case ondemand::number_type::floating_point_number:
        target.set_double_value(number.get_double());
        return {};
      case ondemand::number_type::unsigned_integer:
        break;  // Larger than any int64.
    }
    return Of(name) + " is a whole number beyond 64 bits with sign";
  }

  static std::string Of(const std::string& name) {
    return "field \"" + Printable(name, kMaxNameBytes) + "\"";
  }

  std::string_view text_;
  const RowOptions& options_;
  ondemand::parser parser_;
  std::unordered_set<std::string> names_;
};

}  // namespace

LeadRows ReadJsonlLeads(std::string_view text, const RowOptions& options) {
  return JsonlLeadsReader(text, options).Read();
}

}  // namespace leadgateway::leadctl
