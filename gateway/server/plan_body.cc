#include "gateway/server/plan_body.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gateway/leadsquared/wire_codec.h"
#include "gateway/model/lead.h"
#include "gateway/model/limits.h"

namespace leadgateway::server {
namespace {

constexpr int kShownCharacters = 3;

std::string Shortened(absl::string_view value) {
  size_t end = 0;
  int characters = 0;
  while (end < value.size()) {
    // A byte that starts a character.
    if ((static_cast<unsigned char>(value[end]) & 0xC0) != 0x80) {
      if (characters == kShownCharacters) break;
      ++characters;
    }
    ++end;
  }
  std::string shown(value.substr(0, end));
  if (end < value.size()) shown += "...";
  return shown;
}

}  // namespace

std::string FirstCallBody(absl::string_view search_key,
                          const std::vector<LeadUpdate>& leads) {
  if (leads.empty()) return "";
  const size_t count =
      std::min(leads.size(), static_cast<size_t>(kMaxLeadsPerCall));
  std::vector<LeadUpdate> shown(leads.begin(),
                                leads.begin() + static_cast<long>(count));
  std::vector<const LeadUpdate*> call;
  for (LeadUpdate& lead : shown) {
    for (FieldValue& field : lead.fields) field.value = Shortened(field.value);
    call.push_back(&lead);
  }
  return leadsquared::EncodeUpdate(search_key, call);
}

}  // namespace leadgateway::server
