#include "gateway/identity/identity.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace leadgateway::identity {
namespace {

bool IsPrintableByte(char c) { return c >= 0x20 && c < 0x7f; }

bool MatchesAny(absl::string_view pattern,
                const std::vector<std::string>& texts) {
  return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
    return MatchesText(pattern, text);
  });
}

}  // namespace

std::string NameOf(const Identity& identity) {
  absl::string_view name = identity.subject;
  if (!identity.uris.empty()) {
    const auto spiffe = std::find_if(
        identity.uris.begin(), identity.uris.end(), [](const std::string& uri) {
          return absl::StartsWith(uri, "spiffe://");
        });
    name = spiffe == identity.uris.end() ? identity.uris.front() : *spiffe;
  } else if (!identity.dns_names.empty()) {
    name = identity.dns_names.front();
  }
  std::string printable(name.substr(0, kLongestName));
  for (char& c : printable) {
    if (!IsPrintableByte(c)) c = '?';
  }
  return printable;
}

bool Matches(absl::string_view pattern, const Identity& identity) {
  if (pattern == "*") return !identity.empty();
  if (absl::StrContains(pattern, "://")) {
    return MatchesAny(pattern, identity.uris);
  }
  if (absl::StrContains(pattern, "=")) {
    return MatchesText(pattern, identity.subject);
  }
  return MatchesAny(pattern, identity.dns_names);
}

bool NamesIdentity(absl::string_view pattern) {
  return pattern == "*" || absl::StrContains(pattern, "://") ||
         absl::StrContains(pattern, "=");
}

bool MatchesText(absl::string_view pattern, absl::string_view text) {
  return absl::ConsumeSuffix(&pattern, "*") ? absl::StartsWith(text, pattern)
                                            : text == pattern;
}

absl::string_view MistakeIn(absl::string_view pattern) {
  if (pattern.empty()) return "must not be empty";
  const size_t star = pattern.find('*');
  if (star != absl::string_view::npos && star + 1 != pattern.size()) {
    return "may have one \"*\", at its end, for all that begin so";
  }
  return "";
}

bool IsPrintable(absl::string_view text, size_t most) {
  return !text.empty() && text.size() <= most &&
         std::all_of(text.begin(), text.end(), IsPrintableByte);
}

}  // namespace leadgateway::identity
