#include "gateway/server/account_fields.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/model/errors.h"
#include "gateway/model/lead.h"
#include "gateway/model/limits.h"
#include "gateway/model/reason.h"
#include "gateway/schema/field_catalogue.h"
#include "gateway/validation/request_validator.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"

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

  // The first fetch brings a field of this name.
  Catalogue Load(const std::string& name, absl::Time now) {
    EXPECT_TRUE(fields_.StartFetch(now));
    fields_.Fetched(CatalogueOf(name), now);
    return fields_.Get();
  }

  std::mt19937_64 random_{1};
  AccountFields fields_{{.account = "acme", .saved = nullptr}, random_};
  std::vector<absl::StatusOr<Catalogue>> answers_;
};

TEST_F(AccountFieldsTest, FetchesAtOnceAndOnlyOneAtATime) {
  EXPECT_TRUE(fields_.StartFetch(kStart));
  EXPECT_FALSE(fields_.StartFetch(kStart + absl::Hours(1)));
}

TEST_F(AccountFieldsTest, WhoWaitsHearsOfTheFieldsWhenTheyCome) {
  ASSERT_TRUE(fields_.StartFetch(kStart));
  fields_.WhenKnown(kStart + absl::Seconds(30), {}, Into(&answers_));
  EXPECT_EQ(fields_.Tick(kStart), kStart + absl::Seconds(30));
  EXPECT_TRUE(answers_.empty());
  const Catalogue come = CatalogueOf("EmailAddress");
  fields_.Fetched(come, kStart + absl::Seconds(1));
  ASSERT_EQ(answers_.size(), 1u);
  ASSERT_TRUE(answers_[0].ok());
  EXPECT_EQ(*answers_[0], come);
  // Known from now on.
  fields_.WhenKnown(kStart, {}, Into(&answers_));
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(*answers_[1], come);
}

TEST_F(AccountFieldsTest, AWaitThatIsOverEndsAsSchemaUnavailable) {
  ASSERT_TRUE(fields_.StartFetch(kStart));
  fields_.WhenKnown(kStart + absl::Seconds(2), {}, Into(&answers_));
  fields_.WhenKnown(kStart + absl::Seconds(3), {}, Into(&answers_));
  EXPECT_EQ(fields_.Tick(kStart + absl::Seconds(2)), kStart + absl::Seconds(3));
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(errors::ReasonNameOf(answers_[0].status()), "SCHEMA_UNAVAILABLE");
}

TEST_F(AccountFieldsTest, AFailedFetchIsTriedAgainWithinAMinuteAndTellsNobody) {
  absl::Time now = kStart;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(fields_.StartFetch(now));
    fields_.WhenKnown(absl::InfiniteFuture(), {}, Into(&answers_));
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
  EXPECT_GE(refresh, kStart + kDefaultFieldRefresh * 0.9);
  EXPECT_LE(refresh, kStart + kDefaultFieldRefresh * 1.1);
  EXPECT_FALSE(fields_.StartFetch(refresh - absl::Milliseconds(1)));
  ASSERT_TRUE(fields_.StartFetch(refresh));
  fields_.Fetched(absl::UnavailableError("HTTP 502"), refresh);
  EXPECT_EQ(fields_.Get(), old);
}

TEST_F(AccountFieldsTest, RefreshesAreSpreadOverAFifthOfTheirInterval) {
  absl::Duration shortest = absl::InfiniteDuration();
  absl::Duration longest;
  absl::Time now = kStart;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(fields_.StartFetch(now));
    fields_.Fetched(CatalogueOf("EmailAddress"), now);
    shortest = std::min(shortest, fields_.next_fetch() - now);
    longest = std::max(longest, fields_.next_fetch() - now);
    now = fields_.next_fetch();
  }
  EXPECT_GE(shortest, absl::Minutes(9));
  EXPECT_LT(shortest, absl::Minutes(9.2));
  EXPECT_LE(longest, absl::Minutes(11));
  EXPECT_GT(longest, absl::Minutes(10.8));
}

TEST_F(AccountFieldsTest, RefusedKeysEndTheWaitsUntilAFetchSucceeds) {
  const absl::Status refused = errors::UpstreamCredentialsRejected("acme", "");
  ASSERT_TRUE(fields_.StartFetch(kStart));
  fields_.WhenKnown(absl::InfiniteFuture(), {}, Into(&answers_));
  fields_.Fetched(refused, kStart);
  fields_.WhenKnown(absl::InfiniteFuture(), {}, Into(&answers_));
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(answers_[0].status(), refused);
  EXPECT_EQ(answers_[1].status(), refused);
  ASSERT_TRUE(fields_.StartFetch(fields_.next_fetch()));
  fields_.Fetched(CatalogueOf("EmailAddress"), fields_.next_fetch());
  fields_.WhenKnown(absl::InfiniteFuture(), {}, Into(&answers_));
  EXPECT_TRUE(answers_.back().ok());
}

TEST_F(AccountFieldsTest, WhoHasGoneWaitsNoLonger) {
  const int one = 0;
  const int other = 0;
  fields_.WhenKnown(absl::InfiniteFuture(), {&one, 1}, Into(&answers_));
  fields_.WhenKnown(absl::InfiniteFuture(), {&other, 1}, Into(&answers_));
  fields_.Cancel(&one);
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].status().code(), absl::StatusCode::kCancelled);
  fields_.Cancel(&one);
  EXPECT_EQ(answers_.size(), 1u);
  Load("a", kStart);
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_TRUE(answers_[1].ok());
}

TEST_F(AccountFieldsTest, NoMoreWaitThanThereIsRoomFor) {
  const int who = 0;
  const int64_t most = kDefaultMaxQueuedBytes;
  fields_.WhenKnown(absl::InfiniteFuture(), {&who, most - 1}, Into(&answers_));
  fields_.WhenKnown(absl::InfiniteFuture(), {nullptr, 1}, Into(&answers_));
  EXPECT_TRUE(answers_.empty());
  fields_.WhenKnown(absl::InfiniteFuture(), {nullptr, 1}, Into(&answers_));
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(errors::ReasonNameOf(answers_[0].status()), "SCHEMA_UNAVAILABLE");
  // Who goes makes room.
  fields_.Cancel(&who);
  fields_.WhenKnown(absl::InfiniteFuture(), {nullptr, 1}, Into(&answers_));
  EXPECT_EQ(answers_.size(), 2u);
  const Catalogue known = Load("a", kStart);
  EXPECT_EQ(answers_.size(), 4u);
  // For newer fields the same: those that are there are told at once.
  const absl::Time later = kStart + absl::Minutes(1);
  fields_.WhenNewer(known, later, later + absl::Seconds(1), {nullptr, most + 1},
                    Into(&answers_));
  ASSERT_EQ(answers_.size(), 5u);
  EXPECT_EQ(*answers_[4], known);
  fields_.WhenNewer(known, later, later + absl::Seconds(1), {nullptr, most},
                    Into(&answers_));
  EXPECT_EQ(answers_.size(), 5u);
}

TEST_F(AccountFieldsTest, SavedFieldsAreThereFromTheStart) {
  const Catalogue saved = CatalogueOf("EmailAddress");
  AccountFields fields({.account = "acme", .saved = saved}, random_);
  EXPECT_EQ(fields.Get(), saved);
  // And LeadSquared is asked all the same.
  EXPECT_TRUE(fields.StartFetch(kStart));
}

TEST_F(AccountFieldsTest, ADrainEndsAllWaits) {
  fields_.WhenKnown(absl::InfiniteFuture(), {}, Into(&answers_));
  fields_.EndWaits(errors::Draining());
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(errors::ReasonNameOf(answers_[0].status()), "DRAINING");
}

// ----------------------------------------------------------- a field is missed

TEST_F(AccountFieldsTest, AMissWaitsForOneExtraFetchAndGetsItsFields) {
  const Catalogue old = Load("EmailAddress", kStart);
  const absl::Time now = kStart + absl::Minutes(1);
  for (int i = 0; i < 3; ++i) {
    fields_.WhenNewer(old, now, now + absl::Seconds(10), {}, Into(&answers_));
  }
  EXPECT_TRUE(answers_.empty());
  ASSERT_TRUE(fields_.StartFetch(now));
  EXPECT_FALSE(fields_.StartFetch(now));
  const Catalogue fresh = CatalogueOf("mx_New");
  fields_.Fetched(fresh, now);
  ASSERT_EQ(answers_.size(), 3u);
  for (const auto& answer : answers_) EXPECT_EQ(*answer, fresh);
  // Whoever missed it in the old ones gets the new ones without a fetch.
  fields_.WhenNewer(old, now, now + absl::Seconds(10), {}, Into(&answers_));
  EXPECT_EQ(*answers_.back(), fresh);
  EXPECT_FALSE(fields_.StartFetch(now));
}

TEST_F(AccountFieldsTest, MissesThatFindNothingCostLessAndLess) {
  Load("EmailAddress", kStart);
  int fetches = 0;
  // A caller that names a field that does not exist, every second for an hour.
  for (absl::Time now = kStart; now < kStart + absl::Hours(1);
       now += absl::Seconds(1)) {
    fields_.WhenNewer(fields_.Get(), now, now + absl::Seconds(1), {},
                      Into(&answers_));
    if (fields_.StartFetch(now)) {
      ++fetches;
      fields_.Fetched(CatalogueOf("EmailAddress"), now);
    }
    fields_.Tick(now);
  }
  EXPECT_GE(fetches, 6 + 5);
  EXPECT_LE(fetches, 6 + 16);
  EXPECT_EQ(answers_.size(), 3'600u);
  for (const auto& answer : answers_) EXPECT_TRUE(answer.ok());
}

TEST_F(AccountFieldsTest, AMissThatFindsSomethingMakesTheNextOneQuick) {
  Load("EmailAddress", kStart);
  absl::Time now = kStart;
  for (int i = 0; i < 5; ++i) {
    now += absl::Minutes(1);
    fields_.WhenNewer(fields_.Get(), now, now + absl::Seconds(1), {},
                      Into(&answers_));
    ASSERT_TRUE(fields_.StartFetch(now)) << i;
    fields_.Fetched(CatalogueOf(i % 2 == 0 ? "mx_A" : "mx_B"), now);
  }
  now += AccountFields::kFirstExtraPause;
  fields_.WhenNewer(fields_.Get(), now, now + absl::Seconds(1), {},
                    Into(&answers_));
  EXPECT_TRUE(fields_.StartFetch(now));
}

TEST_F(AccountFieldsTest, AMissGetsTheOldFieldsWhenItsFetchFailsOrTakesLong) {
  const Catalogue old = Load("EmailAddress", kStart);
  absl::Time now = kStart + absl::Minutes(1);
  fields_.WhenNewer(old, now, now + absl::Seconds(2), {}, Into(&answers_));
  ASSERT_TRUE(fields_.StartFetch(now));
  EXPECT_LE(fields_.Tick(now), now + absl::Seconds(2));
  fields_.Tick(now + absl::Seconds(2));
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(*answers_[0], old);
  fields_.WhenNewer(old, now, now + absl::Seconds(20), {}, Into(&answers_));
  fields_.Fetched(absl::UnavailableError("HTTP 502"), now);
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(*answers_[1], old);
  // While LeadSquared is down, nobody waits for it.
  fields_.WhenNewer(old, now, now + absl::Seconds(20), {}, Into(&answers_));
  EXPECT_EQ(answers_.size(), 3u);
}

TEST_F(AccountFieldsTest, AMissWhoseTimeIsOverWaitsForNothing) {
  const Catalogue old = Load("EmailAddress", kStart);
  const absl::Time now = kStart + absl::Minutes(1);
  fields_.WhenNewer(old, now, now, {}, Into(&answers_));
  EXPECT_EQ(answers_.size(), 1u);
  EXPECT_FALSE(fields_.StartFetch(now));
}

TEST_F(AccountFieldsTest, AFieldThatLeadSquaredRefusesHasAllFetchedEarly) {
  Load("EmailAddress", kStart);
  const absl::Time now = kStart + absl::Minutes(1);
  EXPECT_FALSE(fields_.StartFetch(now));
  fields_.Refuted(now);
  ASSERT_TRUE(fields_.StartFetch(now));
  fields_.Refuted(now);  // by a call that was under way
  fields_.Fetched(CatalogueOf("EmailAddress"), now);
  fields_.Refuted(now);
  EXPECT_FALSE(fields_.StartFetch(now));
  EXPECT_TRUE(fields_.StartFetch(now + 2 * AccountFields::kFirstExtraPause));
}

TEST_F(AccountFieldsTest, PinnedFieldsAreNeverFetched) {
  const Catalogue saved = CatalogueOf("EmailAddress");
  AccountFields fields({.account = "acme",
                        .saved = saved,
                        .refresh = absl::ZeroDuration(),
                        .pinned = true},
                       random_);
  fields.WhenNewer(saved, kStart, kStart + absl::Hours(1), {}, Into(&answers_));
  fields.Refuted(kStart);
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(*answers_[0], saved);
  EXPECT_FALSE(fields.StartFetch(kStart + absl::Hours(1'000)));
}

TEST_F(AccountFieldsTest, WithoutARefreshFieldsAreFetchedOnceAndAfterMisses) {
  AccountFields fields(
      {.account = "acme", .saved = nullptr, .refresh = absl::ZeroDuration()},
      random_);
  ASSERT_TRUE(fields.StartFetch(kStart));
  fields.Fetched(absl::UnavailableError("HTTP 502"), kStart);
  ASSERT_TRUE(fields.StartFetch(kStart + AccountFields::kFirstPause));
  fields.Fetched(CatalogueOf("EmailAddress"), kStart);
  const absl::Time later = kStart + absl::Hours(1'000);
  EXPECT_FALSE(fields.StartFetch(later));
  fields.WhenNewer(fields.Get(), later, later + absl::Seconds(1), {},
                   Into(&answers_));
  EXPECT_TRUE(fields.StartFetch(later));
}

// For ThreadSanitizer, and for what it can't see: a catalogue is whole, whoever
// replaces it.
TEST_F(AccountFieldsTest, ReadersOnAnyThreadSeeWholeCataloguesWhileTheyChange) {
  // Each has 100 fields whose names and options end alike.
  const auto numbered = [](int number) {
    std::vector<schema::FieldInfo> all(100);
    for (int i = 0; i < 100; ++i) {
      all[static_cast<size_t>(i)].schema_name = absl::StrCat(i, "_", number);
      all[static_cast<size_t>(i)].data_type = "Select";
      for (int j = 0; j < 10; ++j) {
        all[static_cast<size_t>(i)].options.push_back(
            absl::StrCat(j, "_", number));
      }
    }
    return *schema::FieldCatalogue::Create(std::move(all), {},
                                           absl::FromUnixSeconds(number));
  };
  ASSERT_TRUE(fields_.StartFetch(kStart));
  fields_.Fetched(numbered(0), kStart);
  std::atomic<bool> stop{false};
  std::atomic<int> reads{0};
  std::vector<std::thread> readers;
  readers.reserve(4);
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      while (!stop.load(std::memory_order_relaxed)) {
        const Catalogue seen = fields_.Get();
        const int64_t number = absl::ToUnixSeconds(seen->fetched_at());
        const auto* field = seen->Find(absl::StrCat("7_", number));
        ASSERT_NE(field, nullptr);
        EXPECT_TRUE(seen->HasOption(*field, absl::StrCat("9_", number)));
        EXPECT_FALSE(seen->Suggest(absl::StrCat("77_", number)).names.empty());
        reads.fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  absl::Time now = kStart;
  for (int i = 1; i <= 100 || reads.load() < 1'000; ++i) {
    now += absl::Hours(1);
    ASSERT_TRUE(fields_.StartFetch(now));
    fields_.Fetched(numbered(i), now);
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

// What gRPC's threads do while the loop thread takes new fields over: every
// lead of a request is checked against one and the same catalogue.
TEST_F(AccountFieldsTest, RequestsAreCheckedWhileAFieldComesAndAnotherGoes) {
  const auto with = [](const std::string& name) {
    std::vector<schema::FieldInfo> all(3);
    all[0].schema_name = "EmailAddress";
    all[0].unique = true;
    all[1].schema_name = "mx_Always";
    all[2].schema_name = name;
    return *schema::FieldCatalogue::Create(std::move(all), {},
                                           absl::UnixEpoch());
  };
  const char* const names[] = {"mx_Even", "mx_Odd"};
  v1::BulkUpdateLeadsRequest both;
  both.set_search_by_key("EmailAddress");
  constexpr int kLeads = 25;
  for (int i = 0; i < kLeads; ++i) {
    v1::Lead& lead = *both.add_leads();
    for (const char* name :
         {"EmailAddress", "mx_Even", "mx_Always", "mx_Odd"}) {
      v1::LeadField& field = *lead.add_fields();
      field.set_attribute(name);
      field.set_string_value(absl::StrCat(i));
    }
  }

  ASSERT_TRUE(fields_.StartFetch(kStart));
  fields_.Fetched(with(names[0]), kStart);
  std::atomic<bool> stop{false};
  std::atomic<int> without[2] = {0, 0};
  std::vector<std::thread> rpcs;
  rpcs.reserve(20);
  for (int i = 0; i < 20; ++i) {
    rpcs.emplace_back([&] {
      while (!stop.load(std::memory_order_relaxed)) {
        v1::BulkUpdateLeadsRequest request = both;
        validation::ValidationOptions options;
        const Catalogue seen = fields_.Get();
        options.catalogue = seen.get();
        const auto validated = validation::ValidateRequest(request, options);
        ASSERT_TRUE(validated.ok());
        ASSERT_EQ(validated->invalid.size(), kLeads);
        const bool odd = seen->Find("mx_Odd") != nullptr;
        for (const LeadResult& result : validated->invalid) {
          const auto& mistakes = result.problem->violations;
          ASSERT_EQ(mistakes.size(), 1u);
          EXPECT_EQ(mistakes[0].reason, Reason::kFieldUnknown);
          EXPECT_EQ(mistakes[0].field,
                    absl::StrCat("leads[", result.index, "].fields[\"",
                                 names[odd ? 0 : 1], "\"]"));
        }
        without[odd ? 0 : 1].fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  absl::Time now = kStart;
  // Until requests have met either state often.
  for (int i = 1; i <= 100 || without[0] < 100 || without[1] < 100; ++i) {
    now += absl::Hours(1);
    fields_.WhenNewer(fields_.Get(), now, now + absl::Seconds(1), {},
                      Into(&answers_));
    ASSERT_TRUE(fields_.StartFetch(now));
    fields_.Fetched(with(names[i % 2]), now);
    ASSERT_EQ(answers_.size(), 1u);
    EXPECT_TRUE(answers_.back().ok());
    answers_.clear();
  }
  stop = true;
  for (std::thread& rpc : rpcs) rpc.join();
}

}  // namespace
}  // namespace leadgateway::server
