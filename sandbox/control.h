// The /_sandbox/ paths: how a test or an operator steers the sandbox while it
// runs. None of them counts as a call of the API.
#ifndef SANDBOX_CONTROL_H_
#define SANDBOX_CONTROL_H_

#include "absl/strings/string_view.h"
#include "sandbox/account.h"
#include "sandbox/reply.h"

namespace leadgateway::sandbox {

inline constexpr absl::string_view kControlPrefix = "/_sandbox/";

// Answers a request whose target begins with kControlPrefix.
Reply HandleControl(Account& account, absl::string_view method,
                    absl::string_view target, absl::string_view body);

}  // namespace leadgateway::sandbox

#endif  // SANDBOX_CONTROL_H_
