#ifndef LEADGATEWAY_GATEWAY_VALIDATION_VALUE_TEXT_H_
#define LEADGATEWAY_GATEWAY_VALIDATION_VALUE_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::validation {

// Sets `text` to a typed value as LeadSquared gets it. Fails with
// kInvalidArgument (a value that can't be written: NaN, a date that does not
// exist) or kNotFound (no value set); the message says what is wrong without
// the value. Allocates nothing but the text, if it has more than 15 bytes.
absl::Status WriteValue(const v1::LeadField& field, std::string& text);

// Whether the (proleptic) Gregorian calendar of the years 1 to 9999 has the
// day.
bool DayExists(int year, int month, int day);

// What google.protobuf.Timestamp can say: 0001-01-01T00:00:00Z to
// 9999-12-31T23:59:59Z, in seconds since 1970.
inline constexpr int64_t kFirstSecond = -62'135'596'800;
inline constexpr int64_t kLastSecond = 253'402'300'799;

inline constexpr size_t kDateTimeBytes = sizeof("YYYY-MM-DD HH:MM:SS") - 1;
// Writes kDateTimeBytes of "YYYY-MM-DD HH:MM:SS" in UTC; returns where they
// end. `second` is from kFirstSecond to kLastSecond.
char* WriteDateTime(int64_t second, char* out);

}  // namespace leadgateway::validation

#endif  // LEADGATEWAY_GATEWAY_VALIDATION_VALUE_TEXT_H_
