#include "gateway/config/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "gateway/base/status_macros.h"

namespace leadgateway {
namespace {

constexpr int kLargestPort = 65535;
constexpr size_t kLongestHost = 253;  // RFC 1035, as text.

bool IsDigit(char c) {
  return absl::ascii_isdigit(static_cast<unsigned char>(c)) != 0;
}

bool IsIpv4(const std::string& host) {
  in_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

bool IsIpv6(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool IsHostName(absl::string_view host) {
  if (host.empty() || host.size() > kLongestHost) return false;
  // What looks like an IPv4 address must be one: "127.1" or "10.0.0.300" would
  // mean something else to each resolver.
  if (std::all_of(host.begin(), host.end(),
                  [](char c) { return c == '.' || IsDigit(c); })) {
    return IsIpv4(std::string(host));
  }
  if (host.front() == '.' || host.front() == '-') return false;
  if (absl::StrContains(host, "..")) return false;
  return std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' ||
           c == '-' || c == '_';
  });
}

absl::Status Wrong(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

// Splits "HOST[:PORT]" and checks the host. `port` is empty when there is none.
absl::Status SplitHostPort(absl::string_view text, std::string& host,
                           absl::string_view& port, bool& has_port) {
  has_port = false;
  if (absl::ConsumePrefix(&text, "[")) {
    const size_t end = text.find(']');
    if (end == absl::string_view::npos) return Wrong("lacks a \"]\"");
    host = std::string(text.substr(0, end));
    text.remove_prefix(end + 1);
    if (!IsIpv6(host)) {
      return Wrong("has no IPv6 address between its brackets");
    }
    if (text.empty()) return absl::OkStatus();
    if (!absl::ConsumePrefix(&text, ":")) {
      return Wrong("needs a \":\" between \"]\" and the port");
    }
    has_port = true;
    port = text;
    return absl::OkStatus();
  }
  const size_t colon = text.find(':');
  if (colon != text.rfind(':')) {
    return Wrong(
        "has more than one \":\"; an IPv6 address stands in brackets, such as "
        "[::1]");
  }
  host = std::string(text.substr(0, colon));
  if (colon != absl::string_view::npos) {
    has_port = true;
    port = text.substr(colon + 1);
  }
  if (!host.empty() && !IsHostName(host)) {
    return Wrong("has a host that is neither a name nor an address");
  }
  return absl::OkStatus();
}

absl::StatusOr<uint16_t> ParsePort(absl::string_view text, int least) {
  int port = 0;
  const bool digits = !text.empty() && text.size() <= 5 &&
                      std::all_of(text.begin(), text.end(), IsDigit);
  if (!digits || !absl::SimpleAtoi(text, &port) || port < least ||
      port > kLargestPort) {
    return Wrong(
        absl::StrCat("must have a port from ", least, " to ", kLargestPort));
  }
  return static_cast<uint16_t>(port);
}

}  // namespace

bool IsLoopback(const std::string& host) {
  if (absl::EqualsIgnoreCase(host, "localhost")) return true;
  in6_addr v6;
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) {
    return IN6_IS_ADDR_LOOPBACK(&v6);
  }
  return IsIpv4(host) && absl::StartsWith(host, "127.");
}

absl::StatusOr<HostPort> ParseHostPort(absl::string_view text) {
  HostPort address;
  absl::string_view port;
  bool has_port = false;
  LG_RETURN_IF_ERROR(SplitHostPort(text, address.host, port, has_port));
  if (address.host.empty()) {
    return Wrong(
        "must name a host before the \":\"; 0.0.0.0 or [::] listens at every "
        "interface");
  }
  if (!has_port) {
    return Wrong("must end with a port, such as \":50051\"");
  }
  LG_ASSIGN_OR_RETURN(address.port, ParsePort(port, 0));
  return address;
}

absl::StatusOr<std::string> ParseBaseUrl(absl::string_view text) {
  const size_t scheme_end = text.find("://");
  const std::string scheme =
      scheme_end == absl::string_view::npos
          ? ""
          : absl::AsciiStrToLower(text.substr(0, scheme_end));
  if (scheme != "https" && scheme != "http") {
    return Wrong("must start with \"https://\"");
  }
  text.remove_prefix(scheme_end + 3);

  const size_t authority_end = text.find_first_of("/?#");
  absl::string_view authority = text.substr(0, authority_end);
  absl::string_view rest = authority_end == absl::string_view::npos
                               ? absl::string_view()
                               : text.substr(authority_end);
  if (absl::StrContains(authority, "@")) {
    return Wrong(
        "must not hold a user name or password; keys go into key files");
  }
  if (rest.find_first_of("?#") != absl::string_view::npos) {
    return Wrong(
        "must end after the host and port; drop \"?\" or \"#\" and "
        "what follows");
  }
  if (!rest.empty() && rest != "/") {
    return Wrong("must end after the host and port; the gateway adds the path");
  }

  std::string host;
  absl::string_view port;
  bool has_port = false;
  LG_RETURN_IF_ERROR(SplitHostPort(authority, host, port, has_port));
  if (host.empty()) return Wrong("must name a host after \"://\"");
  if (has_port) LG_RETURN_IF_ERROR(ParsePort(port, 1).status());
  if (scheme == "http" && !IsLoopback(host)) {
    return Wrong(
        "must start with \"https://\"; \"http://\" would send the keys in the "
        "clear and is accepted for loopback hosts only");
  }
  return absl::StrCat(scheme, "://", authority);
}

}  // namespace leadgateway
