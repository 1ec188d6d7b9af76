#include "gateway/leadsquared/fields_reader/fields_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/schema/field_catalogue.h"
#include "sandbox/field_catalogue.h"

namespace leadgateway::leadsquared {
namespace {

using schema::FieldInfo;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr absl::string_view kSample = R"([
  {"SchemaName":"EmailAddress","DisplayName":"Email","DataType":"Email",
   "RenderType":8,"RenderTypeTextValue":"Email","IsMandatory":true,
   "MaxLength":"200","IsLeadIdentifier":true,"LockAfterCreate":0,
   "CreatedOn":"/Date(1417453996000+0000)/","Nested":{"a":[1,{"b":null}]}},
  {"SchemaName":"ProspectStage","DisplayName":"Contact \u0053tage",
   "DataType":"Select","RenderTypeTextValue":"Dropdown",
   "MaxLength":100,"Options":[{"Value":"Prospect","Order":1},
   {"Value":"Kunde \u00fc"}],"IsMandatory":false,"LockAfterCreate":"0"},
  {"SchemaName":"CreatedOn","DisplayName":null,"DataType":"Date",
   "RenderTypeTextValue":"DateTime","IsReadOnly":true,"RangeMin":"-1.5e3"}
])";

// The first field of an array of one, with these members beside its name.
absl::StatusOr<FieldInfo> One(absl::string_view members,
                              absl::string_view name = "mx_A") {
  auto fields = ReadFields(
      absl::StrCat(R"([{"SchemaName":")", name, R"(",)", members, "}]"));
  if (!fields.ok()) return fields.status();
  EXPECT_THAT(*fields, SizeIs(1));
  return fields->front();
}

std::vector<std::string> UniqueOf(absl::string_view json) {
  auto fields = ReadFields(json);
  EXPECT_TRUE(fields.ok()) << fields.status();
  std::vector<std::string> names;
  if (fields.ok()) {
    for (const FieldInfo& field : *fields) {
      if (field.unique) names.push_back(field.schema_name);
    }
  }
  return names;
}

void ExpectRefused(absl::string_view json) {
  const auto fields = ReadFields(json);
  ASSERT_EQ(fields.status().code(), absl::StatusCode::kInvalidArgument)
      << json.substr(0, 200);
  EXPECT_THAT(std::string(fields.status().message()), Not(HasSubstr("secret")));
}

TEST(ReadFieldsTest, ASampleIsReadWhole) {
  const auto fields = ReadFields(kSample);
  ASSERT_TRUE(fields.ok()) << fields.status();
  ASSERT_THAT(*fields, SizeIs(3));
  const FieldInfo& email = (*fields)[0];
  EXPECT_EQ(email.schema_name, "EmailAddress");
  EXPECT_EQ(email.display_name, "Email");
  EXPECT_EQ(email.data_type, "Email");
  EXPECT_TRUE(email.unique);
  EXPECT_TRUE(email.mandatory);
  EXPECT_FALSE(email.read_only);
  EXPECT_EQ(email.max_length, 200);
  EXPECT_THAT(email.options, IsEmpty());
  const FieldInfo& stage = (*fields)[1];
  EXPECT_EQ(stage.display_name, "Contact Stage");
  EXPECT_EQ(stage.data_type, "Select");
  EXPECT_EQ(stage.max_length, 100);
  EXPECT_FALSE(stage.unique);
  EXPECT_FALSE(stage.mandatory);
  EXPECT_FALSE(stage.read_only);
  EXPECT_THAT(stage.options, ElementsAre("Prospect", "Kunde \xc3\xbc"));
  const FieldInfo& created = (*fields)[2];
  EXPECT_EQ(created.display_name, "");
  EXPECT_EQ(created.data_type, "DateTime");
  EXPECT_EQ(created.max_length, 0);
  EXPECT_TRUE(created.read_only);
}

TEST(ReadFieldsTest, TheSandboxsMetadataIsReadAsItIsMeant) {
  const auto account = sandbox::FieldCatalogue::RealAccount();
  for (const bool exclude_options : {false, true}) {
    for (const bool with_unique : {false, true}) {
      const auto fields =
          ReadFields(account.MetadataJson("", exclude_options, with_unique));
      ASSERT_TRUE(fields.ok()) << fields.status();
      ASSERT_EQ(fields->size(), account.fields().size());
      for (size_t i = 0; i < fields->size(); ++i) {
        const sandbox::Field& expected = account.fields()[i];
        const FieldInfo& field = (*fields)[i];
        EXPECT_EQ(field.schema_name, expected.schema_name);
        EXPECT_EQ(field.display_name, expected.display_name);
        EXPECT_EQ(field.data_type, expected.render_type_text == "DateTime"
                                       ? "DateTime"
                                       : expected.data_type);
        EXPECT_EQ(field.unique, expected.is_unique) << field.schema_name;
        EXPECT_EQ(field.mandatory, expected.is_mandatory);
        EXPECT_EQ(field.read_only, (with_unique && expected.is_read_only) ||
                                       expected.lock_after_create != 0);
        EXPECT_EQ(absl::StrCat(field.max_length),
                  expected.max_length.value_or("0"));
        EXPECT_EQ(field.options, exclude_options ? std::vector<std::string>()
                                                 : expected.options);
      }
      EXPECT_TRUE(
          schema::FieldCatalogue::Create(*fields, {}, absl::UnixEpoch()).ok());
    }
  }
  ExpectRefused(account.MetadataJson("mx_Absent", false, false));
}

TEST(ReadFieldsTest, ALengthIsANumberHoweverItIsWritten) {
  const std::pair<const char*, int> cases[] = {
      {R"("200")", 200},    {"200", 200},
      {"2e2", 200},         {R"("200.0")", 200},
      {"200.7", 200},       {"null", 0},
      {R"("")", 0},         {"-1", 0},
      {R"("-1")", 0},       {"0", 0},
      {"1e30", 2147483647}, {R"("2147483648")", 2147483647},
      {R"("\u0032")", 2},
  };
  for (const auto& [value, expected] : cases) {
    const auto field = One(absl::StrCat(R"("MaxLength":)", value));
    ASSERT_TRUE(field.ok()) << value << field.status();
    EXPECT_EQ(field->max_length, expected) << value;
  }
}

TEST(ReadFieldsTest, ABooleanIsReadHoweverItIsWritten) {
  const std::pair<const char*, bool> cases[] = {
      {"true", true},        {"false", false},      {R"("1")", true},
      {R"("0")", false},     {R"("true")", true},   {R"("True")", true},
      {R"("false")", false}, {R"("False")", false}, {"1", true},
      {"0", false},          {"null", false},       {R"("")", false},
  };
  for (const auto& [value, expected] : cases) {
    const auto field =
        One(absl::StrCat(R"("IsMandatory":)", value, R"(,"IsReadOnly":)", value,
                         R"(,"IsUnique":)", value));
    ASSERT_TRUE(field.ok()) << value << field.status();
    EXPECT_EQ(field->mandatory, expected) << value;
    EXPECT_EQ(field->read_only, expected) << value;
    EXPECT_EQ(field->unique, expected) << value;
    const auto identifier = One(absl::StrCat(R"("IsLeadIdentifier":)", value));
    ASSERT_TRUE(identifier.ok()) << value << identifier.status();
    EXPECT_EQ(identifier->unique, expected) << value;
  }
}

TEST(ReadFieldsTest, AFieldThatIsLockedAfterCreationIsReadOnly) {
  const std::pair<const char*, bool> cases[] = {
      {"0", false},     {R"("0")", false},     {"null", false},
      {"false", false}, {R"("false")", false}, {R"("")", false},
      {"0.0", false},   {R"("0.0")", false},   {"1", true},
      {"2", true},      {R"("1")", true},      {R"("2")", true},
      {"true", true},   {R"("true")", true},   {"-1", true},
      {"3", true},
  };
  for (const auto& [value, expected] : cases) {
    const auto field = One(
        absl::StrCat(R"("LockAfterCreate":)", value, R"(,"IsReadOnly":false)"));
    ASSERT_TRUE(field.ok()) << value << field.status();
    EXPECT_EQ(field->read_only, expected) << value;
    const auto both = One(
        absl::StrCat(R"("LockAfterCreate":)", value, R"(,"IsReadOnly":true)"));
    ASSERT_TRUE(both.ok()) << value << both.status();
    EXPECT_TRUE(both->read_only) << value;
  }
}

TEST(ReadFieldsTest, ADateThatIsShownWithATimeIsADateTime) {
  const std::vector<std::vector<std::string>> cases = {
      {R"("DataType":"Date","RenderTypeTextValue":"DateTime")", "DateTime"},
      {R"("RenderTypeTextValue":"DateTime","DataType":"Date")", "DateTime"},
      {R"("DataType":"Date","RenderTypeTextValue":"Date")", "Date"},
      {R"("DataType":"Date")", "Date"},
      {R"("DataType":"DateTime")", "DateTime"},
      {R"("DataType":"Text","RenderTypeTextValue":"DateTime")", "Text"},
      {R"("RenderTypeTextValue":"Textbox")", ""},
  };
  for (const auto& one : cases) {
    const auto field = One(one[0]);
    ASSERT_TRUE(field.ok()) << one[0] << field.status();
    EXPECT_EQ(field->data_type, one[1]) << one[0];
  }
}

TEST(ReadFieldsTest, OptionsMayBeAbsentOrThousands) {
  for (const char* none :
       {R"("Options":[])", R"("Options":null)", R"("Options":[{}])",
        R"("Options":[{"Value":null}])", R"("Options":[{"Value":""}])"}) {
    const auto field = One(none);
    ASSERT_TRUE(field.ok()) << none << field.status();
    EXPECT_THAT(field->options, IsEmpty()) << none;
  }
  std::string many = R"("Options":[{"Value":"0"})";
  for (int i = 1; i < 5000; ++i) {
    absl::StrAppend(&many, R"(,{"Value":")", i, R"(","Default":false})");
  }
  const auto field = One(absl::StrCat(many, "]"));
  ASSERT_TRUE(field.ok()) << field.status();
  ASSERT_THAT(field->options, SizeIs(5000));
  EXPECT_EQ(field->options.back(), "4999");
}

TEST(ReadFieldsTest, EmailPhoneAndMobileAreUniqueWhenMetadataMarksNone) {
  EXPECT_THAT(UniqueOf(R"([{"SchemaName":"Phone"},{"SchemaName":"FirstName"},
                   {"SchemaName":"EmailAddress"},{"SchemaName":"Mobile"},
                   {"SchemaName":"emailaddress"}])"),
              ElementsAre("Phone", "EmailAddress", "Mobile"));
  EXPECT_THAT(UniqueOf(R"([{"SchemaName":"Phone","IsLeadIdentifier":false},
                           {"SchemaName":"A"}])"),
              ElementsAre("Phone"));
  EXPECT_THAT(UniqueOf(R"([{"SchemaName":"A"}])"), IsEmpty());
}

TEST(ReadFieldsTest, EmailPhoneAndMobileAreNotUniqueWhenMetadataSaysOtherwise) {
  EXPECT_THAT(UniqueOf(R"([{"SchemaName":"Phone"},{"SchemaName":"EmailAddress",
                           "IsLeadIdentifier":true},{"SchemaName":"Mobile"}])"),
              ElementsAre("EmailAddress"));
  EXPECT_THAT(UniqueOf(R"([{"SchemaName":"Phone"},
                           {"SchemaName":"mx_P","IsUnique":"1"}])"),
              ElementsAre("mx_P"));
  EXPECT_THAT(UniqueOf(R"([{"SchemaName":"Phone","IsUnique":false},
                           {"SchemaName":"Mobile","IsUnique":null}])"),
              ElementsAre("Mobile"));
  // A mark on what is no field marks nothing.
  EXPECT_THAT(UniqueOf(R"([{"SchemaName":"Phone"},{"IsUnique":true}])"),
              ElementsAre("Phone"));
}

TEST(ReadFieldsTest, FieldsWithoutANameAndUnknownKeysArePassedOver) {
  const auto fields = ReadFields(
      R"([{},{"DisplayName":"x"},{"SchemaName":null},{"SchemaName":""},
          {"schemaname":"y","SchemaName":"A","Z":[[],{},-0.5,"",true,null]},
          {"SchemaName":"A"}])");
  ASSERT_TRUE(fields.ok()) << fields.status();
  ASSERT_THAT(*fields, SizeIs(2));
  EXPECT_EQ((*fields)[0].schema_name, "A");
}

TEST(ReadFieldsTest, AKnownKeyOfAnotherTypeIsRefused) {
  for (const char* members : {
           R"("SchemaName":1)",
           R"("SchemaName":true)",
           R"("SchemaName":["secret"])",
           R"("DisplayName":1)",
           R"("DisplayName":{})",
           R"("DataType":2)",
           R"("DataType":false)",
           R"("RenderTypeTextValue":7)",
           R"("IsMandatory":"secret")",
           R"("IsMandatory":2)",
           R"("IsMandatory":[])",
           R"("IsUnique":{})",
           R"("IsUnique":"yes")",
           R"("IsLeadIdentifier":-1)",
           R"("IsReadOnly":"2")",
           R"("MaxLength":"secret")",
           R"("MaxLength":"nan")",
           R"("MaxLength":"inf")",
           R"("MaxLength":"10 characters")",
           R"("MaxLength":true)",
           R"("MaxLength":[200])",
           R"("LockAfterCreate":"secret")",
           R"("LockAfterCreate":"nan")",
           R"("LockAfterCreate":{})",
           R"("LockAfterCreate":[])",
           R"("Options":"secret")",
           R"("Options":{})",
           R"("Options":["secret"])",
           R"("Options":[null])",
           R"("Options":[[]])",
           R"("Options":[{"Value":1}])",
           R"("Options":[{"Value":{}}])",
           R"("Options":1)",
       }) {
    EXPECT_EQ(One(members).status().code(), absl::StatusCode::kInvalidArgument)
        << members;
    EXPECT_THAT(std::string(One(members).status().message()),
                Not(HasSubstr("secret")));
  }
}

TEST(ReadFieldsTest, GarbageIsRefusedAndNotQuoted) {
  const std::string garbage[] = {
      "",
      " ",
      "[]",
      "[ ]",
      "[{}]",
      "[[]]",
      "[null]",
      "[1]",
      R"(["secret"])",
      "{}",
      "null",
      "true",
      "1",
      R"("secret")",
      R"({"Status":"Error","ExceptionType":"MXInvalidSession",)"
      R"("ExceptionMessage":"secret"})",
      R"({"SchemaName":"secret"})",
      R"({"Fields":[{"SchemaName":"secret"}]})",
      "<html><body>secret</body></html>",
      "<!DOCTYPE html>",
      "secret",
      "[",
      "]",
      "[,]",
      R"([{"SchemaName":"A"},])",
      R"([,{"SchemaName":"A"}])",
      R"([{"SchemaName":"A"}{"SchemaName":"B"}])",
      R"([{"SchemaName":"A",}])",
      R"([{"SchemaName" "A"}])",
      R"([{"SchemaName":}])",
      R"([{SchemaName:"A"}])",
      R"([{'SchemaName':'A'}])",
      R"([{"SchemaName":"A"]})",
      R"([{"SchemaName":"A"}}])",
      R"([{"SchemaName":"A"}]])",
      R"([{"SchemaName":"A"}][])",
      R"([{"SchemaName":"A"}]secret)",
      R"([{"SchemaName":"A"}],)",
      R"([{"SchemaName":"A"}] 1)",
      R"([{"SchemaName":"A"}] // secret)",
      R"([{"SchemaName":"A","X":tru}])",
      R"([{"SchemaName":"A","X":truely}])",
      R"([{"SchemaName":"A","X":nul}])",
      R"([{"SchemaName":"A","X":nulls}])",
      R"([{"SchemaName":"A","X":01}])",
      R"([{"SchemaName":"A","X":1.}])",
      R"([{"SchemaName":"A","X":-}])",
      R"([{"SchemaName":"A","X":+1}])",
      R"([{"SchemaName":"A","X":NaN}])",
      R"([{"SchemaName":"A","X":"\q"}])",
      R"([{"SchemaName":"A","X":"\u12"}])",
      R"([{"SchemaName":"A","MaxLength":1x}])",
      R"([{"SchemaName":"A","MaxLength":01}])",
      R"([{"SchemaName":"A","IsUnique":nulls}])",
      R"([{"SchemaName":"A\u0000"}])",
      R"([{"SchemaName":"A\ud800"}])",
      R"([{"SchemaName":"A\udc00"}])",
      R"([{"SchemaName":"A","Options":[{"Value":"\u0000"}]}])",
      "[{\"SchemaName\":\"A\nB\"}]",
      "[{\"SchemaName\":\"A\xff\"}]",
      "[{\"SchemaName\":\"A\",\"X\":\"\xc3\"}]",
      "[{\"SchemaName\":\"A\",\"X\":\"\xed\xa0\x80\"}]",
      "[{\"SchemaName\":\"A\",\"\xc0\x80\":1}]",
      "[{\"SchemaName\":\"A\"}]\xff",
      "\xff\xfe[{\"SchemaName\":\"A\"}]",
      std::string("[{\"SchemaName\":\"A\"}]\0", 21),
      std::string("\0[{\"SchemaName\":\"A\"}]", 21),
      std::string("[{\"SchemaName\":\"A\0\"}]", 21),
      std::string("[{\"SchemaName\":\0\"A\"}]", 21),
      std::string(100'000, '\0'),
      std::string(100'000, '['),
      std::string(100'000, '{'),
      std::string(1000, '[') + std::string(1000, ']'),
      "[{\"SchemaName\":\"A\",\"X\":" + std::string(200, '[') +
          std::string(200, ']') + "}]",
  };
  for (const std::string& json : garbage) ExpectRefused(json);
}

TEST(ReadFieldsTest, AnAnswerThatIsCutShortAnywhereIsRefused) {
  ASSERT_TRUE(ReadFields(kSample).ok());
  for (size_t size = 0; size < kSample.size(); ++size) {
    ExpectRefused(kSample.substr(0, size));
  }
}

TEST(ReadFieldsTest, AnythingButSpaceBehindTheEndIsRefused) {
  for (int c = 0; c < 256; ++c) {
    const std::string json =
        absl::StrCat(kSample, std::string(1, static_cast<char>(c)));
    const bool space = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    EXPECT_EQ(ReadFields(json).ok(), space) << c;
  }
}

TEST(ReadFieldsTest, WhatIsNoJsonIsNeverAccepted) {
  std::mt19937 random(11);
  const std::string interesting = "[]{}:,\"\\ 0-1.eEtfn\n\x01\x80\xff\xc3u";
  int accepted = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string json(kSample);
    for (int edits = 1 + static_cast<int>(random() % 3); edits > 0; --edits) {
      const size_t at = random() % json.size();
      const char c = interesting[random() % interesting.size()];
      switch (random() % 4) {
        case 0:
          json[at] = c;
          break;
        case 1:
          json.insert(at, 1, c);
          break;
        case 2:
          json.erase(at, 1 + random() % 4);
          break;
        default:
          json.insert(at, json.substr(random() % json.size(), random() % 40));
      }
    }
    const auto fields = ReadFields(json);
    if (!fields.ok()) continue;
    ++accepted;
    rapidjson::Document document;
    document.Parse<rapidjson::kParseValidateEncodingFlag>(json.data(),
                                                          json.size());
    ASSERT_FALSE(document.HasParseError()) << json;
    ASSERT_TRUE(document.IsArray()) << json;
  }
  EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace leadgateway::leadsquared
