#include "gateway/identity/caller.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "gateway/identity/forwarded_client_cert.h"
#include "gateway/identity/identity.h"
#include "gateway/model/errors.h"

namespace leadgateway::identity {
namespace {

constexpr size_t kLongestClaim = 128;

bool MatchesOne(const std::vector<std::string>& patterns,
                const Identity& identity) {
  return std::any_of(
      patterns.begin(), patterns.end(),
      [&](const std::string& pattern) { return Matches(pattern, identity); });
}

}  // namespace

absl::StatusOr<Caller> FindCaller(const Peer& peer, const Trust& trust) {
  Caller caller;
  caller.tls = peer.tls;
  caller.identity = peer.certificate;
  caller.source = Source::kCertificate;
  if (peer.forwarded && !peer.forwarded->empty()) {
    if ((trust.local_peers && IsLocalPeer(peer.address)) ||
        MatchesOne(trust.identities, peer.certificate)) {
      absl::StatusOr<std::vector<Identity>> chain =
          ParseForwardedClientCert(*peer.forwarded);
      if (!chain.ok()) {
        return errors::IdentityUnreadable(chain.status().message());
      }
      size_t nearest = chain->size() - 1;
      while (nearest > 0 && MatchesOne(trust.identities, (*chain)[nearest])) {
        --nearest;
      }
      caller.identity = std::move((*chain)[nearest]);
      caller.source = Source::kForwardedCertificate;
      caller.tls = true;
    } else {
      caller.forwarded_ignored = true;
    }
  }
  if (!caller.identity.empty()) {
    caller.name = NameOf(caller.identity);
    return caller;
  }
  if (peer.claimed && IsPrintable(*peer.claimed, kLongestClaim)) {
    caller.source = Source::kClaim;
    caller.name = trust.verifies ? absl::StrCat("unverified:", *peer.claimed)
                                 : *peer.claimed;
    return caller;
  }
  caller.source = Source::kAddress;
  caller.name = PeerHost(peer.address);
  return caller;
}

bool IsAllowed(const Caller& caller, const std::vector<std::string>& allowed,
               const Trust& trust) {
  if (allowed.empty()) return true;
  if (!caller.identity.empty()) return MatchesOne(allowed, caller.identity);
  if (trust.verifies) return false;
  return std::any_of(
      allowed.begin(), allowed.end(), [&](const std::string& pattern) {
        return !NamesIdentity(pattern) && MatchesText(pattern, caller.name);
      });
}

absl::Status Forbidden(absl::string_view account, const Caller& caller,
                       const Trust& trust) {
  absl::string_view known_by;
  switch (caller.source) {
    case Source::kCertificate:
      known_by = "its certificate";
      break;
    case Source::kForwardedCertificate:
      known_by = "the certificate that its proxy forwards";
      break;
    case Source::kClaim:
      known_by = "x-lead-caller";
      break;
    case Source::kAddress:
      known_by = "its address";
      break;
  }
  std::string advice = trust.verifies && caller.identity.empty()
                           ? "it must show a certificate that the account's "
                             "allowedCallers name"
                           : "the account's allowedCallers do not name it";
  if (caller.forwarded_ignored) {
    absl::StrAppend(&advice,
                    ", and its x-forwarded-client-cert is not believed: "
                    "listen.trustedProxies do not name who sends it");
  }
  return errors::AccountForbidden(account, caller.name, known_by, advice);
}

std::string PeerHost(absl::string_view peer) {
  if (absl::ConsumePrefix(&peer, "ipv4:") ||
      absl::ConsumePrefix(&peer, "ipv6:")) {
    const size_t port = peer.rfind(':');
    if (port != absl::string_view::npos) peer = peer.substr(0, port);
    // gRPC escapes the brackets of IPv6 addresses.
    absl::ConsumePrefix(&peer, "%5B");
    absl::ConsumeSuffix(&peer, "%5D");
    absl::ConsumePrefix(&peer, "[");
    absl::ConsumeSuffix(&peer, "]");
  }
  if (peer.empty()) return "unknown";
  return std::string(peer.substr(0, kLongestName));
}

bool IsLocalPeer(absl::string_view peer) {
  if (absl::StartsWith(peer, "unix:") ||
      absl::StartsWith(peer, "unix-abstract:")) {
    return true;
  }
  const std::string host = PeerHost(peer);
  return (absl::StartsWith(peer, "ipv4:") && absl::StartsWith(host, "127.")) ||
         (absl::StartsWith(peer, "ipv6:") && host == "::1");
}

}  // namespace leadgateway::identity
