#include "sandbox/credentials.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace leadgateway::sandbox {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986: pchar, "/" and "?".
bool MayStandInQuery(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         (c != '\0' && absl::string_view("-._~!$&'()*+,;=:@/?").find(c) !=
                           absl::string_view::npos);
}

}  // namespace

KeyPair TestKeys() {
  return {"test", std::string(kTestAccessKey), std::string(kTestSecretKey)};
}

absl::string_view KeyWayName(KeyWay way) {
  switch (way) {
    case KeyWay::kNone:
      return "none";
    case KeyWay::kHeader:
      return "header";
    case KeyWay::kQuery:
      return "query";
    case KeyWay::kBoth:
      return "both";
  }
  return "none";
}

std::optional<std::string> PercentDecode(absl::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      if (!MayStandInQuery(text[i])) return std::nullopt;
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = HexDigit(text[i + 1]);
    const int low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

std::vector<std::pair<absl::string_view, absl::string_view>> SplitQuery(
    absl::string_view query) {
  std::vector<std::pair<absl::string_view, absl::string_view>> parts;
  for (absl::string_view part : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    const size_t equals = part.find('=');
    if (equals == absl::string_view::npos) {
      parts.emplace_back(part, "");
    } else {
      parts.emplace_back(part.substr(0, equals), part.substr(equals + 1));
    }
  }
  return parts;
}

std::optional<std::string> QueryValue(absl::string_view query,
                                      absl::string_view name) {
  for (const auto& [key, value] : SplitQuery(query)) {
    if (key == name) return PercentDecode(value);
  }
  return std::nullopt;
}

KeyRing::KeyRing(std::vector<KeyPair> pairs) : pairs_(std::move(pairs)) {
  if (pairs_.empty()) pairs_.push_back(TestKeys());
}

KeyCheck KeyRing::Check(absl::string_view header_access,
                        absl::string_view header_secret,
                        absl::string_view query) const {
  KeyCheck check;
  const bool by_header = !header_access.empty() || !header_secret.empty();
  bool by_query = false;
  for (const auto& [key, value] : SplitQuery(query)) {
    by_query |= key == "accessKey" || key == "secretKey";
    check.unencoded_dollar |=
        key == "accessKey" && value.find('$') != absl::string_view::npos;
  }
  check.way = by_header && by_query ? KeyWay::kBoth
              : by_header           ? KeyWay::kHeader
              : by_query            ? KeyWay::kQuery
                                    : KeyWay::kNone;
  check.accepted = by_header || by_query;
  if (by_header) {
    const KeyPair* pair = Find(header_access, header_secret);
    if (pair != nullptr) check.label = pair->label;
    check.accepted &= pair != nullptr;
  }
  if (by_query) {
    const std::optional<std::string> access = QueryValue(query, "accessKey");
    const std::optional<std::string> secret = QueryValue(query, "secretKey");
    const KeyPair* pair = access.has_value() && secret.has_value()
                              ? Find(*access, *secret)
                              : nullptr;
    if (pair != nullptr) check.label = pair->label;
    check.accepted &= pair != nullptr;
  }
  if (!check.accepted) check.label.clear();
  return check;
}

const KeyPair* KeyRing::Find(absl::string_view access,
                             absl::string_view secret) const {
  for (const KeyPair& pair : pairs_) {
    if (pair.access_key == access && pair.secret_key == secret) return &pair;
  }
  return nullptr;
}

}  // namespace leadgateway::sandbox
