#include "gateway/admin/admin_pages.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gateway/admin/admin_server.h"
#include "gateway/admin/status_page.h"
#include "gateway/base/log.h"

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

AdminHandler TextPage(absl::string_view content_type,
                      absl::AnyInvocable<std::string()> source) {
  return [content_type = std::string(content_type),
          source = std::move(source)](const AdminRequest&) mutable {
    AdminResponse response;
    response.content_type = content_type;
    response.body = source();
    return response;
  };
}

// The first value of `name` in a query, as it was sent; "" without. The values
// that are of use here need no percent-encoding.
std::string Parameter(absl::string_view query, absl::string_view name) {
  for (const absl::string_view part : absl::StrSplit(query, '&')) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    if (pair.first == name) return std::string(pair.second);
  }
  return "";
}

AdminResponse SetLevel(const AdminRequest& request) {
  const LogLevel before = GetLogLevel();
  const std::optional<LogLevel> level =
      ParseLogLevel(Parameter(request.query, "level"));
  AdminResponse response;
  if (!level) {
    response.status = 400;
    response.body =
        "level: must be debug, info, warn or error, as in "
        "PUT /loglevel?level=debug\n";
    return response;
  }
  // Whichever of the two lets the line through.
  SetLogLevel(std::min(before, *level));
  LogLine(LogLevel::kWarn, "log_level")
      .Add("from", LogLevelName(before))
      .Add("to", LogLevelName(*level));
  SetLogLevel(*level);
  response.body = absl::StrCat(LogLevelName(*level), "\n");
  return response;
}

}  // namespace

AdminHandlers AdminPages(AdminSources sources) {
  AdminHandlers pages;
  pages["/metrics"].get = TextPage("text/plain; version=0.0.4; charset=utf-8",
                                   std::move(sources.metrics));
  pages["/healthz"].get = ConditionPage(std::move(sources.alive));
  pages["/readyz"].get = ConditionPage(std::move(sources.ready));
  if (sources.config != nullptr) {
    pages["/config"].get =
        TextPage("application/json", std::move(sources.config));
  }
  pages["/"].get = [source = std::move(sources.status)](
                       const AdminRequest& request) mutable {
    AdminResponse response;
    response.content_type = "text/html; charset=utf-8";
    response.body = StatusPage(source(), Parameter(request.query, "account"));
    return response;
  };
  pages["/loglevel"].get = [](const AdminRequest&) {
    AdminResponse response;
    response.body = absl::StrCat(LogLevelName(GetLogLevel()), "\n");
    return response;
  };
  pages["/loglevel"].put = SetLevel;
  return pages;
}

}  // namespace leadgateway
