#include "client/question_commands.h"

#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/json_util.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "client/lead_gateway_client.h"
#include "client/printable.h"
#include "client/text_table.h"
#include "client/wording.h"

namespace leadgateway::leadctl {
namespace {

using ::leadgateway::v1::GetAccountStatusRequest;
using ::leadgateway::v1::GetAccountStatusResponse;
using ::leadgateway::v1::LeadFieldInfo;
using ::leadgateway::v1::ListLeadFieldsRequest;
using ::leadgateway::v1::ListLeadFieldsResponse;

std::string TimeText(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC",
                          absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

std::string BytesText(int64_t bytes) {
  constexpr double kKib = 1024;
  const auto size = static_cast<double>(bytes);
  if (size < kKib) return absl::StrFormat("%d B", bytes);
  if (size < kKib * kKib) return absl::StrFormat("%.0f KiB", size / kKib);
  return absl::StrFormat("%.1f MiB", size / kKib / kKib);
}

// The first few options.
std::string OptionsText(const LeadFieldInfo& field) {
  constexpr size_t kWidth = 40;
  std::string text;
  int shown = 0;
  for (const std::string& option : field.options()) {
    const std::string next = Printable(option);
    if (shown > 0 && text.size() + next.size() + 2 > kWidth) break;
    text += shown == 0 ? next : ", " + next;
    ++shown;
  }
  const int all = field.options_size() + field.options_left_out();
  if (shown < all) {
    text += absl::StrFormat("%s... (%d)", shown == 0 ? "" : ", ", all);
  }
  return text;
}

std::string YesNo(bool value) { return value ? "yes" : "-"; }

// One JSON object on one line, in protobuf's mapping.
std::string JsonText(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string text;
  const auto status =
      google::protobuf::util::MessageToJsonString(message, &text, options);
  return status.ok() ? text + "\n" : "{}\n";
}

client::CallOptions Call(const CommonOptions& options) {
  client::CallOptions call;
  call.timeout = options.timeout;
  return call;
}

// Asks, and prints the answer or why there is none.
template <typename Ask, typename Text>
ExitStatus Answer(const CommonOptions& options, const Console& console, Ask ask,
                  Text text) {
  const auto client = client::LeadGatewayClient::Create(
      {.address = options.gateway, .limits = {}});
  if (!client.ok()) {
    console.err << "leadctl: " << client.status().message() << '\n';
    return kUsage;
  }
  const auto response = ask(**client);
  if (!response.ok()) {
    console.err << "leadctl: " << ErrorText(response.status()) << '\n';
    return kRpcFailed;
  }
  console.out << (options.output == Output::kJson ? JsonText(*response)
                                                  : text(*response));
  console.out.flush();
  return kAllUpdated;
}

}  // namespace

ExitStatus RunStatus(const CommonOptions& options, const Console& console) {
  GetAccountStatusRequest request;
  request.set_account(options.account);
  return Answer(
      options, console,
      [&](client::LeadGatewayClient& client) {
        return client.GetAccountStatus(request, Call(options));
      },
      StatusText);
}

ExitStatus RunFields(const FieldsOptions& options, const Console& console) {
  ListLeadFieldsRequest request;
  request.set_account(options.common.account);
  request.set_filter(options.filter);
  return Answer(
      options.common, console,
      [&](client::LeadGatewayClient& client) {
        return client.ListLeadFields(request, Call(options.common));
      },
      FieldsText);
}

std::string StatusText(const GetAccountStatusResponse& response) {
  std::vector<std::vector<std::string>> rows;
  rows.push_back({"account", Printable(response.account())});
  std::string limit =
      absl::StrFormat("%d calls in %s", response.limit_calls(),
                      DurationText(ToDuration(response.limit_window())));
  if (response.limit_source() == leadgateway::v1::LIMIT_SOURCE_LEARNED) {
    limit += " (LeadSquared said so)";
  } else {
    limit += " (configured)";
  }
  rows.push_back({"limit", limit});
  std::string free = std::to_string(response.calls_free());
  if (response.calls_free() == 0) {
    free += ", the next in " +
            DurationText(ToDuration(response.next_call_free_in()));
  }
  rows.push_back({"calls free", free});
  std::string today = std::to_string(response.calls_today());
  if (response.daily_calls() > 0) {
    today += " of " + std::to_string(response.daily_calls());
  }
  rows.push_back({"calls today", today});
  if (response.has_daily_budget()) {
    const leadgateway::v1::DailyBudget& budget = response.daily_budget();
    std::string text = absl::StrFormat("%d free now", budget.calls_free());
    if (budget.calls_free() == 0) {
      text += ", the next in " +
              DurationText(ToDuration(budget.next_call_free_in()));
    }
    if (budget.spread() == leadgateway::v1::DAILY_SPREAD_EVEN) {
      text += ", spread over the day";
    }
    text += ", starts anew at " + TimeText(budget.ends_at());
    rows.push_back({"daily budget", text});
  }
  if (!response.keeps_state()) {
    rows.push_back({"across restarts", "not counted (no stateDir)"});
  } else if (!response.state_problem().empty()) {
    rows.push_back({"across restarts",
                    "NOT COUNTED NOW: " + Printable(response.state_problem())});
  }
  rows.push_back({"calls in all", std::to_string(response.calls_total())});
  rows.push_back({"leads per call",
                  absl::StrFormat("%.1f", response.mean_leads_per_call())});
  rows.push_back(
      {"leads waiting", absl::StrFormat("%d of %d", response.leads_queued(),
                                        response.max_leads_queued())});
  rows.push_back(
      {"memory of leads", BytesText(response.bytes_queued()) + " of " +
                              BytesText(response.max_bytes_queued())});
  rows.push_back(
      {"leads in flight", std::to_string(response.leads_in_flight())});
  if (!response.blocked().empty()) {
    rows.push_back({"blocked", Printable(response.blocked())});
  }
  rows.push_back(
      {"last throttle",
       response.has_last_throttle()
           ? TimeText(response.last_throttle().time()) + ", " +
                 std::to_string(response.last_throttle().count()) +
                 " in all: " + Printable(response.last_throttle().text())
           : "none"});
  rows.push_back({"fields loaded", response.has_fields_fetched_at()
                                       ? TimeText(response.fields_fetched_at())
                                       : "never"});
  rows.push_back(
      {"keys loaded", std::to_string(response.credential_generation())});
  std::string text = TextTable(rows);
  if (response.callers_size() == 0) return text;

  std::vector<std::vector<std::string>> callers = {
      {"CALLER", "WAITING", "OF THESE BULK", "MEMORY", "WEIGHT"}};
  for (const auto& caller : response.callers()) {
    callers.push_back({Printable(caller.caller()),
                       std::to_string(caller.leads_queued()),
                       std::to_string(caller.bulk_leads_queued()),
                       BytesText(caller.bytes_queued()),
                       absl::StrFormat("%g", caller.weight())});
  }
  return text + "\n" + TextTable(callers, {1, 2, 3, 4});
}

std::string FieldsText(const ListLeadFieldsResponse& response) {
  std::vector<std::vector<std::string>> rows = {
      {"FIELD", "NAME", "TYPE", "UNIQUE", "NEEDED", "READ ONLY", "LONGEST",
       "OPTIONS"}};
  for (const LeadFieldInfo& field : response.fields()) {
    rows.push_back(
        {Printable(field.schema_name()), Printable(field.display_name()),
         Printable(field.data_type()), YesNo(field.unique()),
         YesNo(field.mandatory()), YesNo(field.read_only()),
         field.max_length() > 0 ? std::to_string(field.max_length()) : "-",
         OptionsText(field)});
  }
  return TextTable(rows, {6}) + std::to_string(response.fields_size()) +
         (response.fields_size() == 1 ? " field\n" : " fields\n");
}

}  // namespace leadgateway::leadctl
