#ifndef LEADGATEWAY_GATEWAY_VALIDATION_FIELD_VALUE_H_
#define LEADGATEWAY_GATEWAY_VALIDATION_FIELD_VALUE_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "gateway/model/lead_mistakes.h"
#include "gateway/schema/field_catalogue.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::validation {

using mistakes::Misfit;

// Whether a value that was not sent as a string can be of `kind`. Rewrites
// `text`, which is what WriteValue made of it, where LeadSquared has another
// form for that kind.
Misfit FitTyped(schema::FieldKind kind, const v1::LeadField& field,
                std::string& text);

// Whether a string can be of `kind`, judged by what is plainly impossible:
//
//   number       digits with a sign and a point at most; white space around
//   boolean      1, 0, true, false; any case
//   date         a day that exists, YYYY-MM-DD, or with a time HH:MM:SS[.f]
//   date-time    the same with a time, a blank or a T between, and perhaps a
//                zone: Z or +HH:MM; rewritten as YYYY-MM-DD HH:MM:SS in UTC
//                unless it is written so already (fractions stay, without zone)
//   e-mail       an @ with something on both sides
//   phone        a digit
//   website      something beside http:// or https://, without white space
//
// The empty string empties a field, and all else fits any kind.
Misfit FitText(schema::FieldKind kind, std::string& text);

// Characters are Unicode's code points: fewer than bytes and, beyond the basic
// plane, than UTF-16 units. Whatever of them LeadSquared counts, a text that is
// too long in code points is too long.
size_t CharactersIn(absl::string_view text);

// "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", in either case, white space around
// it.
bool IsGuid(absl::string_view text);

}  // namespace leadgateway::validation

#endif  // LEADGATEWAY_GATEWAY_VALIDATION_FIELD_VALUE_H_
