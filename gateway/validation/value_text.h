#ifndef LEADGATEWAY_GATEWAY_VALIDATION_VALUE_TEXT_H_
#define LEADGATEWAY_GATEWAY_VALIDATION_VALUE_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::validation {

// A typed value as LeadSquared gets it. Fails with kInvalidArgument (a value
// that can't be written: NaN, a date that does not exist) or kNotFound (no
// value set); the message says what is wrong without the value.
absl::StatusOr<std::string> ValueText(const v1::LeadField& field);

// Whether the (proleptic) Gregorian calendar of the years 1 to 9999 has the
// day.
bool DayExists(int year, int month, int day);

// Appends "YYYY-MM-DD HH:MM:SS"; the year is from 1 to 9999.
void AppendDateTime(absl::CivilSecond time, std::string* out);

}  // namespace leadgateway::validation

#endif  // LEADGATEWAY_GATEWAY_VALIDATION_VALUE_TEXT_H_
