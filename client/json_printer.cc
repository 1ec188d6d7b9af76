#include "client/json_printer.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <string>
#include <vector>

#include "client/rpc_error.h"
#include "client/wording.h"

namespace leadgateway::leadctl {
namespace {

using ::leadgateway::v1::LeadResult;
using ::leadgateway::v1::Outcome;

// One object on one line.
class JsonLine {
 public:
  explicit JsonLine(const char* type) : writer_(buffer_) {
    writer_.StartObject();
    Text("type", type);
  }

  void Text(const char* name, const std::string& value) {
    writer_.Key(name);
    String(value);
  }
  void TextIfAny(const char* name, const std::string& value) {
    if (!value.empty()) Text(name, value);
  }
  void Number(const char* name, int value) {
    writer_.Key(name);
    writer_.Int(value);
  }
  void Real(const char* name, double value) {
    writer_.Key(name);
    writer_.Double(value);
  }
  void Flag(const char* name, bool value) {
    writer_.Key(name);
    writer_.Bool(value);
  }
  void Seconds(const char* name, absl::Duration duration) {
    Real(name, absl::ToDoubleSeconds(duration));
  }
  void Texts(const char* name, const std::vector<std::string>& values) {
    writer_.Key(name);
    writer_.StartArray();
    for (const std::string& value : values) String(value);
    writer_.EndArray();
  }
  void Details(const client::ErrorDetails& details) {
    TextIfAny("reason", details.reason);
    if (!details.violations.empty()) {
      writer_.Key("violations");
      writer_.StartArray();
      for (const client::FieldViolation& violation : details.violations) {
        writer_.StartObject();
        Text("field", violation.field);
        Text("description", violation.description);
        writer_.EndObject();
      }
      writer_.EndArray();
    }
    if (!details.quotas.empty()) Texts("quotas", details.quotas);
    if (details.retry_delay.has_value()) {
      Seconds("retryDelaySeconds", *details.retry_delay);
    }
  }
  void Warnings(const LeadResult& result) {
    if (result.warnings_size() == 0) return;
    writer_.Key("warnings");
    writer_.StartArray();
    for (const leadgateway::v1::FieldWarning& warning : result.warnings()) {
      writer_.StartObject();
      Text("field", warning.field());
      Text("reason", warning.reason());
      Text("description", warning.description());
      writer_.EndObject();
    }
    writer_.EndArray();
  }
  void Error(const absl::Status& status) {
    Text("code", absl::StatusCodeToString(status.code()));
    Details(client::ReadErrorDetails(status));
    Text("message", std::string(status.message()));
  }
  void StartObject(const char* name) {
    writer_.Key(name);
    writer_.StartObject();
  }
  void EndObject() { writer_.EndObject(); }

  // Ends the object and writes it.
  void WriteTo(std::ostream& out) {
    writer_.EndObject();
    out.write(buffer_.GetString(),
              static_cast<std::streamsize>(buffer_.GetSize()));
    out << '\n';
    out.flush();
  }

 private:
  void String(const std::string& value) {
    writer_.String(value.data(),
                   static_cast<rapidjson::SizeType>(value.size()));
  }

  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_;
};

const char* CountName(Outcome outcome) {
  switch (outcome) {
    case leadgateway::v1::OUTCOME_UPDATED:
      return "updated";
    case leadgateway::v1::OUTCOME_VALID:
      return "valid";
    case leadgateway::v1::OUTCOME_FAILED:
      return "failed";
    case leadgateway::v1::OUTCOME_UNPROCESSED:
      return "unprocessed";
    case leadgateway::v1::OUTCOME_INVALID:
      return "invalid";
    case leadgateway::v1::OUTCOME_NOT_SENT:
      return "notSent";
    default:
      return "unknown";
  }
}

}  // namespace

void JsonPrinter::Result(const LeadResult& result, int line, bool local) {
  JsonLine json("result");
  json.Number("line", line);
  json.Number("index", result.index());
  json.TextIfAny("tag", result.tag());
  json.Text("outcome", OutcomeName(result.outcome()));
  json.Text("identifier", result.identifier());
  json.Text("identifierValue", result.identifier_value());
  if (result.has_status()) {
    json.Text("code", absl::StatusCodeToString(static_cast<absl::StatusCode>(
                          result.status().code())));
    json.Details(client::ReadErrorDetails(result.status()));
    json.Text("message", result.status().message());
  }
  json.Number("attempts", result.attempts());
  json.Warnings(result);
  if (local) json.Flag("local", true);
  json.WriteTo(out_);
}

void JsonPrinter::Progress(const leadgateway::v1::Progress& progress) {
  JsonLine json("progress");
  json.Number("leadsDone", progress.leads_done());
  json.Number("leadsTotal", progress.leads_total());
  json.Number("leadsQueuedAhead", progress.leads_queued_ahead());
  json.Number("upstreamCalls", progress.upstream_calls());
  if (progress.has_estimated_remaining()) {
    json.Seconds("estimatedRemainingSeconds",
                 ToDuration(progress.estimated_remaining()));
  }
  json.WriteTo(out_);
}

void JsonPrinter::Retry(const absl::Status& refusal, absl::Duration delay) {
  JsonLine json("retry");
  json.Error(refusal);
  json.Seconds("delaySeconds", delay);
  json.WriteTo(out_);
}

void JsonPrinter::Finish(const client::UpdateReport& report) {
  if (!report.rpc_status.ok()) Fail(report.rpc_status);
  JsonLine json("summary");
  for (const auto& [outcome, count] : OutcomeCounts(report.summary)) {
    json.Number(CountName(outcome), count);
  }
  json.Number("total", report.summary.total());
  json.Number("upstreamCalls", report.summary.upstream_calls());
  json.Real("leadsPerCall", LeadsPerCall(report.summary));
  json.Seconds("elapsedSeconds", ToDuration(report.summary.elapsed()));
  json.Flag("complete", report.complete);
  json.Texts("requestIds", report.request_ids);
  if (!report.anomalies.empty()) json.Texts("anomalies", report.anomalies);
  if (report.plan.has_value()) {
    json.StartObject("plan");
    json.Number("upstreamCalls", report.plan->upstream_calls());
    json.Seconds("estimatedDurationSeconds",
                 ToDuration(report.plan->estimated_duration()));
    json.TextIfAny("firstCallBody", report.plan->first_call_body());
    json.Number("leadsQueuedAhead", report.plan->leads_queued_ahead());
    json.EndObject();
  }
  json.WriteTo(out_);
}

void JsonPrinter::Fail(const absl::Status& error) {
  JsonLine json("error");
  json.Error(error);
  json.WriteTo(out_);
}

}  // namespace leadgateway::leadctl
