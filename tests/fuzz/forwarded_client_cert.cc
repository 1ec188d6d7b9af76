// Fuzzes the reader of x-forwarded-client-cert, and what it is for: nothing
// that a client writes into the header may change what a proxy appends to it.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gateway/identity/forwarded_client_cert.h"
#include "gateway/identity/identity.h"

namespace leadgateway::identity {
namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

void Run(absl::string_view text) {
  const auto alone = ParseForwardedClientCert(text);
  if (alone.ok()) {
    Check(!alone->empty());
    for (const Identity& identity : *alone) {
      size_t bytes = identity.subject.size();
      for (const auto& uri : identity.uris) bytes += uri.size();
      for (const auto& name : identity.dns_names) bytes += name.size();
      Check(bytes <= text.size());
      Check(NameOf(identity).empty() ||
            IsPrintable(NameOf(identity), kLongestName));
    }
  } else {
    Check(absl::IsInvalidArgument(alone.status()));
    Check(!alone.status().message().empty());
  }

  const auto appended = ParseForwardedClientCert(absl::StrCat(
      text, ",By=spiffe://td/gw;Hash=0;Subject=\"CN=x,O=\\\"y\\\"\";URI=u"));
  if (!appended.ok()) return;
  Check(appended->size() >= 2);
  Check(appended->back().uris.size() == 1 && appended->back().uris[0] == "u");
  Check(appended->back().subject == "CN=x,O=\\\"y\\\"");
}

}  // namespace
}  // namespace leadgateway::identity

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  leadgateway::identity::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
