#include "gateway/validation/field_value.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "gateway/validation/value_text.h"

namespace leadgateway::validation {
namespace {

using schema::FieldKind;

constexpr int64_t kSecondsPerDay = 86'400;
// ".123456789": .NET, which LeadSquared is made with, has 100 ns.
constexpr size_t kMostFractionBytes = 10;
// Whole numbers up to here are exact as doubles.
constexpr double kExactDouble = 9'007'199'254'740'992;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool HasControl(absl::string_view text) {
  for (const char c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) return true;
  }
  return false;
}

// -12.5, +3, .5, 5.
bool IsDecimal(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    text.remove_prefix(1);
  }
  bool digits = false;
  bool point = false;
  for (const char c : text) {
    if (IsDigit(c)) {
      digits = true;
    } else if (c == '.' && !point) {
      point = true;
    } else {
      return false;
    }
  }
  return digits;
}

bool IsBooleanText(absl::string_view text) {
  return text == "1" || text == "0" || absl::EqualsIgnoreCase(text, "true") ||
         absl::EqualsIgnoreCase(text, "false");
}

// Takes digits from the front of `text`; false unless there are that many.
bool TakeNumber(absl::string_view& text, size_t digits, int& number) {
  if (text.size() < digits) return false;
  number = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (!IsDigit(text[i])) return false;
    number = number * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return true;
}

// A date, with a time where one is written, as it stands in a text.
struct WrittenTime {
  int64_t second = 0;  // since 1970, as if it were UTC
  bool has_time = false;
  bool has_t = false;                 // a T stands between date and time
  absl::string_view fraction;         // ".123"; may be empty
  std::optional<int> offset_seconds;  // of the zone, east of UTC
};

// "Z", "+05:30", "-0800", "+05", after at most one blank.
bool TakeZone(absl::string_view& text, WrittenTime& out) {
  absl::ConsumePrefix(&text, " ");
  if (absl::ConsumePrefix(&text, "Z") || absl::ConsumePrefix(&text, "z")) {
    out.offset_seconds = 0;
    return true;
  }
  if (text.empty() || (text.front() != '+' && text.front() != '-')) {
    return false;
  }
  const int sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  int hours = 0;
  int minutes = 0;
  if (!TakeNumber(text, 2, hours) || hours > 23) return false;
  const bool colon = absl::ConsumePrefix(&text, ":");
  if ((colon || !text.empty()) &&
      (!TakeNumber(text, 2, minutes) || minutes > 59)) {
    return false;
  }
  out.offset_seconds = sign * (hours * 3600 + minutes * 60);
  return true;
}

int64_t DaysSince1970(int year, int month, int day) {
  const std::chrono::sys_days days =
      std::chrono::year(year) /
      std::chrono::month(static_cast<unsigned>(month)) /
      std::chrono::day(static_cast<unsigned>(day));
  return days.time_since_epoch().count();
}

std::optional<WrittenTime> ParseTime(absl::string_view text) {
  WrittenTime out;
  int year = 0;
  int month = 0;
  int day = 0;
  if (!TakeNumber(text, 4, year) || !absl::ConsumePrefix(&text, "-") ||
      !TakeNumber(text, 2, month) || !absl::ConsumePrefix(&text, "-") ||
      !TakeNumber(text, 2, day) || !DayExists(year, month, day)) {
    return std::nullopt;
  }
  out.second = kSecondsPerDay * DaysSince1970(year, month, day);
  if (text.empty()) return out;
  out.has_time = true;
  out.has_t = text.front() == 'T' || text.front() == 't';
  if (!out.has_t && text.front() != ' ') return std::nullopt;
  text.remove_prefix(1);
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!TakeNumber(text, 2, hour) || !absl::ConsumePrefix(&text, ":") ||
      !TakeNumber(text, 2, minute) || !absl::ConsumePrefix(&text, ":") ||
      !TakeNumber(text, 2, second) || hour > 23 || minute > 59 || second > 59) {
    return std::nullopt;
  }
  out.second += hour * 3600 + minute * 60 + second;
  if (!text.empty() && text.front() == '.') {
    size_t end = 1;
    while (end < text.size() && IsDigit(text[end])) ++end;
    if (end == 1 || end > kMostFractionBytes) return std::nullopt;
    out.fraction = text.substr(0, end);
    text.remove_prefix(end);
  }
  if (!text.empty() && (!TakeZone(text, out) || !text.empty())) {
    return std::nullopt;
  }
  return out;
}

Misfit FitDate(absl::string_view text) {
  const std::optional<WrittenTime> time =
      ParseTime(absl::StripAsciiWhitespace(text));
  if (!time) return Misfit::kNoDate;
  // The day in which zone?
  if (time->offset_seconds) return Misfit::kDateHasZone;
  return time->has_t ? Misfit::kNoDate : Misfit::kNone;
}

Misfit FitDateTime(std::string& text) {
  const std::optional<WrittenTime> time =
      ParseTime(absl::StripAsciiWhitespace(text));
  if (!time) return Misfit::kNoDateTime;
  if (time->has_time && !time->has_t && !time->offset_seconds) {
    return Misfit::kNone;
  }
  const int64_t utc = time->second - time->offset_seconds.value_or(0);
  if (utc < kFirstSecond || utc > kLastSecond) return Misfit::kNoDateTime;
  char buffer[kDateTimeBytes + kMostFractionBytes];
  char* const end = WriteDateTime(utc, buffer);
  text.assign(buffer,
              std::copy(time->fraction.begin(), time->fraction.end(), end));
  return Misfit::kNone;
}

Misfit FitEmail(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  const size_t at = text.rfind('@');
  const bool fits = at != absl::string_view::npos && at > 0 &&
                    at + 1 < text.size() && !HasControl(text);
  return fits ? Misfit::kNone : Misfit::kNoEmail;
}

Misfit FitPhone(absl::string_view text) {
  bool digit = false;
  for (const char c : text) {
    // Other scripts have digits of their own.
    digit |= IsDigit(c) || static_cast<unsigned char>(c) >= 0x80;
  }
  return digit && !HasControl(absl::StripAsciiWhitespace(text))
             ? Misfit::kNone
             : Misfit::kNoPhone;
}

Misfit FitWebsite(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_iscntrl(byte) || absl::ascii_isspace(byte)) {
      return Misfit::kNoWebsite;
    }
  }
  const size_t scheme = text.find("://");
  if (scheme != absl::string_view::npos) text.remove_prefix(scheme + 3);
  return text.empty() || text.front() == '/' ? Misfit::kNoWebsite
                                             : Misfit::kNone;
}

bool IsMidnight(const google::protobuf::Timestamp& time) {
  return time.seconds() % kSecondsPerDay == 0 && time.nanos() == 0;
}

Misfit FitTypedNumber(v1::LeadField::ValueCase type) {
  return type == v1::LeadField::kInt64Value ||
                 type == v1::LeadField::kDoubleValue
             ? Misfit::kNone
             : Misfit::kNoNumber;
}

Misfit FitTypedBoolean(const v1::LeadField& field) {
  if (field.has_bool_value()) return Misfit::kNone;
  return field.has_int64_value() &&
                 (field.int64_value() == 0 || field.int64_value() == 1)
             ? Misfit::kNone
             : Misfit::kNoBoolean;
}

Misfit FitTypedDate(const v1::LeadField& field, std::string& text) {
  if (field.has_date_value()) return Misfit::kNone;
  if (!field.has_timestamp_value()) return Misfit::kNoDate;
  if (!IsMidnight(field.timestamp_value())) return Misfit::kDateHasTime;
  text.resize(sizeof("YYYY-MM-DD") - 1);
  return Misfit::kNone;
}

Misfit FitTypedDateTime(const v1::LeadField& field, std::string& text) {
  if (field.has_timestamp_value()) return Misfit::kNone;
  if (!field.has_date_value()) return Misfit::kNoDateTime;
  // The only form that LeadSquared documents for these fields.
  text += " 00:00:00";
  return Misfit::kNone;
}

Misfit FitTypedPhone(const v1::LeadField& field) {
  if (field.has_int64_value() && field.int64_value() >= 0) {
    return Misfit::kNone;
  }
  const double value = field.double_value();
  return field.has_double_value() && value >= 0 && value <= kExactDouble &&
                 std::trunc(value) == value
             ? Misfit::kNone
             : Misfit::kNoPhone;
}

}  // namespace

Misfit FitTyped(FieldKind kind, const v1::LeadField& field, std::string& text) {
  switch (kind) {
    case FieldKind::kNumber:
      return FitTypedNumber(field.value_case());
    case FieldKind::kBoolean:
      return FitTypedBoolean(field);
    case FieldKind::kDate:
      return FitTypedDate(field, text);
    case FieldKind::kDateTime:
      return FitTypedDateTime(field, text);
    case FieldKind::kTime:
      return Misfit::kNoTime;
    case FieldKind::kEmail:
      return Misfit::kNoEmail;
    case FieldKind::kPhone:
      return FitTypedPhone(field);
    case FieldKind::kWebsite:
      return Misfit::kNoWebsite;
    case FieldKind::kOther:
    case FieldKind::kText:
    case FieldKind::kSelect:
    case FieldKind::kMultiSelect:
      return Misfit::kNone;
  }
  return Misfit::kNone;
}

Misfit FitText(FieldKind kind, std::string& text) {
  if (text.empty()) return Misfit::kNone;
  switch (kind) {
    case FieldKind::kNumber:
      return IsDecimal(text) ? Misfit::kNone : Misfit::kNoNumber;
    case FieldKind::kBoolean:
      return IsBooleanText(absl::StripAsciiWhitespace(text))
                 ? Misfit::kNone
                 : Misfit::kNoBoolean;
    case FieldKind::kDate:
      return FitDate(text);
    case FieldKind::kDateTime:
      return FitDateTime(text);
    case FieldKind::kEmail:
      return FitEmail(text);
    case FieldKind::kPhone:
      return FitPhone(text);
    case FieldKind::kWebsite:
      return FitWebsite(text);
    case FieldKind::kOther:
    case FieldKind::kText:
    case FieldKind::kTime:
    case FieldKind::kSelect:
    case FieldKind::kMultiSelect:
      return Misfit::kNone;
  }
  return Misfit::kNone;
}

size_t CharactersIn(absl::string_view text) {
  size_t characters = 0;
  for (const char c : text) {
    characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }
  return characters;
}

bool IsGuid(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  constexpr absl::string_view kShape = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
  if (text.size() != kShape.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool fits =
        kShape[i] == 'h'
            ? absl::ascii_isxdigit(static_cast<unsigned char>(text[i]))
            : text[i] == '-';
    if (!fits) return false;
  }
  return true;
}

}  // namespace leadgateway::validation
