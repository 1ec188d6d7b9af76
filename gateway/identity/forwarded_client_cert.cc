#include "gateway/identity/forwarded_client_cert.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace leadgateway::identity {
namespace {

class Reader {
 public:
  explicit Reader(absl::string_view text) : text_(text) {}

  absl::StatusOr<std::vector<Identity>> Header() {
    std::vector<Identity> elements;
    do {
      // Between the values of a header that comes several times, and in front
      // of the first one.
      while (Take(' ')) {
      }
      elements.emplace_back();
      subject_seen_ = false;
      do {
        if (absl::Status status = Pair(elements.back()); !status.ok()) {
          return status;
        }
      } while (Take(';'));
      while (Take(' ')) {
      }
    } while (Take(','));
    if (at_ < text_.size()) return Error("expected \",\" or \";\"");
    return elements;
  }

 private:
  absl::Status Pair(Identity& identity) {
    const size_t start = at_;
    while (absl::ascii_isalnum(static_cast<unsigned char>(Peek())) != 0) ++at_;
    const absl::string_view key = text_.substr(start, at_ - start);
    if (key.empty()) return Error("expected a key");
    if (!Take('=')) return Error("expected \"=\"");
    const size_t value_at = at_;
    std::string value;
    if (!Value(value)) return Error("a quote is not closed");
    if (absl::EqualsIgnoreCase(key, "URI")) {
      if (!value.empty()) identity.uris.push_back(std::move(value));
    } else if (absl::EqualsIgnoreCase(key, "DNS")) {
      if (!value.empty()) identity.dns_names.push_back(std::move(value));
    } else if (absl::EqualsIgnoreCase(key, "Subject")) {
      if (std::exchange(subject_seen_, true)) {
        at_ = value_at;
        return Error("a second Subject in one element");
      }
      identity.subject = std::move(value);
    }
    return absl::OkStatus();
  }

  bool Value(std::string& value) {
    if (!Take('"')) {
      const size_t start = at_;
      while (at_ < text_.size() && !absl::StrContains(",;\"", Peek())) ++at_;
      value = std::string(text_.substr(start, at_ - start));
      return true;
    }
    const size_t start = at_;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') {
        value = std::string(text_.substr(start, at_ - start - 1));
        return true;
      }
      if (c == '\\' && at_ < text_.size()) ++at_;
    }
    return false;
  }

  // '\0' at the end, which no rule takes for anything.
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  absl::Status Error(absl::string_view what) const {
    return absl::InvalidArgumentError(
        absl::StrCat(what, " at byte ", at_ + 1, " of ", text_.size()));
  }

  const absl::string_view text_;
  size_t at_ = 0;
  bool subject_seen_ = false;
};

}  // namespace

absl::StatusOr<std::vector<Identity>> ParseForwardedClientCert(
    absl::string_view header) {
  return Reader(header).Header();
}

}  // namespace leadgateway::identity
