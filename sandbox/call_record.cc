#include "sandbox/call_record.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace leadgateway::sandbox {
namespace {

// Fate, whether it is named, and two lengths.
constexpr size_t kPackedHead = 2 + 2 * sizeof(std::uint32_t);

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void Text(Writer& writer, absl::string_view text) {
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void Moment(Writer& writer, const char* key,
            const std::optional<absl::Time>& time) {
  writer.Key(key);
  if (time.has_value()) {
    writer.Int64(absl::ToUnixMicros(*time));
  } else {
    writer.Null();
  }
}

void Number(Writer& writer, const char* key, std::uint64_t number) {
  writer.Key(key);
  writer.Uint64(number);
}

}  // namespace

absl::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPending:
      return "pending";
    case Verdict::kAnswered:
      return "answered";
    case Verdict::kRefused:
      return "refused";
    case Verdict::kThrottled:
      return "throttled";
    case Verdict::kThrottledByFault:
      return "throttled_by_fault";
    case Verdict::kUnauthorized:
      return "unauthorized";
    case Verdict::kFault:
      return "fault";
  }
  return "pending";
}

std::string PackLeads(const std::vector<RequestLead>& leads) {
  std::string packed;
  size_t size = 0;
  for (const RequestLead& lead : leads) {
    size += kPackedHead + lead.key_value.size() + lead.value.size();
  }
  packed.reserve(size);
  for (const RequestLead& lead : leads) {
    packed += static_cast<char>(lead.fate);
    packed += lead.named ? '\1' : '\0';
    for (const std::string* const text : {&lead.key_value, &lead.value}) {
      const auto length = static_cast<std::uint32_t>(text->size());
      packed.append(reinterpret_cast<const char*>(&length), sizeof length);
    }
    packed += lead.key_value;
    packed += lead.value;
  }
  return packed;
}

std::vector<RequestLead> CallRecord::Leads() const {
  std::vector<RequestLead> leads;
  size_t at = 0;
  while (at + kPackedHead <= packed_leads.size()) {
    std::array<std::uint32_t, 2> lengths{};
    std::memcpy(lengths.data(), packed_leads.data() + at + 2, sizeof lengths);
    RequestLead lead;
    lead.fate = static_cast<LeadFate>(packed_leads[at]);
    lead.named = packed_leads[at + 1] != '\0';
    at += kPackedHead;
    lead.key_value = packed_leads.substr(at, lengths[0]);
    at += lengths[0];
    lead.value = packed_leads.substr(at, lengths[1]);
    at += lengths[1];
    leads.push_back(std::move(lead));
  }
  return leads;
}

std::string CallRecord::ToJson() const {
  rapidjson::StringBuffer buffer;
  Writer writer(buffer);
  writer.StartObject();
  Number(writer, "call", number);
  Number(writer, "connection", connection);
  writer.Key("endpoint");
  Text(writer, EndpointName(endpoint));
  writer.Key("post");
  writer.Bool(is_post);
  Moment(writer, "arrival_us", arrival);
  Moment(writer, "counted_us", counted);
  Moment(writer, "answered_us", answered);
  writer.Key("delivered");
  writer.Bool(delivered);
  writer.Key("status");
  writer.Int(status);
  writer.Key("verdict");
  Text(writer, VerdictName(verdict));
  writer.Key("fault");
  Text(writer, FaultName(fault));
  writer.Key("applied");
  writer.Bool(applied);
  writer.Key("key_way");
  Text(writer, KeyWayName(key_way));
  writer.Key("key_label");
  Text(writer, key_label);
  writer.Key("identifier");
  Text(writer, identifier);
  writer.Key("leads");
  writer.StartArray();
  std::uint64_t index = 0;
  for (const RequestLead& lead : Leads()) {
    const char fate[] = {static_cast<char>(lead.fate), '\0'};
    writer.StartObject();
    Number(writer, "index", index++);
    writer.Key("value");
    Text(writer, lead.key_value);
    writer.Key("fate");
    writer.String(fate);
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize());
}

std::string CallStats::ToJson() const {
  rapidjson::StringBuffer buffer;
  Writer writer(buffer);
  writer.StartObject();
  Number(writer, "calls", calls);
  Number(writer, "posts_arrived", posts_arrived);
  Number(writer, "updates_received", updates_received);
  Number(writer, "throttled", throttled);
  Number(writer, "throttled_by_fault", throttled_by_fault);
  Number(writer, "unauthorized", unauthorized);
  Number(writer, "other_users_calls", other_users_calls);
  writer.Key("max_calls_in_window");
  writer.Int(max_calls_in_window);
  writer.Key("max_calls_in_window_with_others");
  writer.Int(max_calls_in_window_with_others);
  Number(writer, "leads_received", leads_received);
  Number(writer, "leads_applied", leads_applied);
  writer.Key("leads_per_call");
  writer.Double(updates_received == 0
                    ? 0.0
                    : static_cast<double>(leads_received) /
                          static_cast<double>(updates_received));
  writer.Key("calls_by_leads");
  writer.StartArray();
  for (std::uint64_t count : calls_by_leads) writer.Uint64(count);
  writer.EndArray();
  writer.Key("calls_by_status");
  writer.StartObject();
  for (const auto& [status, count] : calls_by_status) {
    Number(writer, absl::StrCat(status).c_str(), count);
  }
  writer.EndObject();
  writer.Key("calls_by_verdict");
  writer.StartObject();
  for (const auto& [verdict, count] : calls_by_verdict) {
    Number(writer, verdict.c_str(), count);
  }
  writer.EndObject();
  Number(writer, "in_flight", in_flight);
  Number(writer, "connections_accepted", connections_accepted);
  Number(writer, "connections_open", connections_open);
  Number(writer, "leads_held", leads_held);
  writer.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize());
}

CallRecord CallLog::Begin(CallRecord record) {
  record.number = next_++;
  ++stats_.calls;
  ++stats_.in_flight;
  if (record.is_post && record.endpoint == Endpoint::kUpdate) {
    ++stats_.posts_arrived;
  }
  records_.push_back(record);
  if (records_.size() > limit_) records_.pop_front();
  return record;
}

void CallLog::Update(const CallRecord& record) {
  if (records_.empty() || record.number < records_.front().number) return;
  const size_t at = record.number - records_.front().number;
  if (at < records_.size()) records_[at] = record;
}

void CallLog::Finish(const CallRecord& record) {
  Update(record);
  --stats_.in_flight;
  ++stats_.calls_by_status[record.status];
  ++stats_.calls_by_verdict[std::string(VerdictName(record.verdict))];
  switch (record.verdict) {
    case Verdict::kThrottled:
      ++stats_.throttled;
      break;
    case Verdict::kThrottledByFault:
      ++stats_.throttled_by_fault;
      break;
    case Verdict::kUnauthorized:
      ++stats_.unauthorized;
      break;
    default:
      break;
  }
}

void CallLog::Delivered(std::uint64_t number) {
  if (records_.empty() || number < records_.front().number) return;
  const size_t at = number - records_.front().number;
  if (at < records_.size()) records_[at].delivered = true;
}

std::vector<CallRecord> CallLog::From(std::uint64_t from, size_t limit) const {
  std::vector<CallRecord> calls;
  if (records_.empty()) return calls;
  const std::uint64_t first = records_.front().number;
  for (size_t at = from > first ? from - first : 0;
       at < records_.size() && calls.size() < limit; ++at) {
    calls.push_back(records_[at]);
  }
  return calls;
}

void CallLog::Clear() {
  records_.clear();
  stats_ = CallStats();
  next_ = 1;
  ++generation_;
}

}  // namespace leadgateway::sandbox
