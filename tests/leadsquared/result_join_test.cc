#include "gateway/leadsquared/result_join.h"

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/leadsquared/wire_codec.h"
#include "gateway/model/lead.h"
#include "gtest/gtest.h"

namespace leadgateway::leadsquared {
namespace {

using Kind = dispatch::LeadVerdict::Kind;

constexpr char kNotThere[] =
    "Lead does not exist in the system or You do not have permission to update "
    "the lead";

class JoinAnswerTest : public ::testing::Test {
 protected:
  void Leads(std::vector<std::string> values,
             const std::string& attribute = "EmailAddress") {
    for (std::string& value : values) {
      LeadUpdate lead;
      // The key is not always first.
      lead.fields = {{"FirstName", "John"}, {attribute, std::move(value)}};
      lead.key_field = 1;
      leads_.push_back(std::move(lead));
    }
  }
  void Updated(const std::string& value,
               const std::string& identifier = "EmailAddress") {
    answer_.successful_leads.push_back({identifier, value, ""});
  }
  void Failed(const std::string& value, const std::string& reason,
              const std::string& identifier = "EmailAddress") {
    answer_.failed_leads.push_back({identifier, value, reason});
  }
  void Unprocessed(const std::string& value) {
    answer_.unprocessed_leads.push_back({"EmailAddress", value, kNotThere});
  }
  JoinedAnswer Join() {
    std::vector<const LeadUpdate*> pointers;
    for (const LeadUpdate& lead : leads_) pointers.push_back(&lead);
    JoinedAnswer joined = JoinAnswer(pointers, answer_);
    EXPECT_EQ(joined.leads.size(), leads_.size());
    return joined;
  }
  std::vector<Kind> Kinds() {
    std::vector<Kind> kinds;
    for (const auto& verdict : Join().leads) kinds.push_back(verdict.kind);
    return kinds;
  }

  std::vector<LeadUpdate> leads_;
  UpdateAnswer answer_;
};

using Verdicts = std::vector<Kind>;

TEST_F(JoinAnswerTest, JoinsExactlyAndNotByPosition) {
  Leads({"a@x.y", "b@x.y", "c@x.y", "d@x.y"});
  Failed("d@x.y", "bad value");
  Updated("c@x.y");
  Unprocessed("b@x.y");
  Updated("a@x.y");
  EXPECT_EQ(Kinds(), (Verdicts{Kind::kUpdated, Kind::kNotFound, Kind::kUpdated,
                               Kind::kRejected}));
  EXPECT_EQ(Join().leads[3].text, "bad value");
  EXPECT_EQ(Join().leads[1].text, kNotThere);
  EXPECT_EQ(Join().strangers, 0);
}

TEST_F(JoinAnswerTest, TellsALeadThatIsNotThereFromOneThatIsRefused) {
  Leads({"a", "b", "c", "d"});
  Failed("a", kNotThere);
  Failed("b", " lead DOES not exist");
  Failed("c", "The field does not exist");
  Failed("d", "");
  EXPECT_EQ(Kinds(), (Verdicts{Kind::kNotFound, Kind::kNotFound,
                               Kind::kRejected, Kind::kRejected}));
}

TEST_F(JoinAnswerTest, JoinsTrimmedAndCaseFolded) {
  Leads({" A@x.Y", "b@x.y\t", "c@x.y"});
  Updated("a@X.y");
  Updated(" B@x.y ");
  Updated("c@x.y\n");
  EXPECT_EQ(Kinds(),
            (Verdicts{Kind::kUpdated, Kind::kUpdated, Kind::kUpdated}));
}

TEST_F(JoinAnswerTest, JoinsPhoneNumbersByTheirDigits) {
  Leads({"+91-9988776655", "(020) 7946.0018", "9876543210"}, "Phone");
  Updated("919988776655", "Phone");
  Updated("020 7946 0018", "Phone");
  Updated("987-654-3210", "Phone");
  EXPECT_EQ(Kinds(),
            (Verdicts{Kind::kUpdated, Kind::kUpdated, Kind::kUpdated}));
}

TEST_F(JoinAnswerTest, TakesNothingElseForAPhoneNumber) {
  // Too short, too long, or with letters.
  Leads({"12-34-56", "a1234567", "1234567890123456"}, "mx_Code");
  Updated("123456", "mx_Code");
  Updated("1234567", "mx_Code");
  Updated("123456789-0123456", "mx_Code");
  const JoinedAnswer joined = Join();
  EXPECT_EQ(joined.strangers, 3);
  EXPECT_EQ(Kinds(), (Verdicts{Kind::kUntold, Kind::kUntold, Kind::kUntold}));
}

TEST_F(JoinAnswerTest, PrefersTheExactValue) {
  Leads({"A1", "a1"}, "mx_Code");
  Updated("a1", "mx_Code");
  Failed("A1", "no", "mx_Code");
  EXPECT_EQ(Kinds(), (Verdicts{Kind::kRejected, Kind::kUpdated}));
}

TEST_F(JoinAnswerTest, TakesAnEntryThatFitsSeveralLeadsForAStranger) {
  Leads({"Ab@x.y", "aB@x.y", "c@x.y"});
  Updated("AB@x.y");
  const JoinedAnswer joined = Join();
  EXPECT_EQ(joined.strangers, 1);
  EXPECT_EQ(Kinds(), (Verdicts{Kind::kUntold, Kind::kUntold, Kind::kUntold}));
}

TEST_F(JoinAnswerTest, TakesEntriesThatFitNoLeadForStrangers) {
  Leads({"a@x.y"});
  Updated("z@x.y");
  Updated("");
  Failed("a@x.yz", "no");
  const JoinedAnswer joined = Join();
  EXPECT_EQ(joined.strangers, 3);
  EXPECT_EQ(joined.leads[0].kind, Kind::kUntold);
}

TEST_F(JoinAnswerTest, TakesEntriesOfAnotherIdentifierForStrangers) {
  Leads({"a@x.y"});
  Updated("a@x.y", "mx_OtherEmail");
  const JoinedAnswer joined = Join();
  EXPECT_EQ(joined.strangers, 1);
  EXPECT_EQ(joined.leads[0].kind, Kind::kUntold);
}

TEST_F(JoinAnswerTest, JoinsProspectIdInEitherSpellingAndWithoutAName) {
  Leads({"1b-2c", "3d-4e", "5f-6a"}, "ProspectId");
  Updated("1B-2C", "ProspectID");
  Updated("3d-4e", "ProspectId");
  Updated("5f-6a", "");
  EXPECT_EQ(Kinds(),
            (Verdicts{Kind::kUpdated, Kind::kUpdated, Kind::kUpdated}));
}

TEST_F(JoinAnswerTest, SaysUntoldOfALeadInListsThatContradictEachOther) {
  Leads({"a", "b", "c"});
  Updated("a");
  Failed("a", "no");
  Updated("b");
  Unprocessed("b");
  Updated("c");
  EXPECT_EQ(Kinds(), (Verdicts{Kind::kUntold, Kind::kUntold, Kind::kUpdated}));
}

TEST_F(JoinAnswerTest, TakesTwoRefusalsForOne) {
  Leads({"a", "b"});
  Unprocessed("a");
  Failed("a", "2 Duplicate Lead(s) provided");
  Failed("b", "one");
  Failed("b", "two");
  EXPECT_EQ(Kinds(), (Verdicts{Kind::kRejected, Kind::kRejected}));
  EXPECT_EQ(Join().leads[0].text, "2 Duplicate Lead(s) provided");
  EXPECT_EQ(Join().leads[1].text, "one");
}

TEST_F(JoinAnswerTest, FoldsTheCaseOfAnyScript) {
  Leads({"M\u00dcLLER@x.de", "\u0418\u0432\u0430\u043d", "stra\u00dfe"},
        "mx_Code");
  Updated("mu\u0308ller@X.de\u00a0", "mx_Code");
  Updated("\u0438\u0412\u0410\u041d", "mx_Code");
  Updated("STRASSE", "mx_Code");
  EXPECT_EQ(Kinds(),
            (Verdicts{Kind::kUpdated, Kind::kUpdated, Kind::kUpdated}));
}

TEST_F(JoinAnswerTest, NotesCountsThatAreNone) {
  Leads({"a"});
  Updated("a");
  answer_.odd_counts = true;
  EXPECT_TRUE(Join().counts_differ);
  EXPECT_EQ(Kinds(), Verdicts{Kind::kUpdated});
}

TEST_F(JoinAnswerTest, BelievesAnEntryThatStandsTwice) {
  Leads({"a"});
  Updated("a");
  Updated("A");
  EXPECT_EQ(Kinds(), Verdicts{Kind::kUpdated});
}

TEST_F(JoinAnswerTest, SaysUntoldOfALeadThatIsInNoList) {
  Leads({"a", "b"});
  Updated("b");
  answer_.total = 2;
  answer_.succeeded = 2;
  // The count says two; nothing is guessed from that.
  EXPECT_EQ(Kinds(), (Verdicts{Kind::kUntold, Kind::kUpdated}));
  EXPECT_TRUE(Join().counts_differ);
}

TEST_F(JoinAnswerTest, NotesCountsThatDifferFromTheLists) {
  Leads({"a", "b"});
  Updated("a");
  Failed("b", "no");
  EXPECT_FALSE(Join().counts_differ);
  answer_.total = 2;
  answer_.succeeded = 1;
  answer_.failed = 1;
  answer_.unprocessed = 0;
  EXPECT_FALSE(Join().counts_differ);
  const UpdateAnswer good = answer_;
  for (auto member : {&UpdateAnswer::total, &UpdateAnswer::succeeded,
                      &UpdateAnswer::failed, &UpdateAnswer::unprocessed}) {
    answer_ = good;
    answer_.*member = 7;
    EXPECT_TRUE(Join().counts_differ);
  }
}

TEST_F(JoinAnswerTest, SurvivesAnEmptyAnswer) {
  Leads({"a", "b"});
  EXPECT_EQ(Kinds(), (Verdicts{Kind::kUntold, Kind::kUntold}));
}

TEST_F(JoinAnswerTest, JoinsShuffledAndRewrittenAnswersRightly) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    std::mt19937_64 random(seed);
    leads_.clear();
    answer_ = {};
    const bool phones = random() % 2 == 0;
    const std::string attribute = phones ? "Phone" : "EmailAddress";
    const size_t count = 1 + random() % 25;
    std::vector<std::string> values;
    for (size_t i = 0; i < count; ++i) {
      values.push_back(phones ? absl::StrCat("+91-99887766", 10 + i)
                              : absl::StrCat("Lead", i, "@Example.com"));
    }
    Leads(values, attribute);
    std::vector<size_t> order(count);
    for (size_t i = 0; i < count; ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), random);
    Verdicts expected(count, Kind::kUntold);
    for (const size_t i : order) {
      std::string value = values[i];
      switch (random() % 4) {
        case 0:
          value = absl::AsciiStrToLower(value);
          break;
        case 1:
          value = absl::StrCat(" ", value, "  ");
          break;
        case 2:
          if (phones) value = absl::StrCat("9199887766", 10 + i);
          break;
        default:
          break;
      }
      switch (random() % 4) {
        case 0:
          answer_.successful_leads.push_back({attribute, value, ""});
          expected[i] = Kind::kUpdated;
          break;
        case 1:
          answer_.failed_leads.push_back({attribute, value, "bad"});
          expected[i] = Kind::kRejected;
          break;
        case 2:
          answer_.unprocessed_leads.push_back({attribute, value, kNotThere});
          expected[i] = Kind::kNotFound;
          break;
        default:
          break;  // named nowhere
      }
    }
    ASSERT_EQ(Kinds(), expected) << "seed " << seed;
    ASSERT_EQ(Join().strangers, 0) << "seed " << seed;
  }
}

}  // namespace
}  // namespace leadgateway::leadsquared
