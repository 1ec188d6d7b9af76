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
#include "gateway/base/status_macros.h"
#include "gateway/leadsquared/json_walk.h"
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

// Text of a string, a number or null; anything else is an error. The samples
// show strings only, but an identifier that is a number would read like this.
absl::Status ReadText(sj::ondemand::value value, std::string& out) {
  sj::ondemand::json_type type;
  LG_RETURN_IF_JSON_ERROR(value.type().get(type));
  switch (type) {
    case sj::ondemand::json_type::string: {
      std::string_view text;
      LG_RETURN_IF_JSON_ERROR(value.get_string().get(text));
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
      LG_RETURN_IF_JSON_ERROR(value.get_double().get(number));
      return absl::OkStatus();
    }
    default:
      return BadJson("a text is an object, an array or a boolean");
  }
}

// A number, or a text of one. Anything else is only noted: no verdict depends
// on counts, so they spoil no answer.
absl::Status ReadCount(sj::ondemand::value value, std::optional<int64_t>& out,
                       bool& odd) {
  sj::ondemand::json_type type;
  LG_RETURN_IF_JSON_ERROR(value.type().get(type));
  if (type != sj::ondemand::json_type::number &&
      type != sj::ondemand::json_type::string) {
    odd = true;
    return Skip(value);
  }
  std::string text;
  LG_RETURN_IF_ERROR(ReadText(value, text));
  int64_t number = 0;
  if (absl::SimpleAtoi(text, &number)) {
    out = number;
  } else {
    odd = true;
  }
  return absl::OkStatus();
}

absl::Status ReadEntry(sj::ondemand::value value, AnswerEntry& out) {
  return ForEachField(value,
                      [&out](std::string_view key, sj::ondemand::value inner) {
                        if (key == "Identifier") {
                          return ReadText(inner, out.identifier);
                        }
                        if (key == "IdentifierValue") {
                          return ReadText(inner, out.value);
                        }
                        if (key == "Reason") return ReadText(inner, out.reason);
                        return Skip(inner);
                      });
}

absl::Status ReadEntries(sj::ondemand::value value,
                         std::vector<AnswerEntry>& out) {
  return ForEachElement(value, [&out](sj::ondemand::value element) {
    return ReadEntry(element, out.emplace_back());
  });
}

absl::Status ReadStatus(sj::ondemand::value value, UpdateAnswer& out) {
  sj::ondemand::json_type type;
  LG_RETURN_IF_JSON_ERROR(value.type().get(type));
  if (type != sj::ondemand::json_type::object) {
    return ReadText(value, out.error_status);
  }
  return ForEachField(
      value, [&out](std::string_view key, sj::ondemand::value inner) {
        if (key == "TotalCount") {
          return ReadCount(inner, out.total, out.odd_counts);
        }
        if (key == "SuccessCount") {
          return ReadCount(inner, out.succeeded, out.odd_counts);
        }
        if (key == "FailureCount") {
          return ReadCount(inner, out.failed, out.odd_counts);
        }
        if (key == "UnProcessedCount") {
          return ReadCount(inner, out.unprocessed, out.odd_counts);
        }
        return Skip(inner);
      });
}

absl::Status ReadDetails(sj::ondemand::value value, UpdateAnswer& out) {
  sj::ondemand::json_type type;
  LG_RETURN_IF_JSON_ERROR(value.type().get(type));
  if (type != sj::ondemand::json_type::object) return Skip(value);
  return ForEachField(value,
                      [&out](std::string_view key, sj::ondemand::value inner) {
                        std::vector<AnswerEntry>* const list =
                            key == "SuccessfulLeads"    ? &out.successful_leads
                            : key == "FailedLeads"      ? &out.failed_leads
                            : key == "UnProcessedLeads" ? &out.unprocessed_leads
                                                        : nullptr;
                        if (list == nullptr) return Skip(inner);
                        out.has_lists = true;
                        return ReadEntries(inner, *list);
                      });
}

absl::Status ReadAnswer(absl::string_view body, UpdateAnswer& out) {
  const sj::padded_string padded(body.data(), body.size());
  sj::ondemand::parser parser;
  sj::ondemand::document document;
  LG_RETURN_IF_JSON_ERROR(parser.iterate(padded).get(document));
  sj::ondemand::object object;
  LG_RETURN_IF_JSON_ERROR(document.get_object().get(object));
  LG_RETURN_IF_ERROR(ForEachField(
      object, [&out](std::string_view key, sj::ondemand::value value) {
        if (key == "Status") return ReadStatus(value, out);
        if (key == "Details") return ReadDetails(value, out);
        if (key == "ExceptionType") return ReadText(value, out.exception_type);
        if (key == "ExceptionMessage") {
          return ReadText(value, out.exception_message);
        }
        return Skip(value);
      }));
  return ReadEnd(document);
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
  UpdateAnswer answer;
  if (absl::Status status = ReadAnswer(body, answer); !status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the answer is not readable: ", status.message()));
  }
  return answer;
}

}  // namespace leadgateway::leadsquared
