#include "gateway/server/serving_config.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/config/config.h"
#include "gateway/config/config_printer.h"

namespace leadgateway::server {

ServingConfig::ServingConfig(GatewayOptions options, int64_t generation,
                             absl::Time loaded_at,
                             std::vector<std::string> waiting)
    : options_(std::move(options)),
      generation_(generation),
      loaded_at_(loaded_at),
      waiting_(std::move(waiting)) {
  for (const AccountOptions& account : options_.accounts) {
    accounts_.emplace(account.name, &account);
  }
}

const AccountOptions* ServingConfig::FindAccount(absl::string_view name) const {
  const auto it =
      accounts_.find(name.empty() ? options_.default_account : name);
  return it == accounts_.end() ? nullptr : it->second;
}

absl::StatusOr<std::vector<std::string>> KeepFixedSettings(
    const GatewayOptions& running, GatewayOptions& next) {
  std::vector<std::string> kept;
  const auto keep = [&kept](const char* path, const auto& from, auto& to) {
    if (to == from) return;
    to = from;
    kept.emplace_back(path);
  };
  keep("listen.address", running.listen_address, next.listen_address);
  keep("listen.tls", running.listen.tls, next.listen.tls);
  keep("listen.allowPlaintext", running.listen.allow_plaintext,
       next.listen.allow_plaintext);
  keep("listen.connections", running.listen.connections,
       next.listen.connections);
  keep("listen.trustedProxies.localPeers", running.listen.trust_local_peers,
       next.listen.trust_local_peers);
  keep("listen.trustedProxies.identities", running.listen.trusted_identities,
       next.listen.trusted_identities);
  keep("listen.authorization.policyFile", running.listen.policy_file,
       next.listen.policy_file);
  // Whatever else there is.
  keep("listen", running.listen, next.listen);
  keep("admin.address", running.admin_address, next.admin_address);
  keep("limits.maxRequestBytes", running.limits.max_request_bytes,
       next.limits.max_request_bytes);
  keep("stateDir", running.state_dir, next.state_dir);
  keep("allowCoreDumps", running.allow_core_dumps, next.allow_core_dumps);
  keep("tracing", running.tracing, next.tracing);
  if (kept.empty()) return kept;
  // The file was checked with its own settings, not with these.
  if (const absl::Status status =
          ParseConfig(PrintConfig(next), ConfigFormat::kJson).status();
      !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        absl::StrJoin(kept, ", "),
        ": can't change while the gateway runs, and without that the rest of "
        "the file is wrong; restart it\n",
        status.message()));
  }
  return kept;
}

}  // namespace leadgateway::server
