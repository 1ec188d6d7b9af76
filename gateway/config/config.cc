#include "gateway/config/config.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/base/status_macros.h"
#include "gateway/config/address.h"
#include "gateway/config/config_rules.h"
#include "gateway/config/json_outline.h"
#include "gateway/config/mistakes.h"
#include "gateway/config/text_file.h"
#include "gateway/model/field_checks.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/json_util.h"
#include "leadgateway/config/v1/gateway_config.pb.h"

namespace leadgateway {
namespace {

namespace pb = google::protobuf;
using config::v1::Account;
using config::v1::GatewayConfig;

// A configuration has 3 levels.
constexpr int kDeepestMessage = 32;

// --- Reading ---------------------------------------------------------------

absl::Status ReadJson(absl::string_view text, GatewayConfig& config,
                      Mistakes& mistakes) {
  LG_ASSIGN_OR_RETURN(JsonOutline outline, ReadJsonOutline(text));
  if (outline.kind != JsonOutline::Kind::kObject) {
    return absl::InvalidArgumentError(
        "line 1, column 1: must be an object in { }");
  }
  CheckShape(outline, mistakes);
  const pb::util::Status status =
      pb::util::JsonStringToMessage(WriteJson(outline), &config);
  if (!status.ok() && mistakes.empty()) {
    // Protobuf's own words quote the text. The outline leaves it nothing to
    // refuse, as far as is known.
    return absl::InvalidArgumentError(
        "line 1, column 1: is not a GatewayConfig in protobuf's JSON");
  }
  return absl::OkStatus();
}

// The text between the first two double quotes after `before`; empty: none.
absl::string_view Quoted(absl::string_view message, absl::string_view before) {
  size_t start = message.find(before);
  if (start == absl::string_view::npos) return "";
  start = message.find('"', start);
  if (start == absl::string_view::npos) return "";
  const size_t end = message.find('"', start + 1);
  if (end == absl::string_view::npos) return "";
  return message.substr(start + 1, end - start - 1);
}

// Rewrites what protobuf's text parser says, so that it repeats names of
// settings and nothing else of the text.
class TextErrors : public pb::io::ErrorCollector {
 public:
  explicit TextErrors(Mistakes& mistakes) : mistakes_(mistakes) {}

  void AddError(int line, pb::io::ColumnNumber column,
                const std::string& message) override {
    mistakes_.Add(At(line, column), Reworded(message));
  }

  // With AllowUnknownField() an unknown name is a warning, and the parser goes
  // on to the next mistake.
  void AddWarning(int line, pb::io::ColumnNumber column,
                  const std::string& message) override {
    const pb::Descriptor* type =
        GatewayConfig::descriptor()->file()->pool()->FindMessageTypeByName(
            std::string(Quoted(message, "Message type")));
    const absl::string_view name = Quoted(message, "named");
    if (type == nullptr || name.empty()) return;
    mistakes_.Add(At(line, column),
                  absl::StrCat("\"", PrintableName(name), "\" ",
                               UnknownSetting(name, *type, Spelling::kProto)));
  }

 private:
  // The parser counts from 0.
  static std::string At(int line, int column) {
    return absl::StrCat("line ", line + 1, ", column ", column + 1);
  }

  static std::string Reworded(absl::string_view message) {
    if (absl::StartsWith(message, "Expected")) {
      for (absl::string_view cut : {", got", ", found"}) {
        const size_t end = message.find(cut);
        if (end != absl::string_view::npos) {
          return absl::StrCat("e", message.substr(1, end - 1));
        }
      }
    }
    if (absl::StartsWith(message, "Non-repeated field")) {
      return absl::StrCat("\"", PrintableName(Quoted(message, "field")),
                          "\" is given twice; keep one of them");
    }
    if (absl::StartsWith(message, "Integer out of range")) {
      return "a number is too large";
    }
    if (absl::StartsWith(message, "Unknown enumeration value")) {
      return absl::StrCat("not a value of \"",
                          PrintableName(Quoted(message, "for field")), "\"");
    }
    if (absl::StartsWith(message, "Message is too deep")) {
      return "is nested too deeply";
    }
    return "not the protobuf text format";
  }

  Mistakes& mistakes_;
};

absl::Status ReadTextproto(absl::string_view text, GatewayConfig& config,
                           Mistakes& mistakes) {
  pb::TextFormat::Parser parser;
  TextErrors errors(mistakes);
  parser.RecordErrorsTo(&errors);
  parser.AllowUnknownField(true);
  parser.SetRecursionLimit(kDeepestMessage);
  if (!parser.ParseFromString(std::string(text), &config)) {
    // What comes after the place where the parser gave up is not known, so
    // nothing can be called missing.
    if (mistakes.empty()) {
      mistakes.Add("line 1, column 1", "not the protobuf text format");
    }
    return mistakes.ToStatus();
  }
  return absl::OkStatus();
}

// --- From the message to plain structs --------------------------------------

absl::Duration ToDuration(const pb::Duration& duration) {
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

LogLevel ToLogLevel(config::v1::LogLevel level) {
  switch (level) {
    case config::v1::DEBUG:
      return LogLevel::kDebug;
    case config::v1::WARN:
      return LogLevel::kWarn;
    case config::v1::ERROR:
      return LogLevel::kError;
    default:
      return LogLevel::kInfo;
  }
}

CheckPolicy ToPolicy(config::v1::FieldChecks::Policy policy,
                     CheckPolicy by_default) {
  switch (policy) {
    case config::v1::FieldChecks::REJECT:
      return CheckPolicy::kReject;
    case config::v1::FieldChecks::WARN:
      return CheckPolicy::kWarn;
    case config::v1::FieldChecks::OFF:
      return CheckPolicy::kOff;
    default:
      return by_default;
  }
}

FieldChecks ToChecks(const config::v1::FieldChecks& checks) {
  const FieldChecks by_default;
  return {.names = ToPolicy(checks.names(), by_default.names),
          .read_only = ToPolicy(checks.read_only(), by_default.read_only),
          .types = ToPolicy(checks.types(), by_default.types),
          .lengths = ToPolicy(checks.lengths(), by_default.lengths),
          .options = ToPolicy(checks.options(), by_default.options)};
}

TlsOptions ToOptions(const config::v1::Tls& tls) {
  using Certificates = TlsOptions::ClientCertificates;
  TlsOptions options;
  options.certificate_file = tls.certificate_file();
  options.private_key_file = tls.private_key_file();
  options.client_ca_file = tls.client_ca_file();
  switch (tls.client_certificates()) {
    case config::v1::Tls::OPTIONAL:
      options.client_certificates = Certificates::kOptional;
      break;
    case config::v1::Tls::REQUIRED:
      options.client_certificates = Certificates::kRequired;
      break;
    case config::v1::Tls::NONE:
      options.client_certificates = Certificates::kNone;
      break;
    default:
      options.client_certificates = tls.client_ca_file().empty()
                                        ? Certificates::kNone
                                        : Certificates::kRequired;
  }
  if (tls.has_refresh_interval()) {
    options.refresh_interval = ToDuration(tls.refresh_interval());
  }
  return options;
}

ConnectionOptions ToOptions(const config::v1::ConnectionLimits& limits) {
  ConnectionOptions options;
  if (limits.has_max_connections()) {
    options.max_connections = limits.max_connections();
  }
  if (limits.has_max_streams()) options.max_streams = limits.max_streams();
  if (limits.has_max_metadata_bytes()) {
    options.max_metadata_bytes = limits.max_metadata_bytes();
  }
  if (limits.has_max_memory_bytes()) {
    options.max_memory_bytes = limits.max_memory_bytes();
  }
  const auto take = [](bool given, const pb::Duration& from,
                       absl::Duration& to) {
    if (given) to = ToDuration(from);
  };
  take(limits.has_keepalive_time(), limits.keepalive_time(),
       options.keepalive_time);
  take(limits.has_keepalive_timeout(), limits.keepalive_timeout(),
       options.keepalive_timeout);
  take(limits.has_min_client_keepalive(), limits.min_client_keepalive(),
       options.min_client_keepalive);
  take(limits.has_max_age(), limits.max_age(), options.max_age);
  take(limits.has_max_age_grace(), limits.max_age_grace(),
       options.max_age_grace);
  take(limits.has_max_idle(), limits.max_idle(), options.max_idle);
  take(limits.has_handshake_timeout(), limits.handshake_timeout(),
       options.handshake_timeout);
  return options;
}

absl::StatusOr<AccountOptions> ToOptions(const Account& account) {
  AccountOptions options;
  options.name = account.name();
  LG_ASSIGN_OR_RETURN(options.base_url, ParseBaseUrl(account.base_url()));
  options.access_key_file = account.access_key_file();
  options.access_key_env = account.access_key_env();
  options.secret_key_file = account.secret_key_file();
  options.secret_key_env = account.secret_key_env();
  if (account.allowance().has_calls()) {
    options.calls = account.allowance().calls();
  }
  if (account.allowance().has_window()) {
    options.window = ToDuration(account.allowance().window());
  }
  options.daily_calls = account.allowance().daily_calls();
  options.fixed_moment =
      account.allowance().counting() == config::v1::FIXED_MOMENT;
  options.spread_daily_calls =
      account.allowance().daily_spread() != config::v1::NONE;
  if (!account.allowance().daily_zone().empty() &&
      !absl::LoadTimeZone(account.allowance().daily_zone(),
                          &options.daily_zone)) {
    return absl::InternalError("a time zone that was there is gone");
  }
  for (const config::v1::Caller& caller : account.callers()) {
    options.caller_weights.emplace_back(
        caller.name(), caller.has_weight() ? caller.weight() : 1);
  }
  options.credentials_in_query = account.credentials_in() == config::v1::QUERY;
  options.unique_fields.assign(account.unique_fields().begin(),
                               account.unique_fields().end());
  options.metadata_file = account.metadata_file();
  options.allowed_callers.assign(account.allowed_callers().begin(),
                                 account.allowed_callers().end());
  options.retry_ambiguous = account.ambiguous_answers() != config::v1::REPORT;
  if (account.has_call_timeout()) {
    options.call_timeout = ToDuration(account.call_timeout());
  }
  options.schema_checks = account.schema_checks() != config::v1::OFF;
  options.field_checks = ToChecks(account.field_checks());
  if (account.has_field_refresh()) {
    options.field_refresh = ToDuration(account.field_refresh());
  }
  return options;
}

absl::StatusOr<GatewayOptions> ToOptions(const GatewayConfig& config) {
  GatewayOptions options;
  options.listen_address = config.listen().address();
  if (config.listen().has_tls()) {
    options.listen.tls = ToOptions(config.listen().tls());
  }
  options.listen.allow_plaintext = config.listen().allow_plaintext();
  options.listen.connections = ToOptions(config.listen().connections());
  const config::v1::TrustedProxies& proxies = config.listen().trusted_proxies();
  options.listen.policy_file = config.listen().authorization().policy_file();
  if (config.listen().authorization().has_refresh_interval()) {
    options.listen.policy_refresh =
        ToDuration(config.listen().authorization().refresh_interval());
  }
  options.listen.trust_local_peers = proxies.local_peers();
  options.listen.trusted_identities.assign(proxies.identities().begin(),
                                           proxies.identities().end());
  options.admin_address = config.admin().address();
  for (const Account& account : config.accounts()) {
    LG_ASSIGN_OR_RETURN(AccountOptions account_options, ToOptions(account));
    options.accounts.push_back(std::move(account_options));
  }
  options.default_account = config.default_account().empty()
                                ? options.accounts.front().name
                                : config.default_account();
  const config::v1::Limits& limits = config.limits();
  if (limits.has_max_leads_per_request()) {
    options.limits.max_leads_per_request = limits.max_leads_per_request();
  }
  if (limits.has_max_request_bytes()) {
    options.limits.max_request_bytes = limits.max_request_bytes();
  }
  if (limits.has_max_queued_leads()) {
    options.limits.max_queued_leads = limits.max_queued_leads();
  }
  if (limits.has_max_queued_bytes()) {
    options.limits.max_queued_bytes = limits.max_queued_bytes();
  }
  if (limits.has_max_queued_leads_per_caller()) {
    options.limits.max_queued_leads_per_caller =
        limits.max_queued_leads_per_caller();
  }
  if (limits.has_max_queued_bytes_per_caller()) {
    options.limits.max_queued_bytes_per_caller =
        limits.max_queued_bytes_per_caller();
  }
  if (limits.has_default_timeout()) {
    options.limits.default_timeout = ToDuration(limits.default_timeout());
  }
  if (config.has_drain_timeout()) {
    options.drain_timeout = ToDuration(config.drain_timeout());
  }
  options.log_level = ToLogLevel(config.log_level());
  options.state_dir = config.state_dir();
  options.allow_core_dumps = config.allow_core_dumps();
  options.tracing.file = config.tracing().file();
  if (config.tracing().has_sampled_part()) {
    options.tracing.sampled_part = config.tracing().sampled_part();
  }
  if (config.tracing().has_max_file_bytes()) {
    options.tracing.max_file_bytes = config.tracing().max_file_bytes();
  }
  return options;
}

}  // namespace

absl::StatusOr<GatewayOptions> ParseConfig(absl::string_view text,
                                           ConfigFormat format) {
  absl::ConsumePrefix(&text, "\xEF\xBB\xBF");  // Some editors start with it.
  if (absl::StripAsciiWhitespace(text).empty()) {
    return absl::InvalidArgumentError("line 1, column 1: is empty");
  }
  if (text.size() > kMaxTextFileBytes) {
    return absl::InvalidArgumentError("line 1, column 1: is larger than 1 MiB");
  }
  LG_RETURN_IF_ERROR(CheckUtf8(text));

  const bool json = format == ConfigFormat::kJson;
  GatewayConfig config;
  Mistakes mistakes;
  LG_RETURN_IF_ERROR(json ? ReadJson(text, config, mistakes)
                          : ReadTextproto(text, config, mistakes));
  CheckRules(config, json ? Spelling::kJson : Spelling::kProto, mistakes);
  LG_RETURN_IF_ERROR(mistakes.ToStatus());
  return ToOptions(config);
}

absl::StatusOr<GatewayOptions> LoadConfig(const std::string& path) {
  const bool json = absl::EndsWith(path, ".json");
  if (!json && !absl::EndsWith(path, ".textproto")) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": must be named *.json or *.textproto"));
  }
  LG_ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  return ParseConfig(text,
                     json ? ConfigFormat::kJson : ConfigFormat::kTextproto);
}

}  // namespace leadgateway
