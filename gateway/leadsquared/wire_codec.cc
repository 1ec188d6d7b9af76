#include "gateway/leadsquared/wire_codec.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "gateway/model/lead.h"
#include "rapidjson/stringbuffer.h"
#include "rapidjson/writer.h"
#include "simdjson.h"

namespace leadgateway::leadsquared {
namespace {

namespace sj = simdjson;

void Put(rapidjson::Writer<rapidjson::StringBuffer>& writer,
         absl::string_view text) {
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

absl::Status Bad(absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("the answer is not readable: ", what));
}

absl::Status Bad(sj::error_code code) { return Bad(sj::error_message(code)); }

#define LG_RETURN_IF_BAD(expr)                   \
  do {                                           \
    if (const sj::error_code lg_code = (expr)) { \
      return Bad(lg_code);                       \
    }                                            \
  } while (false)

// The type says null for whatever starts with an n.
absl::Status ReadNull(sj::ondemand::value value) {
  bool is_null = false;
  LG_RETURN_IF_BAD(value.is_null().get(is_null));
  return is_null ? absl::OkStatus() : Bad("not a value");
}

// Text of a string, a number or null; anything else is an error. The samples
// show strings only, but an identifier that is a number would read like this.
absl::Status ReadText(sj::ondemand::value value, std::string& out) {
  sj::ondemand::json_type type;
  LG_RETURN_IF_BAD(value.type().get(type));
  switch (type) {
    case sj::ondemand::json_type::string: {
      std::string_view text;
      LG_RETURN_IF_BAD(value.get_string().get(text));
      out.assign(text.data(), text.size());
      return absl::OkStatus();
    }
    case sj::ondemand::json_type::null:
      out.clear();
      return ReadNull(value);
    case sj::ondemand::json_type::number: {
      std::string_view token = value.raw_json_token();
      while (!token.empty() && (token.back() == ' ' || token.back() == '\n' ||
                                token.back() == '\r' || token.back() == '\t')) {
        token.remove_suffix(1);
      }
      out.assign(token.data(), token.size());
      // Reading it makes simdjson check that it is a number.
      double number = 0;
      LG_RETURN_IF_BAD(value.get_double().get(number));
      return absl::OkStatus();
    }
    default:
      return Bad("a text is an object, an array or a boolean");
  }
}

// On-demand parsing checks what is touched: so touch all of what is passed
// over.
absl::Status Skip(sj::ondemand::value value, int depth = 0) {
  if (depth > 64) return Bad("nested too deeply");
  sj::ondemand::json_type type;
  LG_RETURN_IF_BAD(value.type().get(type));
  switch (type) {
    case sj::ondemand::json_type::object: {
      sj::ondemand::object object;
      LG_RETURN_IF_BAD(value.get_object().get(object));
      for (auto field : object) {
        std::string_view key;
        LG_RETURN_IF_BAD(field.unescaped_key().get(key));
        sj::ondemand::value inner;
        LG_RETURN_IF_BAD(field.value().get(inner));
        if (absl::Status status = Skip(inner, depth + 1); !status.ok()) {
          return status;
        }
      }
      return absl::OkStatus();
    }
    case sj::ondemand::json_type::array: {
      sj::ondemand::array array;
      LG_RETURN_IF_BAD(value.get_array().get(array));
      for (auto element : array) {
        sj::ondemand::value inner;
        LG_RETURN_IF_BAD(element.get(inner));
        if (absl::Status status = Skip(inner, depth + 1); !status.ok()) {
          return status;
        }
      }
      return absl::OkStatus();
    }
    case sj::ondemand::json_type::string: {
      std::string_view text;
      LG_RETURN_IF_BAD(value.get_string().get(text));
      return absl::OkStatus();
    }
    case sj::ondemand::json_type::number: {
      double number = 0;
      LG_RETURN_IF_BAD(value.get_double().get(number));
      return absl::OkStatus();
    }
    case sj::ondemand::json_type::boolean: {
      bool boolean = false;
      LG_RETURN_IF_BAD(value.get_bool().get(boolean));
      return absl::OkStatus();
    }
    case sj::ondemand::json_type::null:
      return ReadNull(value);
  }
  return Bad("not a value");
}

// A number, or a text of one. Anything else is only noted: no verdict depends
// on counts, so they spoil no answer.
absl::Status ReadCount(sj::ondemand::value value, std::optional<int64_t>& out,
                       bool& odd) {
  sj::ondemand::json_type type;
  LG_RETURN_IF_BAD(value.type().get(type));
  if (type != sj::ondemand::json_type::number &&
      type != sj::ondemand::json_type::string) {
    odd = true;
    return Skip(value);
  }
  std::string text;
  if (absl::Status status = ReadText(value, text); !status.ok()) return status;
  int64_t number = 0;
  if (absl::SimpleAtoi(text, &number)) {
    out = number;
  } else {
    odd = true;
  }
  return absl::OkStatus();
}

absl::Status ReadEntries(sj::ondemand::value value,
                         std::vector<AnswerEntry>& out) {
  sj::ondemand::json_type type;
  LG_RETURN_IF_BAD(value.type().get(type));
  if (type == sj::ondemand::json_type::null) return ReadNull(value);
  sj::ondemand::array array;
  LG_RETURN_IF_BAD(value.get_array().get(array));
  for (auto element : array) {
    sj::ondemand::object object;
    LG_RETURN_IF_BAD(element.get_object().get(object));
    AnswerEntry entry;
    for (auto field : object) {
      std::string_view key;
      LG_RETURN_IF_BAD(field.unescaped_key().get(key));
      sj::ondemand::value inner;
      LG_RETURN_IF_BAD(field.value().get(inner));
      absl::Status status;
      if (key == "Identifier") {
        status = ReadText(inner, entry.identifier);
      } else if (key == "IdentifierValue") {
        status = ReadText(inner, entry.value);
      } else if (key == "Reason") {
        status = ReadText(inner, entry.reason);
      } else {
        status = Skip(inner);
      }
      if (!status.ok()) return status;
    }
    out.push_back(std::move(entry));
  }
  return absl::OkStatus();
}

absl::Status ReadStatus(sj::ondemand::value value, UpdateAnswer& out) {
  sj::ondemand::json_type type;
  LG_RETURN_IF_BAD(value.type().get(type));
  if (type != sj::ondemand::json_type::object) {
    return ReadText(value, out.error_status);
  }
  sj::ondemand::object object;
  LG_RETURN_IF_BAD(value.get_object().get(object));
  for (auto field : object) {
    std::string_view key;
    LG_RETURN_IF_BAD(field.unescaped_key().get(key));
    sj::ondemand::value inner;
    LG_RETURN_IF_BAD(field.value().get(inner));
    absl::Status status;
    if (key == "TotalCount") {
      status = ReadCount(inner, out.total, out.odd_counts);
    } else if (key == "SuccessCount") {
      status = ReadCount(inner, out.succeeded, out.odd_counts);
    } else if (key == "FailureCount") {
      status = ReadCount(inner, out.failed, out.odd_counts);
    } else if (key == "UnProcessedCount") {
      status = ReadCount(inner, out.unprocessed, out.odd_counts);
    } else {
      status = Skip(inner);
    }
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ReadDetails(sj::ondemand::value value, UpdateAnswer& out) {
  sj::ondemand::json_type type;
  LG_RETURN_IF_BAD(value.type().get(type));
  if (type != sj::ondemand::json_type::object) return Skip(value);
  sj::ondemand::object object;
  LG_RETURN_IF_BAD(value.get_object().get(object));
  for (auto field : object) {
    std::string_view key;
    LG_RETURN_IF_BAD(field.unescaped_key().get(key));
    sj::ondemand::value inner;
    LG_RETURN_IF_BAD(field.value().get(inner));
    absl::Status status;
    if (key == "SuccessfulLeads") {
      status = ReadEntries(inner, out.successful_leads);
      out.has_lists = true;
    } else if (key == "FailedLeads") {
      status = ReadEntries(inner, out.failed_leads);
      out.has_lists = true;
    } else if (key == "UnProcessedLeads") {
      status = ReadEntries(inner, out.unprocessed_leads);
      out.has_lists = true;
    } else {
      status = Skip(inner);
    }
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

std::string EncodeUpdate(absl::string_view search_key,
                         absl::Span<const LeadUpdate* const> leads) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  writer.StartObject();
  if (!search_key.empty()) {
    writer.Key("SearchByKey");
    Put(writer, search_key);
  }
  writer.Key("Options");
  writer.StartObject();
  writer.Key("PushNonExistentLeadsToUnProcessedList");
  writer.Bool(true);
  writer.EndObject();
  writer.Key("LeadPropertiesList");
  writer.StartArray();
  for (const LeadUpdate* lead : leads) {
    writer.StartObject();
    writer.Key("Fields");
    writer.StartArray();
    for (const FieldValue& field : lead->fields) {
      writer.StartObject();
      writer.Key("Attribute");
      Put(writer, field.attribute);
      writer.Key("Value");
      Put(writer, field.value);
      writer.EndObject();
    }
    writer.EndArray();
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize());
}

absl::StatusOr<UpdateAnswer> DecodeAnswer(absl::string_view body) {
  // A byte order mark says nothing in UTF-8, and some servers put one.
  absl::ConsumePrefix(&body, "\xEF\xBB\xBF");
  const sj::padded_string padded(body.data(), body.size());
  sj::ondemand::parser parser;
  sj::ondemand::document document;
  LG_RETURN_IF_BAD(parser.iterate(padded).get(document));
  sj::ondemand::object object;
  LG_RETURN_IF_BAD(document.get_object().get(object));
  UpdateAnswer answer;
  for (auto field : object) {
    std::string_view key;
    LG_RETURN_IF_BAD(field.unescaped_key().get(key));
    sj::ondemand::value value;
    LG_RETURN_IF_BAD(field.value().get(value));
    absl::Status status;
    if (key == "Status") {
      status = ReadStatus(value, answer);
    } else if (key == "Details") {
      status = ReadDetails(value, answer);
    } else if (key == "ExceptionType") {
      status = ReadText(value, answer.exception_type);
    } else if (key == "ExceptionMessage") {
      status = ReadText(value, answer.exception_message);
    } else {
      status = Skip(value);
    }
    if (!status.ok()) return status;
  }
  const char* rest = nullptr;
  if (document.current_location().get(rest) != sj::OUT_OF_BOUNDS) {
    return Bad("something stands behind the end");
  }
  return answer;
}

#undef LG_RETURN_IF_BAD

}  // namespace leadgateway::leadsquared
