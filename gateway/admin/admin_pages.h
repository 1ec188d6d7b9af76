#ifndef LEADGATEWAY_GATEWAY_ADMIN_ADMIN_PAGES_H_
#define LEADGATEWAY_GATEWAY_ADMIN_ADMIN_PAGES_H_

#include <string>

#include "absl/functional/any_invocable.h"
#include "gateway/admin/admin_server.h"
#include "gateway/admin/status_page.h"

namespace leadgateway {

// How something is, and why, in a line for people.
struct Condition {
  bool ok = false;
  std::string text;
};

// Where the pages come from. Called on the admin server's thread, one call at a
// time.
struct AdminSources {
  // The text of /metrics, in Prometheus's text format.
  absl::AnyInvocable<std::string()> metrics;
  // /healthz: not ok means that a restart would help.
  absl::AnyInvocable<Condition()> alive;
  // /readyz: not ok means that new requests should go elsewhere for now.
  absl::AnyInvocable<Condition()> ready;
  // The configuration in force, without secrets, as JSON.
  absl::AnyInvocable<std::string()> config;
  // What the page for people shows.
  absl::AnyInvocable<StatusView()> status;
};

// All sources must be set.
//   /metrics, /healthz, /readyz   the latter two: 200 when ok, 503 when not
//   /config                       the configuration in force
//   /                             the status page; /?account=NAME of that one
//   /loglevel                     the level of the log; PUT
//   /loglevel?level=debug
//                                 changes it until the next start
AdminHandlers AdminPages(AdminSources sources);

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_ADMIN_ADMIN_PAGES_H_
