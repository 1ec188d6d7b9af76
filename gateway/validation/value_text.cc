#include "gateway/validation/value_text.h"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace leadgateway::validation {
namespace {

// google.protobuf.Timestamp: 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
constexpr int64_t kFirstSecond = -62'135'596'800;
constexpr int64_t kLastSecond = 253'402'300'799;

// By hand: a format string costs several times the rest of the conversion.
void AppendDigits(int64_t number, size_t digits, std::string* out) {
  const size_t start = out->size();
  out->resize(start + digits);
  for (size_t i = digits; i-- > 0;) {
    (*out)[start + i] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
}

void AppendDate(int64_t year, int month, int day, std::string* out) {
  AppendDigits(year, 4, out);
  *out += '-';
  AppendDigits(month, 2, out);
  *out += '-';
  AppendDigits(day, 2, out);
}

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
  std::string text;
  AppendDateTime(absl::ToCivilSecond(absl::FromUnixSeconds(value.seconds()),
                                     absl::UTCTimeZone()),
                 &text);
  return text;
}

absl::StatusOr<std::string> DateText(const google::type::Date& value) {
  if (value.year() < 1 || value.year() > 9999 || value.month() < 1 ||
      value.month() > 12 || value.day() < 1) {
    return absl::InvalidArgumentError(
        "is no date with a year from 1 to 9999, a month and a day");
  }
  if (!DayExists(value.year(), value.month(), value.day())) {
    return absl::InvalidArgumentError("is a day that its month does not have");
  }
  std::string text;
  AppendDate(value.year(), value.month(), value.day(), &text);
  return text;
}

}  // namespace

bool DayExists(int year, int month, int day) {
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1) {
    return false;
  }
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day <= kDays[month - 1] + (month == 2 && leap ? 1 : 0);
}

void AppendDateTime(absl::CivilSecond time, std::string* out) {
  AppendDate(time.year(), time.month(), time.day(), out);
  *out += ' ';
  AppendDigits(time.hour(), 2, out);
  *out += ':';
  AppendDigits(time.minute(), 2, out);
  *out += ':';
  AppendDigits(time.second(), 2, out);
}

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
