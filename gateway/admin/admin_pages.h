#ifndef LEADGATEWAY_GATEWAY_ADMIN_ADMIN_PAGES_H_
#define LEADGATEWAY_GATEWAY_ADMIN_ADMIN_PAGES_H_

#include <string>

#include "absl/functional/any_invocable.h"
#include "gateway/admin/admin_server.h"

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
};

// /metrics, /healthz and /readyz: 200 when ok, 503 when not. All three sources
// must be set.
AdminHandlers AdminPages(AdminSources sources);

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_ADMIN_ADMIN_PAGES_H_
