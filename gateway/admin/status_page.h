#ifndef LEADGATEWAY_GATEWAY_ADMIN_STATUS_PAGE_H_
#define LEADGATEWAY_GATEWAY_ADMIN_STATUS_PAGE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gateway/admin/activity.h"
#include "gateway/admin/metrics.h"

namespace leadgateway {

// How an account stands and what it did lately.
struct AccountView {
  AccountGauges gauges;
  std::vector<Activity::Slice> activity;  // oldest first; see Activity::Last
  std::string base_url;
  // Since the last throttle; none if there was none.
  std::optional<absl::Duration> throttled_ago;
};

// What the status page shows.
struct StatusView {
  absl::Time now;          // wall clock
  absl::Duration uptime;   // of the process
  std::string listen;      // "HOST:PORT"
  bool ready = false;      // takes new requests
  std::string ready_text;  // "ready" where nothing is missing
  // Since the dispatch loop came round last. Without `accounts`, it is stuck.
  absl::Duration loop_silent_for;
  std::optional<std::vector<AccountView>> accounts;  // by name
};

// A page for people: complete HTML that needs no script, no other file and no
// network, light or dark as the reader's system is, and loads itself anew every
// few seconds. `only` is the name of the one account to show; "": all, those
// that need attention first, kMostPanels of them in full. Escapes whatever it
// shows.
std::string StatusPage(const StatusView& view, const std::string& only = "");

inline constexpr int kMostPanels = 20;
// Callers that are named for an account.
inline constexpr int kMostCallers = 10;

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_ADMIN_STATUS_PAGE_H_
