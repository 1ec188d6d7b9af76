#ifndef LEADGATEWAY_GATEWAY_SERVER_PLAN_BODY_H_
#define LEADGATEWAY_GATEWAY_SERVER_PLAN_BODY_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gateway/model/lead.h"

namespace leadgateway::server {

// The body of the first call that `leads` would make, with at most the first 3
// characters of each value and never all of them; cut at 256 KiB; "" for no
// leads.
std::string FirstCallBody(absl::string_view search_key,
                          const std::vector<LeadUpdate>& leads);

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_PLAN_BODY_H_
