// Fuzzes gateway/leadsquared/answer_reader: the first byte chooses what HTTP
// brought, the rest is the body. Besides surviving, the reader must not believe
// an answer that another JSON parser refuses, nor say more than it can know.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/http/http_client.h"
#include "gateway/leadsquared/answer_reader.h"
#include "gateway/model/lead.h"
#include "gateway/model/limits.h"
#include "rapidjson/document.h"

namespace leadgateway::leadsquared {
namespace {

using dispatch::CallVerdict;
using Kind = dispatch::LeadVerdict::Kind;

constexpr std::array<int, 16> kStatuses = {200, 200, 200, 200, 400, 401,
                                           403, 404, 412, 429, 500, 502,
                                           503, 204, 302, 0};

void Check(bool holds) {
  if (!holds) std::abort();
}

std::vector<LeadUpdate> Leads() {
  std::vector<LeadUpdate> leads(3);
  leads[0].fields = {{"EmailAddress", "jack@gmail.com"}};
  leads[1].fields = {{"EmailAddress", "M\xC3\xBCller@x.de"}};
  leads[2].fields = {{"EmailAddress", "+91-9988776655"}};
  return leads;
}

// Whether another parser finds an object with a list of successes in it.
bool NamesSuccesses(absl::string_view body) {
  absl::ConsumePrefix(&body, "\xEF\xBB\xBF");
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag |
                 rapidjson::kParseValidateEncodingFlag |
                 rapidjson::kParseNumbersAsStringsFlag>(body.data(),
                                                        body.size());
  if (document.HasParseError() || !document.IsObject()) return false;
  // By count: comparing rapidjson's iterators is ambiguous in C++20.
  auto member = document.MemberBegin();
  for (size_t i = 0; i < document.MemberCount(); ++i, ++member) {
    if (absl::string_view(member->name.GetString()) != "Details") continue;
    if (!member->value.IsObject()) continue;
    auto list = member->value.MemberBegin();
    for (size_t j = 0; j < member->value.MemberCount(); ++j, ++list) {
      if (absl::string_view(list->name.GetString()) == "SuccessfulLeads" &&
          list->value.IsArray() && !list->value.Empty()) {
        return true;
      }
    }
  }
  return false;
}

void Run(const uint8_t* data, size_t size) {
  http::HttpReply reply;
  const uint8_t choice = size > 0 ? data[0] : 0;
  reply.http_status = kStatuses[choice & 15];
  if ((choice & 16) == 0) reply.sent_at = absl::UnixEpoch();
  if ((choice & 32) != 0) reply.status = absl::UnavailableError("broke");
  reply.done_at = absl::UnixEpoch() + absl::Seconds(1);
  if (size > 1) {
    reply.body.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
  }
  const std::vector<LeadUpdate> leads = Leads();
  const ReadAnswer read = ReadReply(reply, {&leads[0], &leads[1], &leads[2]});
  const dispatch::CallReport& report = read.report;
  Check(report.text.size() <= kMaxReasonBytes + 3);
  if (!reply.sent_at) Check(report.verdict == CallVerdict::kNotSent);
  if (report.verdict != CallVerdict::kAnswered) {
    Check(report.leads.empty());
    return;
  }
  Check(reply.status.ok() && reply.http_status / 100 == 2);
  Check(report.leads.size() == leads.size());
  for (const dispatch::LeadVerdict& verdict : report.leads) {
    if (verdict.kind == Kind::kUpdated) Check(NamesSuccesses(reply.body));
  }
  ReadOtherReply(reply);
}

}  // namespace
}  // namespace leadgateway::leadsquared

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  leadgateway::leadsquared::Run(data, size);
  return 0;
}
