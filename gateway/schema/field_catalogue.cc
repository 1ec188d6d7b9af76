#include "gateway/schema/field_catalogue.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "gateway/model/folded_text.h"

namespace leadgateway::schema {
namespace {

// In bytes. Longer names are compared for equality only, which bounds the work;
// the longest that was seen has some 50.
constexpr int kLongestNear = 128;

// Up to this many options are compared one by one.
constexpr size_t kFewOptions = 8;

// The edit distance of two texts, whatever the case, or nothing when it is more
// than `limit`. Looks only at the diagonal band that can stay within it.
std::optional<int> Distance(absl::string_view a, absl::string_view b,
                            int limit) {
  if (a.size() > kLongestNear || b.size() > kLongestNear) return std::nullopt;
  const int rows = static_cast<int>(a.size());
  const int columns = static_cast<int>(b.size());
  if (std::abs(rows - columns) > limit) return std::nullopt;
  const int too_far = limit + 1;
  std::array<int, kLongestNear + 1> row;
  for (int j = 0; j <= columns; ++j) row[j] = std::min(j, too_far);
  for (int i = 1; i <= rows; ++i) {
    const int first = std::max(1, i - limit);
    const int last = std::min(columns, i + limit);
    const char ours = absl::ascii_tolower(a[i - 1]);
    // What stands left of the band, and above its left end.
    int diagonal = row[first - 1];
    row[first - 1] = first == 1 ? std::min(i, too_far) : too_far;
    int nearest = row[first - 1];
    for (int j = first; j <= last; ++j) {
      // Right of the last row's band is nothing near.
      const int above = j == i + limit ? too_far : row[j];
      const int changed =
          diagonal + (ours == absl::ascii_tolower(b[j - 1]) ? 0 : 1);
      diagonal = above;
      row[j] = std::min({changed, above + 1, row[j - 1] + 1, too_far});
      nearest = std::min(nearest, row[j]);
    }
    if (nearest > limit) return std::nullopt;
  }
  if (row[columns] > limit) return std::nullopt;
  return row[columns];
}

enum class Kinship { kSameName, kSameDisplayName, kNear };

struct Neighbour {
  Kinship kinship;
  int distance;
  absl::string_view name;

  bool operator<(const Neighbour& other) const {
    return std::tie(kinship, distance, name) <
           std::tie(other.kinship, other.distance, other.name);
  }
};

std::optional<Neighbour> Compare(absl::string_view name,
                                 const FieldInfo& field) {
  if (absl::EqualsIgnoreCase(name, field.schema_name)) {
    return Neighbour{Kinship::kSameName, 0, field.schema_name};
  }
  if (absl::EqualsIgnoreCase(name, field.display_name)) {
    return Neighbour{Kinship::kSameDisplayName, 0, field.schema_name};
  }
  if (name.size() > kLongestNear) return std::nullopt;
  const int limit = static_cast<int>(name.size()) / 3;
  if (limit == 0) return std::nullopt;
  std::optional<int> distance = Distance(name, field.schema_name, limit);
  const std::optional<int> display = Distance(name, field.display_name, limit);
  if (display.has_value()) {
    distance = std::min(distance.value_or(*display), *display);
  }
  if (!distance.has_value()) return std::nullopt;
  return Neighbour{Kinship::kNear, *distance, field.schema_name};
}

struct DataType {
  absl::string_view name;
  FieldKind kind;
};
// As metadata and LeadSquared's pages name them.
constexpr DataType kDataTypes[] = {
    {"Text", FieldKind::kText},
    {"TextArea", FieldKind::kText},
    {"String", FieldKind::kText},
    {"Number", FieldKind::kNumber},
    {"Boolean", FieldKind::kBoolean},
    {"Checkbox", FieldKind::kBoolean},
    {"Date", FieldKind::kDate},
    {"DateTime", FieldKind::kDateTime},
    {"Time", FieldKind::kTime},
    {"Email", FieldKind::kEmail},
    {"Phone", FieldKind::kPhone},
    {"Website", FieldKind::kWebsite},
    {"Select", FieldKind::kSelect},
    {"Dropdown", FieldKind::kSelect},
    {"SearchableDropdown", FieldKind::kSelect},
    {"MultiSelect", FieldKind::kMultiSelect},
};

}  // namespace

FieldKind KindOf(absl::string_view data_type) {
  for (const DataType& type : kDataTypes) {
    if (absl::EqualsIgnoreCase(type.name, data_type)) return type.kind;
  }
  return FieldKind::kOther;
}

absl::StatusOr<std::shared_ptr<const FieldCatalogue>> FieldCatalogue::Create(
    std::vector<FieldInfo> fields,
    const std::vector<std::string>& unique_fields, absl::Time fetched_at) {
  std::erase_if(fields,
                [](const FieldInfo& f) { return f.schema_name.empty(); });
  if (fields.empty()) {
    return absl::InvalidArgumentError("the account's metadata has no fields");
  }
  std::stable_sort(fields.begin(), fields.end(),
                   [](const FieldInfo& a, const FieldInfo& b) {
                     return a.schema_name < b.schema_name;
                   });
  const auto end = std::unique(fields.begin(), fields.end(),
                               [](const FieldInfo& a, const FieldInfo& b) {
                                 return a.schema_name == b.schema_name;
                               });
  const int duplicates = static_cast<int>(std::distance(end, fields.end()));
  fields.erase(end, fields.end());

  absl::flat_hash_set<absl::string_view> unique(unique_fields.begin(),
                                                unique_fields.end());
  unique.insert({"ProspectID", "ProspectId"});
  for (FieldInfo& field : fields) {
    field.unique = field.unique || unique.contains(field.schema_name);
    field.kind = KindOf(field.data_type);
  }
  return std::shared_ptr<const FieldCatalogue>(absl::WrapUnique(
      new FieldCatalogue(std::move(fields), fetched_at, duplicates)));
}

FieldCatalogue::FieldCatalogue(std::vector<FieldInfo> fields,
                               absl::Time fetched_at, int duplicates)
    : fields_(std::move(fields)),
      fetched_at_(fetched_at),
      duplicates_(duplicates) {
  by_name_.reserve(fields_.size());
  for (const FieldInfo& field : fields_) {
    by_name_.emplace(field.schema_name, &field);
    longest_name_ = std::max(longest_name_, field.schema_name.size());
  }
  options_.resize(fields_.size());
  for (size_t i = 0; i < fields_.size(); ++i) {
    const std::vector<std::string>& options = fields_[i].options;
    if (options.size() > kFewOptions) {
      options_[i].insert(options.begin(), options.end());
    }
  }
}

const FieldInfo* FieldCatalogue::Find(absl::string_view schema_name) const {
  // Don't hash 5 MB.
  if (schema_name.size() > longest_name_) return nullptr;
  const auto it = by_name_.find(schema_name);
  return it == by_name_.end() ? nullptr : it->second;
}

std::vector<std::string> FieldCatalogue::Nearest(absl::string_view name,
                                                 size_t most) const {
  return Suggest(name, most).names;
}

Suggestion FieldCatalogue::Suggest(absl::string_view name, size_t most) const {
  if (name.empty()) return {};
  std::vector<Neighbour> neighbours;
  for (const FieldInfo& field : fields_) {
    if (std::optional<Neighbour> neighbour = Compare(name, field)) {
      neighbours.push_back(*neighbour);
    }
  }
  std::sort(neighbours.begin(), neighbours.end());
  Suggestion suggestion;
  suggestion.is_display_name =
      !neighbours.empty() &&
      neighbours.front().kinship == Kinship::kSameDisplayName;
  for (const Neighbour& neighbour : neighbours) {
    if (suggestion.names.size() == most) break;
    // Beside the same name, near misses are noise.
    if (neighbour.kinship != neighbours.front().kinship) break;
    suggestion.names.emplace_back(neighbour.name);
  }
  return suggestion;
}

bool FieldCatalogue::HasOption(const FieldInfo& field,
                               absl::string_view value) const {
  if (field.options.empty()) return true;
  if (field.options.size() > kFewOptions) {
    return options_[static_cast<size_t>(&field - fields_.data())].contains(
        value);
  }
  return std::find(field.options.begin(), field.options.end(), value) !=
         field.options.end();
}

absl::string_view FieldCatalogue::NearestOption(const FieldInfo& field,
                                                absl::string_view value) const {
  if (value.size() > kLongestNear) return "";
  const std::string wanted = Folded(value);
  absl::string_view nearest;
  int limit = static_cast<int>(value.size()) / 3;
  for (const std::string& option : field.options) {
    if (option.size() > kLongestNear) continue;
    // Worth it only for what is about as long; folding can change lengths.
    const bool may_be_same = option.size() <= 2 * value.size() + 2 &&
                             wanted.size() <= 2 * option.size() + 2;
    if (may_be_same && Folded(option) == wanted) return option;
    // Strictly nearer than the last one.
    const std::optional<int> distance = Distance(value, option, limit);
    if (!distance.has_value() || *distance == 0) continue;
    if (nearest.empty() || *distance < limit) nearest = option;
    limit = *distance;
  }
  return nearest;
}

bool FieldCatalogue::HasSameNames(const FieldCatalogue& other) const {
  return std::equal(fields_.begin(), fields_.end(), other.fields_.begin(),
                    other.fields_.end(),
                    [](const FieldInfo& a, const FieldInfo& b) {
                      return a.schema_name == b.schema_name;
                    });
}

std::vector<std::string> FieldCatalogue::UniqueNames() const {
  std::vector<std::string> names;
  for (const FieldInfo& field : fields_) {
    if (field.unique) names.push_back(field.schema_name);
  }
  return names;
}

}  // namespace leadgateway::schema
