#include "gateway/config/mistakes.h"

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace leadgateway {

void Mistakes::Add(absl::string_view path, absl::string_view text) {
  if (Covers(path)) return;
  paths_.emplace(path);
  lines_.push_back(absl::StrCat(path, ": ", text));
}

bool Mistakes::Covers(absl::string_view path) const {
  for (size_t end = path.size();; --end) {
    const bool whole =
        end == path.size() || path[end] == '.' || path[end] == '[';
    if (whole && paths_.contains(std::string(path.substr(0, end)))) return true;
    if (end == 0) return false;
  }
}

absl::Status Mistakes::ToStatus() const {
  if (lines_.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(lines_, "\n"));
}

std::string PrintableName(absl::string_view text) {
  constexpr size_t kLongestName = 64;
  std::string name(text.substr(0, kLongestName));
  for (char& c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) &&
        absl::string_view("_-.$@ ").find(c) == absl::string_view::npos) {
      c = '?';
    }
  }
  if (text.size() > kLongestName) absl::StrAppend(&name, "...");
  return name;
}

}  // namespace leadgateway
