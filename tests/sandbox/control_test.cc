#include "sandbox/control.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace leadgateway::sandbox {
namespace {

class ControlTest : public testing::Test {
 protected:
  void SetUp() override {
    AccountOptions options;
    options.generate_leads = 3;
    auto account = Account::Create(std::move(options));
    ASSERT_TRUE(account.ok());
    account_ = *std::move(account);
  }

  Reply Ask(absl::string_view method, absl::string_view target,
            absl::string_view body = "") {
    return HandleControl(*account_, method, target, body);
  }

  std::unique_ptr<Account> account_;
};

TEST_F(ControlTest, FaultsAreSetReadAndCleared) {
  EXPECT_EQ(
      Ask("POST", "/_sandbox/faults", R"({"always":{"shuffle":true}})").status,
      200);
  EXPECT_NE(Ask("GET", "/_sandbox/faults").body.find("\"shuffle\":true"),
            std::string::npos);
  EXPECT_EQ(Ask("POST", "/_sandbox/faults", R"({"always":{"x":1}})").status,
            400);
  EXPECT_NE(Ask("GET", "/_sandbox/faults").body.find("\"shuffle\":true"),
            std::string::npos);
  EXPECT_EQ(Ask("DELETE", "/_sandbox/faults").status, 200);
  EXPECT_NE(Ask("GET", "/_sandbox/faults").body.find("\"shuffle\":false"),
            std::string::npos);
}

TEST_F(ControlTest, FieldsComeAndGo) {
  EXPECT_EQ(Ask("POST", "/_sandbox/fields",
                R"({"add":[{"SchemaName":"mx_N","IsUnique":true}],
                    "remove":["mx_City"]})")
                .status,
            200);
  EXPECT_EQ(Ask("POST", "/_sandbox/fields", R"({"remove":["mx_City"]})").status,
            404);
  EXPECT_EQ(Ask("POST", "/_sandbox/leads", "{\"mx_N\":\"7\"}\n").status, 200);
  EXPECT_EQ(Ask("GET", "/_sandbox/lead?key=mx_N&value=7").status, 200);
  for (const char* body :
       {"", "[]", "{}", R"({"add":{}})", R"({"add":[1]})", R"({"add":[{}]})",
        R"({"add":[{"SchemaName":"a","LockAfterCreate":9}]})",
        R"({"remove":[1]})", R"({"remove":["ProspectID"]})"}) {
    EXPECT_EQ(Ask("POST", "/_sandbox/fields", body).status, 400) << body;
  }
}

TEST_F(ControlTest, LeadsAreReadByKey) {
  EXPECT_NE(
      Ask("GET", "/_sandbox/lead?key=EmailAddress&value=lead1%40example.com")
          .body.find("C00000001"),
      std::string::npos);
  EXPECT_EQ(Ask("GET", "/_sandbox/lead?key=EmailAddress&value=x").status, 404);
  EXPECT_EQ(Ask("GET", "/_sandbox/lead?key=EmailAddress").status, 400);
  EXPECT_EQ(Ask("GET", "/_sandbox/lead?key=%&value=%zz").status, 400);
}

TEST_F(ControlTest, KeysAreRotatedAndNeverEchoed) {
  EXPECT_EQ(Ask("POST", "/_sandbox/keys",
                R"({"pairs":[{"accessKey":"AAA","secretKey":"BBB"}]})")
                .body,
            R"({"ok":true})");
  RequestHead head;
  head.method = "GET";
  head.target = "/v2/Authentication.svc/UserByAccessKey.Get";
  head.access_key = "AAA";
  head.secret_key = "BBB";
  EXPECT_EQ(account_->Begin(head).record.key_label, "pair-1");
  EXPECT_EQ(Ask("GET", "/_sandbox/record").body.find("AAA"), std::string::npos);
  const Reply wrong =
      Ask("POST", "/_sandbox/keys", R"({"pairs":[{"accessKey":"SECRET"}]})");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(wrong.body.find("SECRET"), std::string::npos);
}

TEST_F(ControlTest, UnknownPathsAndMethodsSaySo) {
  EXPECT_EQ(Ask("GET", "/_sandbox/").status, 404);
  EXPECT_EQ(Ask("GET", "/_sandbox/nope").status, 404);
  EXPECT_EQ(Ask("PUT", "/_sandbox/faults").status, 405);
  EXPECT_EQ(Ask("GET", "/_sandbox/record?from=x").status, 400);
  EXPECT_EQ(Ask("POST", "/_sandbox/reset").status, 200);
  EXPECT_EQ(Ask("GET", "/_sandbox/history").body, "");
}

}  // namespace
}  // namespace leadgateway::sandbox
