// The life of a call: Begin, Count, Answer, Finish.
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sandbox/account.h"
#include "sandbox/draw.h"
#include "sandbox/lead_updater.h"
#include "sandbox/update_request.h"
#include "sandbox/wire_answers.h"

namespace leadgateway::sandbox {
namespace {

constexpr absl::string_view kUpdatePath =
    "/v2/LeadManagement.svc/Lead/Bulk/UpdateV2";
constexpr absl::string_view kMetadataPath =
    "/v2/LeadManagement.svc/LeadsMetaData.Get";
constexpr absl::string_view kUserPath =
    "/v2/Authentication.svc/UserByAccessKey.Get";

Endpoint EndpointOf(absl::string_view path) {
  if (path == kUpdatePath) return Endpoint::kUpdate;
  if (path == kMetadataPath) return Endpoint::kMetadata;
  if (path == kUserPath) return Endpoint::kUser;
  return Endpoint::kUnknown;
}

bool IsJson(absl::string_view content_type) {
  const absl::string_view type = absl::StripAsciiWhitespace(
      content_type.substr(0, content_type.find(';')));
  return absl::EqualsIgnoreCase(type, "application/json");
}

Reply ErrorReply(int status, absl::string_view type,
                 absl::string_view message) {
  Reply reply;
  reply.status = status;
  reply.body = ErrorJson(type, message);
  return reply;
}

std::string FieldsAsJson(const std::vector<UpdateField>& fields) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  writer.StartObject();
  for (const UpdateField& field : fields) {
    writer.Key(field.attribute.c_str());
    writer.String(field.value.data(),
                  static_cast<rapidjson::SizeType>(field.value.size()));
  }
  writer.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize());
}

// The last value, as the store keeps it; empty when the update has none.
std::string HistoryValue(absl::string_view history_field,
                         const std::vector<UpdateField>& fields) {
  if (history_field == "*") return FieldsAsJson(fields);
  std::string value;
  for (const UpdateField& field : fields) {
    if (field.attribute == history_field) value = field.value;
  }
  return value;
}

// Breaks off JSON at half and goes on with bytes that are not JSON.
std::string Garbage(absl::string_view json, std::uint64_t seed,
                    std::uint64_t call) {
  std::string text(json.substr(0, json.size() / 2));
  for (std::uint64_t i = 0; i < 32; ++i) {
    text += static_cast<char>(DrawBits(seed, DrawFor::kGarbage, call, i));
  }
  return text + "{[\"";
}

}  // namespace

Account::Call Account::Begin(const RequestHead& head) {
  const absl::string_view path = head.target.substr(0, head.target.find('?'));
  const absl::string_view query = path.size() < head.target.size()
                                      ? head.target.substr(path.size() + 1)
                                      : absl::string_view();
  Call call;
  CallRecord record;
  record.connection = head.connection;
  record.endpoint = EndpointOf(path);
  record.is_post = head.method == "POST";
  record.arrival = Now();

  MutexLock lock(mutex_);
  const KeyCheck check = keys_.Check(head.access_key, head.secret_key, query);
  record.key_way = check.way;
  record.key_label = check.label;
  call.record = log_.Begin(std::move(record));
  call.generation = log_.generation();
  const Endpoint endpoint = call.record.endpoint;
  const std::uint64_t number = call.record.number;

  if (endpoint == Endpoint::kUnknown) {
    call.behaviour = scenario_.always;
    call.record.verdict = Verdict::kRefused;
    call.reply = HtmlReply(404, "Endpoint not found.");
    call.decided = true;
    return call;
  }
  if (call.record.is_post != (endpoint == Endpoint::kUpdate) ||
      (endpoint != Endpoint::kUpdate && head.method != "GET")) {
    call.behaviour = scenario_.always;
    call.record.verdict = Verdict::kRefused;
    call.reply = HtmlReply(405, "Method not allowed.");
    call.reply.extra_headers =
        endpoint == Endpoint::kUpdate ? "Allow: POST\r\n" : "Allow: GET\r\n";
    call.decided = true;
    return call;
  }

  call.behaviour = scenario_.Pick(number, endpoint);
  const Behaviour& behaviour = *call.behaviour;
  call.seed = scenario_.seed;
  call.record.fault = behaviour.fault;
  call.query = std::string(query);
  call.json_content = IsJson(head.content_type);

  call.answer_after =
      behaviour.latency_min +
      DrawUnit(call.seed, DrawFor::kLatency, number) *
          std::max(absl::ZeroDuration(),
                   behaviour.latency_max - behaviour.latency_min);
  if (DrawUnit(call.seed, DrawFor::kSpike, number) <
      behaviour.spike_probability) {
    call.answer_after = behaviour.spike_to > absl::ZeroDuration()
                            ? behaviour.spike_to
                            : call.answer_after + behaviour.spike;
  }
  double fraction = 0;
  switch (scenario_.allowance.count_at) {
    case CountAt::kArrival:
      break;
    case CountAt::kAnswer:
      fraction = 1;
      break;
    case CountAt::kRandom:
      fraction = DrawUnit(call.seed, DrawFor::kCountMoment, number);
      break;
    case CountAt::kFraction:
      fraction = scenario_.allowance.count_fraction;
      break;
  }
  call.count_after = fraction * call.answer_after;

  if (behaviour.fault == Fault::kResetBeforeReading) {
    call.record.verdict = Verdict::kFault;
    call.reply.end = ReplyEnd::kReset;
    call.decided = true;
    call.answer_after = call.count_after = absl::ZeroDuration();
    return call;
  }
  bool accepted = check.accepted;
  if (check.unencoded_dollar) {
    accepted &= behaviour.unencoded_dollar != Dollar::kRefuse;
    call.write = behaviour.unencoded_dollar != Dollar::kDropWrites;
  }
  if (!accepted) {
    call.record.verdict = Verdict::kUnauthorized;
    call.reply = ErrorReply(401, "MXUnauthorizedException",
                            "Invalid AccessKey or SecretKey");
    call.decided = true;
    return call;
  }
  call.counts = Counts(behaviour.fault);
  return call;
}

void Account::RefuseTooLarge(Call& call) {
  call.record.verdict = Verdict::kRefused;
  call.reply = HtmlReply(413, "Request Entity Too Large");
  call.reply.close = true;
  call.decided = true;
  call.answer_after = call.count_after = absl::ZeroDuration();
}

void Account::Throttle(Call& call, int status) {
  const Allowance& allowance = scenario_.allowance;
  call.reply = ErrorReply(status, "MXAPIRateLimitExceededException",
                          RateLimitMessage(allowance.calls, allowance.window));
  if (!call.behaviour->retry_after.empty()) {
    call.reply.extra_headers =
        absl::StrCat("Retry-After: ", call.behaviour->retry_after, "\r\n");
  }
  call.decided = true;
}

bool Account::Count(Call& call, absl::string_view body) {
  if (call.decided) return false;
  MutexLock lock(mutex_);
  if (call.counts) {
    // Read under the lock: moments reach the judge in order.
    const absl::Time now = Now();
    call.record.counted = now;
    if (!WithinAllowance(now)) {
      if (call.record.endpoint == Endpoint::kUpdate) {
        CarryOutUpdate(call, body, /*apply=*/false);
      }
      call.record.verdict = Verdict::kThrottled;
      Throttle(call, call.behaviour->throttle_status);
      return call.behaviour->throttle_at_once;
    }
  }
  if (!call.behaviour->apply_at_answer) CarryOut(call, body);
  // Seen in the record while it waits for its answer.
  if (call.answer_after > absl::ZeroDuration() &&
      call.generation == log_.generation()) {
    log_.Update(call.record);
  }
  return call.record.verdict == Verdict::kThrottledByFault &&
         call.behaviour->throttle_at_once;
}

void Account::Answer(Call& call, absl::string_view body) {
  if (call.decided) return;
  MutexLock lock(mutex_);
  CarryOut(call, body);
}

void Account::CarryOutUpdate(Call& call, absl::string_view body, bool apply) {
  absl::StatusOr<UpdateRequest> request =
      ParseUpdateRequest(body, options_.max_leads_per_call);
  UpdateResult result;
  if (!call.json_content || !request.ok()) {
    result.status = 400;
    result.body =
        ErrorJson("MXInvalidInputException",
                  call.json_content ? request.status().message()
                                    : "Content-Type must be application/json");
  } else {
    // A fault that keeps the leads from being applied may still answer as if
    // they had been: the answer is always made.
    result = UpdateLeads(
        *request, *call.behaviour, call.seed, call.record.number,
        apply && call.write, fields_, store_,
        [&](LeadStore::LeadId lead, size_t index,
            const std::vector<UpdateField>& fields)
            ABSL_NO_THREAD_SAFETY_ANALYSIS {
              if (options_.history_field.empty()) return;
              history_[lead].push_back(
                  {call.record.number, static_cast<std::uint32_t>(index), Now(),
                   HistoryValue(options_.history_field, fields)});
            });
  }
  if (!apply) {
    for (RequestLead& lead : result.leads) lead.fate = LeadFate::kUntouched;
  }
  if (!options_.history_field.empty() && options_.history_field != "*") {
    for (size_t i = 0; i < result.leads.size(); ++i) {
      result.leads[i].value =
          HistoryValue(options_.history_field, request->leads[i].fields);
    }
  }
  call.record.verdict =
      result.status == 200 ? Verdict::kAnswered : Verdict::kRefused;
  call.reply.status = result.status;
  call.reply.body = std::move(result.body);
  call.record.identifier = std::move(result.identifier);
  call.record.lead_count = static_cast<std::uint32_t>(result.leads.size());
  call.record.leads_applied = static_cast<std::uint32_t>(result.applied);
  call.record.applied = result.applied > 0;
  call.record.packed_leads = PackLeads(result.leads);
  if (call.generation != log_.generation()) return;
  CallStats& stats = log_.stats();
  ++stats.updates_received;
  stats.leads_received += result.leads.size();
  stats.leads_applied += static_cast<std::uint64_t>(result.applied);
  ++stats.calls_by_leads[std::min<size_t>(result.leads.size(), 26)];
}

void Account::CarryOut(Call& call, absl::string_view body) {
  const Behaviour& behaviour = *call.behaviour;
  const Fault fault = behaviour.fault;
  call.record.verdict = Verdict::kAnswered;
  switch (call.record.endpoint) {
    case Endpoint::kUpdate:
      CarryOutUpdate(call, body, Applies(behaviour));
      break;
    case Endpoint::kMetadata:
      call.record.without_options =
          QueryValue(call.query, "excludeOptionSets").value_or("") == "1";
      call.reply.body = fields_.MetadataJson(
          QueryValue(call.query, "schemaName").value_or(""),
          call.record.without_options, behaviour.metadata_is_unique);
      break;
    case Endpoint::kUser:
      call.reply.body = UserJson(options_.api_host);
      break;
    case Endpoint::kUnknown:
      break;
  }
  call.decided = true;
  Reply& reply = call.reply;
  const Verdict by_rules = call.record.verdict;
  if (fault != Fault::kNone) call.record.verdict = Verdict::kFault;
  switch (fault) {
    case Fault::kNone:
    case Fault::kResetBeforeReading:
      break;
    case Fault::kThrottle429:
    case Fault::kThrottle403:
    case Fault::kThrottle200:
      call.record.verdict = Verdict::kThrottledByFault;
      Throttle(call, ThrottleStatus(fault));
      break;
    case Fault::kUnauthorized:
      reply = ErrorReply(401, "MXUnauthorizedException",
                         "Invalid AccessKey or SecretKey");
      break;
    case Fault::kWrongHost:
      // This one call works on any host: it is how the right one is found.
      if (call.record.endpoint == Endpoint::kUser) {
        call.record.verdict = by_rules;
        break;
      }
      reply = ErrorReply(
          401, "MXInvalidHostException",
          absl::StrCat("Invalid API host. Use https://", behaviour.right_host));
      break;
    case Fault::kError500:
      reply = ErrorReply(500, behaviour.error_type, behaviour.error_message);
      break;
    case Fault::kError412:
      reply = ErrorReply(412, behaviour.error_type, behaviour.error_message);
      break;
    case Fault::kHtml502:
      reply = HtmlReply(502, "Bad Gateway");
      break;
    case Fault::kEmptyBody:
      reply.body.clear();
      break;
    case Fault::kTruncatedBody:
      reply.end = ReplyEnd::kTruncated;
      break;
    case Fault::kGarbageJson:
      reply.body = Garbage(reply.body, call.seed, call.record.number);
      break;
    case Fault::kOversized:
      // Still the true answer, were it read to its end.
      reply.body.insert(
          0, std::string(static_cast<size_t>(behaviour.oversized_bytes), ' '));
      break;
    case Fault::kResetAfterApplying:
      reply.end = ReplyEnd::kReset;
      break;
    case Fault::kResetMidAnswer:
      reply.end = ReplyEnd::kResetMid;
      break;
    case Fault::kCloseWithoutAnswer:
      reply.end = ReplyEnd::kClose;
      break;
    case Fault::kNeverAnswer:
      reply.end = ReplyEnd::kNever;
      break;
  }
}

void Account::Finish(Call& call) {
  const ReplyEnd end = call.reply.end;
  const bool silent = end == ReplyEnd::kReset || end == ReplyEnd::kClose ||
                      end == ReplyEnd::kNever;
  call.record.status = silent ? 0 : call.reply.status;
  call.record.answered = Now();
  MutexLock lock(mutex_);
  if (call.generation == log_.generation()) log_.Finish(call.record);
}

void Account::Delivered(const Call& call) {
  MutexLock lock(mutex_);
  if (call.generation == log_.generation()) {
    log_.Delivered(call.record.number);
  }
}

}  // namespace leadgateway::sandbox
