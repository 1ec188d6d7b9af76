#include "gateway/admin/admin_pages.h"

#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/strings/str_cat.h"
#include "gateway/admin/admin_server.h"

namespace leadgateway {
namespace {

AdminHandler ConditionPage(absl::AnyInvocable<Condition()> source) {
  return [source = std::move(source)](const AdminRequest&) mutable {
    const Condition condition = source();
    AdminResponse response;
    response.status = condition.ok ? 200 : 503;
    response.body = absl::StrCat(condition.text, "\n");
    return response;
  };
}

}  // namespace

AdminHandlers AdminPages(AdminSources sources) {
  AdminHandlers pages;
  pages["/metrics"] =
      [source = std::move(sources.metrics)](const AdminRequest&) mutable {
        AdminResponse response;
        response.content_type = "text/plain; version=0.0.4; charset=utf-8";
        response.body = source();
        return response;
      };
  pages["/healthz"] = ConditionPage(std::move(sources.alive));
  pages["/readyz"] = ConditionPage(std::move(sources.ready));
  return pages;
}

}  // namespace leadgateway
