// What UpdateV2 answers, byte for byte.
#include "sandbox/lead_updater.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace leadgateway::sandbox {
namespace {

constexpr absl::string_view kNotFound =
    "Lead does not exist in the system or You do not have permission to update "
    "the lead";

class LeadUpdaterTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* email : {"james@gmail.com", "jack@gmail.com"}) {
      ASSERT_TRUE(store_.Add({{"EmailAddress", email}}).ok());
    }
    store_.Set(0, {{"Phone", "+91-9988776655"}});
  }

  UpdateResult Update(absl::string_view body) {
    absl::StatusOr<UpdateRequest> request = ParseUpdateRequest(body, 25);
    EXPECT_TRUE(request.ok()) << request.status();
    if (!request.ok()) return {};
    return UpdateLeads(
        *request, behaviour_, 1, 1, true, catalogue_, store_,
        [&](LeadStore::LeadId, size_t index, const std::vector<UpdateField>&) {
          applied_.push_back(index);
        });
  }

  // Leads with an e-mail each and one more attribute.
  UpdateResult UpdateByEmail(std::vector<std::string> emails,
                             absl::string_view attribute = "FirstName",
                             absl::string_view value = "J", bool push = false) {
    std::string body =
        absl::StrCat(R"({"SearchByKey":"EmailAddress","Options":{)",
                     R"("PushNonExistentLeadsToUnProcessedList":)",
                     push ? "true" : "false", R"(},"LeadPropertiesList":[)");
    for (size_t i = 0; i < emails.size(); ++i) {
      absl::StrAppend(&body, i == 0 ? "" : ",",
                      R"({"Fields":[{"Attribute":"EmailAddress","Value":")",
                      emails[i], R"("},{"Attribute":")", attribute,
                      R"(","Value":")", value, R"("}]})");
    }
    return Update(absl::StrCat(body, "]}"));
  }

  FieldCatalogue catalogue_ = FieldCatalogue::RealAccount();
  LeadStore store_{catalogue_};
  Behaviour behaviour_;
  std::vector<size_t> applied_;
};

TEST_F(LeadUpdaterTest, SuccessReadsAsOnThePage) {
  const UpdateResult result =
      UpdateByEmail({"james@gmail.com", "jack@gmail.com"});
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(
      result.body,
      R"({"Status":{"TotalCount":2,"SuccessCount":2,"FailureCount":0,)"
      R"("Message":"Processed"},"Details":{"SuccessfulLeads":[)"
      R"({"Identifier":"EmailAddress","IdentifierValue":"james@gmail.com"},)"
      R"({"Identifier":"EmailAddress","IdentifierValue":"jack@gmail.com"}]}})");
  EXPECT_EQ(store_.Value(0, "FirstName"), "J");
  EXPECT_EQ(applied_, (std::vector<size_t>{0, 1}));
}

TEST_F(LeadUpdaterTest, FailureReadsAsOnThePage) {
  EXPECT_EQ(UpdateByEmail({"johnwick@gmail.com"}).body,
            absl::StrCat(R"({"Status":{"TotalCount":1,"SuccessCount":0,)",
                         R"("FailureCount":1,"Message":"Error"},"Details":{)",
                         R"("FailedLeads":[{"Identifier":"EmailAddress",)",
                         R"("IdentifierValue":"johnwick@gmail.com","Reason":")",
                         kNotFound, R"("}]}})"));
}

TEST_F(LeadUpdaterTest, UnprocessedReadsAsOnThePageStraySpaceIncluded) {
  behaviour_.echo_padded = true;
  EXPECT_EQ(
      UpdateByEmail({"johnwick@gmail.com"}, "FirstName", "J", true).body,
      absl::StrCat(R"({"Status":{"TotalCount":1,"SuccessCount":0,)",
                   R"("FailureCount":0,"UnProcessedCount":1,)",
                   R"("Message":"Error"},"Details":{"UnProcessedLeads":[)",
                   R"({"Identifier":"EmailAddress",)",
                   R"("IdentifierValue":"johnwick @gmail.com","Reason":")",
                   kNotFound, R"("}]}})"));
}

TEST_F(LeadUpdaterTest, WithoutASearchKeyLeadsAreFoundByProspectId) {
  const std::string id = store_.Value(1, "ProspectID");
  for (const char* spelling : {"ProspectId", "ProspectID"}) {
    const UpdateResult result = Update(absl::StrCat(
        R"({"LeadPropertiesList":[{"Fields":[{"Attribute":")", spelling,
        R"(","Value":")", id, R"("},{"Attribute":"Age","Value":"33"}]}]})"));
    EXPECT_EQ(result.applied, 1) << spelling;
    EXPECT_NE(result.body.find(R"("Identifier":"ProspectID")"),
              std::string::npos);
  }
  EXPECT_EQ(store_.Value(1, "Age"), "33");
}

TEST_F(LeadUpdaterTest, AnswersSpellProspectIdAsAsked) {
  behaviour_.answer_prospect_id = "ProspectId";
  const UpdateResult result = Update(absl::StrCat(
      R"({"LeadPropertiesList":[{"Fields":[{"Attribute":"ProspectId","Value":")",
      store_.Value(1, "ProspectID"),
      R"("},{"Attribute":"Age","Value":"33"}]}]})"));
  EXPECT_NE(result.body.find(R"("Identifier":"ProspectId")"),
            std::string::npos);
}

TEST_F(LeadUpdaterTest, TheCapitalSpellingCanBeRefused) {
  behaviour_.refuse_prospectID = true;
  EXPECT_EQ(Update(R"({"SearchByKey":"ProspectID","LeadPropertiesList":[{}]})")
                .status,
            400);
  EXPECT_EQ(
      Update(absl::StrCat(R"({"LeadPropertiesList":[{"Fields":[{"Attribute":)",
                          R"("ProspectID","Value":")",
                          store_.Value(0, "ProspectID"), R"("}]}]})"))
          .applied,
      0);
}

TEST_F(LeadUpdaterTest, ALeadWithoutFieldsFailsInACallThatSucceeds) {
  const UpdateResult result =
      Update(R"({"SearchByKey":"EmailAddress","LeadPropertiesList":[{}]})");
  EXPECT_EQ(result.status, 200);
  EXPECT_NE(result.body.find(R"("SuccessCount":0,"FailureCount":1)"),
            std::string::npos);
  EXPECT_NE(result.body.find("Fields cannot be empty"), std::string::npos);
}

TEST_F(LeadUpdaterTest, ALeadWithoutItsKeyCanBeNamedNowhere) {
  const char* body =
      R"({"LeadPropertiesList":[{"Fields":[{"Attribute":"Age","Value":"1"}]}]})";
  EXPECT_NE(Update(body).body.find("FailedLeads"), std::string::npos);
  behaviour_.keyless_leads = Keyless::kOmitted;
  EXPECT_NE(Update(body).body.find(R"("Details":{}})"), std::string::npos);
}

TEST_F(LeadUpdaterTest, DuplicatesFailBothOrTheCallOrNot) {
  const std::vector<std::string> twice = {"jack@gmail.com", "JACK@gmail.com "};
  UpdateResult result = UpdateByEmail(twice);
  EXPECT_EQ(result.applied, 0);
  EXPECT_NE(result.body.find(R"("Reason":"2 Duplicate Lead(s) provided")"),
            std::string::npos);
  behaviour_.duplicates = Duplicates::kFailCall;
  result = UpdateByEmail(twice);
  EXPECT_EQ(result.body,
            R"({"Status":"Error","ExceptionType":"MXDuplicateEntryException",)"
            R"("ExceptionMessage":"2 Duplicate Lead(s) provided"})");
  behaviour_.duplicates = Duplicates::kApply;
  EXPECT_EQ(UpdateByEmail(twice).applied, 2);
}

TEST_F(LeadUpdaterTest, AnUnknownAttributeFailsTheLeadOrTheCall) {
  UpdateResult result = UpdateByEmail({"jack@gmail.com"}, "mx_Nope");
  EXPECT_NE(result.body.find("Non-existent field(s) provided"),
            std::string::npos);
  behaviour_.unknown_attribute = UnknownAttribute::kFailCall412;
  result = UpdateByEmail({"jack@gmail.com"}, "mx_Nope");
  EXPECT_EQ(result.status, 412);
  EXPECT_EQ(
      result.body,
      R"({"Status":"Error","ExceptionType":"MXUnknownAttributeException",)"
      R"("ExceptionMessage":"Attribute(s) does not exist - mx_Nope"})");
  behaviour_.unknown_attribute = UnknownAttribute::kFailCall500;
  EXPECT_EQ(UpdateByEmail({"jack@gmail.com"}, "mx_Nope").status, 500);
  behaviour_.unknown_attribute = UnknownAttribute::kIgnore;
  EXPECT_EQ(UpdateByEmail({"jack@gmail.com"}, "mx_Nope").applied, 1);
}

TEST_F(LeadUpdaterTest, APoisonedLeadSinksItsWholeCall) {
  behaviour_.poison_value = "POISON";
  const UpdateResult result = UpdateByEmail(
      {"james@gmail.com", "jack@gmail.com"}, "LastName", "POISON");
  EXPECT_EQ(result.status, 500);
  EXPECT_NE(result.body.find("MXInvalidDataTypeException"), std::string::npos);
  EXPECT_TRUE(applied_.empty());
  EXPECT_EQ(store_.Value(0, "LastName"), "");
  behaviour_.poison_status = 412;
  behaviour_.poison_type = "MXInvalidEntityException";
  const UpdateResult other =
      UpdateByEmail({"james@gmail.com"}, "LastName", "POISON");
  EXPECT_EQ(other.status, 412);
  EXPECT_NE(other.body.find(R"("ExceptionType":"MXInvalidEntityException")"),
            std::string::npos);
}

TEST_F(LeadUpdaterTest, AKeyThatIsNotUniqueIsRefused) {
  for (const char* key : {"FirstName", "mx_Nope"}) {
    EXPECT_EQ(Update(absl::StrCat(R"({"SearchByKey":")", key,
                                  R"(","LeadPropertiesList":[{}]})"))
                  .status,
              400);
  }
}

TEST_F(LeadUpdaterTest, AUniqueValueOfAnotherLeadIsRefusedInItsWords) {
  const UpdateResult result =
      UpdateByEmail({"jack@gmail.com"}, "Phone", "91 99887 76655");
  EXPECT_NE(result.body.find("A Lead with same Phone Number already exists."),
            std::string::npos);
  EXPECT_EQ(result.applied, 0);
}

TEST_F(LeadUpdaterTest, LockedFieldsAndOptionsFollowTheirSwitches) {
  const auto applied = [&](const char* attribute, const char* value) {
    return UpdateByEmail({"jack@gmail.com"}, attribute, value).applied;
  };
  EXPECT_EQ(applied("mx_Registration_Number", "1"), 1);
  behaviour_.locked_fields = Locked::kIgnore;
  EXPECT_EQ(applied("mx_Registration_Number", "2"), 1);
  EXPECT_EQ(store_.Value(1, "mx_Registration_Number"), "1");
  behaviour_.locked_fields = Locked::kRefuse;
  EXPECT_EQ(applied("mx_Registration_Number", "3"), 0);
  EXPECT_EQ(applied("ProspectStage", "Nowhere"), 1);
  behaviour_.refuse_outside_options = true;
  EXPECT_EQ(applied("ProspectStage", "Elsewhere"), 0);
  EXPECT_EQ(applied("ProspectStage", "Customer"), 1);
  EXPECT_EQ(applied("ProspectStage", ""), 1);
}

TEST_F(LeadUpdaterTest, AnswersCanBeShuffledShortAndMiscounted) {
  behaviour_.omit_probability = 1;
  behaviour_.wrong_counts = 3;
  EXPECT_EQ(UpdateByEmail({"jack@gmail.com"}).body,
            R"({"Status":{"TotalCount":1,"SuccessCount":4,"FailureCount":0,)"
            R"("Message":"Processed"},"Details":{}})");
  behaviour_ = Behaviour();
  std::vector<std::string> emails;
  emails.reserve(20);
  for (int i = 0; i < 20; ++i) emails.push_back(absl::StrCat("x", i));
  const std::string in_order = UpdateByEmail(emails).body;
  behaviour_.shuffle = true;
  const std::string shuffled = UpdateByEmail(emails).body;
  EXPECT_NE(shuffled, in_order);
  EXPECT_EQ(shuffled.size(), in_order.size());
}

TEST_F(LeadUpdaterTest, APartialSuccessReadsAsAsked) {
  const std::vector<std::string> some = {"jack@gmail.com", "nobody@gmail.com"};
  EXPECT_NE(UpdateByEmail(some).body.find(R"("Message":"Processed")"),
            std::string::npos);
  behaviour_.partial_message = "Partially processed";
  EXPECT_NE(UpdateByEmail(some).body.find(R"("Message":"Partially processed")"),
            std::string::npos);
}

TEST_F(LeadUpdaterTest, EchoesAreRewrittenAsAsked) {
  Behaviour behaviour;
  EXPECT_EQ(EchoValue(" A@b ", KeyKind::kEmail, behaviour), " A@b ");
  behaviour.echo_trimmed = behaviour.echo_lower = true;
  EXPECT_EQ(EchoValue(" A@b ", KeyKind::kEmail, behaviour), "a@b");
  behaviour.echo_digits = true;
  EXPECT_EQ(EchoValue("+91-99", KeyKind::kPhone, behaviour), "9199");
  EXPECT_EQ(EchoValue("+91-99", KeyKind::kText, behaviour), "+91-99");
  behaviour = Behaviour();
  behaviour.echo_upper = true;
  EXPECT_EQ(EchoValue(" a@b ", KeyKind::kEmail, behaviour), " A@B ");
  behaviour.echo_padded = true;
  EXPECT_EQ(EchoValue("a@b", KeyKind::kEmail, behaviour), "A @B");
  EXPECT_EQ(EchoValue("c1", KeyKind::kText, behaviour), "C1 ");
}

TEST_F(LeadUpdaterTest, ADryRunAnswersTheSameAndStoresNothing) {
  absl::StatusOr<UpdateRequest> request = ParseUpdateRequest(
      R"({"SearchByKey":"EmailAddress","LeadPropertiesList":[{"Fields":[
          {"Attribute":"EmailAddress","Value":"jack@gmail.com"},
          {"Attribute":"LastName","Value":"S"}]}]})",
      25);
  ASSERT_TRUE(request.ok());
  const UpdateResult result = UpdateLeads(
      *request, behaviour_, 1, 1, false, catalogue_, store_,
      [](LeadStore::LeadId, size_t, const std::vector<UpdateField>&) {});
  EXPECT_NE(result.body.find("SuccessfulLeads"), std::string::npos);
  EXPECT_EQ(result.applied, 0);
  EXPECT_EQ(store_.Value(1, "LastName"), "");
}

}  // namespace
}  // namespace leadgateway::sandbox
