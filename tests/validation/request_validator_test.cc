#include "gateway/validation/request_validator.h"

#include <cmath>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/model/errors.h"
#include "gateway/model/lead.h"
#include "gateway/model/limits.h"
#include "gateway/model/outcome.h"
#include "gateway/model/reason.h"
#include "gateway/schema/field_catalogue.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::validation {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kGuid[] = "0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9";

using Fields = std::vector<std::pair<std::string, std::string>>;

class ValidateRequestTest : public ::testing::Test {
 protected:
  v1::Lead* Add(const Fields& fields, const std::string& tag = "") {
    v1::Lead* const lead = request_.add_leads();
    lead->set_tag(tag);
    for (const auto& [attribute, value] : fields) {
      v1::LeadField* const field = lead->add_fields();
      field->set_attribute(attribute);
      field->set_string_value(value);
    }
    return lead;
  }
  void ByEmail() { request_.set_search_by_key("EmailAddress"); }
  // A lead with nothing wrong.
  void Good(const std::string& email) {
    Add({{"EmailAddress", email}, {"FirstName", "John"}});
  }
  // Of a copy: the texts are taken out of what is validated.
  ValidatedRequest Validate() {
    v1::BulkUpdateLeadsRequest request = request_;
    auto validated = ValidateRequest(request, options_);
    EXPECT_TRUE(validated.ok()) << validated.status();
    return validated.ok() ? *std::move(validated) : ValidatedRequest();
  }
  absl::Status Refused() {
    v1::BulkUpdateLeadsRequest request = request_;
    return ValidateRequest(request, options_).status();
  }
  // The reasons of the only lead, which is invalid; in order.
  std::vector<std::string> Reasons() {
    const ValidatedRequest validated = Validate();
    EXPECT_EQ(validated.leads.size(), 0);
    EXPECT_EQ(validated.invalid.size(), 1);
    std::vector<std::string> names;
    if (validated.invalid.size() != 1) return names;
    const LeadResult& result = validated.invalid[0];
    EXPECT_EQ(result.outcome, Outcome::kInvalid);
    EXPECT_EQ(result.attempts, 0);
    EXPECT_EQ(result.problem->reason, result.problem->violations[0].reason);
    for (const FieldViolation& violation : result.problem->violations) {
      EXPECT_TRUE(absl::StartsWith(violation.field, "leads[0]"))
          << violation.field;
      EXPECT_NE(violation.description, "");
      names.emplace_back(InfoOf(violation.reason).name);
    }
    return names;
  }

  v1::BulkUpdateLeadsRequest request_;
  ValidationOptions options_;
};

using Names = std::vector<std::string>;

// ------------------------------------------------------------------- requests

TEST_F(ValidateRequestTest, RefusesARequestWithoutLeads) {
  const absl::Status status = Refused();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(errors::ReasonNameOf(status), "EMPTY_REQUEST");
}

TEST_F(ValidateRequestTest, TakesTenThousandLeadsAndRefusesOneMore) {
  ByEmail();
  for (int i = 0; i < kDefaultMaxLeadsPerRequest; ++i) {
    Good(absl::StrCat("lead", i, "@example.com"));
  }
  const ValidatedRequest validated = Validate();
  ASSERT_EQ(validated.leads.size(), 10'000);
  EXPECT_TRUE(validated.invalid.empty());
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(validated.leads[static_cast<size_t>(i)].index, i);
  }
  Good("one@more");
  EXPECT_EQ(Refused().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(errors::ReasonNameOf(Refused()), "TOO_MANY_LEADS");
}

TEST_F(ValidateRequestTest, KeepsToAConfiguredMaximum) {
  ByEmail();
  options_.max_leads = 2;
  Good("a");
  Good("b");
  EXPECT_EQ(Validate().leads.size(), 2);
  Good("c");
  EXPECT_EQ(errors::ReasonNameOf(Refused()), "TOO_MANY_LEADS");
}

// ----------------------------------------------------------------- good leads

TEST_F(ValidateRequestTest, HandsAGoodLeadOnWhole) {
  ByEmail();
  Add({{"FirstName", "John"}, {"EmailAddress", " John@X.y "}, {"City", ""}},
      "tag 1");
  const ValidatedRequest validated = Validate();
  EXPECT_EQ(validated.search_key, "EmailAddress");
  ASSERT_EQ(validated.leads.size(), 1);
  const LeadUpdate& lead = validated.leads[0];
  EXPECT_EQ(lead.index, 0);
  EXPECT_EQ(lead.tag, "tag 1");
  ASSERT_EQ(lead.fields.size(), 3);
  EXPECT_EQ(lead.key().attribute, "EmailAddress");
  // As the caller sent it; only the lane is folded.
  EXPECT_EQ(lead.key().value, " John@X.y ");
  EXPECT_EQ(lead.lane_key, "john@x.y");
  EXPECT_EQ(lead.fields[0].attribute, "FirstName");
  EXPECT_EQ(lead.fields[2].value, "");
}

TEST_F(ValidateRequestTest, TakesEitherSpellingOfProspectIdAndSendsOne) {
  for (const std::string search : {"", "ProspectId", "ProspectID"}) {
    for (const std::string attribute : {"ProspectId", "ProspectID"}) {
      request_.Clear();
      request_.set_search_by_key(search);
      Add({{attribute, kGuid}, {"FirstName", "John"}});
      const ValidatedRequest validated = Validate();
      EXPECT_EQ(validated.search_key, "");
      ASSERT_EQ(validated.leads.size(), 1) << search << "/" << attribute;
      EXPECT_EQ(validated.leads[0].key().attribute, "ProspectId");
      EXPECT_EQ(validated.leads[0].key().value, kGuid);
      EXPECT_EQ(validated.leads[0].lane_key, absl::AsciiStrToLower(kGuid));
    }
  }
  request_.Clear();
  Add({{"prospectid", "1"}, {"FirstName", "John"}});
  EXPECT_EQ(Reasons(), Names{"SEARCH_KEY_MISSING"});
}

TEST_F(ValidateRequestTest, TakesVeryLongAndOddValues) {
  ByEmail();
  Add({{"EmailAddress", "a"}, {"Notes", std::string(5 << 20, 'x')}});
  Add({{"EmailAddress", "b"}, {"Notes", std::string("\0\x01\x1f", 3)}});
  const ValidatedRequest validated = Validate();
  ASSERT_EQ(validated.leads.size(), 2);
  EXPECT_EQ(validated.leads[0].fields[1].value.size(), 5 << 20);
  EXPECT_EQ(validated.leads[1].fields[1].value.size(), 3);
}

// ------------------------------------------------------------------- mistakes

TEST_F(ValidateRequestTest, SaysWhatIsWrongWithALead) {
  struct {
    Fields fields;
    Names reasons;
  } cases[] = {
      {{}, {"NO_FIELDS"}},
      {{{"EmailAddress", "a"}}, {"NO_FIELDS"}},
      {{{"FirstName", "a"}}, {"SEARCH_KEY_MISSING"}},
      {{{"emailaddress", "a"}, {"FirstName", "b"}}, {"SEARCH_KEY_MISSING"}},
      {{{"EmailAddress", ""}, {"FirstName", "b"}}, {"SEARCH_KEY_MISSING"}},
      {{{"EmailAddress", " \t\n"}, {"FirstName", "b"}}, {"SEARCH_KEY_MISSING"}},
      {{{"EmailAddress", "a"}, {"A", "1"}, {"A", "1"}}, {"FIELD_REPEATED"}},
      {{{"EmailAddress", "a"}, {"EmailAddress", "b"}}, {"FIELD_REPEATED"}},
      {{{"EmailAddress", "a"}, {"", "b"}}, {"FIELD_UNKNOWN"}},
      {{{"", "b"}}, {"FIELD_UNKNOWN", "SEARCH_KEY_MISSING"}},
  };
  for (const auto& c : cases) {
    request_.Clear();
    ByEmail();
    Add(c.fields);
    EXPECT_EQ(Reasons(), c.reasons) << request_.ShortDebugString();
  }
}

TEST_F(ValidateRequestTest, SaysWhatIsWrongWithAValue) {
  ByEmail();
  v1::LeadField* const field =
      Add({{"EmailAddress", "a"}, {"X", ""}})->mutable_fields(1);
  field->clear_value();
  EXPECT_EQ(Reasons(), Names{"VALUE_MISSING"});
  field->set_double_value(std::nan(""));
  EXPECT_EQ(Reasons(), Names{"VALUE_TYPE_MISMATCH"});
  field->mutable_date_value()->set_year(2023);
  EXPECT_EQ(Reasons(), Names{"VALUE_TYPE_MISMATCH"});
  field->mutable_timestamp_value()->set_nanos(-1);
  EXPECT_EQ(Reasons(), Names{"VALUE_TYPE_MISMATCH"});
  field->mutable_clear();
  EXPECT_EQ(Validate().leads.size(), 1);
}

TEST_F(ValidateRequestTest, SaysWhatIsWrongWithTheKeysValue) {
  ByEmail();
  v1::LeadField* const key =
      Add({{"EmailAddress", ""}, {"X", "1"}})->mutable_fields(0);
  key->clear_value();
  EXPECT_EQ(Reasons(), Names{"VALUE_MISSING"});
  key->set_double_value(INFINITY);
  EXPECT_EQ(Reasons(), Names{"VALUE_TYPE_MISMATCH"});
  key->mutable_clear();
  EXPECT_EQ(Reasons(), Names{"SEARCH_KEY_MISSING"});
  key->set_int64_value(17);
  EXPECT_EQ(Validate().leads.size(), 1);
}

TEST_F(ValidateRequestTest, RefusesATagThatIsTooLong) {
  ByEmail();
  Add({{"EmailAddress", "a"}, {"X", "1"}}, std::string(256, 't'));
  EXPECT_EQ(Validate().leads.size(), 1);
  request_.mutable_leads(0)->set_tag(std::string(257, 't'));
  EXPECT_EQ(Reasons(), Names{"TAG_TOO_LONG"});
}

TEST_F(ValidateRequestTest, ReportsEveryMistakeOfALead) {
  ByEmail();
  v1::Lead* const lead = Add(
      {{"", "1"}, {"EmailAddress", " "}, {"A", "1"}, {"A", "2"}, {"B", "1"}},
      std::string(300, 't'));
  lead->mutable_fields(4)->clear_value();
  EXPECT_EQ(Reasons(),
            (Names{"TAG_TOO_LONG", "FIELD_UNKNOWN", "SEARCH_KEY_MISSING",
                   "FIELD_REPEATED", "VALUE_MISSING"}));
  const ValidatedRequest validated = Validate();
  EXPECT_THAT(validated.invalid[0].problem->message,
              HasSubstr("(and 4 more mistakes)"));
}

TEST_F(ValidateRequestTest, NamesPathsAndNeverValues) {
  ByEmail();
  Add({{"EmailAddress", "value1@x.y"}, {"A", "value2"}, {"A", "value3"}});
  Add({{"EmailAddress", "VALUE1@x.y"}, {"A", "value4"}});
  const ValidatedRequest validated = Validate();
  ASSERT_EQ(validated.invalid.size(), 2);
  EXPECT_EQ(validated.invalid[0].problem->violations[0].field,
            "leads[0].fields[\"A\"]");
  for (const LeadResult& result : validated.invalid) {
    EXPECT_THAT(result.problem->message, Not(HasSubstr("alue")));
    for (const FieldViolation& violation : result.problem->violations) {
      EXPECT_THAT(violation.field, Not(HasSubstr("alue")));
      EXPECT_THAT(violation.description, Not(HasSubstr("alue")));
    }
  }
  // The key itself comes back where it belongs.
  EXPECT_EQ(validated.invalid[0].identifier, "EmailAddress");
  EXPECT_EQ(validated.invalid[0].identifier_value, "value1@x.y");
}

TEST_F(ValidateRequestTest, WritesOddNamesIntoPathsSafely) {
  ByEmail();
  Add({{"EmailAddress", "a"},
       {"q\"\\\n", "1"},
       {"q\"\\\n", "1"},
       {std::string(100'000, 'n'), "1"},
       {std::string(100'000, 'n'), "1"}});
  const ValidatedRequest validated = Validate();
  const auto& violations = validated.invalid.at(0).problem->violations;
  ASSERT_EQ(violations.size(), 2);
  EXPECT_EQ(violations[0].field, "leads[0].fields[\"q\\\"\\\\ \"]");
  EXPECT_LT(violations[1].field.size(), 200);
}

TEST_F(ValidateRequestTest, LeavesGoodLeadsAloneBesideBadOnes) {
  ByEmail();
  Good("a");
  Add({}, "bad");
  Good("c");
  const ValidatedRequest validated = Validate();
  ASSERT_EQ(validated.leads.size(), 2);
  EXPECT_EQ(validated.leads[0].index, 0);
  EXPECT_EQ(validated.leads[1].index, 2);
  ASSERT_EQ(validated.invalid.size(), 1);
  EXPECT_EQ(validated.invalid[0].index, 1);
  EXPECT_EQ(validated.invalid[0].tag, "bad");
}

// ------------------------------------------------------------------ duplicates

TEST_F(ValidateRequestTest, NamesTheOtherLeadsWithTheSameKey) {
  ByEmail();
  Good("a@x.y");
  Good("b@x.y");
  Good(" A@x.y");
  Good("a@X.Y\t");
  const ValidatedRequest validated = Validate();
  ASSERT_EQ(validated.leads.size(), 1);
  EXPECT_EQ(validated.leads[0].index, 1);
  ASSERT_EQ(validated.invalid.size(), 3);
  const char* const others[] = {"leads[2], leads[3]", "leads[0], leads[3]",
                                "leads[0], leads[2]"};
  for (size_t i = 0; i < 3; ++i) {
    const Problem& problem = *validated.invalid[i].problem;
    EXPECT_EQ(problem.reason, Reason::kDuplicateSearchKey);
    EXPECT_THAT(problem.violations.at(0).description, HasSubstr(others[i]));
    EXPECT_THAT(problem.violations[0].field,
                HasSubstr(".fields[\"EmailAddress\"]"));
  }
}

TEST_F(ValidateRequestTest, ComparesPhonesByTheirDigits) {
  for (const std::string key : {"Phone", "Mobile", "mx_SecondPhone"}) {
    request_.Clear();
    request_.set_search_by_key(key);
    Add({{key, "+91-9988776655"}, {"A", "1"}});
    Add({{key, "91 99887 76655"}, {"A", "1"}});
    Add({{key, "9988776655"}, {"A", "1"}});
    const ValidatedRequest validated = Validate();
    EXPECT_EQ(validated.leads.size(), 1) << key;
    EXPECT_EQ(validated.invalid.size(), 2) << key;
  }
}

TEST_F(ValidateRequestTest, ComparesDigitsOfNothingElse) {
  request_.set_search_by_key("mx_Code");
  Add({{"mx_Code", "A-1"}, {"A", "1"}});
  Add({{"mx_Code", "B-1"}, {"A", "1"}});
  EXPECT_EQ(Validate().leads.size(), 2);
}

TEST_F(ValidateRequestTest, CountsALeadWithOtherMistakesAmongTheDuplicates) {
  ByEmail();
  Good("a");
  Add({{"EmailAddress", "A"}});
  const ValidatedRequest validated = Validate();
  EXPECT_EQ(validated.leads.size(), 0);
  ASSERT_EQ(validated.invalid.size(), 2);
  EXPECT_EQ(validated.invalid[1].problem->violations.size(), 2);
}

TEST_F(ValidateRequestTest, TakesLeadsWithoutAKeyForNobodysDuplicates) {
  ByEmail();
  Add({{"EmailAddress", ""}, {"A", "1"}});
  Add({{"EmailAddress", " "}, {"A", "1"}});
  for (const LeadResult& result : Validate().invalid) {
    EXPECT_EQ(result.problem->reason, Reason::kSearchKeyMissing);
    EXPECT_EQ(result.problem->violations.size(), 1);
  }
}

TEST_F(ValidateRequestTest, NamesAFewOfVeryManyDuplicates) {
  ByEmail();
  for (int i = 0; i < 10'000; ++i) Good("same@x.y");
  const ValidatedRequest validated = Validate();
  ASSERT_EQ(validated.invalid.size(), 10'000);
  EXPECT_THAT(validated.invalid[0].problem->message,
              HasSubstr("leads[1], leads[2], leads[3], leads[4], leads[5] and "
                        "9994 more"));
}

// ------------------------------------------------------------------- the names

class WithCatalogue : public ValidateRequestTest {
 protected:
  WithCatalogue() {
    std::vector<schema::FieldInfo> fields(6);
    fields[0].schema_name = "EmailAddress";
    fields[0].unique = true;
    fields[1].schema_name = "FirstName";
    fields[2].schema_name = "mx_Contact";
    fields[2].data_type = "Phone";
    fields[2].unique = true;
    fields[3].schema_name = "PhoneticName";
    fields[3].data_type = "Text";
    fields[3].unique = true;
    fields[4].schema_name = "CreatedOn";
    fields[4].read_only = true;
    fields[5].schema_name = "ProspectID";
    fields[5].read_only = true;
    auto catalogue = schema::FieldCatalogue::Create(std::move(fields), {},
                                                    absl::UnixEpoch());
    EXPECT_TRUE(catalogue.ok());
    catalogue_ = *std::move(catalogue);
    options_.catalogue = catalogue_.get();
  }
  std::shared_ptr<const schema::FieldCatalogue> catalogue_;
};

TEST_F(WithCatalogue, RefusesASearchKeyThatIsNoFieldOrNotUnique) {
  Good("a");
  request_.set_search_by_key("EmailAdress");
  EXPECT_EQ(errors::ReasonNameOf(Refused()), "SEARCH_KEY_UNKNOWN");
  EXPECT_THAT(std::string(Refused().message()), HasSubstr("EmailAddress"));
  request_.set_search_by_key("FirstName");
  EXPECT_EQ(errors::ReasonNameOf(Refused()), "SEARCH_KEY_NOT_UNIQUE");
  EXPECT_EQ(Refused().code(), absl::StatusCode::kInvalidArgument);
  request_.set_search_by_key("EmailAddress");
  EXPECT_EQ(Validate().leads.size(), 1);
}

TEST_F(WithCatalogue, NamesTheNearestFieldOfOneThatIsUnknown) {
  ByEmail();
  Add({{"EmailAddress", "a"}, {"FirstNam", "x"}});
  EXPECT_EQ(Reasons(), Names{"FIELD_UNKNOWN"});
  EXPECT_THAT(Validate().invalid[0].problem->message, HasSubstr("FirstName"));
}

TEST_F(WithCatalogue, RefusesLockedFieldsButNotAsTheKey) {
  ByEmail();
  Add({{"EmailAddress", "a"}, {"CreatedOn", "x"}});
  EXPECT_EQ(Reasons(), Names{"FIELD_READ_ONLY"});
  request_.Clear();
  Add({{"ProspectId", kGuid}, {"FirstName", "x"}});
  EXPECT_EQ(Validate().leads.size(), 1);
}

TEST_F(WithCatalogue, GoesByTheFieldsTypeAndNotItsNameForPhones) {
  request_.set_search_by_key("mx_Contact");
  Add({{"mx_Contact", "+91-99"}, {"FirstName", "x"}});
  Add({{"mx_Contact", "9199"}, {"FirstName", "x"}});
  EXPECT_EQ(Validate().invalid.size(), 2);
  request_.Clear();
  request_.set_search_by_key("PhoneticName");
  Add({{"PhoneticName", "a1"}, {"FirstName", "x"}});
  Add({{"PhoneticName", "b1"}, {"FirstName", "x"}});
  EXPECT_EQ(Validate().leads.size(), 2);
}

// ------------------------------------------------------------------- the
// checks

schema::FieldInfo FieldOf(const std::string& name, const std::string& type) {
  schema::FieldInfo field;
  field.schema_name = name;
  field.data_type = type;
  return field;
}

class FieldChecksTest : public ValidateRequestTest {
 protected:
  FieldChecksTest() {
    std::vector<schema::FieldInfo> fields;
    fields.push_back(FieldOf("EmailAddress", "Email"));
    fields.back().unique = true;
    fields.back().display_name = "Email";
    fields.push_back(FieldOf("ProspectStage", "Select"));
    fields.back().display_name = "Contact Stage";
    fields.back().options = {"Prospect", "Customer", "In Progress"};
    fields.push_back(FieldOf("mx_Short", "Text"));
    fields.back().max_length = 4;
    fields.push_back(FieldOf("mx_Tags", "MultiSelect"));
    for (int i = 0; i < 5'000; ++i) {
      fields.back().options.push_back(absl::StrCat("Option ", i));
    }
    fields.push_back(FieldOf("mx_Born", "Date"));
    fields.push_back(FieldOf("mx_Seen", "DateTime"));
    fields.push_back(FieldOf("mx_Count", "Number"));
    fields.back().max_length = 1;
    fields.push_back(FieldOf("mx_Locked", "Text"));
    fields.back().read_only = true;
    fields.push_back(FieldOf("mx_Name.With.Dots", "Text"));
    fields.push_back(FieldOf("ProspectID", "Text"));
    auto catalogue = schema::FieldCatalogue::Create(std::move(fields), {},
                                                    absl::UnixEpoch());
    EXPECT_TRUE(catalogue.ok());
    catalogue_ = *std::move(catalogue);
    options_.catalogue = catalogue_.get();
    ByEmail();
  }
  v1::LeadField* With(const std::string& attribute, const std::string& value) {
    request_.clear_leads();
    return Add({{"EmailAddress", "a@b"}, {attribute, value}})
        ->mutable_fields(1);
  }
  // The description of the only mistake, or of the only warning.
  std::string Mistake() {
    const ValidatedRequest validated = Validate();
    if (validated.invalid.size() != 1) return "(no mistake)";
    const auto& listed = validated.invalid[0].problem->violations;
    return listed.size() == 1 ? listed[0].description : "(several)";
  }
  std::string Warning() {
    const ValidatedRequest validated = Validate();
    EXPECT_EQ(validated.leads.size(), 1);
    const auto warnings = validated.warnings.find(0);
    if (warnings == validated.warnings.end()) return "";
    return warnings->second.size() == 1
               ? absl::StrCat(InfoOf(warnings->second[0].reason).name, " ",
                              warnings->second[0].field, " ",
                              warnings->second[0].description)
               : "(several)";
  }
  std::string Sent() {
    const ValidatedRequest validated = Validate();
    return validated.leads.size() == 1 ? validated.leads[0].fields[1].value
                                       : "(not sent)";
  }

  std::shared_ptr<const schema::FieldCatalogue> catalogue_;
};

TEST_F(FieldChecksTest, ANearMissIsToldTheRightName) {
  With("EmailAdress", "x");
  EXPECT_EQ(Mistake(),
            "is no field of this account's leads; did you mean EmailAddress?");
  With("Contact Stage", "x");
  EXPECT_EQ(Mistake(),
            "is what people see, not the schema name; its schema name is "
            "ProspectStage");
  With("prospectstage", "x");
  EXPECT_THAT(Mistake(), HasSubstr("did you mean ProspectStage?"));
  With("mx_Name.With.Dotz", "x");
  EXPECT_THAT(Mistake(), HasSubstr("did you mean mx_Name.With.Dots?"));
  With("Zyx", "x");
  EXPECT_EQ(Mistake(), "is no field of this account's leads");
  With("mx_Name.With.Dots", "x");
  EXPECT_EQ(Sent(), "x");
}

TEST_F(FieldChecksTest, NamesAreTakenToTheLetter) {
  const std::string five_megabytes(5 << 20, 'm');
  for (const std::string& name :
       {std::string("mx_name.with.dots"), std::string("mx_Name.With.Dots "),
        std::string("mx_Name.With"), std::string("."), std::string(" "),
        std::string("mx_Short\0", 9), std::string("mx_Sh\x01ort"),
        std::string("\U0001F600"), std::string("\u202emx_Short"),
        std::string("\u05e9\u05dc\u05d5\u05dd"), five_megabytes}) {
    With(name, "x");
    EXPECT_EQ(Reasons(), Names{"FIELD_UNKNOWN"}) << name.substr(0, 100);
    EXPECT_LT(Validate().invalid[0].problem->message.size(), 1000);
  }
  With("", "x");
  EXPECT_EQ(Reasons(), Names{"FIELD_UNKNOWN"});
  EXPECT_EQ(Mistake(), "has no attribute name");
}

// The same for the request's search key, and its error stays short.
TEST_F(FieldChecksTest, SearchKeysAreTakenToTheLetter) {
  With("mx_Short", "x");
  for (const std::string& key :
       {std::string("emailaddress"), std::string("EmailAddress "),
        std::string("EmailAddress\0", 13),
        std::string("Email\x01"
                    "Address"),
        std::string("Email"), std::string("mx_Name"), std::string("."),
        std::string(" "), std::string("\U0001F600"),
        std::string("\u202eEmailAddress"),
        std::string("\u05e9\u05dc\u05d5\u05dd"), std::string(5 << 20, 'm')}) {
    request_.set_search_by_key(key);
    const absl::Status refused = Refused();
    EXPECT_EQ(errors::ReasonNameOf(refused), "SEARCH_KEY_UNKNOWN")
        << key.substr(0, 100);
    EXPECT_LT(refused.message().size(), 1000);
    for (const char c : refused.message()) {
      EXPECT_GE(static_cast<unsigned char>(c), 0x20) << key.substr(0, 100);
    }
  }
  // Neither of these is unique.
  for (const std::string key : {"mx_Name.With.Dots", "mx_Locked"}) {
    request_.set_search_by_key(key);
    EXPECT_EQ(errors::ReasonNameOf(Refused()), "SEARCH_KEY_NOT_UNIQUE") << key;
  }
  // The names that people see are told, too.
  request_.set_search_by_key("Email");
  EXPECT_THAT(std::string(Refused().message()), HasSubstr("EmailAddress"));
}

TEST_F(FieldChecksTest, NamesOfAnyScriptAreNamesIfTheAccountHasThem) {
  std::vector<schema::FieldInfo> fields;
  const std::string names[] = {"EmailAddress",
                               "mx.a.b",
                               ".",
                               " ",
                               "\U0001F600",
                               "\u05e9\u05dc\u05d5\u05dd",
                               std::string(300, 'n')};
  for (const std::string& name : names) {
    fields.push_back(FieldOf(name, "Text"));
  }
  fields[0].unique = true;
  catalogue_ =
      *schema::FieldCatalogue::Create(std::move(fields), {}, absl::UnixEpoch());
  options_.catalogue = catalogue_.get();
  request_.clear_leads();
  Fields lead;
  for (const std::string& name : names) lead.push_back({name, "x"});
  Add(lead);
  const ValidatedRequest validated = Validate();
  ASSERT_EQ(validated.leads.size(), 1);
  for (size_t i = 0; i < std::size(names); ++i) {
    EXPECT_EQ(validated.leads[0].fields[i].attribute, names[i]);
  }
}

// By Phone, e-mail address and a code, what two values are the same lead?
TEST_F(ValidateRequestTest, KeysAreComparedByTheRuleOfTheirKind) {
  struct {
    const char* key;
    std::string one;
    std::string other;
    bool same;
  } cases[] = {
      {"EmailAddress", "a@b", "A@B", true},
      {"EmailAddress", "a@b", "\t a@b \n", true},
      {"EmailAddress", "a@b", "a@c", false},
      {"EmailAddress", "a@b", "a @b", false},
      {"EmailAddress", "\u00e9@x", "e\u0301@x", true},
      {"EmailAddress", "stra\u00dfe@x", "STRASSE@x", true},
      {"EmailAddress", "\u05e9@x", "\u05e9@x\u00a0", true},
      {"EmailAddress", "\U0001F600@x", "\U0001F601@x", false},
      {"EmailAddress", "a\x01@b", "a@b", false},
      {"EmailAddress", std::string("a\0@b", 4), "a@b", false},
      {"mx_Code", "12", "12.0", false},
      {"mx_Code", "007", "7", false},
      {"mx_Code", "NaN", "nan", true},
      {"Phone", "+91-99", "9199", true},
      {"Phone", "+91 (99)", "91.99", true},
      {"Phone", "+91-99", "099", false},
      {"Phone", "n/a", "N/A", true},
  };
  for (const auto& c : cases) {
    request_.Clear();
    request_.set_search_by_key(c.key);
    Add({{c.key, c.one}, {"A", "1"}});
    Add({{c.key, c.other}, {"A", "1"}});
    EXPECT_EQ(Validate().invalid.size(), c.same ? 2 : 0)
        << c.one << " and " << c.other;
  }
}

TEST_F(FieldChecksTest, TagsAreCountedInBytes) {
  for (const std::string& tag :
       {std::string(), std::string(256, 't'), std::string("\0\x01", 2),
        std::string("\u05e9\u202e")}) {
    request_.clear_leads();
    Add({{"EmailAddress", "a@b"}, {"mx_Short", "x"}}, tag);
    ASSERT_EQ(Validate().leads.size(), 1);
    EXPECT_EQ(Validate().leads[0].tag, tag);
  }
  std::string smileys;
  for (int i = 0; i < 64; ++i) smileys += "\U0001F600";
  request_.clear_leads();
  Add({{"EmailAddress", "a@b"}, {"mx_Short", "x"}}, smileys);
  EXPECT_EQ(Validate().leads.size(), 1);
  request_.mutable_leads(0)->set_tag(smileys + "x");
  EXPECT_EQ(Reasons(), Names{"TAG_TOO_LONG"});
  request_.mutable_leads(0)->set_tag(std::string(5 << 20, 't'));
  EXPECT_EQ(Reasons(), Names{"TAG_TOO_LONG"});
}

TEST_F(FieldChecksTest, EachPolicyDoesWhatItSays) {
  struct {
    CheckPolicy FieldChecks::*policy;
    const char* attribute;
    const char* value;
    const char* reason;
  } cases[] = {
      {&FieldChecks::names, "mx_Strange", "x", "FIELD_UNKNOWN"},
      {&FieldChecks::read_only, "mx_Locked", "x", "FIELD_READ_ONLY"},
      {&FieldChecks::types, "mx_Born", "31/12/1999", "VALUE_TYPE_MISMATCH"},
      {&FieldChecks::lengths, "mx_Short", "12345", "VALUE_TOO_LONG"},
      {&FieldChecks::options, "ProspectStage", "Lost", "VALUE_NOT_AN_OPTION"},
  };
  for (const auto& c : cases) {
    With(c.attribute, c.value);
    options_.checks = FieldChecks();
    options_.checks.*c.policy = CheckPolicy::kReject;
    EXPECT_EQ(Reasons(), Names{c.reason});
    options_.checks.*c.policy = CheckPolicy::kWarn;
    EXPECT_TRUE(absl::StartsWith(
        Warning(),
        absl::StrCat(c.reason, " leads[0].fields[\"", c.attribute, "\"] ")))
        << Warning();
    EXPECT_EQ(Sent(), c.value);
    options_.checks.*c.policy = CheckPolicy::kOff;
    EXPECT_EQ(Warning(), "") << c.reason;
    EXPECT_EQ(Sent(), c.value);
  }
}

TEST_F(FieldChecksTest, LengthsAndOptionsWarnAndTheRestRejectsByDefault) {
  With("mx_Short", "12345");
  EXPECT_THAT(Warning(), HasSubstr("has 5 characters; LeadSquared's MaxLength "
                                   "of the field is 4"));
  With("ProspectStage", "customer");
  EXPECT_THAT(Warning(), HasSubstr("did you mean \"Customer\"?"));
  With("mx_Born", "x");
  EXPECT_EQ(Reasons(), Names{"VALUE_TYPE_MISMATCH"});
  With("mx_Locked", "x");
  EXPECT_EQ(Reasons(), Names{"FIELD_READ_ONLY"});
  With("mx_Strange", "x");
  EXPECT_EQ(Reasons(), Names{"FIELD_UNKNOWN"});
}

TEST_F(FieldChecksTest, LengthsAreCountedInCharacters) {
  const char* const fits[] = {"", "1234", "\u00fc\u00fc\u00fc\u00fc",
                              "\U0001F600\U0001F600\U0001F600\U0001F600",
                              "\u05e9\u05dc\u05d5\u05dd"};
  for (const char* value : fits) {
    With("mx_Short", value);
    EXPECT_EQ(Warning(), "") << value;
  }
  const char* const too_long[] = {"12345", "\u00fc\u00fc\u00fc\u00fc\u00fc",
                                  "    5"};
  for (const char* value : too_long) {
    With("mx_Short", value);
    EXPECT_THAT(Warning(), HasSubstr("has 5 characters")) << value;
  }
  With("mx_Short", std::string(5 << 20, 'x'));
  EXPECT_THAT(Warning(), HasSubstr("has 5242880 characters"));
  With("mx_Short", std::string("\0\0\0\0\0", 5));
  EXPECT_THAT(Warning(), HasSubstr("has 5 characters"));
  // A number's MaxLength is the width of a form.
  With("mx_Count", "12345678901234567");
  EXPECT_EQ(Warning(), "");
}

TEST_F(FieldChecksTest, OptionsAreComparedToTheLetter) {
  for (const char* value : {"Prospect", "In Progress", ""}) {
    With("ProspectStage", value);
    EXPECT_EQ(Warning(), "") << value;
  }
  const std::pair<const char*, const char*> near[] = {
      {"prospect", "\"Prospect\""},      {" Customer ", "\"Customer\""},
      {"InProgress", "\"In Progress\""}, {"Costumer", "\"Customer\""},
      {"Elsewhere", "ListLeadFields"},
  };
  for (const auto& [value, expected] : near) {
    With("ProspectStage", value);
    EXPECT_THAT(Warning(), HasSubstr(expected)) << value;
    EXPECT_THAT(Warning(), HasSubstr("none of the field's 3 options"));
  }
  With("ProspectStage", std::string(5 << 20, 'x'));
  EXPECT_THAT(Warning(), HasSubstr("ListLeadFields"));
  With("mx_Tags", "Option 4999");
  EXPECT_EQ(Warning(), "");
  With("mx_Tags", "Option 1; Option 17;Option 4999;");
  EXPECT_EQ(Warning(), "");
  for (const std::string& value :
       {std::string("\U0001F600"), std::string("\u202eProspect"),
        std::string("Prospect\0", 9), std::string("Prospect\x01"),
        std::string("NaN"), std::string(" "),
        std::string("Prospect;Customer")}) {
    With("ProspectStage", value);
    EXPECT_THAT(Warning(), HasSubstr("VALUE_NOT_AN_OPTION")) << value;
  }
  With("mx_Tags", "Option 1;Optoin 17");
  EXPECT_THAT(Warning(), HasSubstr("VALUE_NOT_AN_OPTION"));
}

TEST_F(FieldChecksTest, TypedValuesAndStringsTakeTheFormOfTheField) {
  v1::LeadField* field = With("mx_Seen", "2024-02-29T12:00:00+05:30");
  EXPECT_EQ(Sent(), "2024-02-29 06:30:00");
  field->mutable_date_value()->set_year(2024);
  field->mutable_date_value()->set_month(2);
  field->mutable_date_value()->set_day(29);
  EXPECT_EQ(Sent(), "2024-02-29 00:00:00");
  field->set_attribute("mx_Born");
  EXPECT_EQ(Sent(), "2024-02-29");
  field->mutable_timestamp_value()->set_seconds(86'400);
  EXPECT_EQ(Sent(), "1970-01-02");
  field->mutable_timestamp_value()->set_seconds(86'401);
  EXPECT_THAT(Mistake(), HasSubstr("has a time of day"));
  field->set_attribute("mx_Count");
  field->set_int64_value(12'345'678'901'234'567);
  EXPECT_EQ(Sent(), "12345678901234567");
  field->set_bool_value(true);
  EXPECT_THAT(Mistake(), HasSubstr("is no number"));
  field->mutable_clear();
  EXPECT_EQ(Sent(), "");
}

TEST_F(FieldChecksTest, WhatCannotBeWrittenIsRefusedWhateverThePolicy) {
  options_.checks.types = CheckPolicy::kOff;
  With("mx_Count", "")->set_double_value(std::nan(""));
  EXPECT_EQ(Reasons(), Names{"VALUE_TYPE_MISMATCH"});
  With("mx_Count", "")->clear_value();
  EXPECT_EQ(Reasons(), Names{"VALUE_MISSING"});
}

TEST_F(FieldChecksTest, ALeadFoundByProspectIdNeedsAGuid) {
  request_.clear_search_by_key();
  for (const std::string id : {"", " "}) {
    request_.clear_leads();
    Add({{"ProspectId", id}, {"mx_Short", "x"}});
    EXPECT_EQ(Reasons(), Names{"SEARCH_KEY_MISSING"});
  }
  for (const std::string& id :
       {std::string("17"), absl::StrCat("{", kGuid, "}"),
        std::string("0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F"),
        std::string("0A1B2C3D4E5F60718293A4B5C6D7E8F9"),
        std::string("GA1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9")}) {
    request_.clear_leads();
    Add({{"ProspectId", id}, {"mx_Short", "x"}});
    EXPECT_EQ(Reasons(), Names{"VALUE_TYPE_MISMATCH"}) << id;
    EXPECT_THAT(Mistake(), HasSubstr("no GUID"));
  }
  request_.clear_leads();
  Add({{"ProspectId", kGuid}, {"mx_Short", "x"}});
  Add({{"ProspectID", absl::StrCat(" ", absl::AsciiStrToLower(kGuid))},
       {"mx_Short", "x"}});
  EXPECT_EQ(Validate().invalid.size(), 2);
  request_.mutable_leads()->RemoveLast();
  EXPECT_EQ(Validate().leads.size(), 1);
}

TEST_F(FieldChecksTest, AKeyOfMegabytesIsRefusedAndNotRepeatedWhole) {
  request_.clear_leads();
  Add({{"EmailAddress", absl::StrCat(std::string(5 << 20, 'x'), "@y")},
       {"mx_Short", "x"}});
  EXPECT_EQ(Reasons(), Names{"VALUE_TOO_LONG"});
  EXPECT_LE(Validate().invalid[0].identifier_value.size(), kMaxKeyBytes + 3);
}

TEST_F(FieldChecksTest, KeysAreTheSameByUnicodesRules) {
  request_.clear_leads();
  Add({{"EmailAddress", "J\u00dcRGEN@x"}, {"mx_Short", "x"}});
  Add({{"EmailAddress", "\u00a0ju\u0308rgen@x"}, {"mx_Short", "x"}});
  EXPECT_EQ(Validate().invalid.size(), 2);
}

TEST_F(FieldChecksTest, ARequestWithAnUnknownNameIsLeftAloneIfAsked) {
  options_.stop_at_unknown_name = true;
  request_.clear_leads();
  Add({{"EmailAddress", "a@b"}, {"mx_Short", "x"}});
  Add({{"EmailAddress", "c@d"}, {"mx_New", "x"}});
  v1::BulkUpdateLeadsRequest request = request_;
  auto validated = ValidateRequest(request, options_);
  ASSERT_TRUE(validated.ok());
  EXPECT_TRUE(validated->unknown_name);
  EXPECT_TRUE(validated->leads.empty());
  EXPECT_EQ(request.SerializeAsString(), request_.SerializeAsString());
  request.set_search_by_key("mx_NewKey");
  EXPECT_TRUE(ValidateRequest(request, options_)->unknown_name);
  // Where the lead is sent all the same, newer fields change nothing.
  request = request_;
  options_.checks.names = CheckPolicy::kWarn;
  validated = ValidateRequest(request, options_);
  EXPECT_FALSE(validated->unknown_name);
  EXPECT_EQ(validated->leads.size(), 2);
  EXPECT_EQ(validated->warnings.size(), 1);
}

TEST_F(FieldChecksTest, VeryManyMistakesAreCountedAndSomeAreListed) {
  request_.clear_leads();
  Fields fields = {{"EmailAddress", "a@b"}};
  for (int i = 0; i < 500; ++i) fields.push_back({absl::StrCat("mx_", i), "x"});
  Add(fields);
  const ValidatedRequest validated = Validate();
  const Problem& problem = *validated.invalid.at(0).problem;
  EXPECT_THAT(problem.message, HasSubstr("(and 499 more mistakes)"));
  ASSERT_EQ(problem.violations.size(), kMaxMistakesPerLead + 1);
  EXPECT_EQ(problem.violations.back().field, "leads[0]");
  EXPECT_EQ(problem.violations.back().description,
            "has 450 more that are not listed");
}

TEST_F(FieldChecksTest, VeryManyWarningsAreCountedAndSomeAreListed) {
  options_.checks.names = CheckPolicy::kWarn;
  request_.clear_leads();
  Fields fields = {{"EmailAddress", "a@b"}};
  for (int i = 0; i < 12; ++i) fields.push_back({absl::StrCat("mx_", i), "x"});
  Add(fields);
  const ValidatedRequest validated = Validate();
  ASSERT_EQ(validated.leads.size(), 1);
  const std::vector<FieldViolation>& warnings = validated.warnings.at(0);
  ASSERT_EQ(warnings.size(), kMaxWarningsPerLead + 1);
  EXPECT_EQ(warnings.back().description, "has 2 more that are not listed");
}

TEST_F(FieldChecksTest, TenThousandLeadsFullOfMistakesTakeLittleMemory) {
  request_.clear_leads();
  for (int i = 0; i < 10'000; ++i) {
    Fields fields = {{"EmailAddress", absl::StrCat(i, "@x")}};
    for (int j = 0; j < 20; ++j) {
      fields.push_back({absl::StrCat("mx_", j, "_", i), "x"});
    }
    Add(fields);
  }
  const ValidatedRequest validated = Validate();
  ASSERT_EQ(validated.invalid.size(), 10'000);
  size_t listed = 0;
  for (const LeadResult& result : validated.invalid) {
    EXPECT_THAT(result.problem->message, HasSubstr("(and 19 more mistakes)"));
    listed += result.problem->violations.size();
  }
  // Each lead lists one at least, and the count of the rest.
  EXPECT_LE(listed, kMaxMistakesPerRequest + 2 * 10'000);
}

TEST_F(FieldChecksTest, ARepeatedFieldIsFoundWhateverItsPlace) {
  for (const Fields& fields :
       {Fields{{"mx_Short", "1"}, {"EmailAddress", "a@b"}, {"mx_Short", "2"}},
        Fields{{"EmailAddress", "a@b"}, {"EmailAddress", "c@d"}},
        Fields{{"mx_Short", ""}, {"mx_Short", ""}, {"EmailAddress", "a@b"}}}) {
    request_.clear_leads();
    // The lead before has the same fields.
    Add({{"mx_Short", "1"}, {"EmailAddress", "before@b"}});
    Add(fields);
    const ValidatedRequest validated = Validate();
    ASSERT_EQ(validated.invalid.size(), 1);
    EXPECT_EQ(validated.invalid[0].problem->reason, Reason::kFieldRepeated);
    EXPECT_EQ(validated.leads.size(), 1);
  }
}

}  // namespace
}  // namespace leadgateway::validation
