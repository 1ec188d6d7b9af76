#ifndef LEADGATEWAY_GATEWAY_IDENTITY_CALLER_H_
#define LEADGATEWAY_GATEWAY_IDENTITY_CALLER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/identity/identity.h"

namespace leadgateway::identity {

// What is known of an RPC's peer before anything is believed.
struct Peer {
  std::string address;  // as gRPC names it: "ipv4:10.0.0.7:4711", "unix:"
  bool tls = false;
  Identity certificate = {};  // of TLS, checked; empty without
  // x-forwarded-client-cert, several values joined by ",".
  std::optional<std::string> forwarded = {};
  std::optional<std::string> claimed = {};  // x-lead-caller
};

// Whom a listener believes.
struct Trust {
  // It can tell who callers are: it asks for client certificates, or believes a
  // proxy that does.
  bool verifies = false;
  // Believe x-forwarded-client-cert of peers on this machine, and of those with
  // one of these identities (patterns as in Matches).
  bool local_peers = false;
  std::vector<std::string> identities = {};
};

// How a caller is known.
enum class Source {
  kCertificate,           // its own connection's
  kForwardedCertificate,  // a trusted proxy's word
  kClaim,                 // it says so itself, in x-lead-caller
  kAddress,               // nothing else is known
};

struct Caller {
  // For fair shares, weights, logs: 1 to kLongestName printable characters.
  // Where the listener verifies callers, claims are "unverified:CLAIM", so that
  // nobody can queue under the name of another.
  std::string name;
  Source source = Source::kAddress;
  Identity identity;  // empty unless it is known by a certificate
  // TLS was ended here, or by a trusted proxy.
  bool tls = false;
  // x-forwarded-client-cert came from a peer that is not trusted.
  bool forwarded_ignored = false;
};

// Who calls: the certificate that a trusted proxy forwards, else the peer's
// own, else its x-lead-caller (ignored beside an identity, or if it is not 1 to
// 128 printable characters), else its address.
//
// Of a forwarded chain the last element counts, the nearest proxy's client; if
// that is one of the trusted identities itself, the one before it, and so on.
//
// IDENTITY_UNREADABLE if a trusted proxy forwards what can't be read: to take
// the caller for somebody else, or for nobody, would both be wrong.
absl::StatusOr<Caller> FindCaller(const Peer& peer, const Trust& trust);

// Whether one of an account's `allowed` patterns lets the caller in; none at
// all let in everyone. What a caller says of itself, and its address, count
// only where the listener verifies nobody, and only for patterns that name no
// identity: a reload can bring those before the listener can check them.
bool IsAllowed(const Caller& caller, const std::vector<std::string>& allowed,
               const Trust& trust);

// ACCOUNT_FORBIDDEN, with who the caller is taken for and what would help.
absl::Status Forbidden(absl::string_view account, const Caller& caller,
                       const Trust& trust);

// The host of a gRPC peer: "ipv4:10.0.0.7:4711" -> "10.0.0.7".
std::string PeerHost(absl::string_view peer);

// Whether a gRPC peer is on this machine: a loopback address or a unix socket.
bool IsLocalPeer(absl::string_view peer);

}  // namespace leadgateway::identity

#endif  // LEADGATEWAY_GATEWAY_IDENTITY_CALLER_H_
