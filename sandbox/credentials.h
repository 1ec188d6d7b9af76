// The keys that the account accepts, and the two ways of sending them.
#ifndef SANDBOX_CREDENTIALS_H_
#define SANDBOX_CREDENTIALS_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace leadgateway::sandbox {

// The label stands for the pair wherever something is recorded.
struct KeyPair {
  std::string label;
  std::string access_key;
  std::string secret_key;
};

// Accepted when nothing else is asked for. Not secret: they open a stand-in.
inline constexpr absl::string_view kTestAccessKey =
    "u$r0123456789abcdef0123456789abcdef";
inline constexpr absl::string_view kTestSecretKey =
    "0123456789abcdef0123456789abcdef01234567";
KeyPair TestKeys();

enum class KeyWay { kNone, kHeader, kQuery, kBoth };
absl::string_view KeyWayName(KeyWay way);

struct KeyCheck {
  bool accepted = false;
  KeyWay way = KeyWay::kNone;
  std::string label;              // empty unless accepted
  bool unencoded_dollar = false;  // the query's access key had a bare `$`
};

// %XX only; `+` stays `+`. Nothing when a `%` is not followed by two hex
// digits or a character may not stand bare in a query.
std::optional<std::string> PercentDecode(absl::string_view text);

// Names and values, undecoded, in order.
std::vector<std::pair<absl::string_view, absl::string_view>> SplitQuery(
    absl::string_view query);
// The decoded value of a parameter; nothing when absent or badly encoded.
std::optional<std::string> QueryValue(absl::string_view query,
                                      absl::string_view name);

class KeyRing {
 public:
  // Empty: TestKeys().
  explicit KeyRing(std::vector<KeyPair> pairs);

  // Keys sent both ways must be right both ways. The header values are the
  // fields' values, empty when absent.
  KeyCheck Check(absl::string_view header_access,
                 absl::string_view header_secret,
                 absl::string_view query) const;

 private:
  const KeyPair* Find(absl::string_view access, absl::string_view secret) const;

  std::vector<KeyPair> pairs_;
};

}  // namespace leadgateway::sandbox

#endif  // SANDBOX_CREDENTIALS_H_
