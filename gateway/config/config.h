#ifndef LEADGATEWAY_GATEWAY_CONFIG_CONFIG_H_
#define LEADGATEWAY_GATEWAY_CONFIG_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/identity/caller.h"
#include "gateway/model/field_checks.h"
#include "gateway/model/limits.h"

namespace leadgateway {

// What one account of the configuration says, checked, with the defaults filled
// in. proto/leadgateway/config/v1/gateway_config.proto is the manual.
struct AccountOptions {
  std::string name;
  // "https://HOST" or "https://HOST:PORT", scheme in lower case, no slash at
  // the end. "http://" only with a loopback host.
  std::string base_url;
  // Not read here: whoever needs the keys reads them, again and again. Of each
  // key, either the file or the environment variable is set.
  std::string access_key_file;
  std::string access_key_env;
  std::string secret_key_file;
  std::string secret_key_env;

  int calls = kDefaultAllowanceCalls;
  absl::Duration window = kDefaultAllowanceWindow;
  int64_t daily_calls = 0;  // 0: no budget.
  bool fixed_moment = false;
  bool spread_daily_calls = true;
  absl::TimeZone daily_zone = absl::UTCTimeZone();
  std::vector<std::pair<std::string, double>> caller_weights;  // Names differ.

  bool credentials_in_query = false;
  std::vector<std::string> unique_fields;
  std::string metadata_file;                 // Empty: none.
  std::vector<std::string> allowed_callers;  // Empty: everyone.
  bool retry_ambiguous = true;
  absl::Duration call_timeout = kDefaultCallTimeout;
  bool schema_checks = true;
  FieldChecks field_checks;
  absl::Duration field_refresh = kDefaultFieldRefresh;  // Zero: never again.

  friend bool operator==(const AccountOptions&,
                         const AccountOptions&) = default;
};

// Bounds on what callers may ask for.
struct LimitOptions {
  int max_leads_per_request = kDefaultMaxLeadsPerRequest;
  int max_request_bytes = kDefaultMaxRequestBytes;
  int max_queued_leads = kDefaultMaxQueuedLeads;
  int64_t max_queued_bytes = kDefaultMaxQueuedBytes;
  int max_queued_leads_per_caller = kDefaultMaxQueuedLeadsPerCaller;
  int64_t max_queued_bytes_per_caller = kDefaultMaxQueuedBytesPerCaller;
  absl::Duration default_timeout = kDefaultTimeout;

  friend bool operator==(const LimitOptions&, const LimitOptions&) = default;
};

// The certificates of a TLS listener; all are paths.
struct TlsOptions {
  enum class ClientCertificates { kNone, kOptional, kRequired };

  std::string certificate_file;
  std::string private_key_file;
  std::string client_ca_file;  // Empty with kNone only.
  ClientCertificates client_certificates = ClientCertificates::kNone;
  absl::Duration refresh_interval = kDefaultTlsRefresh;

  friend bool operator==(const TlsOptions&, const TlsOptions&) = default;
};

// Bounds on what clients can take.
struct ConnectionOptions {
  int max_connections = kDefaultMaxConnections;
  int max_streams = kDefaultMaxStreams;
  int max_metadata_bytes = kDefaultMaxMetadataBytes;
  int64_t max_memory_bytes = kDefaultMaxMemoryBytes;
  absl::Duration keepalive_time = kDefaultKeepaliveTime;
  absl::Duration keepalive_timeout = kDefaultKeepaliveTimeout;
  absl::Duration min_client_keepalive = kDefaultMinClientKeepalive;
  absl::Duration max_age = kDefaultMaxConnectionAge;
  absl::Duration max_age_grace = kDefaultMaxConnectionAgeGrace;
  absl::Duration max_idle = kDefaultMaxConnectionIdle;
  absl::Duration handshake_timeout = kDefaultHandshakeTimeout;

  friend bool operator==(const ConnectionOptions&,
                         const ConnectionOptions&) = default;
};

// The gRPC listener beside its address.
struct ListenOptions {
  std::optional<TlsOptions> tls;
  bool allow_plaintext = false;
  ConnectionOptions connections;
  bool trust_local_peers = false;
  std::vector<std::string> trusted_identities;
  std::string policy_file;  // Empty: everybody may call everything.
  absl::Duration policy_refresh = kDefaultPolicyRefresh;

  // What it believes of who callers are.
  identity::Trust trust() const {
    const bool asks = tls && tls->client_certificates !=
                                 TlsOptions::ClientCertificates::kNone;
    return {.verifies = asks || trust_local_peers,
            .local_peers = trust_local_peers,
            .identities = trusted_identities};
  }

  friend bool operator==(const ListenOptions&, const ListenOptions&) = default;
};

// Where spans of RPCs and calls are written.
struct TracingOptions {
  std::string file;         // Empty: nowhere.
  double sampled_part = 1;  // Of the requests that are in no trace yet.
  int64_t max_file_bytes = kDefaultMaxTraceFileBytes;

  friend bool operator==(const TracingOptions&,
                         const TracingOptions&) = default;
};

// Everything that one gateway process is told.
struct GatewayOptions {
  std::string listen_address;  // "HOST:PORT" (0: any free one) or "unix:PATH".
  ListenOptions listen;
  std::string admin_address;             // Empty: none.
  std::vector<AccountOptions> accounts;  // At least one; names differ.
  std::string default_account;           // The name of one of `accounts`.
  LimitOptions limits;
  absl::Duration drain_timeout = kDefaultDrainTimeout;
  LogLevel log_level = LogLevel::kInfo;
  std::string state_dir;  // Empty: none.
  bool allow_core_dumps = false;
  TracingOptions tracing;

  friend bool operator==(const GatewayOptions&,
                         const GatewayOptions&) = default;
};

enum class ConfigFormat { kJson, kTextproto };

// Reads a GatewayConfig. When anything is wrong with it, the status is
// kInvalidArgument and its message has one line for each mistake, all of them
// at once, such as
//
//   accounts[0].baseUrl: must start with "https://"
//
// The path is spelled as the file's format spells names. Where the text can't
// be taken apart, the path is "line 3, column 14". No line repeats a value of
// the file: somebody may have written a key there.
absl::StatusOr<GatewayOptions> ParseConfig(absl::string_view text,
                                           ConfigFormat format);

// ParseConfig() of a file named *.json or *.textproto, of at most 1 MiB. What
// keeps the file from being read is one mistake, and its path is the file's.
absl::StatusOr<GatewayOptions> LoadConfig(const std::string& path);

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_CONFIG_CONFIG_H_
