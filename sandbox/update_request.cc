#include "sandbox/update_request.h"

#include <simdjson.h>

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace leadgateway::sandbox {
namespace {

// The DOM parser, not on-demand: it checks the whole text, UTF-8 and end
// included, before anything is read. Deep nesting is an error of its own.
using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

absl::Status Invalid(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

// Takes a member that is there and not null.
bool Take(const object& from, std::string_view name, element& value) {
  return from.at_key(name).get(value) == simdjson::SUCCESS && !value.is_null();
}

bool TakeText(const element& value, std::string& text) {
  std::string_view view;
  if (value.get(view) != simdjson::SUCCESS) return false;
  text.assign(view);
  return true;
}

absl::Status ReadLead(const element& entry, UpdateLead& lead) {
  object properties;
  if (entry.get(properties) != simdjson::SUCCESS) {
    return Invalid("A lead is not an object");
  }
  element fields_element;
  if (!Take(properties, "Fields", fields_element)) return absl::OkStatus();
  array fields;
  if (fields_element.get(fields) != simdjson::SUCCESS) {
    return Invalid("Fields is not a list");
  }
  lead.fields.reserve(fields.size());
  for (const element field_element : fields) {
    object field;
    if (field_element.get(field) != simdjson::SUCCESS) {
      return Invalid("A field is not an object");
    }
    UpdateField update;
    element attribute;
    element value;
    if (!Take(field, "Attribute", attribute) ||
        !TakeText(attribute, update.attribute) || update.attribute.empty()) {
      return Invalid("A field has no Attribute");
    }
    if (!Take(field, "Value", value) || !TakeText(value, update.value)) {
      return Invalid("A field has no Value that is a string");
    }
    lead.fields.push_back(std::move(update));
  }
  return absl::OkStatus();
}

absl::Status ReadOptions(const element& value, UpdateRequest& request) {
  object options;
  if (value.get(options) != simdjson::SUCCESS) {
    return Invalid("Options is not an object");
  }
  element push;
  if (options.at_key("PushNonExistentLeadsToUnProcessedList").get(push) !=
      simdjson::SUCCESS) {
    return absl::OkStatus();
  }
  std::string text;
  if (push.get(request.push_non_existent) == simdjson::SUCCESS) {
    return absl::OkStatus();
  }
  // The page writes True and False.
  if (TakeText(push, text)) {
    request.push_non_existent = absl::EqualsIgnoreCase(text, "true");
    if (request.push_non_existent || absl::EqualsIgnoreCase(text, "false")) {
      return absl::OkStatus();
    }
  }
  return Invalid("PushNonExistentLeadsToUnProcessedList is not true or false");
}

}  // namespace

absl::StatusOr<UpdateRequest> ParseUpdateRequest(absl::string_view body,
                                                 size_t max_leads) {
  // Keeps its buffers from call to call.
  thread_local simdjson::dom::parser parser;
  element root;
  if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS) {
    return Invalid("The body is not valid JSON");
  }
  object document;
  if (root.get(document) != simdjson::SUCCESS) {
    return Invalid("The body is not an object");
  }
  UpdateRequest request;
  element value;
  if (Take(document, "SearchByKey", value) &&
      !TakeText(value, request.search_key)) {
    return Invalid("SearchByKey is not a string");
  }
  if (Take(document, "Options", value)) {
    absl::Status status = ReadOptions(value, request);
    if (!status.ok()) return status;
  }
  array leads;
  if (!Take(document, "LeadPropertiesList", value) ||
      value.get(leads) != simdjson::SUCCESS || leads.size() == 0) {
    return Invalid("LeadPropertiesList cannot be empty");
  }
  if (leads.size() > max_leads) {
    return Invalid(
        absl::StrCat("A maximum of ", max_leads, " leads can be updated"));
  }
  request.leads.resize(leads.size());
  size_t i = 0;
  for (const element lead : leads) {
    absl::Status status = ReadLead(lead, request.leads[i++]);
    if (!status.ok()) return status;
  }
  return request;
}

}  // namespace leadgateway::sandbox
