#include "sandbox/wire_answers.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"

namespace leadgateway::sandbox {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void Member(Writer& writer, const char* key, absl::string_view text) {
  writer.Key(key);
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void Member(Writer& writer, const char* key, int number) {
  writer.Key(key);
  writer.Int(number);
}

void Lines(Writer& writer, const char* key, const std::vector<LeadLine>& lines,
           bool with_reason) {
  if (lines.empty()) return;
  writer.Key(key);
  writer.StartArray();
  for (const LeadLine& line : lines) {
    writer.StartObject();
    Member(writer, "Identifier", line.identifier);
    Member(writer, "IdentifierValue", line.value);
    if (with_reason) Member(writer, "Reason", line.reason);
    writer.EndObject();
  }
  writer.EndArray();
}

}  // namespace

std::string UpdateAnswerJson(const UpdateAnswer& answer) {
  rapidjson::StringBuffer buffer;
  Writer writer(buffer);
  writer.StartObject();
  writer.Key("Status");
  writer.StartObject();
  Member(writer, "TotalCount", answer.total);
  Member(writer, "SuccessCount", answer.success);
  Member(writer, "FailureCount", answer.failure);
  if (answer.unprocessed.has_value()) {
    Member(writer, "UnProcessedCount", *answer.unprocessed);
  }
  Member(writer, "Message", answer.message);
  writer.EndObject();
  writer.Key("Details");
  writer.StartObject();
  Lines(writer, "SuccessfulLeads", answer.successful_leads, false);
  Lines(writer, "FailedLeads", answer.failed_leads, true);
  Lines(writer, "UnProcessedLeads", answer.unprocessed_leads, true);
  writer.EndObject();
  writer.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize());
}

std::string ErrorJson(absl::string_view type, absl::string_view message) {
  rapidjson::StringBuffer buffer;
  Writer writer(buffer);
  writer.StartObject();
  Member(writer, "Status", "Error");
  Member(writer, "ExceptionType", type);
  Member(writer, "ExceptionMessage", message);
  writer.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize());
}

std::string RateLimitMessage(int calls, absl::Duration window) {
  // Whole seconds on the API's page; a short test window keeps its fraction.
  return absl::StrCat("API calls exceeded the limit of ", calls, " in ",
                      absl::ToDoubleSeconds(window), " second(s)");
}

std::string UserJson(absl::string_view api_host) {
  absl::string_view region = api_host;
  absl::ConsumePrefix(&region, "api-");
  rapidjson::StringBuffer buffer;
  Writer writer(buffer);
  writer.StartObject();
  Member(writer, "Class", "1");
  Member(writer, "Group", "1");
  Member(writer, "SubRegionId", "1");
  Member(writer, "Id", "00000000-0000-4000-a000-000000000001");
  Member(writer, "Name", "Sandbox");
  Member(writer, "Role", "Administrator");
  Member(writer, "TimeZone", "Asia/Kolkata");
  Member(writer, "Type", "ApplicationUser");
  Member(writer, "OrgDisplayName", "Sandbox");
  Member(writer, "OrgShortCode", "10000");
  Member(writer, "DefaultCountryCode", "91");
  writer.Key("LSQCommonServiceURLs");
  writer.StartObject();
  Member(writer, "api", api_host);
  Member(writer, "app", region);
  writer.EndObject();
  writer.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize());
}

std::string DuplicateReason(int copies) {
  return absl::StrCat(copies, " Duplicate Lead(s) provided");
}

}  // namespace leadgateway::sandbox
