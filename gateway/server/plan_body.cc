#include "gateway/server/plan_body.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gateway/leadsquared/wire_codec.h"
#include "gateway/model/errors.h"
#include "gateway/model/lead.h"
#include "gateway/model/limits.h"

namespace leadgateway::server {
namespace {

constexpr int kShownCharacters = 3;
// A body of 25 leads of 30 fields has 60 KB. Its text travels in a message.
constexpr size_t kMostBytes = size_t{256} << 10;

bool StartsCharacter(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
}

// The first few characters, and never all of them.
std::string Shortened(absl::string_view value) {
  size_t end = 0;
  size_t last = 0;  // where the character before `end` starts
  for (int shown = 0; shown < kShownCharacters && end < value.size(); ++shown) {
    last = end++;
    while (end < value.size() && !StartsCharacter(value[end])) ++end;
  }
  if (value.empty()) return "";
  return absl::StrCat(value.substr(0, end < value.size() ? end : last), "...");
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
  return errors::Bounded(leadsquared::EncodeUpdate(search_key, call),
                         kMostBytes);
}

}  // namespace leadgateway::server
