#include "sandbox/update_request.h"

#include <rapidjson/document.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace leadgateway::sandbox {
namespace {

using rapidjson::Value;

absl::Status Invalid(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

const Value* Member(const Value& object, const char* name) {
  auto it = object.FindMember(name);
  return it == object.MemberEnd() ? nullptr : &it->value;
}

std::string TextOf(const Value& value) {
  return std::string(value.GetString(), value.GetStringLength());
}

absl::Status ReadLead(const Value& object, UpdateLead& lead) {
  if (!object.IsObject()) return Invalid("A lead is not an object");
  const Value* fields = Member(object, "Fields");
  if (fields == nullptr || fields->IsNull()) return absl::OkStatus();
  if (!fields->IsArray()) return Invalid("Fields is not a list");
  lead.fields.reserve(fields->Size());
  for (const Value& entry : fields->GetArray()) {
    if (!entry.IsObject()) return Invalid("A field is not an object");
    const Value* attribute = Member(entry, "Attribute");
    const Value* value = Member(entry, "Value");
    if (attribute == nullptr || !attribute->IsString() ||
        attribute->GetStringLength() == 0) {
      return Invalid("A field has no Attribute");
    }
    if (value == nullptr || !value->IsString()) {
      return Invalid("A field has no Value that is a string");
    }
    lead.fields.push_back({TextOf(*attribute), TextOf(*value)});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<UpdateRequest> ParseUpdateRequest(absl::string_view body,
                                                 size_t max_leads) {
  rapidjson::Document document;
  // Iterative, so that deep nesting cannot end the stack.
  document.Parse<rapidjson::kParseIterativeFlag |
                 rapidjson::kParseValidateEncodingFlag>(body.data(),
                                                        body.size());
  if (document.HasParseError()) return Invalid("The body is not valid JSON");
  if (!document.IsObject()) return Invalid("The body is not an object");

  UpdateRequest request;
  if (const Value* key = Member(document, "SearchByKey");
      key != nullptr && !key->IsNull()) {
    if (!key->IsString()) return Invalid("SearchByKey is not a string");
    request.search_key = TextOf(*key);
  }
  if (const Value* options = Member(document, "Options");
      options != nullptr && !options->IsNull()) {
    if (!options->IsObject()) return Invalid("Options is not an object");
    const Value* push =
        Member(*options, "PushNonExistentLeadsToUnProcessedList");
    if (push != nullptr && push->IsBool()) {
      request.push_non_existent = push->GetBool();
    } else if (push != nullptr && push->IsString() &&
               (absl::EqualsIgnoreCase(push->GetString(), "true") ||
                absl::EqualsIgnoreCase(push->GetString(), "false"))) {
      request.push_non_existent =
          absl::EqualsIgnoreCase(push->GetString(), "true");
    } else if (push != nullptr) {
      return Invalid(
          "PushNonExistentLeadsToUnProcessedList is not true or false");
    }
  }
  const Value* leads = Member(document, "LeadPropertiesList");
  if (leads == nullptr || !leads->IsArray() || leads->Empty()) {
    return Invalid("LeadPropertiesList cannot be empty");
  }
  if (leads->Size() > max_leads) {
    return Invalid(
        absl::StrCat("A maximum of ", max_leads, " leads can be updated"));
  }
  request.leads.resize(leads->Size());
  for (rapidjson::SizeType i = 0; i < leads->Size(); ++i) {
    absl::Status status = ReadLead((*leads)[i], request.leads[i]);
    if (!status.ok()) return status;
  }
  return request;
}

}  // namespace leadgateway::sandbox
