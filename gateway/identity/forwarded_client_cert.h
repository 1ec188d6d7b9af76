#ifndef LEADGATEWAY_GATEWAY_IDENTITY_FORWARDED_CLIENT_CERT_H_
#define LEADGATEWAY_GATEWAY_IDENTITY_FORWARDED_CLIENT_CERT_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/identity/identity.h"

namespace leadgateway::identity {

// Reads the value of x-forwarded-client-cert, with which proxies that end TLS
// (Envoy and what is built on it) tell whose certificate they have checked:
//
//   header  = element *( "," element )          the nearest proxy's is the last
//   element = pair *( ";" pair )
//   pair    = key "=" value                     keys in any case
//   value   = bare / '"' quoted '"'
//
// A bare value holds no `,`, `;` or `"`. In a quoted one a backslash and the
// character after it belong to the value as they are, and don't end it: Envoy
// writes subjects by RFC 2253 (`CN=a \"b\"\, c`) and adds nothing to that, so
// they read as they do in a certificate of the gateway's own connections.
//
// The identities of all elements, in the order of the header, at least one. URI
// and DNS may come several times in an element and Subject once; other keys
// (By, Hash, Cert, Chain, and what is to come) are passed over. An element that
// names nobody gives an empty identity.
//
// kInvalidArgument says what is wrong and at which byte, and repeats nothing of
// the value. Nothing is read leniently: a header in which one element could be
// taken for two would let a client speak for another.
absl::StatusOr<std::vector<Identity>> ParseForwardedClientCert(
    absl::string_view header);

}  // namespace leadgateway::identity

#endif  // LEADGATEWAY_GATEWAY_IDENTITY_FORWARDED_CLIENT_CERT_H_
