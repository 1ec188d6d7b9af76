#include "gateway/validation/field_value.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/validation/value_text.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::validation {
namespace {

using schema::FieldKind;

constexpr FieldKind kAllKinds[] = {
    FieldKind::kOther,   FieldKind::kText,   FieldKind::kNumber,
    FieldKind::kBoolean, FieldKind::kDate,   FieldKind::kDateTime,
    FieldKind::kTime,    FieldKind::kEmail,  FieldKind::kPhone,
    FieldKind::kWebsite, FieldKind::kSelect, FieldKind::kMultiSelect};

// "same": fits as it is; "no": does not fit; otherwise the text that is sent.
std::string Fit(FieldKind kind, const std::string& text) {
  std::string sent = text;
  if (FitText(kind, sent) != Misfit::kNone) return "no";
  return sent == text ? "same" : sent;
}

using Cases = std::vector<std::pair<std::string, std::string>>;

void Check(FieldKind kind, const Cases& cases) {
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(Fit(kind, text), expected) << '"' << text << '"';
  }
}

const std::string kFiveMegabytes(5 << 20, '7');

TEST(FitText, TheEmptyStringFitsEveryKind) {
  for (const FieldKind kind : kAllKinds) EXPECT_EQ(Fit(kind, ""), "same");
}

TEST(FitText, AnyTextFitsWhereLeadSquaredsFormIsNotKnown) {
  for (const FieldKind kind :
       {FieldKind::kOther, FieldKind::kText, FieldKind::kTime,
        FieldKind::kSelect, FieldKind::kMultiSelect}) {
    for (const std::string& text :
         {std::string(" "), std::string("\0\x01\x1f\x7f", 4),
          std::string("\U0001F600"), std::string("\u202e\u05e9\u05dc\u05d5"),
          kFiveMegabytes}) {
      EXPECT_EQ(Fit(kind, text), "same");
    }
  }
}

TEST(FitText, ANumberIsWrittenInPlainDecimals) {
  Check(FieldKind::kNumber, {{"0", "same"},
                             {"-1250.50", "same"},
                             {"+7", "same"},
                             {".5", "same"},
                             {"5.", "same"},
                             {" 12\t", "same"},
                             {"12345678901234567", "same"},
                             {kFiveMegabytes, "same"},
                             {" ", "no"},
                             {".", "no"},
                             {"-", "no"},
                             {"--1", "no"},
                             {"1.2.3", "no"},
                             {"1,250", "no"},
                             {"1e5", "no"},
                             {"0x1F", "no"},
                             {"NaN", "no"},
                             {"Infinity", "no"},
                             {"12 EUR", "no"},
                             {"1 2", "no"},
                             {"\u0661\u0662", "no"},
                             {std::string("1\0", 2), "no"},
                             {absl::StrCat(kFiveMegabytes, "x"), "no"}});
}

TEST(FitText, ABooleanIsOneOfFourWords) {
  Check(FieldKind::kBoolean, {{"1", "same"},
                              {"0", "same"},
                              {"true", "same"},
                              {"FALSE", "same"},
                              {" True ", "same"},
                              {"yes", "no"},
                              {"2", "no"},
                              {"01", "no"},
                              {"t", "no"},
                              {kFiveMegabytes, "no"}});
}

TEST(FitText, ADateIsADayThatExists) {
  Check(FieldKind::kDate, {{"2024-02-29", "same"},
                           {"2000-02-29", "same"},
                           {"0001-01-01", "same"},
                           {"9999-12-31", "same"},
                           {" 2024-01-31 ", "same"},
                           {"2024-01-31 00:00:00", "same"},
                           {"2024-01-31 23:59:59.000", "same"},
                           {"2023-02-29", "no"},
                           {"1900-02-29", "no"},
                           {"0000-01-01", "no"},
                           {"2024-00-10", "no"},
                           {"2024-13-01", "no"},
                           {"2024-04-31", "no"},
                           {"2024-1-1", "no"},
                           {"10000-01-01", "no"},
                           {"-001-01-01", "no"},
                           {"29/02/2024", "no"},
                           {"02-29-2024", "no"},
                           {"20240229", "no"},
                           {"2024-02-29x", "no"},
                           {"2024-02-29 ", "same"},
                           {"2024-02-29T00:00:00", "no"},
                           {"2024-02-29 00:00:00+05:30", "no"},
                           {"/Date(1417453996000+0000)/", "no"},
                           {"\u0662024-02-29", "no"},
                           {std::string("2024-02-29\0", 11), "no"},
                           {kFiveMegabytes, "no"}});
}

TEST(FitText, ADateTimeIsSentInUtc) {
  Check(FieldKind::kDateTime,
        {{"2024-02-29 12:34:56", "same"},
         {"2024-02-29 12:34:56.123", "same"},
         {"2024-02-29", "2024-02-29 00:00:00"},
         {"2024-02-29T12:34:56", "2024-02-29 12:34:56"},
         {"2024-02-29T12:34:56Z", "2024-02-29 12:34:56"},
         {"2024-02-29t12:34:56.5z", "2024-02-29 12:34:56.5"},
         {"2024-02-29 12:34:56Z", "2024-02-29 12:34:56"},
         {"2024-03-01T04:00:00+05:30", "2024-02-29 22:30:00"},
         {"2024-03-01 04:00:00 +05:30", "2024-02-29 22:30:00"},
         {"2024-02-28T23:30:00-0100", "2024-02-29 00:30:00"},
         {"2024-12-31T23:00:00-14", "2025-01-01 13:00:00"},
         {"0001-01-01T00:00:00Z", "0001-01-01 00:00:00"},
         {"9999-12-31T23:59:59.9999999Z", "9999-12-31 23:59:59.9999999"},
         {"0001-01-01T00:00:00+00:01", "no"},
         {"9999-12-31T23:59:59-00:01", "no"},
         {"2023-02-29 12:00:00", "no"},
         {"0000-01-01 00:00:00", "no"},
         {"2024-02-29 24:00:00", "no"},
         {"2024-02-29 12:60:00", "no"},
         {"2024-02-29 12:00:60", "no"},
         {"2024-02-29 12:00", "no"},
         {"2024-02-29 1:00:00", "no"},
         {"2024-02-29  12:00:00", "no"},
         {"2024-02-29 12:00:00 PM", "no"},
         {"2024-02-29 12:00:00.", "no"},
         {"2024-02-29 12:00:00.12345678901", "no"},
         {"2024-02-29 12:00:00+24:00", "no"},
         {"2024-02-29 12:00:00+05:60", "no"},
         {"2024-02-29 12:00:00+5", "no"},
         {"2024-02-29 12:00:00 IST", "no"},
         {"2024-02-29 12:00:00Zx", "no"},
         {"1709210096", "no"},
         {"/Date(1417453996000+0000)/", "no"},
         {"tomorrow", "no"},
         {kFiveMegabytes, "no"}});
}

TEST(FitText, AnEmailAddressHasAnAtWithSomethingOnBothSides) {
  Check(FieldKind::kEmail, {{"a@b", "same"},
                            {"johnwick @gmail.com", "same"},
                            {"\"a@b\"@c.d", "same"},
                            {"\u00fc@\u00e4.example", "same"},
                            {" a@b ", "same"},
                            {"a", "no"},
                            {"@b", "no"},
                            {"a@", "no"},
                            {"@", "no"},
                            {" @b", "no"},
                            {"a\n@b", "no"},
                            {std::string("a\0@b", 4), "no"},
                            {absl::StrCat(kFiveMegabytes, "@x"), "same"},
                            {kFiveMegabytes, "no"}});
}

TEST(FitText, APhoneNumberHasADigit) {
  Check(FieldKind::kPhone, {{"+91-9988776655", "same"},
                            {"1-800-FLOWERS", "same"},
                            {"(0)30 1234 ext. 5", "same"},
                            {"\u0661\u0662\u0663", "same"},
                            {"n/a", "no"},
                            {"+", "no"},
                            {" ", "no"},
                            {"12\n34", "no"},
                            {kFiveMegabytes, "same"},
                            {std::string(5 << 20, 'x'), "no"}});
}

TEST(FitText, AWebsiteHasAHostAndNoWhiteSpace) {
  Check(FieldKind::kWebsite,
        {{"example.com", "same"},
         {"https://example.com/a?b=c#d", "same"},
         {"http://localhost", "same"},
         {"https://\u4f8b\u5b50.example", "same"},
         {" example.com ", "same"},
         {"http://", "no"},
         {"https:///path", "no"},
         {"/path", "no"},
         {"example .com", "no"},
         {"exam\nple.com", "no"},
         {" ", "no"},
         {kFiveMegabytes, "same"},
         {absl::StrCat("http://", kFiveMegabytes, " x"), "no"},
         {absl::StrCat("http://", std::string(5 << 20, '/')), "no"}});
}

// Values that no caller means, against each kind: "y" fits as it is, "-" does
// not.
TEST(FitText, OddValuesFitWhereTheyCould) {
  const std::pair<std::string, const char*> cases[] = {
      // number, boolean, date, date-time, e-mail, phone, website
      {"\U0001F600",
       "----"
       "-yy"},
      {"\u05e9\u05dc\u05d5\u05dd",
       "----"
       "-yy"},
      {"\u202e\u05e9@\u05dc",
       "----"
       "yyy"},
      {"\u202e12",
       "----"
       "-yy"},
      {std::string("\0", 1), "-------"},
      {"\x01\x02", "-------"},
      {"1\x7f", "-------"},
      {"2024-02-29\n12:00:00",
       "----"
       "---"},
      {"NaN",
       "----"
       "--y"},
      {"-Infinity",
       "----"
       "--y"},
      {"12345678901234567",
       "y---"
       "-yy"},
      {"-12345678901234567",
       "y---"
       "-yy"},
      {"0000-02-29",
       "----"
       "-yy"},
      {"2100-02-29",
       "----"
       "-yy"},
      {"2400-02-29",
       "--y."
       "-yy"},
      {"2400-02-29 23:59:59",
       "--yy"
       "-y-"},
      {"2024-02-29T00:00:00+14:00",
       "---."
       "-yy"},
      {"2024-02-29T00:00:00-12:00",
       "---."
       "-yy"},
      {"2024-02-29T00:00:00+24:00",
       "----"
       "-yy"},
      {" ", "-------"},
  };
  constexpr FieldKind kKinds[] = {FieldKind::kNumber, FieldKind::kBoolean,
                                  FieldKind::kDate,   FieldKind::kDateTime,
                                  FieldKind::kEmail,  FieldKind::kPhone,
                                  FieldKind::kWebsite};
  for (const auto& [text, expected] : cases) {
    std::string fits;
    for (const FieldKind kind : kKinds) {
      const std::string fit = Fit(kind, text);
      // ".": sent in another form.
      fits += fit == "same" ? 'y' : fit == "no" ? '-' : '.';
    }
    EXPECT_EQ(fits, expected) << '"' << text << '"';
  }
}

// ---------------------------------------------------------------- typed values

v1::LeadField Int(int64_t value) {
  v1::LeadField field;
  field.set_int64_value(value);
  return field;
}
v1::LeadField Double(double value) {
  v1::LeadField field;
  field.set_double_value(value);
  return field;
}
v1::LeadField Bool(bool value) {
  v1::LeadField field;
  field.set_bool_value(value);
  return field;
}
v1::LeadField Seconds(int64_t seconds, int nanos = 0) {
  v1::LeadField field;
  field.mutable_timestamp_value()->set_seconds(seconds);
  field.mutable_timestamp_value()->set_nanos(nanos);
  return field;
}
v1::LeadField Day(int year, int month, int day) {
  v1::LeadField field;
  field.mutable_date_value()->set_year(year);
  field.mutable_date_value()->set_month(month);
  field.mutable_date_value()->set_day(day);
  return field;
}

std::string Sent(FieldKind kind, const v1::LeadField& field) {
  std::string text;
  if (!WriteValue(field, text).ok()) return "unwritable";
  return FitTyped(kind, field, text) == Misfit::kNone ? text : "no";
}

TEST(FitTyped, EachTypeIsSentInTheFormOfTheKindOrNotAtAll) {
  struct {
    v1::LeadField field;
    // For text, number, boolean, date, date-time and phone.
    const char* text;
    const char* number;
    const char* boolean;
    const char* date;
    const char* date_time;
    const char* phone;
  } cases[] = {
      {Int(1), "1", "1", "1", "no", "no", "1"},
      {Int(0), "0", "0", "0", "no", "no", "0"},
      {Int(-5), "-5", "-5", "no", "no", "no", "no"},
      {Int(12'345'678'901'234'567), "12345678901234567", "12345678901234567",
       "no", "no", "no", "12345678901234567"},
      {Int(std::numeric_limits<int64_t>::min()), "-9223372036854775808",
       "-9223372036854775808", "no", "no", "no", "no"},
      {Double(2.5), "2.5", "2.5", "no", "no", "no", "no"},
      {Double(-0.0), "0", "0", "no", "no", "no", "0"},
      {Double(9'988'776'655), "9988776655", "9988776655", "no", "no", "no",
       "9988776655"},
      {Double(1.25e17), "125000000000000000", "125000000000000000", "no", "no",
       "no", "no"},
      {Bool(true), "1", "no", "1", "no", "no", "no"},
      {Bool(false), "0", "no", "0", "no", "no", "no"},
      {Seconds(1'709'164'800), "2024-02-29 00:00:00", "no", "no", "2024-02-29",
       "2024-02-29 00:00:00", "no"},
      {Seconds(1'709'164'801, 5), "2024-02-29 00:00:01", "no", "no", "no",
       "2024-02-29 00:00:01", "no"},
      {Seconds(1'709'164'800, 1), "2024-02-29 00:00:00", "no", "no", "no",
       "2024-02-29 00:00:00", "no"},
      {Seconds(-62'135'596'800), "0001-01-01 00:00:00", "no", "no",
       "0001-01-01", "0001-01-01 00:00:00", "no"},
      {Day(2024, 2, 29), "2024-02-29", "no", "no", "2024-02-29",
       "2024-02-29 00:00:00", "no"},
  };
  for (const auto& c : cases) {
    const std::string name = c.field.ShortDebugString();
    EXPECT_EQ(Sent(FieldKind::kText, c.field), c.text) << name;
    EXPECT_EQ(Sent(FieldKind::kNumber, c.field), c.number) << name;
    EXPECT_EQ(Sent(FieldKind::kOther, c.field),
              Sent(FieldKind::kText, c.field));
    EXPECT_EQ(Sent(FieldKind::kSelect, c.field),
              Sent(FieldKind::kText, c.field));
    EXPECT_EQ(Sent(FieldKind::kBoolean, c.field), c.boolean) << name;
    EXPECT_EQ(Sent(FieldKind::kDate, c.field), c.date) << name;
    EXPECT_EQ(Sent(FieldKind::kDateTime, c.field), c.date_time) << name;
    EXPECT_EQ(Sent(FieldKind::kPhone, c.field), c.phone) << name;
    for (const FieldKind kind :
         {FieldKind::kEmail, FieldKind::kWebsite, FieldKind::kTime}) {
      EXPECT_EQ(Sent(kind, c.field), "no") << name;
    }
  }
}

TEST(FitTyped, WhatNoFieldCanHoldIsUnwritable) {
  for (const v1::LeadField& field :
       {Double(std::nan("")), Double(INFINITY), Double(-INFINITY),
        Day(2023, 2, 29), Day(0, 1, 1), Day(2024, 0, 1), Day(10'000, 1, 1),
        Seconds(-62'135'596'801), Seconds(253'402'300'800), Seconds(0, -1)}) {
    EXPECT_EQ(Sent(FieldKind::kText, field), "unwritable")
        << field.ShortDebugString();
  }
}

TEST(DayExists, AgreesWithTheCalendar) {
  for (int year = 1; year <= 9999; ++year) {
    const absl::CivilDay next(year, 3, 1);
    EXPECT_EQ(DayExists(year, 2, 29), (next - 1).day() == 29) << year;
  }
  for (int month = -1; month <= 14; ++month) {
    for (int day = -1; day <= 33; ++day) {
      const absl::CivilDay real(2024, month, day);
      EXPECT_EQ(DayExists(2024, month, day),
                real.month() == month && real.day() == day)
          << month << '-' << day;
    }
  }
}

TEST(CharactersIn, CountsCodePoints) {
  EXPECT_EQ(CharactersIn(""), 0);
  EXPECT_EQ(CharactersIn("abc"), 3);
  EXPECT_EQ(CharactersIn("\u00fc\U0001F600\u05e9"), 3);
  EXPECT_EQ(CharactersIn("u\u0308"), 2);
  EXPECT_EQ(CharactersIn(kFiveMegabytes), 5 << 20);
}

TEST(IsGuid, TakesTheShapeOfLeadSquaredsIds) {
  EXPECT_TRUE(IsGuid("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"));
  EXPECT_TRUE(IsGuid(" 0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9\n"));
  for (const std::string text : {"", "-", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f",
                                 "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f90",
                                 "0a1b2c3d04e5f-6071-8293-a4b5c6d7e8f9",
                                 "0g1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"}) {
    EXPECT_FALSE(IsGuid(text)) << text;
  }
  EXPECT_FALSE(IsGuid(kFiveMegabytes));
}

}  // namespace
}  // namespace leadgateway::validation
