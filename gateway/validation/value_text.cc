#include "gateway/validation/value_text.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace leadgateway::validation {
namespace {

// google.protobuf.Timestamp: 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
constexpr int64_t kFirstSecond = -62'135'596'800;
constexpr int64_t kLastSecond = 253'402'300'799;

absl::StatusOr<std::string> DoubleText(double value) {
  if (!std::isfinite(value)) {
    return absl::InvalidArgumentError(
        "is NaN or infinite, which LeadSquared has no form for");
  }
  // Plain decimal: LeadSquared's number fields are not known to read exponents.
  // The longest finite double has 309 digits before the point.
  char buffer[1100];
  const auto end =
      std::to_chars(buffer, buffer + sizeof(buffer), value == 0 ? 0.0 : value,
                    std::chars_format::fixed);
  return std::string(buffer, end.ptr);
}

absl::StatusOr<std::string> TimestampText(
    const google::protobuf::Timestamp& value) {
  if (value.seconds() < kFirstSecond || value.seconds() > kLastSecond ||
      value.nanos() < 0 || value.nanos() > 999'999'999) {
    return absl::InvalidArgumentError(
        "is no timestamp between the years 1 and 9999");
  }
  return absl::FormatTime("%E4Y-%m-%d %H:%M:%S",
                          absl::FromUnixSeconds(value.seconds()),
                          absl::UTCTimeZone());
}

absl::StatusOr<std::string> DateText(const google::type::Date& value) {
  if (value.year() < 1 || value.year() > 9999 || value.month() < 1 ||
      value.month() > 12 || value.day() < 1) {
    return absl::InvalidArgumentError(
        "is no date with a year from 1 to 9999, a month and a day");
  }
  const absl::CivilDay day(value.year(), value.month(), value.day());
  if (day.month() != value.month() || day.day() != value.day()) {
    return absl::InvalidArgumentError("is a day that its month does not have");
  }
  return absl::StrFormat("%04d-%02d-%02d", value.year(), value.month(),
                         value.day());
}

}  // namespace

absl::StatusOr<std::string> ValueText(const v1::LeadField& field) {
  switch (field.value_case()) {
    case v1::LeadField::kStringValue:
      return field.string_value();
    case v1::LeadField::kInt64Value:
      return absl::StrCat(field.int64_value());
    case v1::LeadField::kDoubleValue:
      return DoubleText(field.double_value());
    case v1::LeadField::kBoolValue:
      return std::string(field.bool_value() ? "1" : "0");
    case v1::LeadField::kTimestampValue:
      return TimestampText(field.timestamp_value());
    case v1::LeadField::kDateValue:
      return DateText(field.date_value());
    case v1::LeadField::kClear:
      return std::string();
    case v1::LeadField::VALUE_NOT_SET:
      break;
  }
  return absl::NotFoundError(
      "has no value; to empty the field, send `clear` or an empty string");
}

}  // namespace leadgateway::validation
