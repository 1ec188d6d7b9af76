#include "gateway/validation/value_text.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::validation {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

v1::LeadField Double(double value) {
  v1::LeadField field;
  field.set_double_value(value);
  return field;
}

v1::LeadField Timestamp(int64_t seconds, int32_t nanos = 0) {
  v1::LeadField field;
  field.mutable_timestamp_value()->set_seconds(seconds);
  field.mutable_timestamp_value()->set_nanos(nanos);
  return field;
}

v1::LeadField Date(int year, int month, int day) {
  v1::LeadField field;
  field.mutable_date_value()->set_year(year);
  field.mutable_date_value()->set_month(month);
  field.mutable_date_value()->set_day(day);
  return field;
}

std::string Text(const v1::LeadField& field) {
  std::string text = "what was there before";
  const absl::Status status = WriteValue(field, text);
  return status.ok() ? text : absl::StrCat("! ", status.ToString());
}

absl::StatusCode CodeOf(const v1::LeadField& field) {
  std::string text;
  return WriteValue(field, text).code();
}

TEST(WriteValue, LeavesStringsAsTheyAre) {
  for (const std::string& text :
       {std::string(), std::string(" a "), std::string("a\0b\x01\n", 5),
        std::string("\xF0\x9F\x98\x80"), std::string(5 << 20, 'x')}) {
    v1::LeadField field;
    field.set_string_value(text);
    EXPECT_TRUE(Text(field) == text) << text.size();
  }
}

TEST(WriteValue, WritesIntegersExactly) {
  for (const auto& [value, text] :
       {std::pair<int64_t, std::string>{0, "0"},
        {-1, "-1"},
        {12345678901234567, "12345678901234567"},
        {std::numeric_limits<int64_t>::max(), "9223372036854775807"},
        {std::numeric_limits<int64_t>::min(), "-9223372036854775808"}}) {
    v1::LeadField field;
    field.set_int64_value(value);
    EXPECT_EQ(Text(field), text);
  }
}

TEST(WriteValue, WritesDoublesAsPlainDecimals) {
  EXPECT_EQ(Text(Double(0)), "0");
  EXPECT_EQ(Text(Double(-0.0)), "0");
  EXPECT_EQ(Text(Double(0.1)), "0.1");
  EXPECT_EQ(Text(Double(-33.5)), "-33.5");
  EXPECT_EQ(Text(Double(33)), "33");
  EXPECT_EQ(Text(Double(1e21)), "1000000000000000000000");
  EXPECT_EQ(Text(Double(1e-7)), "0.0000001");
}

TEST(WriteValue, WritesEachFiniteDoubleSoThatItReadsBackTheSame) {
  for (const double value :
       {std::numeric_limits<double>::max(),
        std::numeric_limits<double>::lowest(),
        std::numeric_limits<double>::min(),
        std::numeric_limits<double>::denorm_min(), 1.0 / 3, 123456789.125}) {
    const std::string text = Text(Double(value));
    EXPECT_EQ(text.find_first_not_of("-.0123456789"), std::string::npos)
        << text;
    double back = 0;
    ASSERT_TRUE(absl::SimpleAtod(text, &back)) << text;
    EXPECT_EQ(back, value);
  }
}

TEST(WriteValue, RefusesDoublesThatAreNoNumbers) {
  for (const double value : {std::nan(""), kInfinity, -kInfinity}) {
    EXPECT_EQ(CodeOf(Double(value)), absl::StatusCode::kInvalidArgument);
  }
}

TEST(WriteValue, WritesBooleansAsOneAndZero) {
  v1::LeadField field;
  field.set_bool_value(true);
  EXPECT_EQ(Text(field), "1");
  field.set_bool_value(false);
  EXPECT_EQ(Text(field), "0");
}

TEST(WriteValue, WritesTimestampsInUtc) {
  EXPECT_EQ(Text(Timestamp(0)), "1970-01-01 00:00:00");
  EXPECT_EQ(Text(Timestamp(1709210096, 999'999'999)), "2024-02-29 12:34:56");
  EXPECT_EQ(Text(Timestamp(-1)), "1969-12-31 23:59:59");
  EXPECT_EQ(Text(Timestamp(-1, 500'000'000)), "1969-12-31 23:59:59");
  EXPECT_EQ(Text(Timestamp(-62'135'596'800)), "0001-01-01 00:00:00");
  EXPECT_EQ(Text(Timestamp(253'402'300'799, 999'999'999)),
            "9999-12-31 23:59:59");
}

TEST(WriteValue, RefusesTimestampsOutsideTheirRange) {
  for (const auto& field :
       {Timestamp(-62'135'596'801), Timestamp(253'402'300'800),
        Timestamp(std::numeric_limits<int64_t>::max()),
        Timestamp(std::numeric_limits<int64_t>::min()), Timestamp(0, -1),
        Timestamp(0, 1'000'000'000)}) {
    EXPECT_EQ(CodeOf(field), absl::StatusCode::kInvalidArgument);
  }
}

TEST(WriteValue, WritesDates) {
  EXPECT_EQ(Text(Date(2024, 2, 29)), "2024-02-29");
  EXPECT_EQ(Text(Date(2000, 2, 29)), "2000-02-29");
  EXPECT_EQ(Text(Date(1, 1, 1)), "0001-01-01");
  EXPECT_EQ(Text(Date(9999, 12, 31)), "9999-12-31");
}

TEST(WriteValue, RefusesDatesThatDoNotExist) {
  for (const auto& field :
       {Date(2023, 2, 29), Date(1900, 2, 29), Date(2100, 2, 29),
        Date(2024, 4, 31), Date(2024, 2, 30), Date(0, 1, 1), Date(2024, 0, 1),
        Date(2024, 1, 0), Date(2024, 13, 1), Date(2024, 1, 32),
        Date(10000, 1, 1), Date(-1, 1, 1), Date(2024, -1, 1), Date(2024, 1, -1),
        Date(2147483647, 2147483647, 2147483647), Date(0, 0, 0)}) {
    EXPECT_EQ(CodeOf(field), absl::StatusCode::kInvalidArgument)
        << field.ShortDebugString();
  }
}

TEST(WriteValue, EmptiesAFieldThatIsCleared) {
  v1::LeadField field;
  field.mutable_clear();
  EXPECT_EQ(Text(field), "");
}

TEST(WriteValue, FailsWithNotFoundWhereThereIsNoValue) {
  EXPECT_EQ(CodeOf(v1::LeadField()), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace leadgateway::validation
