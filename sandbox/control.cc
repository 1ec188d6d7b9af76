#include "sandbox/control.h"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace leadgateway::sandbox {
namespace {

using rapidjson::Value;

constexpr size_t kDefaultRecordPage = 10'000;

std::string OneMemberJson(const char* key, absl::string_view text) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  writer.StartObject();
  writer.Key(key);
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  writer.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize());
}

Reply Json(int status, std::string body) {
  Reply reply;
  reply.status = status;
  reply.body = std::move(body);
  return reply;
}

Reply Done(const absl::Status& status) {
  if (status.ok()) return Json(200, "{\"ok\":true}");
  return Json(status.code() == absl::StatusCode::kNotFound ? 404 : 400,
              OneMemberJson("error", status.message()));
}

Reply Fail(int status, absl::string_view what) {
  return Json(status, OneMemberJson("error", what));
}

bool ParseObject(absl::string_view body, rapidjson::Document& document) {
  document.Parse<rapidjson::kParseIterativeFlag |
                 rapidjson::kParseValidateEncodingFlag>(body.data(),
                                                        body.size());
  return !document.HasParseError() && document.IsObject();
}

const Value* Member(const Value& object, const char* name) {
  auto it = object.FindMember(name);
  return it == object.MemberEnd() ? nullptr : &it->value;
}

// False when the member is there and not a string.
bool TakeText(const Value& object, const char* name, std::string& text) {
  const Value* value = Member(object, name);
  if (value == nullptr) return true;
  if (!value->IsString()) return false;
  text.assign(value->GetString(), value->GetStringLength());
  return true;
}

bool TakeBool(const Value& object, const char* name, bool& flag) {
  const Value* value = Member(object, name);
  if (value == nullptr) return true;
  if (!value->IsBool()) return false;
  flag = value->GetBool();
  return true;
}

absl::StatusOr<Field> ReadField(const Value& object) {
  const absl::Status wrong = absl::InvalidArgumentError(
      "A field is an object with SchemaName and, of the right types, "
      "DisplayName, DataType, RenderTypeTextValue, MaxLength, IsMandatory, "
      "IsUnique, IsReadOnly, LockAfterCreate, Options");
  if (!object.IsObject()) return wrong;
  Field field;
  std::string max_length;
  if (!TakeText(object, "SchemaName", field.schema_name) ||
      !TakeText(object, "DisplayName", field.display_name) ||
      !TakeText(object, "DataType", field.data_type) ||
      !TakeText(object, "RenderTypeTextValue", field.render_type_text) ||
      !TakeText(object, "MaxLength", max_length) ||
      !TakeBool(object, "IsMandatory", field.is_mandatory) ||
      !TakeBool(object, "IsUnique", field.is_unique) ||
      !TakeBool(object, "IsReadOnly", field.is_read_only)) {
    return wrong;
  }
  if (!max_length.empty()) field.max_length = max_length;
  if (const Value* lock = Member(object, "LockAfterCreate")) {
    if (!lock->IsInt() || lock->GetInt() < 0 || lock->GetInt() > 2) {
      return wrong;
    }
    field.lock_after_create = lock->GetInt();
  }
  if (const Value* options = Member(object, "Options")) {
    if (!options->IsArray()) return wrong;
    for (const Value& option : options->GetArray()) {
      if (!option.IsString()) return wrong;
      field.options.emplace_back(option.GetString(), option.GetStringLength());
    }
  }
  return field;
}

// {"add":[{field}...],"remove":["name"...]}; stops at the first mistake.
absl::Status ChangeFields(Account& account, absl::string_view body) {
  rapidjson::Document document;
  if (!ParseObject(body, document)) {
    return absl::InvalidArgumentError("The body must be a JSON object");
  }
  const Value* remove = Member(document, "remove");
  const Value* add = Member(document, "add");
  if ((remove != nullptr && !remove->IsArray()) ||
      (add != nullptr && !add->IsArray()) ||
      (add == nullptr && remove == nullptr)) {
    return absl::InvalidArgumentError("'add' and 'remove' must be lists");
  }
  if (remove != nullptr) {
    for (const Value& name : remove->GetArray()) {
      if (!name.IsString()) {
        return absl::InvalidArgumentError("'remove' must hold names");
      }
      absl::Status status = account.RemoveField(
          absl::string_view(name.GetString(), name.GetStringLength()));
      if (!status.ok()) return status;
    }
  }
  if (add != nullptr) {
    for (const Value& entry : add->GetArray()) {
      absl::StatusOr<Field> field = ReadField(entry);
      if (!field.ok()) return field.status();
      absl::Status status = account.AddField(*std::move(field));
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

// {"pairs":[{"label":"new","accessKey":"...","secretKey":"..."}]}
absl::Status RotateKeys(Account& account, absl::string_view body) {
  const absl::Status wrong = absl::InvalidArgumentError(
      "'pairs' must be a list, not empty, of objects with accessKey and "
      "secretKey, and a label");
  rapidjson::Document document;
  if (!ParseObject(body, document)) return wrong;
  const Value* pairs = Member(document, "pairs");
  if (pairs == nullptr || !pairs->IsArray() || pairs->Empty()) return wrong;
  std::vector<KeyPair> keys;
  for (const Value& entry : pairs->GetArray()) {
    KeyPair pair;
    if (!entry.IsObject() || !TakeText(entry, "label", pair.label) ||
        !TakeText(entry, "accessKey", pair.access_key) ||
        !TakeText(entry, "secretKey", pair.secret_key) ||
        pair.access_key.empty() || pair.secret_key.empty()) {
      return wrong;
    }
    if (pair.label.empty()) pair.label = absl::StrCat("pair-", keys.size() + 1);
    keys.push_back(std::move(pair));
  }
  account.AcceptKeys(std::move(keys));
  return absl::OkStatus();
}

Reply GetRecord(const Account& account, absl::string_view query) {
  std::uint64_t from = 1;
  std::uint64_t limit = kDefaultRecordPage;
  const auto take = [&](absl::string_view name, std::uint64_t& number) {
    const std::optional<std::string> text = QueryValue(query, name);
    return !text.has_value() || absl::SimpleAtoi(*text, &number);
  };
  if (!take("from", from) || !take("limit", limit)) {
    return Fail(400, "'from' and 'limit' must be whole numbers");
  }
  std::string lines;
  for (const CallRecord& call : account.Record(from, limit)) {
    absl::StrAppend(&lines, call.ToJson(), "\n");
  }
  return Json(200, std::move(lines));
}

Reply GetLead(const Account& account, absl::string_view query) {
  const std::optional<std::string> key = QueryValue(query, "key");
  const std::optional<std::string> value = QueryValue(query, "value");
  if (!key.has_value() || !value.has_value()) {
    return Fail(400, "'key' and 'value' are needed, percent-encoded");
  }
  const auto fields = account.FindLead(*key, *value);
  if (!fields.has_value()) return Fail(404, "No such lead");
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  writer.StartObject();
  for (const auto& [name, text] : *fields) {
    writer.Key(name.c_str());
    writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  }
  writer.EndObject();
  return Json(200, std::string(buffer.GetString(), buffer.GetSize()));
}

Reply GetHistory(const Account& account, absl::string_view query) {
  const std::optional<std::string> key = QueryValue(query, "key");
  const std::optional<std::string> value = QueryValue(query, "value");
  if (!key.has_value() || !value.has_value()) {
    return Json(200, account.HistoryJson());
  }
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  writer.StartArray();
  for (const AppliedUpdate& update : account.History(*key, *value)) {
    writer.StartObject();
    writer.Key("call");
    writer.Uint64(update.call);
    writer.Key("index");
    writer.Uint(update.index);
    writer.Key("at_us");
    writer.Int64(absl::ToUnixMicros(update.at));
    writer.Key("value");
    writer.String(update.value.data(),
                  static_cast<rapidjson::SizeType>(update.value.size()));
    writer.EndObject();
  }
  writer.EndArray();
  return Json(200, std::string(buffer.GetString(), buffer.GetSize()));
}

}  // namespace

Reply HandleControl(Account& account, absl::string_view method,
                    absl::string_view target, absl::string_view body) {
  absl::string_view path = target.substr(0, target.find('?'));
  const absl::string_view query = path.size() < target.size()
                                      ? target.substr(path.size() + 1)
                                      : absl::string_view();
  path.remove_prefix(std::min(path.size(), kControlPrefix.size()));
  const bool get = method == "GET";
  const bool post = method == "POST";

  if (path == "stats" && get) return Json(200, account.Stats().ToJson());
  if (path == "record" && get) return GetRecord(account, query);
  if (path == "lead" && get) return GetLead(account, query);
  if (path == "history" && get) return GetHistory(account, query);
  if (path == "faults" && get) return Json(200, account.FaultsJson());
  if (path == "faults" && post) return Done(account.SetFaults(body));
  if (path == "faults" && method == "DELETE") {
    account.ClearFaults();
    return Done(absl::OkStatus());
  }
  if (path == "fields" && post) return Done(ChangeFields(account, body));
  if (path == "keys" && post) return Done(RotateKeys(account, body));
  if (path == "leads" && post) {
    return Done(account.LoadLeadsFromText(body).status());
  }
  if (path == "reset" && post) {
    account.Reset();
    return Done(absl::OkStatus());
  }
  for (absl::string_view known :
       {"stats", "record", "lead", "history", "faults", "fields", "keys",
        "leads", "reset"}) {
    if (path == known) return Fail(405, "This path has another method");
  }
  return Fail(404, "No such control path");
}

}  // namespace leadgateway::sandbox
