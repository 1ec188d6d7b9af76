// When two texts of a unique field mean the same lead.
#ifndef SANDBOX_KEY_TEXT_H_
#define SANDBOX_KEY_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace leadgateway::sandbox {

enum class KeyKind { kText, kEmail, kPhone, kGuid };

// The data type of a field, as metadata spells it, decides how its values are
// compared; ProspectID is the one GUID.
KeyKind KeyKindOf(absl::string_view schema_name, absl::string_view data_type);

// E-mail: trimmed, lower case. Phone: its digits. GUID: trimmed, lower case,
// without braces. Text: trimmed. Empty when nothing is left.
std::string NormaliseKey(KeyKind kind, absl::string_view value);

// The spelling under which ProspectId is kept: ProspectID, as metadata has it.
// Every other name is returned unchanged.
absl::string_view CanonicalAttribute(absl::string_view name);

}  // namespace leadgateway::sandbox

#endif  // SANDBOX_KEY_TEXT_H_
