#include "gateway/validation/value_text.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/status/status.h"

namespace leadgateway::validation {
namespace {

// By hand: a format string costs several times the rest of the conversion.
char* WriteTwoDigits(unsigned number, char* out) {
  out[0] = static_cast<char>('0' + number / 10);
  out[1] = static_cast<char>('0' + number % 10);
  return out + 2;
}

constexpr size_t kDateBytes = sizeof("YYYY-MM-DD") - 1;

char* WriteDate(unsigned year, unsigned month, unsigned day, char* out) {
  out = WriteTwoDigits(year / 100, out);
  out = WriteTwoDigits(year % 100, out);
  *out++ = '-';
  out = WriteTwoDigits(month, out);
  *out++ = '-';
  return WriteTwoDigits(day, out);
}

void WriteInteger(int64_t value, std::string& text) {
  char buffer[std::numeric_limits<int64_t>::digits10 + 2];
  text.assign(buffer,
              std::to_chars(buffer, buffer + sizeof(buffer), value).ptr);
}

absl::Status WriteDouble(double value, std::string& text) {
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
  text.assign(buffer, end.ptr);
  return absl::OkStatus();
}

absl::Status WriteTimestamp(const google::protobuf::Timestamp& value,
                            std::string& text) {
  if (value.seconds() < kFirstSecond || value.seconds() > kLastSecond ||
      value.nanos() < 0 || value.nanos() > 999'999'999) {
    return absl::InvalidArgumentError(
        "is no timestamp between the years 1 and 9999");
  }
  char buffer[kDateTimeBytes];
  text.assign(buffer, WriteDateTime(value.seconds(), buffer));
  return absl::OkStatus();
}

absl::Status WriteDay(const google::type::Date& value, std::string& text) {
  if (value.year() < 1 || value.year() > 9999 || value.month() < 1 ||
      value.month() > 12 || value.day() < 1) {
    return absl::InvalidArgumentError(
        "is no date with a year from 1 to 9999, a month and a day");
  }
  if (!DayExists(value.year(), value.month(), value.day())) {
    return absl::InvalidArgumentError("is a day that its month does not have");
  }
  char buffer[kDateBytes];
  text.assign(buffer, WriteDate(static_cast<unsigned>(value.year()),
                                static_cast<unsigned>(value.month()),
                                static_cast<unsigned>(value.day()), buffer));
  return absl::OkStatus();
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

char* WriteDateTime(int64_t second, char* out) {
  const std::chrono::sys_seconds time{std::chrono::seconds(second)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  out = WriteDate(static_cast<unsigned>(static_cast<int>(date.year())),
                  static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), out);
  const auto of_day = static_cast<unsigned>((time - day).count());
  *out++ = ' ';
  out = WriteTwoDigits(of_day / 3600, out);
  *out++ = ':';
  out = WriteTwoDigits(of_day / 60 % 60, out);
  *out++ = ':';
  return WriteTwoDigits(of_day % 60, out);
}

absl::Status WriteValue(const v1::LeadField& field, std::string& text) {
  switch (field.value_case()) {
    case v1::LeadField::kStringValue:
      text = field.string_value();
      return absl::OkStatus();
    case v1::LeadField::kInt64Value:
      WriteInteger(field.int64_value(), text);
      return absl::OkStatus();
    case v1::LeadField::kDoubleValue:
      return WriteDouble(field.double_value(), text);
    case v1::LeadField::kBoolValue:
      text = field.bool_value() ? '1' : '0';
      return absl::OkStatus();
    case v1::LeadField::kTimestampValue:
      return WriteTimestamp(field.timestamp_value(), text);
    case v1::LeadField::kDateValue:
      return WriteDay(field.date_value(), text);
    case v1::LeadField::kClear:
      text.clear();
      return absl::OkStatus();
    case v1::LeadField::VALUE_NOT_SET:
      break;
  }
  return absl::NotFoundError(
      "has no value; to empty the field, send `clear` or an empty string");
}

}  // namespace leadgateway::validation
