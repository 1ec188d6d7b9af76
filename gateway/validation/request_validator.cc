#include "gateway/validation/request_validator.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "gateway/model/errors.h"
#include "gateway/model/folded_text.h"
#include "gateway/model/lead.h"
#include "gateway/model/reason.h"
#include "gateway/schema/field_catalogue.h"
#include "gateway/validation/value_text.h"

namespace leadgateway::validation {
namespace {

constexpr absl::string_view kProspectId = "ProspectId";
// Other indexes that a message about a repeated key names.
constexpr size_t kMaxNamedIndexes = 5;

// By the metadata where there is some, otherwise by the name.
bool HoldsPhoneNumbers(absl::string_view attribute,
                       const schema::FieldCatalogue* catalogue) {
  const schema::FieldInfo* const field =
      catalogue != nullptr ? catalogue->Find(attribute) : nullptr;
  if (field != nullptr) return field->data_type == "Phone";
  return absl::StrContains(attribute, "Phone") ||
         absl::StrContains(attribute, "Mobile");
}

std::string PathOf(int index) { return errors::LeadPath(index); }

std::string PathOf(int index, absl::string_view attribute) {
  return errors::FieldPath(index, attribute);
}

// Gathers the mistakes of one lead.
class Mistakes {
 public:
  void Add(Reason reason, std::string path, std::string description) {
    violations_.push_back({reason, std::move(path), std::move(description)});
  }
  bool any() const { return !violations_.empty(); }

  Problem Take() {
    Problem problem;
    problem.reason = violations_.front().reason;
    problem.message = absl::StrCat(violations_.front().field, " ",
                                   violations_.front().description);
    if (violations_.size() > 1) {
      absl::StrAppend(
          &problem.message, " (and ", violations_.size() - 1,
          violations_.size() == 2 ? " more mistake)" : " more mistakes)");
    }
    problem.violations = std::move(violations_);
    return problem;
  }

 private:
  std::vector<FieldViolation> violations_;
};

// One lead while the request is looked at.
struct Draft {
  LeadUpdate update;
  Mistakes mistakes;
  std::optional<size_t> key_field;
};

// What all leads of a request have in common.
struct Frame {
  absl::string_view search_key;  // "" finds leads by ProspectId
  bool key_is_phone = false;
  const schema::FieldCatalogue* catalogue = nullptr;
};

// Whether the account's leads have the field, and it may be set.
void CheckName(const std::string& attribute, bool is_key, std::string path,
               const schema::FieldCatalogue& catalogue, Mistakes& mistakes) {
  if (IsProspectId(attribute)) return;
  const schema::FieldInfo* const field = catalogue.Find(attribute);
  if (field == nullptr) {
    std::string description = "is no field of this account's leads";
    const std::vector<std::string> nearest = catalogue.Nearest(attribute);
    if (!nearest.empty()) {
      absl::StrAppend(&description, "; did you mean ",
                      absl::StrJoin(nearest, " or "), "?");
    }
    mistakes.Add(Reason::kFieldUnknown, std::move(path),
                 std::move(description));
  } else if (field->read_only && !is_key) {
    mistakes.Add(Reason::kFieldReadOnly, std::move(path),
                 "is locked in LeadSquared; updates of it are refused");
  }
}

Draft ReadLead(const v1::Lead& lead, int index, const Frame& frame) {
  const absl::string_view search_key = frame.search_key;
  const bool by_prospect_id = search_key.empty();
  Draft draft;
  draft.update.index = index;
  draft.update.fields.reserve(static_cast<size_t>(lead.fields_size()));
  if (lead.tag().size() > kMaxTagBytes) {
    draft.mistakes.Add(
        Reason::kTagTooLong, absl::StrCat(PathOf(index), ".tag"),
        absl::StrCat("has ", lead.tag().size(), " bytes; at most ",
                     kMaxTagBytes, " are allowed"));
  } else {
    draft.update.tag = lead.tag();
  }

  absl::flat_hash_set<absl::string_view> seen;
  for (const v1::LeadField& field : lead.fields()) {
    const std::string& attribute = field.attribute();
    const auto path = [&] { return PathOf(index, attribute); };
    if (attribute.empty()) {
      draft.mistakes.Add(Reason::kFieldUnknown, path(),
                         "has no attribute name");
      continue;
    }
    const bool is_key =
        by_prospect_id ? IsProspectId(attribute) : attribute == search_key;
    if (!seen.insert(attribute).second || (is_key && draft.key_field)) {
      draft.mistakes.Add(Reason::kFieldRepeated, path(),
                         "stands in the lead more than once");
      continue;
    }
    if (frame.catalogue != nullptr) {
      CheckName(attribute, is_key, path(), *frame.catalogue, draft.mistakes);
    }
    absl::StatusOr<std::string> text = ValueText(field);
    if (!text.ok()) {
      draft.mistakes.Add(text.status().code() == absl::StatusCode::kNotFound
                             ? Reason::kValueMissing
                             : Reason::kValueTypeMismatch,
                         path(), std::string(text.status().message()));
      if (is_key) draft.key_field = draft.update.fields.size();
      // Keeps the position of the key valid.
      draft.update.fields.push_back({attribute, ""});
      continue;
    }
    if (is_key) {
      if (absl::StripAsciiWhitespace(*text).empty()) {
        draft.mistakes.Add(Reason::kSearchKeyMissing, path(),
                           "is the search key and is empty");
      }
      draft.key_field = draft.update.fields.size();
    }
    // The spelling that every client reports as working.
    draft.update.fields.push_back(
        {is_key && by_prospect_id ? std::string(kProspectId) : attribute,
         *std::move(text)});
  }

  const absl::string_view key_name = by_prospect_id ? kProspectId : search_key;
  if (lead.fields_size() == 0) {
    draft.mistakes.Add(Reason::kNoFields, PathOf(index),
                       absl::StrCat("has no fields; it needs ", key_name,
                                    " to be found, and a field to set"));
  } else if (!draft.key_field) {
    draft.mistakes.Add(Reason::kSearchKeyMissing, PathOf(index),
                       absl::StrCat("has no field \"", key_name,
                                    "\", by which leads are found"));
  } else if (lead.fields_size() == 1) {
    draft.mistakes.Add(Reason::kNoFields, PathOf(index),
                       absl::StrCat("has no field to set beside \"", key_name,
                                    "\", by which it is found"));
  }
  if (draft.key_field) {
    draft.update.key_field = *draft.key_field;
    const FieldValue& key = draft.update.key();
    draft.update.lane_key = LaneKey(key.value, frame.key_is_phone);
  }
  return draft;
}

std::string OtherIndexes(const std::vector<int>& all, int self) {
  std::string text;
  size_t named = 0;
  for (const int index : all) {
    if (index == self) continue;
    if (named == kMaxNamedIndexes) {
      absl::StrAppend(&text, " and ", all.size() - 1 - named, " more");
      break;
    }
    absl::StrAppend(&text, named == 0 ? "" : ", ", PathOf(index));
    ++named;
  }
  return text;
}

void MarkRepeatedKeys(std::vector<Draft>& drafts) {
  absl::flat_hash_map<absl::string_view, std::vector<int>> by_key;
  for (const Draft& draft : drafts) {
    if (draft.update.lane_key.empty()) continue;
    by_key[draft.update.lane_key].push_back(draft.update.index);
  }
  for (Draft& draft : drafts) {
    if (draft.update.lane_key.empty()) continue;
    const std::vector<int>& indexes = by_key[draft.update.lane_key];
    if (indexes.size() == 1) continue;
    draft.mistakes.Add(
        Reason::kDuplicateSearchKey,
        PathOf(draft.update.index, draft.update.key().attribute),
        absl::StrCat("is the same as in ",
                     OtherIndexes(indexes, draft.update.index),
                     " (compared trimmed and without regard to case); merge "
                     "them, or send them in separate requests"));
  }
}

LeadResult InvalidResult(Draft draft) {
  LeadResult result;
  result.index = draft.update.index;
  result.tag = std::move(draft.update.tag);
  result.outcome = Outcome::kInvalid;
  if (draft.key_field) {
    result.identifier = draft.update.key().attribute;
    result.identifier_value = draft.update.key().value;
  }
  result.problem = draft.mistakes.Take();
  return result;
}

}  // namespace

bool IsProspectId(absl::string_view attribute) {
  return attribute == "ProspectId" || attribute == "ProspectID";
}

std::string LaneKey(absl::string_view value, bool is_phone) {
  if (is_phone) {
    std::string digits;
    for (const char c : value) {
      if (absl::ascii_isdigit(static_cast<unsigned char>(c))) digits += c;
    }
    if (!digits.empty()) return digits;
  }
  return Folded(value);
}

absl::StatusOr<ValidatedRequest> ValidateRequest(
    const v1::BulkUpdateLeadsRequest& request,
    const ValidationOptions& options) {
  if (request.leads_size() == 0) return errors::EmptyRequest();
  if (request.leads_size() > options.max_leads) {
    return errors::TooManyLeads(request.leads_size(), options.max_leads);
  }
  ValidatedRequest validated;
  if (!IsProspectId(request.search_by_key())) {
    validated.search_key = request.search_by_key();
  }
  const schema::FieldCatalogue* const catalogue = options.catalogue;
  if (catalogue != nullptr && !validated.search_key.empty()) {
    const schema::FieldInfo* const key = catalogue->Find(validated.search_key);
    if (key == nullptr) {
      return errors::SearchKeyUnknown(validated.search_key,
                                      catalogue->Nearest(validated.search_key));
    }
    if (!key->unique) {
      return errors::SearchKeyNotUnique(validated.search_key,
                                        catalogue->UniqueNames());
    }
  }
  const Frame frame{
      .search_key = validated.search_key,
      .key_is_phone = HoldsPhoneNumbers(validated.search_key, catalogue),
      .catalogue = catalogue};
  std::vector<Draft> drafts;
  drafts.reserve(static_cast<size_t>(request.leads_size()));
  for (int i = 0; i < request.leads_size(); ++i) {
    drafts.push_back(ReadLead(request.leads(i), i, frame));
  }
  MarkRepeatedKeys(drafts);
  for (Draft& draft : drafts) {
    if (draft.mistakes.any()) {
      validated.invalid.push_back(InvalidResult(std::move(draft)));
    } else {
      validated.leads.push_back(std::move(draft.update));
    }
  }
  return validated;
}

}  // namespace leadgateway::validation
