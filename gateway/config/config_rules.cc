#include "gateway/config/config_rules.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "gateway/config/address.h"
#include "gateway/config/json_outline.h"
#include "gateway/config/mistakes.h"
#include "gateway/identity/identity.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/message.h"
#include "leadgateway/config/v1/gateway_config.pb.h"

namespace leadgateway {
namespace {

namespace pb = google::protobuf;
using config::v1::Account;
using config::v1::GatewayConfig;
using config::v1::GrpcListener;
using config::v1::Tls;
using config::v1::TrustedProxies;
using pb::FieldDescriptor;

// The ranges that gateway_config.proto states, by "Message.field".
struct IntegerRange {
  absl::string_view field;
  int64_t least;
  int64_t most;
};
constexpr IntegerRange kIntegerRanges[] = {
    {"Allowance.calls", 1, 10'000},
    {"Allowance.daily_calls", 0, 1'000'000'000},
    {"Limits.max_leads_per_request", 1, 100'000},
    {"Limits.max_request_bytes", int64_t{64} << 10, int64_t{256} << 20},
    {"Limits.max_queued_leads", 1, 10'000'000},
    {"Limits.max_queued_bytes", int64_t{1} << 20, int64_t{64} << 30},
    {"Limits.max_queued_leads_per_caller", 1, 10'000'000},
    {"Limits.max_queued_bytes_per_caller", int64_t{64} << 10,
     int64_t{64} << 30},
    {"ConnectionLimits.max_connections", 1, 1'000'000},
    {"ConnectionLimits.max_streams", 1, 100'000},
    {"ConnectionLimits.max_metadata_bytes", 1 << 10, 1 << 20},
    {"Tracing.max_file_bytes", int64_t{1} << 20, int64_t{64} << 30},
    {"ConnectionLimits.max_memory_bytes", int64_t{16} << 20, int64_t{64} << 30},
};

struct NumberRange {
  absl::string_view field;
  double least;
  double most;
};
constexpr NumberRange kNumberRanges[] = {
    {"Caller.weight", 0.01, 100},
    {"Tracing.sampled_part", 0, 1},
};

struct DurationRange {
  absl::string_view field;
  absl::Duration least;
  absl::Duration most;
};
constexpr DurationRange kDurationRanges[] = {
    {"Allowance.window", absl::Milliseconds(100), absl::Hours(1)},
    {"Account.call_timeout", absl::Seconds(1), absl::Minutes(5)},
    {"Account.field_refresh", absl::ZeroDuration(), absl::Hours(24)},
    {"GatewayConfig.drain_timeout", absl::ZeroDuration(), absl::Minutes(10)},
    {"Limits.default_timeout", absl::Seconds(1), absl::Hours(24)},
    {"Tls.refresh_interval", absl::Seconds(1), absl::Hours(1)},
    {"Authorization.refresh_interval", absl::Seconds(1), absl::Hours(1)},
    {"ConnectionLimits.keepalive_time", absl::Seconds(1), absl::Hours(2)},
    {"ConnectionLimits.keepalive_timeout", absl::Seconds(1), absl::Minutes(10)},
    {"ConnectionLimits.min_client_keepalive", absl::ZeroDuration(),
     absl::Hours(1)},
    {"ConnectionLimits.max_age", absl::Seconds(1), absl::Hours(720)},
    {"ConnectionLimits.max_age_grace", absl::Seconds(1), absl::Hours(720)},
    {"ConnectionLimits.max_idle", absl::Seconds(1), absl::Hours(720)},
    {"ConnectionLimits.handshake_timeout", absl::Seconds(1), absl::Minutes(2)},
};

constexpr size_t kLongestAccountName = 63;

std::string Key(const FieldDescriptor& field) {
  return absl::StrCat(field.containing_type()->name(), ".", field.name());
}

IntegerRange RangeOfInteger(const FieldDescriptor& field) {
  for (const IntegerRange& range : kIntegerRanges) {
    if (range.field == Key(field)) return range;
  }
  // A number without a range in the table: what its type can hold.
  return field.cpp_type() == FieldDescriptor::CPPTYPE_INT32
             ? IntegerRange{"", std::numeric_limits<int32_t>::min(),
                            std::numeric_limits<int32_t>::max()}
             : IntegerRange{"", std::numeric_limits<int64_t>::min(),
                            std::numeric_limits<int64_t>::max()};
}

// 10000 -> "10,000".
std::string Grouped(int64_t number) {
  std::string digits = absl::StrCat(number);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) {
    if (digits[static_cast<size_t>(at) - 1] != '-') {
      digits.insert(static_cast<size_t>(at), ",");
    }
  }
  return digits;
}

std::string IntegerRule(const FieldDescriptor& field) {
  const IntegerRange range = RangeOfInteger(field);
  return absl::StrCat("must be a whole number from ", Grouped(range.least),
                      " to ", Grouped(range.most));
}

NumberRange RangeOfNumber(const FieldDescriptor& field) {
  for (const NumberRange& range : kNumberRanges) {
    if (range.field == Key(field)) return range;
  }
  return {"", std::numeric_limits<double>::lowest(),
          std::numeric_limits<double>::max()};
}

// No NaN is in any range.
bool IsInRange(double number, const FieldDescriptor& field) {
  const NumberRange range = RangeOfNumber(field);
  return number >= range.least && number <= range.most;
}

std::string NumberRule(const FieldDescriptor& field) {
  const NumberRange range = RangeOfNumber(field);
  return absl::StrCat("must be a number from ", range.least, " to ",
                      range.most);
}

std::string DurationRule(const FieldDescriptor& field) {
  for (const DurationRange& range : kDurationRanges) {
    if (range.field == Key(field)) {
      return absl::StrCat("must be from ", absl::ToDoubleSeconds(range.least),
                          "s to ", absl::ToDoubleSeconds(range.most), "s");
    }
  }
  return "must be a duration";
}

bool IsDuration(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type() == pb::Duration::descriptor();
}

const std::string& Spelled(const FieldDescriptor& field, Spelling spelling) {
  return spelling == Spelling::kJson ? field.json_name() : field.name();
}

std::string Join(absl::string_view path, absl::string_view name) {
  return path.empty() ? std::string(name) : absl::StrCat(path, ".", name);
}

std::string Indexed(absl::string_view path, size_t index) {
  return absl::StrCat(path, "[", index, "]");
}

// Only the letters and digits, in lower case: "access-key" is near "accessKey".
std::string Squeezed(absl::string_view name) {
  std::string squeezed;
  for (const char c : name) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c))) {
      squeezed += absl::ascii_tolower(static_cast<unsigned char>(c));
    }
  }
  return squeezed;
}

size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// --- The shape of JSON -----------------------------------------------------

// Whether JSON's `text` is a Duration: "1.5s".
bool IsDurationText(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, "\"") || !absl::ConsumeSuffix(&text, "s\"")) {
    return false;
  }
  absl::ConsumePrefix(&text, "-");
  const size_t point = text.find('.');
  const absl::string_view whole = text.substr(0, point);
  const absl::string_view fraction =
      point == absl::string_view::npos ? "0" : text.substr(point + 1);
  const auto digits = [](absl::string_view part, size_t most) {
    return !part.empty() && part.size() <= most &&
           std::all_of(part.begin(), part.end(),
                       [](unsigned char c) { return absl::ascii_isdigit(c); });
  };
  // 11 digits of seconds are in protobuf's range, 9 of a fraction nanoseconds.
  return digits(whole, 11) && digits(fraction, 9);
}

class ShapeChecker {
 public:
  explicit ShapeChecker(Mistakes& mistakes) : mistakes_(mistakes) {}

  void Object(JsonOutline& object, const pb::Descriptor& type,
              const std::string& path) {
    std::set<const FieldDescriptor*> seen;
    JsonOutline kept;
    for (size_t i = 0; i < object.items.size(); ++i) {
      const absl::string_view key = object.keys[i];
      const FieldDescriptor* field = Find(type, key);
      bool keep = false;
      if (field == nullptr) {
        mistakes_.Add(Join(path, PrintableName(key)),
                      UnknownSetting(key, type, Spelling::kJson));
      } else if (!seen.insert(field).second) {
        mistakes_.Add(Join(path, field->json_name()),
                      "is given twice; keep one of them");
      } else {
        keep = Member(object.items[i], *field, Join(path, field->json_name()));
      }
      if (keep) {
        kept.keys.push_back(key);
        kept.items.push_back(std::move(object.items[i]));
      }
    }
    object.keys = std::move(kept.keys);
    object.items = std::move(kept.items);
  }

 private:
  using Kind = JsonOutline::Kind;

  static const FieldDescriptor* Find(const pb::Descriptor& type,
                                     absl::string_view name) {
    for (int i = 0; i < type.field_count(); ++i) {
      if (type.field(i)->json_name() == name || type.field(i)->name() == name) {
        return type.field(i);
      }
    }
    return nullptr;
  }

  bool Member(JsonOutline& value, const FieldDescriptor& field,
              const std::string& path) {
    if (value.kind == Kind::kNull) return false;  // As if it were left out.
    if (!field.is_repeated()) return Single(value, field, path);
    if (value.kind != Kind::kArray) {
      mistakes_.Add(path, "must be a list in [ ]");
      return false;
    }
    bool good = true;
    for (size_t i = 0; i < value.items.size(); ++i) {
      JsonOutline& item = value.items[i];
      if (Single(item, field, Indexed(path, i))) continue;
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        item = JsonOutline{Kind::kObject, "{}", {}, {}};  // Keeps its place.
      } else {
        good = false;
      }
    }
    return good;
  }

  bool Single(JsonOutline& value, const FieldDescriptor& field,
              const std::string& path) {
    std::string rule;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (IsDuration(field)) {
          if (IsDurationText(value.text)) return true;
          rule = "must be seconds in quotes with an \"s\", such as \"1.5s\"";
          break;
        }
        if (value.kind == Kind::kObject) {
          Object(value, *field.message_type(), path);
          return true;
        }
        rule = "must be an object in { }";
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        if (IsNameIn(value, *field.enum_type())) return true;
        rule = OneOf(*field.enum_type());
        break;
      case FieldDescriptor::CPPTYPE_INT32:
      case FieldDescriptor::CPPTYPE_INT64:
        if (IsIntegerInRange(value, field)) return true;
        rule = IntegerRule(field);
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE: {
        double number = 0;
        if (value.kind == Kind::kNumber &&
            absl::SimpleAtod(value.text, &number) && IsInRange(number, field)) {
          return true;
        }
        rule = NumberRule(field);
        break;
      }
      case FieldDescriptor::CPPTYPE_BOOL:
        if (value.kind == Kind::kBool) return true;
        rule = "must be true or false";
        break;
      default:
        if (value.kind == Kind::kString) return true;
        rule = "must be text in double quotes";
    }
    mistakes_.Add(path, rule);
    return false;
  }

  static bool IsNameIn(const JsonOutline& value,
                       const pb::EnumDescriptor& values) {
    if (value.kind != Kind::kString) return false;
    const absl::string_view name = value.text.substr(1, value.text.size() - 2);
    return values.FindValueByName(std::string(name)) != nullptr;
  }

  static bool IsIntegerInRange(const JsonOutline& value,
                               const FieldDescriptor& field) {
    if (value.kind != Kind::kNumber) return false;
    int64_t number = 0;
    const IntegerRange range = RangeOfInteger(field);
    return absl::SimpleAtoi(value.text, &number) && number >= range.least &&
           number <= range.most;
  }

  Mistakes& mistakes_;
};

// --- The rules -------------------------------------------------------------

bool HasControlCharacter(absl::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_iscntrl(c) != 0;
  });
}

bool IsAccountName(absl::string_view name) {
  return name.size() <= kLongestAccountName &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) ||
                  c == '-' || c == '_' || c == '.';
         });
}

bool IsVariableName(absl::string_view name) {
  return !absl::ascii_isdigit(static_cast<unsigned char>(name.front())) &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '_';
         });
}

// Whether somebody has put a key where the name of its place belongs: "u$r" and
// hexadecimal digits, or many of those alone. Names are told in errors, in logs
// and on the admin pages; keys must not be.
bool LooksLikeKey(absl::string_view name) {
  constexpr size_t kFewestDigits = 32;
  const bool marked = absl::ConsumePrefix(&name, "u$r");
  return (marked || name.size() >= kFewestDigits) &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_isxdigit(c) != 0;
         });
}

class RuleChecker {
 public:
  RuleChecker(Spelling spelling, Mistakes& mistakes)
      : spelling_(spelling), mistakes_(mistakes) {}

  void Check(const GatewayConfig& config) {
    Values(config, "");

    const std::string listen = Join(Name<GatewayConfig>("listen"), "address");
    const std::string admin = Join(Name<GatewayConfig>("admin"), "address");
    CheckListener(config.listen(), Name<GatewayConfig>("listen"));
    if (config.has_admin()) {
      Address(config.admin().address(), admin, "127.0.0.1:8081");
      const absl::StatusOr<HostPort> address =
          ParseHostPort(config.admin().address());
      if (address.ok() && address->port != 0 &&
          config.admin().address() == config.listen().address()) {
        mistakes_.Add(admin, absl::StrCat("must differ from ", listen));
      }
    }

    if (config.has_tracing() && config.tracing().file().empty()) {
      mistakes_.Add(Join(Name<GatewayConfig>("tracing"),
                         Name<config::v1::Tracing>("file")),
                    "is missing; name the file that spans are written to");
    }

    const std::string accounts = Name<GatewayConfig>("accounts");
    if (config.accounts().empty()) {
      mistakes_.Add(accounts, "must hold at least one account");
    }
    std::map<std::string, size_t> names;
    for (int i = 0; i < config.accounts_size(); ++i) {
      const auto index = static_cast<size_t>(i);
      const Account& account = config.accounts(i);
      const std::string path = Indexed(accounts, index);
      CheckAccount(account, path);
      CheckAllowed(account, config.listen(),
                   Join(path, Name<Account>("allowed_callers")));
      const auto [first, fresh] = names.emplace(account.name(), index);
      if (!fresh && !account.name().empty()) {
        mistakes_.Add(
            Join(path, "name"),
            absl::StrCat("is the name of ", Indexed(accounts, first->second),
                         " too; each name once"));
      }
    }
    if (!config.default_account().empty() &&
        !names.contains(config.default_account())) {
      mistakes_.Add(Name<GatewayConfig>("default_account"),
                    "must be the name of one of the accounts");
    }
  }

 private:
  template <typename Message>
  std::string Name(absl::string_view field) const {
    return Spelled(*Message::descriptor()->FindFieldByName(std::string(field)),
                   spelling_);
  }

  void CheckListener(const GrpcListener& listener, const std::string& path) {
    const auto at = [&](absl::string_view field) {
      return Join(path, Name<GrpcListener>(field));
    };
    const std::string& address = listener.address();
    if (absl::StartsWith(address, "unix:")) {
      // sockaddr_un holds 107 bytes of it.
      constexpr size_t kLongestPath = 107;
      const absl::string_view file = absl::string_view(address).substr(5);
      if (!absl::StartsWith(file, "/") || file.size() > kLongestPath) {
        mistakes_.Add(at("address"),
                      "must name the socket file by its whole path of at most "
                      "107 bytes, such as \"unix:/run/lead_gateway.sock\"");
      }
    } else {
      Address(address, at("address"), "127.0.0.1:50051");
      const absl::StatusOr<HostPort> parsed = ParseHostPort(address);
      if (parsed.ok() && !IsLoopback(parsed->host) && !listener.has_tls() &&
          !listener.allow_plaintext()) {
        mistakes_.Add(
            at("address"),
            absl::StrCat("can be reached from other machines, and the listener "
                         "is plaintext: set ",
                         at("tls"), ", or bind a loopback address, or say ",
                         at("allow_plaintext"),
                         " if the network encrypts by itself"));
      }
    }
    if (listener.has_tls()) {
      CheckTls(listener.tls(), at("tls"));
    }
    CheckProxies(listener, at("trusted_proxies"));
    if (listener.has_authorization() &&
        listener.authorization().policy_file().empty()) {
      mistakes_.Add(Join(at("authorization"),
                         Name<config::v1::Authorization>("policy_file")),
                    "is missing; name the file that holds the policy");
    }
  }

  static bool AsksForCertificates(const GrpcListener& listener) {
    switch (listener.tls().client_certificates()) {
      case Tls::NONE:
        return false;
      case Tls::OPTIONAL:
      case Tls::REQUIRED:
        return true;
      default:
        return !listener.tls().client_ca_file().empty();
    }
  }

  void CheckProxies(const GrpcListener& listener, const std::string& path) {
    const TrustedProxies& proxies = listener.trusted_proxies();
    const std::string identities =
        Join(path, Name<TrustedProxies>("identities"));
    if (!proxies.identities().empty() && !AsksForCertificates(listener) &&
        !proxies.local_peers()) {
      mistakes_.Add(
          identities,
          absl::StrCat("can't be known: set ", Name<GatewayConfig>("listen"),
                       ".", Name<GrpcListener>("tls"), " with ",
                       Name<Tls>("client_ca_file")));
    }
    Patterns(proxies.identities(), identities);
  }

  void Patterns(const pb::RepeatedPtrField<std::string>& patterns,
                const std::string& path) {
    for (int i = 0; i < patterns.size(); ++i) {
      const absl::string_view mistake = identity::MistakeIn(patterns[i]);
      if (!mistake.empty()) {
        mistakes_.Add(Indexed(path, static_cast<size_t>(i)), mistake);
      }
    }
  }

  // What an allowed caller is called must be something that the listener can
  // find out: else whoever writes the same into x-lead-caller would be let in,
  // or nobody.
  void CheckAllowed(const Account& account, const GrpcListener& listener,
                    const std::string& path) {
    Patterns(account.allowed_callers(), path);
    if (AsksForCertificates(listener) ||
        listener.trusted_proxies().local_peers()) {
      return;
    }
    const std::string listen = Name<GatewayConfig>("listen");
    for (int i = 0; i < account.allowed_callers_size(); ++i) {
      if (!identity::NamesIdentity(account.allowed_callers(i))) continue;
      mistakes_.Add(
          Indexed(path, static_cast<size_t>(i)),
          absl::StrCat("names an identity, and the listener can't tell who "
                       "callers are: set ",
                       Join(Join(listen, Name<GrpcListener>("tls")),
                            Name<Tls>("client_ca_file")),
                       ", or ",
                       Join(Join(listen, Name<GrpcListener>("trusted_proxies")),
                            Name<TrustedProxies>("local_peers")),
                       " behind a proxy on this machine"));
    }
  }

  void CheckTls(const Tls& tls, const std::string& path) {
    const auto at = [&](absl::string_view field) {
      return Join(path, Name<Tls>(field));
    };
    if (tls.certificate_file().empty()) {
      mistakes_.Add(at("certificate_file"),
                    "is missing; name the file that holds the certificate");
    }
    if (tls.private_key_file().empty()) {
      mistakes_.Add(at("private_key_file"),
                    "is missing; name the file that holds the private key");
    }
    const bool asks = tls.client_certificates() == config::v1::Tls::OPTIONAL ||
                      tls.client_certificates() == config::v1::Tls::REQUIRED;
    if (asks && tls.client_ca_file().empty()) {
      mistakes_.Add(at("client_ca_file"),
                    "is missing; client certificates are checked against it");
    }
    if (tls.client_certificates() == config::v1::Tls::NONE &&
        !tls.client_ca_file().empty()) {
      mistakes_.Add(at("client_ca_file"),
                    absl::StrCat("can't stand beside ",
                                 at("client_certificates"), " NONE"));
    }
  }

  void Address(const std::string& text, const std::string& path,
               absl::string_view example) {
    if (text.empty()) {
      mistakes_.Add(path,
                    absl::StrCat("is missing; such as \"", example, "\""));
      return;
    }
    const absl::Status status = ParseHostPort(text).status();
    if (!status.ok()) mistakes_.Add(path, std::string(status.message()));
  }

  void CheckAccount(const Account& account, const std::string& path) {
    const auto at = [&](absl::string_view field) {
      return Join(path, Name<Account>(field));
    };
    if (account.name().empty()) {
      mistakes_.Add(at("name"), "is missing; requests name the account by it");
    } else if (!IsAccountName(account.name())) {
      mistakes_.Add(at("name"),
                    "must be 1 to 63 of a-z, 0-9, \"-\", \"_\", \".\"");
    }
    if (account.base_url().empty()) {
      mistakes_.Add(at("base_url"),
                    "is missing; such as \"https://api.leadsquared.com\"");
    } else if (const absl::Status status =
                   ParseBaseUrl(account.base_url()).status();
               !status.ok()) {
      mistakes_.Add(at("base_url"), std::string(status.message()));
    }
    const pb::Duration& refresh = account.field_refresh();
    if (refresh.seconds() == 0 && refresh.nanos() > 0) {
      mistakes_.Add(at("field_refresh"),
                    "must be 0s, or at least 1s: each time costs a call");
    }
    CheckKeys(account, at);
    CheckCallers(account, at("callers"));
    CheckZone(account, path);
  }

  void CheckCallers(const Account& account, const std::string& path) {
    std::map<std::string, size_t> names;
    for (int i = 0; i < account.callers_size(); ++i) {
      const auto index = static_cast<size_t>(i);
      const std::string at =
          Join(Indexed(path, index), Name<config::v1::Caller>("name"));
      const std::string& name = account.callers(i).name();
      if (name.empty()) {
        mistakes_.Add(at, "is missing; the weight is that caller's");
        continue;
      }
      const auto [first, fresh] = names.emplace(name, index);
      if (!fresh) {
        mistakes_.Add(
            at, absl::StrCat("is the name of ", Indexed(path, first->second),
                             " too; each name once"));
      }
    }
  }

  void CheckZone(const Account& account, const std::string& path) {
    const std::string& name = account.allowance().daily_zone();
    absl::TimeZone zone;
    // LoadTimeZone takes paths, too.
    if (!name.empty() &&
        (name.front() == '/' || absl::StrContains(name, "..") ||
         !absl::LoadTimeZone(name, &zone))) {
      mistakes_.Add(Join(Join(path, Name<Account>("allowance")),
                         Name<config::v1::Allowance>("daily_zone")),
                    "is not a time zone that this machine knows; such as "
                    "\"UTC\" or \"Asia/Kolkata\" (package tzdata)");
    }
  }

  template <typename At>
  void CheckKeys(const Account& account, const At& at) {
    const auto one_place = [&](const std::string& file, const char* file_field,
                               const std::string& variable,
                               const char* variable_field,
                               absl::string_view key) {
      if (file.empty() && variable.empty()) {
        mistakes_.Add(at(file_field),
                      absl::StrCat("is missing; name the file that holds the ",
                                   key, " key"));
      } else if (!file.empty() && !variable.empty()) {
        mistakes_.Add(at(variable_field),
                      absl::StrCat("can't stand beside ", at(file_field),
                                   "; keep one of them"));
      } else if (LooksLikeKey(file)) {
        mistakes_.Add(at(file_field),
                      "looks like a key itself; write the key into a file, and "
                      "the file's path here");
      } else if (LooksLikeKey(variable)) {
        mistakes_.Add(at(variable_field),
                      "looks like a key itself; name the environment variable "
                      "that holds it");
      } else if (!variable.empty() && !IsVariableName(variable)) {
        mistakes_.Add(at(variable_field),
                      "must be the name of an environment variable: letters, "
                      "digits and \"_\", no digit first");
      }
    };
    one_place(account.access_key_file(), "access_key_file",
              account.access_key_env(), "access_key_env", "access");
    one_place(account.secret_key_file(), "secret_key_file",
              account.secret_key_env(), "secret_key_env", "secret");
    const auto differ = [&](const std::string& access, const char* access_field,
                            const std::string& secret,
                            const char* secret_field) {
      if (secret.empty() || secret != access) return;
      mistakes_.Add(at(secret_field),
                    absl::StrCat("must differ from ", at(access_field)));
    };
    differ(account.access_key_file(), "access_key_file",
           account.secret_key_file(), "secret_key_file");
    differ(account.access_key_env(), "access_key_env", account.secret_key_env(),
           "secret_key_env");
  }

  // What every value of its kind must keep, wherever it stands.
  void Values(const pb::Message& message, const std::string& path) {
    const pb::Descriptor& type = *message.GetDescriptor();
    const pb::Reflection& reflection = *message.GetReflection();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      const std::string at = Join(path, Spelled(field, spelling_));
      if (field.is_repeated()) {
        for (int j = 0; j < reflection.FieldSize(message, &field); ++j) {
          const std::string item = Indexed(at, static_cast<size_t>(j));
          if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
            Values(reflection.GetRepeatedMessage(message, &field, j), item);
          } else {
            const std::string text =
                reflection.GetRepeatedString(message, &field, j);
            if (text.empty()) mistakes_.Add(item, "must not be empty");
            Text(text, item);
          }
        }
      } else if (reflection.HasField(message, &field)) {
        Value(message, reflection, field, at);
      }
    }
  }

  void Value(const pb::Message& message, const pb::Reflection& reflection,
             const FieldDescriptor& field, const std::string& path) {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        const pb::Message& value = reflection.GetMessage(message, &field);
        if (!IsDuration(field)) {
          Values(value, path);
        } else if (!InRange(field, value)) {
          mistakes_.Add(path, DurationRule(field));
        }
        break;
      }
      case FieldDescriptor::CPPTYPE_ENUM:
        if (field.enum_type()->FindValueByNumber(
                reflection.GetEnumValue(message, &field)) == nullptr) {
          mistakes_.Add(path, OneOf(*field.enum_type()));
        }
        break;
      case FieldDescriptor::CPPTYPE_INT32:
      case FieldDescriptor::CPPTYPE_INT64: {
        const int64_t value = field.cpp_type() == FieldDescriptor::CPPTYPE_INT32
                                  ? reflection.GetInt32(message, &field)
                                  : reflection.GetInt64(message, &field);
        const IntegerRange range = RangeOfInteger(field);
        if (value < range.least || value > range.most) {
          mistakes_.Add(path, IntegerRule(field));
        }
        break;
      }
      case FieldDescriptor::CPPTYPE_DOUBLE:
        if (!IsInRange(reflection.GetDouble(message, &field), field)) {
          mistakes_.Add(path, NumberRule(field));
        }
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        break;
      default:
        Text(reflection.GetString(message, &field), path);
    }
  }

  void Text(const std::string& text, const std::string& path) {
    if (HasControlCharacter(text)) {
      mistakes_.Add(path, "must not hold control characters or line breaks");
    }
  }

  static bool InRange(const FieldDescriptor& field, const pb::Message& value) {
    const pb::Reflection& reflection = *value.GetReflection();
    const int64_t seconds = reflection.GetInt64(
        value, pb::Duration::descriptor()->FindFieldByNumber(
                   pb::Duration::kSecondsFieldNumber));
    const int32_t nanos = reflection.GetInt32(
        value, pb::Duration::descriptor()->FindFieldByNumber(
                   pb::Duration::kNanosFieldNumber));
    if (nanos < -999'999'999 || nanos > 999'999'999) return false;
    if ((seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0)) return false;
    const absl::Duration duration =
        absl::Seconds(seconds) + absl::Nanoseconds(nanos);
    for (const DurationRange& range : kDurationRanges) {
      if (range.field == Key(field)) {
        return duration >= range.least && duration <= range.most;
      }
    }
    return true;
  }

  const Spelling spelling_;
  Mistakes& mistakes_;
};

}  // namespace

void CheckShape(JsonOutline& json, Mistakes& mistakes) {
  CheckShape(json, *GatewayConfig::descriptor(), mistakes);
}

void CheckShape(JsonOutline& json, const pb::Descriptor& message,
                Mistakes& mistakes) {
  ShapeChecker(mistakes).Object(json, message, "");
}

void CheckRules(const GatewayConfig& config, Spelling spelling,
                Mistakes& mistakes) {
  RuleChecker(spelling, mistakes).Check(config);
}

std::string UnknownSetting(absl::string_view name,
                           const pb::Descriptor& message, Spelling spelling) {
  constexpr size_t kLongestWorthComparing = 64;
  // Two slips of the pen, or the beginning of a name.
  constexpr size_t kNear = 2;
  const std::string wanted = Squeezed(name.substr(0, kLongestWorthComparing));
  const FieldDescriptor* nearest = nullptr;
  size_t least = kNear + 1;
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const std::string candidate = Squeezed(field.name());
    size_t distance = EditDistance(wanted, candidate);
    if (wanted.size() > kNear && absl::StartsWith(candidate, wanted)) {
      distance = std::min(distance, kNear);
    }
    if (distance < least) {
      least = distance;
      nearest = &field;
    }
  }
  if (nearest != nullptr) {
    return absl::StrCat("is not a setting; did you mean \"",
                        Spelled(*nearest, spelling), "\"?");
  }
  std::vector<std::string> names;
  names.reserve(static_cast<size_t>(message.field_count()));
  for (int i = 0; i < message.field_count(); ++i) {
    names.push_back(Spelled(*message.field(i), spelling));
  }
  return absl::StrCat("is not a setting; here may stand ",
                      absl::StrJoin(names, ", "));
}

std::string OneOf(const pb::EnumDescriptor& values) {
  std::vector<std::string> names;
  for (int i = 0; i < values.value_count(); ++i) {
    // The value 0 says "not stated": nobody needs to write it.
    if (values.value(i)->number() != 0)
      names.push_back(values.value(i)->name());
  }
  return absl::StrCat("must be one of ", absl::StrJoin(names, ", "));
}

}  // namespace leadgateway
