#include "gateway/admin/admin_pages.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "gateway/admin/admin_server.h"
#include "gateway/admin/status_page.h"
#include "gateway/base/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class AdminPagesTest : public ::testing::Test {
 protected:
  AdminPagesTest() {
    AdminSources sources;
    sources.metrics = [] { return std::string("leads_total 1\n"); };
    sources.alive = [this] { return alive_; };
    sources.ready = [this] { return ready_; };
    sources.config = [] { return std::string("{}\n"); };
    sources.status = [] {
      StatusView view;
      view.accounts.emplace();
      for (const char* name : {"acme", "beta"}) {
        view.accounts->emplace_back().gauges.account = name;
      }
      return view;
    };
    pages_ = AdminPages(std::move(sources));
  }

  ~AdminPagesTest() override { SetLogLevel(LogLevel::kInfo); }

  AdminResponse Get(const std::string& path, const std::string& query = "") {
    return pages_.at(path).get({path, query});
  }
  AdminResponse Put(const std::string& path, const std::string& query) {
    return pages_.at(path).put({path, query});
  }

  Condition alive_{true, "alive"};
  Condition ready_{false, "metadata of account acme not loaded yet"};
  AdminHandlers pages_;
};

TEST_F(AdminPagesTest, AreThese) {
  EXPECT_THAT(pages_, UnorderedElementsAre(Key("/"), Key("/metrics"),
                                           Key("/healthz"), Key("/readyz"),
                                           Key("/config"), Key("/loglevel")));
  // Only one changes anything.
  for (auto& [path, page] : pages_) {
    EXPECT_EQ(page.put != nullptr, path == "/loglevel") << path;
  }
}

TEST_F(AdminPagesTest, ShowTheConfigurationAsJson) {
  EXPECT_EQ(Get("/config").content_type, "application/json");
  EXPECT_EQ(Get("/config").body, "{}\n");
}

TEST_F(AdminPagesTest, ShowAllAccountsOrOne) {
  EXPECT_EQ(Get("/").content_type, "text/html; charset=utf-8");
  EXPECT_THAT(Get("/").body, AllOf(HasSubstr("acme"), HasSubstr("beta")));
  EXPECT_THAT(Get("/", "x=y&account=beta").body,
              AllOf(Not(HasSubstr("acme")), HasSubstr("beta")));
  EXPECT_THAT(Get("/", "account=%3Cscript%3E").body,
              AllOf(Not(HasSubstr("script")), HasSubstr("no such account")));
}

TEST_F(AdminPagesTest, ChangeTheLogLevelWhileRunning) {
  std::vector<std::string> lines;
  SetLogSinkForTest(
      [&lines](absl::string_view line) { lines.emplace_back(line); });
  EXPECT_EQ(Get("/loglevel").body, "info\n");
  EXPECT_EQ(Put("/loglevel", "level=debug").body, "debug\n");
  EXPECT_EQ(GetLogLevel(), LogLevel::kDebug);
  EXPECT_EQ(Put("/loglevel", "level=error").body, "error\n");
  EXPECT_EQ(Get("/loglevel").body, "error\n");
  for (const char* query : {"", "level", "level=", "level=loud", "debug"}) {
    EXPECT_EQ(Put("/loglevel", query).status, 400) << query;
  }
  EXPECT_EQ(GetLogLevel(), LogLevel::kError);
  // Who reads the log sees that it was changed, and that it falls silent.
  EXPECT_THAT(lines, ElementsAre(HasSubstr(R"("from":"info","to":"debug")"),
                                 HasSubstr(R"("from":"debug","to":"error")")));
  SetLogSinkForTest(nullptr);
}

TEST_F(AdminPagesTest, ServeMetricsAsTheyAreInPrometheusTextFormat) {
  const AdminResponse response = Get("/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(response.body, "leads_total 1\n");
}

TEST_F(AdminPagesTest, TellAConditionByItsStatus) {
  EXPECT_EQ(Get("/healthz").status, 200);
  EXPECT_EQ(Get("/healthz").body, "alive\n");
  EXPECT_EQ(Get("/readyz").status, 503);
  EXPECT_EQ(Get("/readyz").body, "metadata of account acme not loaded yet\n");

  alive_ = {false, "listener is deaf"};
  ready_ = {true, "ready"};
  EXPECT_EQ(Get("/healthz").status, 503);
  EXPECT_EQ(Get("/readyz").status, 200);
}

}  // namespace
}  // namespace leadgateway
