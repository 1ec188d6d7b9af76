#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/account.h"
#include "sandbox/call_record.h"
#include "sandbox/credentials.h"
#include "tests/integration/gateway_fixture.h"

// The keys of accounts, and what one account means to another.
namespace leadgateway::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

sandbox::KeyPair Keys(int version) {
  return {.label = absl::StrCat("v", version),
          .access_key = absl::StrCat("u$raccess", version),
          .secret_key = absl::StrCat("secret", version)};
}

// A mounted Kubernetes secret: links through "..data", which is replaced as a
// whole.
class SecretMount {
 public:
  explicit SecretMount(const TempDir& dir) : dir_(dir) {
    Replace(1);
    for (const char* const name : {"access", "secret"}) {
      std::filesystem::create_symlink(absl::StrCat("..data/", name),
                                      absl::StrCat(dir_.path(), "/", name));
    }
  }

  void Replace(int version) {
    const std::string real = absl::StrCat("..v", version);
    std::filesystem::create_directory(absl::StrCat(dir_.path(), "/", real));
    dir_.Write(absl::StrCat(real, "/access"), Keys(version).access_key);
    dir_.Write(absl::StrCat(real, "/secret"), Keys(version).secret_key);
    const std::string next = absl::StrCat(dir_.path(), "/..next");
    std::filesystem::create_directory_symlink(real, next);
    std::filesystem::rename(next, absl::StrCat(dir_.path(), "/..data"));
  }

 private:
  const TempDir& dir_;
};

GatewaySetup WithKeysIn(const TempDir& dir) {
  GatewaySetup setup;
  setup.account.access_key_file = absl::StrCat(dir.path(), "/access");
  setup.account.secret_key_file = absl::StrCat(dir.path(), "/secret");
  setup.sandbox.account.keys = {Keys(1)};
  return setup;
}

TEST(KeysTest, RotationUnderLoadFailsNoCall) {
  const TempDir dir;
  SecretMount mount(dir);
  GatewaySetup setup = WithKeysIn(dir);
  setup.Allow(40, absl::Milliseconds(500));
  setup.Faults(R"({"always":{"latency_min_ms":5,"latency_max_ms":40}})");
  Gateway gateway(setup);
  int lead = 0;
  for (int version = 2; version <= 6; ++version) {
    std::vector<std::unique_ptr<Rpc>> rpcs;
    for (int i = 0; i < 4; ++i, lead = (lead + 100) % 1900) {
      rpcs.push_back(gateway.Start(Updates(lead, 100)));
    }
    rpcs.front()->WaitForMessage();
    // The old keys are refused from the moment on at which the new ones are
    // there: calls under way with the old ones, too.
    mount.Replace(version);
    gateway.account().AcceptKeys({Keys(version)});
    for (const auto& rpc : rpcs) {
      ExpectAll(rpc->Get(), 100, v1::OUTCOME_UPDATED);
    }
    // Where all calls had left with the old keys, nothing has asked for the new
    // ones yet: the files are looked at now and then.
    EXPECT_TRUE(Eventually(
        [&] { return gateway.Status().credential_generation() == version; }));
  }
  EXPECT_THAT(gateway.log(),
              Contains(HasSubstr("\"event\":\"credentials_changed\"")));
  for (const std::string& line : gateway.log()) {
    EXPECT_FALSE(absl::StrContains(line, "u$raccess")) << line;
  }
}

TEST(KeysTest, NewKeysHealARejectedAccountAtOnce) {
  const TempDir dir;
  dir.Write("access", Keys(7).access_key);
  dir.Write("secret", Keys(7).secret_key);
  Gateway gateway(WithKeysIn(dir));
  const Answer refused = gateway.Update(Updates(0, 1));
  EXPECT_EQ(ReasonOf(refused.status), "UPSTREAM_CREDENTIALS_REJECTED");
  EXPECT_THAT(gateway.Status().blocked(), HasSubstr("keys"));
  // Without new keys it tries again after a minute.
  const absl::Time start = absl::Now();
  dir.Write("access", Keys(1).access_key);
  dir.Write("secret", Keys(1).secret_key);
  EXPECT_TRUE(Eventually([&] { return gateway.Status().blocked().empty(); }));
  ExpectAll(gateway.Update(Updates(0, 1)), 1, v1::OUTCOME_UPDATED);
  EXPECT_LT(absl::Now() - start, absl::Seconds(25));
  EXPECT_EQ(gateway.Status().credential_generation(), 2);
}

TEST(KeysTest, AHalfNewPairIsNotUsedAndAnUnreadableOneIsTold) {
  const TempDir dir;
  dir.Write("access", Keys(1).access_key);
  dir.Write("secret", Keys(1).secret_key);
  Gateway gateway(WithKeysIn(dir));
  dir.Write("access", Keys(2).access_key);
  dir.Write("secret", "");
  EXPECT_TRUE(Eventually([&] {
    for (const std::string& line : gateway.log()) {
      if (absl::StrContains(line, "keys_not_readable")) return true;
    }
    return false;
  }));
  ExpectAll(gateway.Update(Updates(0, 5)), 5, v1::OUTCOME_UPDATED);
  EXPECT_EQ(gateway.Status().credential_generation(), 1);
  gateway.account().AcceptKeys({Keys(1), Keys(2)});
  dir.Write("secret", Keys(2).secret_key);
  EXPECT_TRUE(Eventually(
      [&] { return gateway.Status().credential_generation() == 2; }));
  ExpectAll(gateway.Update(Updates(0, 5)), 5, v1::OUTCOME_UPDATED);
  EXPECT_EQ(gateway.calls().back().key_label, "v2");
}

TEST(KeysTest, KeyFilesThatOthersMayReadAreWarnedOf) {
  const TempDir dir;
  dir.Write("access", Keys(1).access_key);
  const std::string secret = dir.Write("secret", Keys(1).secret_key);
  ASSERT_EQ(chmod(secret.c_str(), 0644), 0);
  Gateway gateway(WithKeysIn(dir));
  EXPECT_THAT(gateway.log(),
              Contains(::testing::AllOf(HasSubstr("\"event\":\"key_file\""),
                                        HasSubstr(secret))));
}

}  // namespace
}  // namespace leadgateway::testing
