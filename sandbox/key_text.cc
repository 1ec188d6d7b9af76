#include "sandbox/key_text.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace leadgateway::sandbox {

KeyKind KeyKindOf(absl::string_view schema_name, absl::string_view data_type) {
  if (CanonicalAttribute(schema_name) == "ProspectID") return KeyKind::kGuid;
  if (data_type == "Email") return KeyKind::kEmail;
  if (data_type == "Phone") return KeyKind::kPhone;
  return KeyKind::kText;
}

std::string NormaliseKey(KeyKind kind, absl::string_view value) {
  value = absl::StripAsciiWhitespace(value);
  switch (kind) {
    case KeyKind::kText:
      return std::string(value);
    case KeyKind::kEmail:
      return absl::AsciiStrToLower(value);
    case KeyKind::kPhone: {
      std::string digits;
      for (char c : value) {
        if (absl::ascii_isdigit(static_cast<unsigned char>(c))) digits += c;
      }
      return digits;
    }
    case KeyKind::kGuid:
      if (absl::ConsumePrefix(&value, "{")) absl::ConsumeSuffix(&value, "}");
      return absl::AsciiStrToLower(value);
  }
  return std::string(value);
}

absl::string_view CanonicalAttribute(absl::string_view name) {
  return name == "ProspectId" ? "ProspectID" : name;
}

}  // namespace leadgateway::sandbox
