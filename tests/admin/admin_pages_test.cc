#include "gateway/admin/admin_pages.h"

#include <string>
#include <utility>

#include "gateway/admin/admin_server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway {
namespace {

using ::testing::Key;
using ::testing::UnorderedElementsAre;

class AdminPagesTest : public ::testing::Test {
 protected:
  AdminPagesTest() {
    AdminSources sources;
    sources.metrics = [] { return std::string("leads_total 1\n"); };
    sources.alive = [this] { return alive_; };
    sources.ready = [this] { return ready_; };
    pages_ = AdminPages(std::move(sources));
  }

  AdminResponse Get(const std::string& path) { return pages_.at(path)({}); }

  Condition alive_{true, "alive"};
  Condition ready_{false, "metadata of account acme not loaded yet"};
  AdminHandlers pages_;
};

TEST_F(AdminPagesTest, AreThree) {
  EXPECT_THAT(pages_, UnorderedElementsAre(Key("/metrics"), Key("/healthz"),
                                           Key("/readyz")));
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
