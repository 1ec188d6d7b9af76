#include "gateway/server/policy_file.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/identity/authorization_policy.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PolicyFileTest : public ::testing::Test {
 protected:
  PolicyFileTest() {
    SetLogSinkForTest(
        [this](absl::string_view line) { lines_.emplace_back(line); });
  }
  ~PolicyFileTest() override {
    SetLogSinkForTest(nullptr);
    std::remove(path_.c_str());
  }
  void Write(absl::string_view text) const {
    std::ofstream(path_, std::ios::binary) << text;
  }
  // One that nobody but the test looks at.
  absl::StatusOr<std::unique_ptr<PolicyFile>> Create() const {
    return PolicyFile::Create(path_, absl::Hours(1));
  }
  static std::string Named(absl::string_view name) {
    return absl::StrCat(R"({"name": ")", name,
                        R"(", "allow_rules": [ {"name": "all"} ]})");
  }

  const std::string path_ =
      absl::StrCat(::testing::TempDir(), "/policy.", getpid(), ".json");
  std::vector<std::string> lines_;
};

TEST_F(PolicyFileTest, TakesAChangedFileUp) {
  Write(Named("first"));
  const auto file = *Create();
  const auto first = file->policy();
  EXPECT_EQ(first->name, "first");
  file->Look();
  EXPECT_EQ(file->policy(), first);

  Write(Named("second"));
  file->Look();
  EXPECT_EQ(file->policy()->name, "second");
  EXPECT_EQ(first->name, "first");  // for whoever still uses it
  EXPECT_THAT(
      lines_,
      ElementsAre(AllOf(HasSubstr("policy_in_force"), HasSubstr("first")),
                  AllOf(HasSubstr("policy_in_force"), HasSubstr("second"))));
}

TEST_F(PolicyFileTest, KeepsThePolicyWhileTheFileIsWrongAndSaysSoOnce) {
  Write(Named("first"));
  const auto file = *Create();
  lines_.clear();
  for (int i = 0; i < 3; ++i) {
    Write("{ \"name\": ");
    file->Look();
  }
  EXPECT_EQ(file->policy()->name, "first");
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr("policy_not_used"),
                                        HasSubstr("the text ends too early"),
                                        HasSubstr(path_))));
  lines_.clear();
  std::remove(path_.c_str());
  file->Look();
  EXPECT_EQ(file->policy()->name, "first");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("No such file or directory")));

  lines_.clear();
  Write(Named("second"));
  file->Look();
  EXPECT_EQ(file->policy()->name, "second");
}

TEST_F(PolicyFileTest, DoesNotBeginWithAWrongFile) {
  const absl::Status missing = Create().status();
  EXPECT_TRUE(absl::IsInvalidArgument(missing));
  EXPECT_EQ(missing.message(),
            absl::StrCat("listen.authorization.policyFile: ", path_,
                         ": can't be read: No such file or directory"));
  Write("{}");
  EXPECT_EQ(Create().status().message(),
            absl::StrCat("listen.authorization.policyFile: ", path_,
                         ": name: is missing\n"
                         "listen.authorization.policyFile: ",
                         path_,
                         ": allow_rules: must hold at least one rule: without, "
                         "every RPC is refused"));
  EXPECT_EQ(CheckPolicyFile(path_), Create().status());
  EXPECT_THAT(PolicyFile::Create("/", absl::Hours(1)).status().message(),
              HasSubstr("is a directory"));
}

}  // namespace
}  // namespace leadgateway::server
