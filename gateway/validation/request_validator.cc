#include "gateway/validation/request_validator.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gateway/model/errors.h"
#include "gateway/model/field_checks.h"
#include "gateway/model/folded_text.h"
#include "gateway/model/lead.h"
#include "gateway/model/lead_mistakes.h"
#include "gateway/model/limits.h"
#include "gateway/model/outcome.h"
#include "gateway/model/reason.h"
#include "gateway/schema/field_catalogue.h"
#include "gateway/validation/field_value.h"
#include "gateway/validation/value_text.h"

namespace leadgateway::validation {
namespace {

using schema::FieldCatalogue;
using schema::FieldInfo;
using schema::FieldKind;

constexpr absl::string_view kProspectId = "ProspectId";
// Of an unknown name, to remember what it may mean; LeadSquared's have at most
// 50.
constexpr size_t kMaxNameBytes = 200;
// Names and options that a request's mistakes are compared with, to tell what
// was meant: some 0.2 s at worst. What comes after that gets no suggestion.
constexpr size_t kMaxComparisons = 100'000;

// By the metadata where there is some, otherwise by the name.
bool HoldsPhoneNumbers(absl::string_view attribute,
                       const FieldCatalogue* catalogue) {
  const FieldInfo* const field =
      catalogue != nullptr ? catalogue->Find(attribute) : nullptr;
  if (field != nullptr) return field->kind == FieldKind::kPhone;
  return absl::StrContains(attribute, "Phone") ||
         absl::StrContains(attribute, "Mobile");
}

std::string PathOf(int index) { return errors::LeadPath(index); }

std::string PathOf(int index, absl::string_view attribute) {
  return errors::FieldPath(index, attribute);
}

// Mistakes of one kind of severity in one lead: those that are listed, and how
// many there are.
struct Findings {
  std::vector<FieldViolation> listed;
  int count = 0;

  void CountTheRest(int index) {
    const int rest = count - static_cast<int>(listed.size());
    if (rest == 0) return;
    listed.push_back(
        {listed.back().reason, PathOf(index), mistakes::Unlisted(rest)});
  }
};

struct LeadFindings {
  Findings mistakes;
  Findings warnings;
};

Problem ToProblem(Findings findings, int index) {
  Problem problem;
  const FieldViolation& first = findings.listed.front();
  problem.reason = first.reason;
  problem.message = absl::StrCat(first.field, " ", first.description);
  if (findings.count > 1) {
    absl::StrAppend(&problem.message, " (and ", findings.count - 1,
                    findings.count == 2 ? " more mistake)" : " more mistakes)");
  }
  findings.CountTheRest(index);
  problem.violations = std::move(findings.listed);
  return problem;
}

// The kinds whose MaxLength is one of their text. That of a number or a date is
// how wide a form shows it.
bool HasLength(FieldKind kind) {
  switch (kind) {
    case FieldKind::kText:
    case FieldKind::kEmail:
    case FieldKind::kPhone:
    case FieldKind::kWebsite:
    case FieldKind::kSelect:
    case FieldKind::kMultiSelect:
      return true;
    default:
      return false;
  }
}

class Validator {
 public:
  Validator(v1::BulkUpdateLeadsRequest& request,
            const ValidationOptions& options, std::string search_key)
      : request_(request),
        catalogue_(options.catalogue),
        checks_(options.checks),
        search_key_(std::move(search_key)),
        key_is_phone_(!search_key_.empty() &&
                      HoldsPhoneNumbers(search_key_, catalogue_)) {
    if (catalogue_ != nullptr) {
      seen_.resize(catalogue_->fields().size(), -1);
      prospect_id_ = catalogue_->Find("ProspectID");
      if (prospect_id_ == nullptr) {
        prospect_id_ = catalogue_->Find(kProspectId);
      }
    }
  }

  // Finds the fields that the request's names mean. Returns whether the
  // catalogue has all of them.
  bool Resolve();

  ValidatedRequest Run();

 private:
  void ReadLead(int index, const FieldInfo* const* infos);
  void ReadField(v1::LeadField& field, const FieldInfo* info);
  // Whether the field stands in the lead for the second time.
  bool IsRepeated(const std::string& attribute, const FieldInfo* info,
                  bool is_key) const;
  void CheckName(const std::string& attribute, const FieldInfo* info,
                 bool is_key);
  // Moves the value's text out; false if there is none to send.
  bool TakeText(v1::LeadField& field, const FieldInfo* info, std::string& text);
  void CheckText(const FieldInfo& info, absl::string_view text);
  bool IsAmongOptions(const FieldInfo& info, absl::string_view text) const;
  void CheckKey();
  void CheckShape(const v1::Lead& lead);
  void MarkRepeatedKeys();
  LeadResult InvalidResult(LeadUpdate lead, LeadFindings findings) const;

  bool by_prospect_id() const { return search_key_.empty(); }
  absl::string_view key_name() const {
    return by_prospect_id() ? kProspectId : absl::string_view(search_key_);
  }
  int index() const { return leads_.back().index; }

  // `describe` is called only if the mistake is listed.
  template <typename Path, typename Describe>
  void Find(int index, CheckPolicy policy, Reason reason, Path path,
            Describe describe);
  // The same for the lead that is being read, and one of its fields.
  template <typename Describe>
  void Find(CheckPolicy policy, Reason reason, absl::string_view attribute,
            Describe describe) {
    Find(
        index(), policy, reason, [&] { return PathOf(index(), attribute); },
        describe);
  }
  template <typename Describe>
  void Refuse(Reason reason, absl::string_view attribute, Describe describe) {
    Find(CheckPolicy::kReject, reason, attribute, describe);
  }
  template <typename Describe>
  void RefuseLead(Reason reason, Describe describe) {
    Find(
        index(), CheckPolicy::kReject, reason, [&] { return PathOf(index()); },
        describe);
  }

  std::string DescribeUnknown(const std::string& attribute);
  std::string DescribeNoOption(const FieldInfo& info, absl::string_view text);

  v1::BulkUpdateLeadsRequest& request_;
  const FieldCatalogue* const catalogue_;
  const FieldChecks checks_;
  const std::string search_key_;
  const bool key_is_phone_;
  const FieldInfo* prospect_id_ = nullptr;

  // Of all leads, one after the other; null for names that are no fields.
  std::vector<const FieldInfo*> resolved_;

  std::vector<LeadUpdate> leads_;
  absl::flat_hash_map<int, LeadFindings> findings_;
  int listed_ = 0;
  size_t comparisons_left_ = kMaxComparisons;
  absl::flat_hash_map<std::string, std::string> unknown_names_;

  // Of the lead that is being read.
  std::optional<size_t> key_field_;
  std::vector<int>
      seen_;  // by position in the catalogue: the last lead's index
  absl::flat_hash_set<absl::string_view> other_names_;
};

bool Validator::Resolve() {
  size_t fields = 0;
  for (const v1::Lead& lead : request_.leads()) {
    fields += static_cast<size_t>(lead.fields_size());
  }
  resolved_.reserve(fields);
  bool all_known = true;
  // Leads of one request tend to have the same fields in the same order, and
  // comparing costs less than looking up.
  size_t before = 0;  // where the fields of the lead before start
  size_t before_end = 0;
  for (const v1::Lead& lead : request_.leads()) {
    const size_t start = resolved_.size();
    for (const v1::LeadField& field : lead.fields()) {
      const std::string& name = field.attribute();
      const size_t same_place = before + resolved_.size() - start;
      const FieldInfo* info =
          same_place < before_end ? resolved_[same_place] : nullptr;
      if (info == nullptr || info->schema_name != name) {
        if (IsProspectId(name)) {
          info = prospect_id_;
        } else {
          info = catalogue_ != nullptr ? catalogue_->Find(name) : nullptr;
          all_known = all_known && (info != nullptr || name.empty());
        }
      }
      resolved_.push_back(info);
    }
    before = start;
    before_end = resolved_.size();
  }
  return all_known || catalogue_ == nullptr;
}

template <typename Path, typename Describe>
void Validator::Find(int index, CheckPolicy policy, Reason reason, Path path,
                     Describe describe) {
  if (policy == CheckPolicy::kOff) return;
  LeadFindings& both = findings_[index];
  const bool refuses = policy == CheckPolicy::kReject;
  Findings& findings = refuses ? both.mistakes : both.warnings;
  ++findings.count;
  const auto most =
      static_cast<size_t>(refuses ? kMaxMistakesPerLead : kMaxWarningsPerLead);
  if (!findings.listed.empty() &&
      (findings.listed.size() >= most || listed_ >= kMaxMistakesPerRequest)) {
    return;
  }
  ++listed_;
  findings.listed.push_back({reason, path(), describe()});
}

std::string Validator::DescribeUnknown(const std::string& attribute) {
  const auto [entry, fresh] =
      unknown_names_.try_emplace(errors::Bounded(attribute, kMaxNameBytes));
  if (fresh) {
    schema::Suggestion suggestion;
    if (comparisons_left_ >= catalogue_->fields().size()) {
      comparisons_left_ -= catalogue_->fields().size();
      suggestion = catalogue_->Suggest(attribute);
    }
    entry->second =
        mistakes::UnknownField(suggestion.names, suggestion.is_display_name);
  }
  return entry->second;
}

std::string Validator::DescribeNoOption(const FieldInfo& info,
                                        absl::string_view text) {
  absl::string_view nearest;
  if (comparisons_left_ >= info.options.size()) {
    comparisons_left_ -= info.options.size();
    nearest = catalogue_->NearestOption(info, text);
  }
  return mistakes::NoOption(info.options.size(), nearest);
}

bool Validator::IsRepeated(const std::string& attribute, const FieldInfo* info,
                           bool is_key) const {
  if (is_key && key_field_) return true;
  if (info != nullptr) {
    const auto at = static_cast<size_t>(info - catalogue_->fields().data());
    return seen_[at] == index();
  }
  return other_names_.contains(attribute);
}

void Validator::CheckName(const std::string& attribute, const FieldInfo* info,
                          bool is_key) {
  // Its two spellings are one field, and a lead may bring it along.
  if (catalogue_ == nullptr || IsProspectId(attribute)) return;
  if (info == nullptr) {
    Find(checks_.names, Reason::kFieldUnknown, attribute,
         [&] { return DescribeUnknown(attribute); });
  } else if (info->read_only && !is_key) {
    Find(checks_.read_only, Reason::kFieldReadOnly, attribute,
         mistakes::ReadOnlyField);
  }
}

bool Validator::TakeText(v1::LeadField& field, const FieldInfo* info,
                         std::string& text) {
  const std::string& attribute = field.attribute();
  const bool is_string = field.has_string_value();
  if (is_string) {
    text = std::move(*field.mutable_string_value());
  } else if (const absl::Status written = WriteValue(field, text);
             !written.ok()) {
    Refuse(absl::IsNotFound(written) ? Reason::kValueMissing
                                     : Reason::kValueTypeMismatch,
           attribute, [&] { return std::string(written.message()); });
    return false;
  }
  if (info == nullptr || text.empty()) return true;
  if (checks_.types != CheckPolicy::kOff) {
    const Misfit misfit = is_string ? FitText(info->kind, text)
                                    : FitTyped(info->kind, field, text);
    if (misfit != Misfit::kNone) {
      Find(checks_.types, Reason::kValueTypeMismatch, attribute,
           [&] { return mistakes::DoesNotFit(misfit); });
      return true;
    }
  }
  CheckText(*info, text);
  return true;
}

void Validator::CheckText(const FieldInfo& info, absl::string_view text) {
  const auto most = static_cast<size_t>(info.max_length);
  // Never fewer bytes than characters.
  if (most > 0 && text.size() > most && HasLength(info.kind)) {
    const size_t characters = CharactersIn(text);
    if (characters > most) {
      Find(checks_.lengths, Reason::kValueTooLong, info.schema_name, [&] {
        return mistakes::TooLong(static_cast<int64_t>(characters),
                                 info.max_length);
      });
    }
  }
  if (checks_.options != CheckPolicy::kOff && !IsAmongOptions(info, text)) {
    Find(checks_.options, Reason::kValueNotAnOption, info.schema_name,
         [&] { return DescribeNoOption(info, text); });
  }
}

bool Validator::IsAmongOptions(const FieldInfo& info,
                               absl::string_view text) const {
  switch (info.kind) {
    case FieldKind::kSelect:
      return catalogue_->HasOption(info, text);
    case FieldKind::kMultiSelect: {
      if (catalogue_->HasOption(info, text)) return true;
      // Several, with semicolons between them.
      for (const absl::string_view part : absl::StrSplit(text, ';')) {
        const absl::string_view option = absl::StripAsciiWhitespace(part);
        if (!option.empty() && !catalogue_->HasOption(info, option)) {
          return false;
        }
      }
      return true;
    }
    default:
      return true;
  }
}

void Validator::ReadField(v1::LeadField& field, const FieldInfo* info) {
  LeadUpdate& update = leads_.back();
  const std::string& attribute = field.attribute();
  if (attribute.empty()) {
    Refuse(Reason::kFieldUnknown, attribute, mistakes::NoName);
    return;
  }
  const bool is_key =
      by_prospect_id() ? IsProspectId(attribute) : attribute == search_key_;
  if (IsRepeated(attribute, info, is_key)) {
    Refuse(Reason::kFieldRepeated, attribute, mistakes::RepeatedField);
    return;
  }
  CheckName(attribute, info, is_key);
  if (is_key) key_field_ = update.fields.size();
  FieldValue& taken = update.fields.emplace_back();
  const bool has_text = TakeText(field, info, taken.value);
  if (is_key && by_prospect_id()) {
    // The spelling that every client reports as working.
    taken.attribute = std::string(kProspectId);
  } else {
    taken.attribute = std::move(*field.mutable_attribute());
  }
  if (info != nullptr) {
    seen_[static_cast<size_t>(info - catalogue_->fields().data())] = index();
  } else {
    // Into update.fields, which has the room and does not move.
    other_names_.insert(taken.attribute);
  }
  if (!is_key) return;
  update.key_field = *key_field_;
  if (has_text) CheckKey();
}

void Validator::CheckKey() {
  LeadUpdate& update = leads_.back();
  const FieldValue& key = update.key();
  if (key.value.size() > kMaxKeyBytes) {
    Refuse(Reason::kValueTooLong, key.attribute, [&] {
      return mistakes::KeyTooLong(key.value.size(), kMaxKeyBytes);
    });
    return;
  }
  update.lane_key = LaneKey(key.value, key_is_phone_);
  if (update.lane_key.empty()) {
    Refuse(Reason::kSearchKeyMissing, key.attribute, mistakes::KeyEmpty);
  } else if (by_prospect_id() && !IsGuid(key.value)) {
    Refuse(Reason::kValueTypeMismatch, key.attribute, mistakes::KeyIsNoGuid);
  }
}

// What the lead as a whole must have.
void Validator::CheckShape(const v1::Lead& lead) {
  if (lead.fields_size() == 0) {
    RefuseLead(Reason::kNoFields,
               [&] { return mistakes::NoFields(key_name()); });
  } else if (!key_field_) {
    RefuseLead(Reason::kSearchKeyMissing,
               [&] { return mistakes::KeyMissing(key_name()); });
  } else if (lead.fields_size() == 1) {
    RefuseLead(Reason::kNoFields,
               [&] { return mistakes::NothingToSet(key_name()); });
  }
}

void Validator::ReadLead(int index, const FieldInfo* const* infos) {
  v1::Lead& lead = *request_.mutable_leads(index);
  LeadUpdate& update = leads_.emplace_back();
  update.index = index;
  update.fields.reserve(static_cast<size_t>(lead.fields_size()));
  key_field_.reset();
  if (!other_names_.empty()) other_names_.clear();
  if (lead.tag().size() > kMaxTagBytes) {
    Find(
        index, CheckPolicy::kReject, Reason::kTagTooLong,
        [&] { return absl::StrCat(PathOf(index), ".tag"); },
        [&] { return mistakes::TagTooLong(lead.tag().size(), kMaxTagBytes); });
  } else {
    update.tag = std::move(*lead.mutable_tag());
  }
  for (int i = 0; i < lead.fields_size(); ++i) {
    ReadField(*lead.mutable_fields(i), infos[i]);
  }
  CheckShape(lead);
}

void Validator::MarkRepeatedKeys() {
  absl::flat_hash_map<absl::string_view, int> first;
  first.reserve(leads_.size());
  // Only of keys that are repeated.
  absl::flat_hash_map<absl::string_view, std::vector<int>> leads_of;
  for (const LeadUpdate& lead : leads_) {
    if (lead.lane_key.empty()) continue;
    const auto [entry, fresh] = first.try_emplace(lead.lane_key, lead.index);
    if (fresh) continue;
    std::vector<int>& all = leads_of[lead.lane_key];
    if (all.empty()) all.push_back(entry->second);
    all.push_back(lead.index);
  }
  for (const auto& [key, all] : leads_of) {
    for (const int index : all) {
      const LeadUpdate& lead = leads_[static_cast<size_t>(index)];
      Find(
          index, CheckPolicy::kReject, Reason::kDuplicateSearchKey,
          [&] { return PathOf(index, lead.key().attribute); },
          [&, &all = all] {
            return mistakes::KeyRepeated(all, index, key_is_phone_);
          });
    }
  }
}

LeadResult Validator::InvalidResult(LeadUpdate lead,
                                    LeadFindings findings) const {
  LeadResult result;
  result.index = lead.index;
  result.tag = std::move(lead.tag);
  result.outcome = Outcome::kInvalid;
  if (lead.key_field < lead.fields.size()) {
    const FieldValue& key = lead.key();
    if (by_prospect_id() ? IsProspectId(key.attribute)
                         : key.attribute == search_key_) {
      result.identifier = key.attribute;
      result.identifier_value = errors::Bounded(key.value, kMaxKeyBytes);
    }
  }
  result.problem = ToProblem(std::move(findings.mistakes), lead.index);
  findings.warnings.CountTheRest(lead.index);
  result.warnings = std::move(findings.warnings.listed);
  return result;
}

ValidatedRequest Validator::Run() {
  leads_.reserve(static_cast<size_t>(request_.leads_size()));
  const FieldInfo* const* infos = resolved_.data();
  for (int i = 0; i < request_.leads_size(); ++i) {
    ReadLead(i, infos);
    infos += request_.leads(i).fields_size();
  }
  MarkRepeatedKeys();

  ValidatedRequest validated;
  validated.search_key = search_key_;
  if (findings_.empty()) {
    validated.leads = std::move(leads_);
    return validated;
  }
  validated.leads.reserve(leads_.size());
  for (LeadUpdate& lead : leads_) {
    const auto found = findings_.find(lead.index);
    if (found == findings_.end()) {
      validated.leads.push_back(std::move(lead));
    } else if (found->second.mistakes.count > 0) {
      validated.invalid.push_back(
          InvalidResult(std::move(lead), std::move(found->second)));
    } else {
      found->second.warnings.CountTheRest(lead.index);
      validated.warnings.emplace(lead.index,
                                 std::move(found->second.warnings.listed));
      validated.leads.push_back(std::move(lead));
    }
  }
  return validated;
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
    v1::BulkUpdateLeadsRequest& request, const ValidationOptions& options) {
  if (request.leads_size() == 0) return errors::EmptyRequest();
  if (request.leads_size() > options.max_leads) {
    return errors::TooManyLeads(request.leads_size(), options.max_leads);
  }
  std::string search_key;
  if (!IsProspectId(request.search_by_key())) {
    search_key = request.search_by_key();
  }
  const bool stop =
      options.stop_at_unknown_name && options.catalogue != nullptr;
  ValidatedRequest unknown;
  unknown.unknown_name = true;
  if (options.catalogue != nullptr && !search_key.empty()) {
    const FieldInfo* const key = options.catalogue->Find(search_key);
    if (key == nullptr) {
      if (stop) return unknown;
      return errors::SearchKeyUnknown(search_key,
                                      options.catalogue->Nearest(search_key));
    }
    if (!key->unique) {
      return errors::SearchKeyNotUnique(search_key,
                                        options.catalogue->UniqueNames());
    }
  }
  Validator validator(request, options, std::move(search_key));
  if (!validator.Resolve() && stop &&
      options.checks.names == CheckPolicy::kReject) {
    return unknown;
  }
  return validator.Run();
}

}  // namespace leadgateway::validation
