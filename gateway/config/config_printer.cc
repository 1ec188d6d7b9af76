#include "gateway/config/config_printer.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/config/config.h"
#include "gateway/model/field_checks.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/message.h"
#include "leadgateway/config/v1/gateway_config.pb.h"

namespace leadgateway {
namespace {

namespace pb = google::protobuf;
using config::v1::Account;
using config::v1::GatewayConfig;
using pb::FieldDescriptor;

// --- From plain structs to the message: what config.cc does, backwards ------

void SetDuration(absl::Duration from, pb::Duration* to) {
  to->set_seconds(absl::IDivDuration(from, absl::Seconds(1), &from));
  to->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(from)));
}

config::v1::LogLevel ToProto(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return config::v1::DEBUG;
    case LogLevel::kInfo:
      return config::v1::INFO;
    case LogLevel::kWarn:
      return config::v1::WARN;
    case LogLevel::kError:
      return config::v1::ERROR;
  }
  return config::v1::INFO;
}

config::v1::FieldChecks::Policy ToProto(CheckPolicy policy) {
  switch (policy) {
    case CheckPolicy::kReject:
      return config::v1::FieldChecks::REJECT;
    case CheckPolicy::kWarn:
      return config::v1::FieldChecks::WARN;
    case CheckPolicy::kOff:
      return config::v1::FieldChecks::OFF;
  }
  return config::v1::FieldChecks::REJECT;
}

config::v1::Tls::ClientCertificates ToProto(
    TlsOptions::ClientCertificates certificates) {
  switch (certificates) {
    case TlsOptions::ClientCertificates::kNone:
      return config::v1::Tls::NONE;
    case TlsOptions::ClientCertificates::kOptional:
      return config::v1::Tls::OPTIONAL;
    case TlsOptions::ClientCertificates::kRequired:
      return config::v1::Tls::REQUIRED;
  }
  return config::v1::Tls::REQUIRED;
}

void ToProto(const TlsOptions& from, config::v1::Tls* to) {
  to->set_certificate_file(from.certificate_file);
  to->set_private_key_file(from.private_key_file);
  to->set_client_ca_file(from.client_ca_file);
  to->set_client_certificates(ToProto(from.client_certificates));
  SetDuration(from.refresh_interval, to->mutable_refresh_interval());
}

void ToProto(const ConnectionOptions& from, config::v1::ConnectionLimits* to) {
  to->set_max_connections(from.max_connections);
  to->set_max_streams(from.max_streams);
  to->set_max_metadata_bytes(from.max_metadata_bytes);
  to->set_max_memory_bytes(from.max_memory_bytes);
  SetDuration(from.keepalive_time, to->mutable_keepalive_time());
  SetDuration(from.keepalive_timeout, to->mutable_keepalive_timeout());
  SetDuration(from.min_client_keepalive, to->mutable_min_client_keepalive());
  SetDuration(from.max_age, to->mutable_max_age());
  SetDuration(from.max_age_grace, to->mutable_max_age_grace());
  SetDuration(from.max_idle, to->mutable_max_idle());
  SetDuration(from.handshake_timeout, to->mutable_handshake_timeout());
}

void ToProto(const ListenOptions& from, config::v1::GrpcListener* to) {
  if (from.tls) ToProto(*from.tls, to->mutable_tls());
  to->set_allow_plaintext(from.allow_plaintext);
  ToProto(from.connections, to->mutable_connections());
  if (from.trust_local_peers || !from.trusted_identities.empty()) {
    config::v1::TrustedProxies* const proxies = to->mutable_trusted_proxies();
    proxies->set_local_peers(from.trust_local_peers);
    for (const std::string& identity : from.trusted_identities) {
      proxies->add_identities(identity);
    }
  }
  if (!from.policy_file.empty()) {
    config::v1::Authorization* const authorization =
        to->mutable_authorization();
    authorization->set_policy_file(from.policy_file);
    SetDuration(from.policy_refresh, authorization->mutable_refresh_interval());
  }
}

void ToProto(const AccountOptions& from, Account* to) {
  to->set_name(from.name);
  to->set_base_url(from.base_url);
  to->set_access_key_file(from.access_key_file);
  to->set_access_key_env(from.access_key_env);
  to->set_secret_key_file(from.secret_key_file);
  to->set_secret_key_env(from.secret_key_env);
  config::v1::Allowance* const allowance = to->mutable_allowance();
  allowance->set_calls(from.calls);
  SetDuration(from.window, allowance->mutable_window());
  allowance->set_daily_calls(from.daily_calls);
  allowance->set_counting(from.fixed_moment ? config::v1::FIXED_MOMENT
                                            : config::v1::ANY_MOMENT);
  allowance->set_daily_spread(from.spread_daily_calls ? config::v1::EVEN
                                                      : config::v1::NONE);
  allowance->set_daily_zone(from.daily_zone.name());
  for (const auto& [name, weight] : from.caller_weights) {
    config::v1::Caller* const caller = to->add_callers();
    caller->set_name(name);
    caller->set_weight(weight);
  }
  to->set_credentials_in(from.credentials_in_query ? config::v1::QUERY
                                                   : config::v1::HEADERS);
  for (const std::string& name : from.unique_fields) {
    to->add_unique_fields(name);
  }
  to->set_metadata_file(from.metadata_file);
  for (const std::string& caller : from.allowed_callers) {
    to->add_allowed_callers(caller);
  }
  to->set_ambiguous_answers(from.retry_ambiguous ? config::v1::RETRY
                                                 : config::v1::REPORT);
  SetDuration(from.call_timeout, to->mutable_call_timeout());
  to->set_schema_checks(from.schema_checks ? config::v1::ON : config::v1::OFF);
  config::v1::FieldChecks* const checks = to->mutable_field_checks();
  checks->set_names(ToProto(from.field_checks.names));
  checks->set_read_only(ToProto(from.field_checks.read_only));
  checks->set_types(ToProto(from.field_checks.types));
  checks->set_lengths(ToProto(from.field_checks.lengths));
  checks->set_options(ToProto(from.field_checks.options));
  SetDuration(from.field_refresh, to->mutable_field_refresh());
}

void ToProto(const LimitOptions& from, config::v1::Limits* to) {
  to->set_max_leads_per_request(from.max_leads_per_request);
  to->set_max_request_bytes(from.max_request_bytes);
  to->set_max_queued_leads(from.max_queued_leads);
  to->set_max_queued_bytes(from.max_queued_bytes);
  SetDuration(from.default_timeout, to->mutable_default_timeout());
  to->set_max_queued_leads_per_caller(from.max_queued_leads_per_caller);
  to->set_max_queued_bytes_per_caller(from.max_queued_bytes_per_caller);
}

GatewayConfig ToProto(const GatewayOptions& from) {
  GatewayConfig to;
  to.mutable_listen()->set_address(from.listen_address);
  ToProto(from.listen, to.mutable_listen());
  if (!from.admin_address.empty()) {
    to.mutable_admin()->set_address(from.admin_address);
  }
  for (const AccountOptions& account : from.accounts) {
    ToProto(account, to.add_accounts());
  }
  to.set_default_account(from.default_account);
  ToProto(from.limits, to.mutable_limits());
  SetDuration(from.drain_timeout, to.mutable_drain_timeout());
  to.set_log_level(ToProto(from.log_level));
  to.set_state_dir(from.state_dir);
  to.set_allow_core_dumps(from.allow_core_dumps);
  if (!from.tracing.file.empty()) {
    to.mutable_tracing()->set_file(from.tracing.file);
    to.mutable_tracing()->set_sampled_part(from.tracing.sampled_part);
    to.mutable_tracing()->set_max_file_bytes(from.tracing.max_file_bytes);
  }
  return to;
}

// --- From the message to text ------------------------------------------------

// Protobuf's own printer puts 64-bit numbers into quotes, which the reader of
// configurations refuses, and leaves out numbers that are 0.
class Printer {
 public:
  std::string Print(const pb::Message& message) {
    Object(message, 0);
    out_ += '\n';
    return std::move(out_);
  }

 private:
  void Object(const pb::Message& message, int depth) {
    const pb::Descriptor& type = *message.GetDescriptor();
    const pb::Reflection& reflection = *message.GetReflection();
    out_ += '{';
    bool first = true;
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      if (!Tells(message, reflection, field)) continue;
      if (!std::exchange(first, false)) out_ += ',';
      NewLine(depth + 1);
      absl::StrAppend(&out_, "\"", field.json_name(), "\": ");
      if (field.is_repeated()) {
        List(message, reflection, field, depth + 1);
      } else {
        Value(message, reflection, field, depth + 1);
      }
    }
    NewLine(depth);
    out_ += '}';
  }

  // Numbers, switches and lists say something even where they are 0, off or
  // empty.
  static bool Tells(const pb::Message& message,
                    const pb::Reflection& reflection,
                    const FieldDescriptor& field) {
    if (field.is_repeated()) return true;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
      case FieldDescriptor::CPPTYPE_STRING:
      case FieldDescriptor::CPPTYPE_ENUM:
        return reflection.HasField(message, &field);
      default:
        return true;
    }
  }

  void List(const pb::Message& message, const pb::Reflection& reflection,
            const FieldDescriptor& field, int depth) {
    out_ += '[';
    const int size = reflection.FieldSize(message, &field);
    for (int i = 0; i < size; ++i) {
      if (i > 0) out_ += ',';
      NewLine(depth + 1);
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        Object(reflection.GetRepeatedMessage(message, &field, i), depth + 1);
      } else {
        Text(reflection.GetRepeatedString(message, &field, i));
      }
    }
    if (size > 0) NewLine(depth);
    out_ += ']';
  }

  void Value(const pb::Message& message, const pb::Reflection& reflection,
             const FieldDescriptor& field, int depth) {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (field.message_type() == pb::Duration::descriptor()) {
          Duration(reflection.GetMessage(message, &field));
        } else {
          Object(reflection.GetMessage(message, &field), depth);
        }
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        Text(reflection.GetEnum(message, &field)->name());
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        absl::StrAppend(&out_, reflection.GetInt32(message, &field));
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        absl::StrAppend(&out_, reflection.GetInt64(message, &field));
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        Number(reflection.GetDouble(message, &field));
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        out_ += reflection.GetBool(message, &field) ? "true" : "false";
        break;
      default:
        Text(reflection.GetString(message, &field));
    }
  }

  // As short as can be so that it is read as the same number again.
  void Number(double number) {
    std::array<char, 32> text;
    const auto [end, error] =
        std::to_chars(text.data(), text.data() + text.size(), number);
    out_.append(text.data(), static_cast<size_t>(end - text.data()));
  }

  void Duration(const pb::Message& message) {
    pb::Duration duration;
    duration.CopyFrom(message);
    std::string text = absl::StrCat(duration.seconds());
    if (duration.nanos() != 0) {
      absl::StrAppendFormat(&text, ".%09d", duration.nanos());
      text.erase(text.find_last_not_of('0') + 1);
    }
    absl::StrAppend(&out_, "\"", text, "s\"");
  }

  // A configuration is UTF-8, and stays it.
  void Text(absl::string_view text) {
    out_ += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') {
        out_ += '\\';
        out_ += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        absl::StrAppendFormat(&out_, "\\u%04x", c);
      } else {
        out_ += c;
      }
    }
    out_ += '"';
  }

  void NewLine(int depth) {
    out_ += '\n';
    out_.append(static_cast<size_t>(2 * depth), ' ');
  }

  std::string out_;
};

}  // namespace

std::string PrintConfig(const GatewayOptions& options) {
  return Printer().Print(ToProto(options));
}

}  // namespace leadgateway
