#include "gateway/server/account_fields.h"

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/model/errors.h"
#include "gateway/schema/field_catalogue.h"
#include "gtest/gtest.h"

namespace leadgateway::server {
namespace {

using Catalogue = AccountFields::Catalogue;

constexpr absl::Time kStart = absl::FromUnixSeconds(1000);

Catalogue CatalogueOf(const std::string& name) {
  schema::FieldInfo field{};
  field.schema_name = name;
  return *schema::FieldCatalogue::Create({field}, {}, absl::UnixEpoch());
}

class AccountFieldsTest : public ::testing::Test {
 protected:
  AccountFields::Done Into(std::vector<absl::StatusOr<Catalogue>>* answers) {
    return [answers](absl::StatusOr<Catalogue> answer) {
      answers->push_back(std::move(answer));
    };
  }

  std::mt19937_64 random_{1};
  AccountFields fields_{"acme", nullptr, random_};
  std::vector<absl::StatusOr<Catalogue>> answers_;
};

TEST_F(AccountFieldsTest, FetchesAtOnceAndOnlyOneAtATime) {
  EXPECT_TRUE(fields_.StartFetch(kStart));
  EXPECT_FALSE(fields_.StartFetch(kStart + absl::Hours(1)));
}

TEST_F(AccountFieldsTest, WhoWaitsHearsOfTheFieldsWhenTheyCome) {
  ASSERT_TRUE(fields_.StartFetch(kStart));
  fields_.WhenKnown(kStart + absl::Seconds(30), Into(&answers_));
  EXPECT_EQ(fields_.Tick(kStart), kStart + absl::Seconds(30));
  EXPECT_TRUE(answers_.empty());
  const Catalogue come = CatalogueOf("EmailAddress");
  fields_.Fetched(come, kStart + absl::Seconds(1));
  ASSERT_EQ(answers_.size(), 1u);
  ASSERT_TRUE(answers_[0].ok());
  EXPECT_EQ(*answers_[0], come);
  // Known from now on.
  fields_.WhenKnown(kStart, Into(&answers_));
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(*answers_[1], come);
}

TEST_F(AccountFieldsTest, AWaitThatIsOverEndsAsSchemaUnavailable) {
  ASSERT_TRUE(fields_.StartFetch(kStart));
  fields_.WhenKnown(kStart + absl::Seconds(2), Into(&answers_));
  fields_.WhenKnown(kStart + absl::Seconds(3), Into(&answers_));
  EXPECT_EQ(fields_.Tick(kStart + absl::Seconds(2)), kStart + absl::Seconds(3));
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(errors::ReasonNameOf(answers_[0].status()), "SCHEMA_UNAVAILABLE");
}

TEST_F(AccountFieldsTest, AFailedFetchIsTriedAgainWithinAMinuteAndTellsNobody) {
  absl::Time now = kStart;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(fields_.StartFetch(now));
    fields_.WhenKnown(absl::InfiniteFuture(), Into(&answers_));
    fields_.Fetched(absl::UnavailableError("HTTP 502"), now);
    EXPECT_GT(fields_.next_fetch(), now);
    EXPECT_LE(fields_.next_fetch(), now + AccountFields::kMostPause);
    now = fields_.next_fetch();
  }
  EXPECT_TRUE(answers_.empty());
}

TEST_F(AccountFieldsTest, OldFieldsAreServedWhileFetchesFail) {
  const Catalogue old = CatalogueOf("EmailAddress");
  ASSERT_TRUE(fields_.StartFetch(kStart));
  fields_.Fetched(old, kStart);
  const absl::Time refresh = fields_.next_fetch();
  EXPECT_GE(refresh, kStart + AccountFields::kRefresh * 0.9);
  EXPECT_LE(refresh, kStart + AccountFields::kRefresh * 1.1);
  EXPECT_FALSE(fields_.StartFetch(refresh - absl::Milliseconds(1)));
  ASSERT_TRUE(fields_.StartFetch(refresh));
  fields_.Fetched(absl::UnavailableError("HTTP 502"), refresh);
  EXPECT_EQ(fields_.Get(), old);
}

TEST_F(AccountFieldsTest, RefusedKeysEndTheWaitsUntilAFetchSucceeds) {
  const absl::Status refused = errors::UpstreamCredentialsRejected("acme", "");
  ASSERT_TRUE(fields_.StartFetch(kStart));
  fields_.WhenKnown(absl::InfiniteFuture(), Into(&answers_));
  fields_.Fetched(refused, kStart);
  fields_.WhenKnown(absl::InfiniteFuture(), Into(&answers_));
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(answers_[0].status(), refused);
  EXPECT_EQ(answers_[1].status(), refused);
  ASSERT_TRUE(fields_.StartFetch(fields_.next_fetch()));
  fields_.Fetched(CatalogueOf("EmailAddress"), fields_.next_fetch());
  fields_.WhenKnown(absl::InfiniteFuture(), Into(&answers_));
  EXPECT_TRUE(answers_.back().ok());
}

TEST_F(AccountFieldsTest, SavedFieldsAreThereFromTheStart) {
  const Catalogue saved = CatalogueOf("EmailAddress");
  AccountFields fields("acme", saved, random_);
  EXPECT_EQ(fields.Get(), saved);
  // And LeadSquared is asked all the same.
  EXPECT_TRUE(fields.StartFetch(kStart));
}

TEST_F(AccountFieldsTest, ADrainEndsAllWaits) {
  fields_.WhenKnown(absl::InfiniteFuture(), Into(&answers_));
  fields_.EndWaits(errors::Draining());
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(errors::ReasonNameOf(answers_[0].status()), "DRAINING");
}

}  // namespace
}  // namespace leadgateway::server
