#ifndef LEADGATEWAY_GATEWAY_MODEL_FOLDED_TEXT_H_
#define LEADGATEWAY_GATEWAY_MODEL_FOLDED_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace leadgateway {

// `text` without white space around it (Unicode's, no-break spaces included).
absl::string_view Trimmed(absl::string_view text);

// The form in which two texts are the same but for white space around them,
// case and the composition of accents: trimmed, and folded by Unicode's full
// case folding ("Straße" is "STRASSE"). Accents count. What is not UTF-8 is
// folded as ASCII. ASCII text costs one allocation at most.
std::string Folded(absl::string_view text);

// The same, into `out`, whose memory is used again.
void FoldInto(absl::string_view text, std::string* out);

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_MODEL_FOLDED_TEXT_H_
