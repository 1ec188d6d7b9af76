#include "gateway/leadsquared/wire_codec.h"

#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gateway/model/lead.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/leadsquared/samples.h"

namespace leadgateway::leadsquared {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string FileText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

LeadUpdate Lead(std::vector<FieldValue> fields) {
  LeadUpdate lead;
  lead.fields = std::move(fields);
  return lead;
}

std::string Encode(absl::string_view key,
                   const std::vector<LeadUpdate>& leads) {
  std::vector<const LeadUpdate*> pointers;
  for (const LeadUpdate& lead : leads) pointers.push_back(&lead);
  return EncodeUpdate(key, pointers);
}

// ------------------------------------------------------------------ requests

TEST(EncodeUpdate, WritesTheRequestOfTheApiPageWithTheOptionOn) {
  EXPECT_EQ(
      Encode("EmailAddress", {Lead({{"EmailAddress", "johnwick@gmail.com"},
                                    {"mx_FirstName", "John"},
                                    {"mx_LastName", "Wick"},
                                    {"Age", "33"}}),
                              Lead({{"EmailAddress", "jack@gmail.com"},
                                    {"mx_FirstName", "Jack"},
                                    {"mx_LastName", "Sparrow"},
                                    {"PhoneNumber", "9876543210"}})}) +
          "\n",
      FileText("tests/testdata/update_v2_request.json"));
}

TEST(EncodeUpdate, WritesWhateverTextThereIsAsAJsonString) {
  EXPECT_EQ(
      Encode(
          "EmailAddress",
          {Lead({{"EmailAddress", "o\"neil\\@example.com"},
                 {"FirstName", "J\xC3\xBCrgen \xE6\xBC\xA2 \xF0\x9F\x98\x80"},
                 {"LastName", std::string("a\0b\x01\x1f\x7f", 6)},
                 {"Notes", "tab\tline\nreturn\rfeed\f/slash</script>"},
                 {"mx_Empty", ""},
                 {"mx_Number", "12345678901234567"},
                 {"mx_Null", "null"},
                 {"mx_\"Odd\"", "true"}})}) +
          "\n",
      FileText("tests/testdata/update_v2_odd_values.json"));
}

TEST(EncodeUpdate, LeavesSearchByKeyOutForProspectIds) {
  const std::string body = Encode("", {Lead({{"ProspectId", "1"}})});
  EXPECT_THAT(body, Not(HasSubstr("SearchByKey")));
  EXPECT_THAT(body, HasSubstr(R"("LeadPropertiesList":[{"Fields":[)"));
}

TEST(EncodeUpdate, EmptiesAFieldWithAnEmptyStringAndNeverWithNull) {
  EXPECT_THAT(Encode("", {Lead({{"ProspectId", "1"}, {"City", ""}})}),
              HasSubstr(R"({"Attribute":"City","Value":""})"));
}

// ------------------------------------------------------------------- answers

TEST(DecodeAnswer, ReadsTheSampleOfSuccess) {
  const auto answer = DecodeAnswer(kSuccessSample);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->total, 2);
  EXPECT_EQ(answer->succeeded, 2);
  EXPECT_EQ(answer->failed, 0);
  EXPECT_FALSE(answer->unprocessed);
  EXPECT_TRUE(answer->has_lists);
  ASSERT_EQ(answer->successful_leads.size(), 2);
  EXPECT_EQ(answer->successful_leads[0].identifier, "EmailAddress");
  EXPECT_EQ(answer->successful_leads[0].value, "james@gmail.com");
  EXPECT_EQ(answer->successful_leads[1].value, "jack@gmail.com");
  EXPECT_TRUE(answer->failed_leads.empty());
  EXPECT_EQ(answer->exception_type, "");
}

TEST(DecodeAnswer, ReadsTheSampleOfFailedLeads) {
  const auto answer = DecodeAnswer(kFailedSample);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->failed, 1);
  ASSERT_EQ(answer->failed_leads.size(), 1);
  EXPECT_EQ(answer->failed_leads[0].value, "johnwick@gmail.com");
  EXPECT_EQ(answer->failed_leads[0].reason,
            "Lead does not exist in the system or You do not have permission "
            "to update the lead");
}

TEST(DecodeAnswer, ReadsTheSampleOfUnprocessedLeads) {
  const auto answer = DecodeAnswer(kUnprocessedSample);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->unprocessed, 1);
  ASSERT_EQ(answer->unprocessed_leads.size(), 1);
  EXPECT_EQ(answer->unprocessed_leads[0].value, "johnwick @gmail.com");
}

TEST(DecodeAnswer, ReadsAnException) {
  const auto answer = DecodeAnswer(kThrottleSample);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->error_status, "Error");
  EXPECT_EQ(answer->exception_type, "MXAPIRateLimitExceededException");
  EXPECT_EQ(answer->exception_message,
            "API calls exceeded the limit of 25 in 5 second(s)");
  EXPECT_FALSE(answer->has_lists);
}

TEST(DecodeAnswer, RefusesEachSampleCutAtAnyByte) {
  for (const absl::string_view sample :
       {kSuccessSample, kFailedSample, kUnprocessedSample, kThrottleSample}) {
    ASSERT_TRUE(DecodeAnswer(sample).ok());
    for (size_t length = 0; length < sample.size(); ++length) {
      // On the heap, so that a sanitizer sees a byte read too many.
      const std::string cut(sample.substr(0, length));
      EXPECT_FALSE(DecodeAnswer(cut).ok()) << length << ": " << cut;
    }
  }
}

TEST(DecodeAnswer, SurvivesAnyByteChanged) {
  std::mt19937_64 random(7);
  for (const absl::string_view sample :
       {kSuccessSample, kFailedSample, kUnprocessedSample, kThrottleSample}) {
    for (size_t at = 0; at < sample.size(); ++at) {
      std::string changed(sample);
      changed[at] = static_cast<char>(random());
      const auto answer = DecodeAnswer(changed);
      if (!answer.ok()) {
        EXPECT_EQ(answer.status().code(), absl::StatusCode::kInvalidArgument);
      }
    }
  }
}

TEST(DecodeAnswer, RefusesGarbage) {
  const std::string many(1 << 20, '[');
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += R"({"a":)";
  const std::string garbage[] = {
      "",
      " ",
      "\n",
      "x",
      "null",
      "true",
      "17",
      "\"text\"",
      "[]",
      "[{}]",
      "{",
      "}",
      "{}{}",
      "{} x",
      "{},",
      "{}]",
      R"({"Status")",
      R"({"Status":})",
      R"({"Status":{}},)",
      R"({Status:{}})",
      R"({'Status':{}})",
      R"({"a":1,})",
      R"({"a":01})",
      R"({"a":tru})",
      R"({"a":nul})",
      R"({"a":"\x"})",
      R"({"a":"\ud83d"})",
      "{\"a\":\"\xff\xfe\"}",
      "{\"a\":\"\n\"}",
      "<html><body>502 Bad Gateway</body></html>",
      std::string("\0\0\0", 3),
      std::string("{}\0", 3),
      many,
      objects,
      absl::StrCat(R"({"Details":)", many, "}"),
  };
  for (const std::string& body : garbage) {
    const auto answer = DecodeAnswer(body);
    ASSERT_FALSE(answer.ok()) << body.substr(0, 100);
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(DecodeAnswer, RefusesKnownKeysOfAnotherType) {
  for (const absl::string_view body : {
           R"({"Status":[]})",
           R"({"Status":true})",
           R"({"Details":{"SuccessfulLeads":{}}})",
           R"({"Details":{"SuccessfulLeads":"a"}})",
           R"({"Details":{"SuccessfulLeads":["a"]}})",
           R"({"Details":{"SuccessfulLeads":[[]]}})",
           R"({"Details":{"SuccessfulLeads":[null]}})",
           R"({"Details":{"FailedLeads":[{"Identifier":[]}]}})",
           R"({"Details":{"FailedLeads":[{"IdentifierValue":{}}]}})",
           R"({"Details":{"FailedLeads":[{"Reason":false}]}})",
           R"({"ExceptionType":{}})",
           R"({"ExceptionMessage":[]})",
       }) {
    EXPECT_FALSE(DecodeAnswer(body).ok()) << body;
  }
}

TEST(DecodeAnswer, TakesCountsAsTheyComeAndNotesWhatIsNone) {
  const auto text = DecodeAnswer(R"({"Status":{"TotalCount":"2"}})");
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(text->total, 2);
  EXPECT_FALSE(text->odd_counts);
  for (const absl::string_view count : {"2.5", "null", "{}", "[1]", "true",
                                        "\"two\"", "99999999999999999999"}) {
    const auto answer = DecodeAnswer(
        absl::StrCat(R"({"Status":{"SuccessCount":)", count,
                     R"(},"Details":{"FailedLeads":[{"Reason":"a"}]}})"));
    ASSERT_TRUE(answer.ok()) << count << ": " << answer.status();
    EXPECT_EQ(answer->succeeded, std::nullopt) << count;
    EXPECT_TRUE(answer->odd_counts) << count;
    EXPECT_EQ(answer->failed_leads.size(), 1);
  }
  EXPECT_FALSE(DecodeAnswer(R"({"Status":{"SuccessCount":{"a":tru}}})").ok());
}

TEST(DecodeAnswer, SaysNothingOfTheAnswerInItsError) {
  const auto answer = DecodeAnswer(
      R"({"Details":{"SuccessfulLeads":[{"IdentifierValue":"secret@x.y)");
  ASSERT_FALSE(answer.ok());
  EXPECT_THAT(std::string(answer.status().message()), Not(HasSubstr("secret")));
}

TEST(DecodeAnswer, PassesOverUnknownKeysOfAnyShape) {
  const auto answer = DecodeAnswer(
      R"({"RequestId":"x","Took":1.5e3,"Flags":[true,false,null,[{"a":{}}]],
          "Status":{"TotalCount":1,"SuccessCount":1,"Message":"Processed",
                    "More":{"a":[1,2,3]}},
          "Details":{"Other":[{"b":[]}],"SuccessfulLeads":[
            {"Identifier":"Phone","RowNumber":7,"IdentifierValue":"1",
             "Extra":{"c":null}}]},
          "Last":null})");
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->successful_leads.size(), 1);
  EXPECT_EQ(answer->successful_leads[0].value, "1");
}

TEST(DecodeAnswer, TakesNumbersAndNullsForTexts) {
  const auto answer = DecodeAnswer(
      R"({"Details":{"SuccessfulLeads":[
          {"Identifier":"Phone","IdentifierValue":9876543210 ,"Reason":null}]}})");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->successful_leads.at(0).value, "9876543210");
  EXPECT_EQ(answer->successful_leads.at(0).reason, "");
}

TEST(DecodeAnswer, TakesNullForListsAndDetails) {
  const auto lists = DecodeAnswer(R"({"Details":{"FailedLeads":null}})");
  ASSERT_TRUE(lists.ok()) << lists.status();
  EXPECT_TRUE(lists->failed_leads.empty());
  const auto details =
      DecodeAnswer(R"({"Status":{"TotalCount":0},"Details":null})");
  ASSERT_TRUE(details.ok()) << details.status();
  EXPECT_FALSE(details->has_lists);
}

TEST(DecodeAnswer, KeepsAllEntriesOfAListThatComesTwice) {
  const auto answer = DecodeAnswer(
      R"({"Details":{"SuccessfulLeads":[{"IdentifierValue":"a"}],
                     "SuccessfulLeads":[{"IdentifierValue":"b"}]}})");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->successful_leads.size(), 2);
}

TEST(DecodeAnswer, ReadsEscapes) {
  const auto answer = DecodeAnswer(
      R"({"\u0044etails":{"SuccessfulLeads":[
          {"IdentifierValue":"\u00fc\"\\\/\n\ud83d\ude00"}]}})");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->successful_leads.at(0).value,
            "\xC3\xBC\"\\/\n\xF0\x9F\x98\x80");
}

TEST(DecodeAnswer, TakesWhiteSpaceAroundTheAnswer) {
  EXPECT_TRUE(
      DecodeAnswer(absl::StrCat("\r\n\t ", kSuccessSample, " \r\n")).ok());
}

// .NET services are known to put one in front.
TEST(DecodeAnswer, TakesAByteOrderMarkInFront) {
  const auto answer =
      DecodeAnswer(absl::StrCat("\xEF\xBB\xBF", kSuccessSample));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->successful_leads.size(), 2);
  EXPECT_FALSE(DecodeAnswer("\xEF\xBB\xBF").ok());
  EXPECT_FALSE(DecodeAnswer("\xEF\xBB").ok());
}

TEST(DecodeAnswer, RefusesWhatIsNestedTooDeeplyAndTakesWhatIsNot) {
  const auto nested = [](size_t depth) {
    return absl::StrCat(R"({"a":)", std::string(depth, '['),
                        std::string(depth, ']'), "}");
  };
  EXPECT_TRUE(DecodeAnswer(nested(50)).ok());
  EXPECT_FALSE(DecodeAnswer(nested(500)).ok());
  EXPECT_FALSE(DecodeAnswer(nested(100'000)).ok());
}

}  // namespace
}  // namespace leadgateway::leadsquared
