#ifndef LEADGATEWAY_GATEWAY_IDENTITY_IDENTITY_H_
#define LEADGATEWAY_GATEWAY_IDENTITY_IDENTITY_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace leadgateway::identity {

// Whom a checked client certificate names. The texts are as the certificate has
// them: of any length, and of any bytes.
struct Identity {
  std::vector<std::string> uris = {};  // SANs of type URI, such as SPIFFE ids
  std::vector<std::string> dns_names = {};  // SANs of type DNS
  std::string subject = {};                 // by RFC 2253: "CN=crm,O=Example"

  bool empty() const {
    return uris.empty() && dns_names.empty() && subject.empty();
  }
  friend bool operator==(const Identity&, const Identity&) = default;
};

// What the holder is called, for shares of an account and for logs: the SPIFFE
// id, else the first URI, else the first DNS name, else the subject; "" for
// nobody. At most kLongestName bytes, printable ASCII ("?" stands for the
// rest), so it must not be used to tell who may do what.
std::string NameOf(const Identity& identity);
inline constexpr size_t kLongestName = 256;

// What may stand in a list of identities: an exact text, or one that ends in
// "*" and stands for all that begin so. "*" alone is whoever has an identity.
//
// A pattern with "://" is about URIs, else one with "=" about the subject, else
// about DNS names: a name of one kind never passes for one of another.
bool Matches(absl::string_view pattern, const Identity& identity);

// Whether a pattern can match nothing but an identity: it has "://" or "=", or
// is "*". Others look like the names that callers give themselves.
bool NamesIdentity(absl::string_view pattern);

// `pattern` against one text, without kinds.
bool MatchesText(absl::string_view pattern, absl::string_view text);

// What is wrong with a pattern; "" if nothing is.
absl::string_view MistakeIn(absl::string_view pattern);

// 1 to `most` printable ASCII characters.
bool IsPrintable(absl::string_view text, size_t most);

}  // namespace leadgateway::identity

#endif  // LEADGATEWAY_GATEWAY_IDENTITY_IDENTITY_H_
