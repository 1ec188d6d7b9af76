#include "client/result_printer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "client/printable.h"
#include "client/rpc_error.h"
#include "client/text_table.h"
#include "client/wording.h"

namespace leadgateway::leadctl {
namespace {

using ::leadgateway::v1::LeadResult;
using ::leadgateway::v1::Outcome;

// The width of the longest outcome, UNPROCESSED.
constexpr std::size_t kOutcomeWidth = 11;

// How often the progress line is written, to a terminal and elsewhere.
constexpr absl::Duration kRedrawPeriod = absl::Milliseconds(100);
constexpr absl::Duration kLinePeriod = absl::Seconds(1);

// To the line's begin, and erase it.
constexpr char kEraseLine[] = "\r\033[K";

bool IsGood(Outcome outcome) {
  return outcome == leadgateway::v1::OUTCOME_UPDATED ||
         outcome == leadgateway::v1::OUTCOME_VALID;
}

std::string ProgressText(const leadgateway::v1::Progress& progress, int done) {
  std::string text = absl::StrFormat(
      "%d of %d leads, %d calls", std::max(done, progress.leads_done()),
      progress.leads_total(), progress.upstream_calls());
  if (progress.leads_queued_ahead() > 0) {
    text += absl::StrFormat(", %d leads ahead", progress.leads_queued_ahead());
  }
  if (progress.has_estimated_remaining()) {
    text += ", about " +
            DurationText(ToDuration(progress.estimated_remaining())) + " left";
  }
  return text;
}

// The path of a violation without the lead's index: the line says which lead it
// is, and the index is the request's, not the file's.
std::string PathInLead(const std::string& field) {
  const std::size_t end = field.find("].");
  if (field.compare(0, 6, "leads[") != 0 || end == std::string::npos) {
    return field;
  }
  return field.substr(end + 2);
}

}  // namespace

ResultPrinter::ResultPrinter(std::ostream& out, std::ostream& err,
                             ResultPrinterOptions options,
                             std::function<absl::Time()> now)
    : out_(out), err_(err), options_(options), now_(std::move(now)) {}

void ResultPrinter::Result(const LeadResult& result, int line, bool local) {
  ++done_;
  if (!IsGood(result.outcome()) || options_.verbose ||
      result.warnings_size() > 0) {
    EraseProgress();
    std::string name = OutcomeName(result.outcome());
    name.resize(std::max(name.size(), kOutcomeWidth), ' ');
    out_ << "line " << line << "  " << Coloured(result.outcome(), name) << "  "
         << Printable(result.identifier()) << '='
         << Printable(result.identifier_value());
    if (!IsGood(result.outcome())) {
      const client::ErrorDetails details =
          client::ReadErrorDetails(result.status());
      out_ << "  ";
      if (!details.reason.empty()) out_ << Printable(details.reason) << ": ";
      out_ << Printable(result.status().message());
      if (local) out_ << " (leadctl)";
      // One violation is what the message says; several need a line each.
      if (details.violations.size() > 1) {
        for (const client::FieldViolation& violation : details.violations) {
          out_ << "\n    " << Printable(PathInLead(violation.field)) << ": "
               << Printable(violation.description);
        }
      }
    }
    for (const leadgateway::v1::FieldWarning& warning : result.warnings()) {
      out_ << "\n    warning: " << Printable(PathInLead(warning.field()))
           << ": " << Printable(warning.reason()) << ": "
           << Printable(warning.description());
    }
    out_ << '\n';
    out_.flush();
  }
  if (options_.redraw_progress && progress_.has_value() &&
      (!drawn_ || now_() - last_drawn_ >= kRedrawPeriod)) {
    DrawProgress();
  }
}

void ResultPrinter::Progress(const leadgateway::v1::Progress& progress) {
  progress_ = progress;
  const absl::Duration period =
      options_.redraw_progress ? kRedrawPeriod : kLinePeriod;
  if (now_() - last_drawn_ >= period) DrawProgress();
}

void ResultPrinter::Retry(const absl::Status& refusal, absl::Duration delay) {
  EraseProgress();
  err_ << "leadctl: not yet: " << Printable(std::string(refusal.message()))
       << "; trying again in " << DurationText(delay) << '\n';
  err_.flush();
}

void ResultPrinter::Finish(const client::UpdateReport& report) {
  EraseProgress();
  std::vector<std::vector<std::string>> rows = {{"OUTCOME", "LEADS"}};
  std::string advice;
  for (const auto& [outcome, count] : OutcomeCounts(report.summary)) {
    // VALID belongs to --validate-only, where it takes UPDATED's place.
    const bool never =
        outcome == (report.plan.has_value() ? leadgateway::v1::OUTCOME_UPDATED
                                            : leadgateway::v1::OUTCOME_VALID);
    if (never && count == 0) continue;
    rows.push_back({OutcomeName(outcome), std::to_string(count)});
    const std::string sentence = OutcomeAdvice(outcome);
    if (count > 0 && !sentence.empty()) {
      advice += OutcomeName(outcome) + ": " + sentence + "\n";
    }
  }
  rows.push_back({"total", std::to_string(report.summary.total())});
  out_ << '\n' << TextTable(rows, {1});
  out_ << absl::StrFormat("%d upstream calls, %.1f leads per call, %s\n",
                          report.summary.upstream_calls(),
                          LeadsPerCall(report.summary),
                          DurationText(ToDuration(report.summary.elapsed())));
  for (const std::string& id : report.request_ids) {
    out_ << "request " << Printable(id) << '\n';
  }
  if (!advice.empty()) out_ << '\n' << advice;
  if (report.plan.has_value()) PrintPlan(*report.plan);
  out_.flush();
  for (const std::string& anomaly : report.anomalies) {
    err_ << "leadctl: the gateway broke its contract: " << anomaly << '\n';
  }
  if (!report.rpc_status.ok()) {
    err_ << "leadctl: " << ErrorText(report.rpc_status) << '\n';
  }
  err_.flush();
}

void ResultPrinter::Fail(const absl::Status& error) {
  EraseProgress();
  err_ << "leadctl: " << ErrorText(error) << '\n';
  err_.flush();
}

std::string ResultPrinter::Coloured(Outcome outcome,
                                    const std::string& text) const {
  if (!options_.colour) return text;
  const char* colour = "\033[31m";  // Red.
  if (IsGood(outcome)) colour = "\033[32m";
  if (outcome == leadgateway::v1::OUTCOME_NOT_SENT ||
      outcome == leadgateway::v1::OUTCOME_UNKNOWN) {
    colour = "\033[33m";  // Yellow.
  }
  return colour + text + "\033[0m";
}

void ResultPrinter::PrintPlan(const leadgateway::v1::Plan& plan) {
  out_ << absl::StrFormat("\nplan: %d upstream calls, about %s",
                          plan.upstream_calls(),
                          DurationText(ToDuration(plan.estimated_duration())));
  if (plan.leads_queued_ahead() > 0) {
    out_ << absl::StrFormat(", %d leads ahead", plan.leads_queued_ahead());
  }
  out_ << '\n';
  if (!plan.first_call_body().empty()) {
    out_ << "first call: " << Printable(plan.first_call_body()) << '\n';
  }
}

void ResultPrinter::EraseProgress() {
  if (!drawn_) return;
  err_ << kEraseLine;
  err_.flush();
  drawn_ = false;
}

void ResultPrinter::DrawProgress() {
  const std::string text = ProgressText(*progress_, done_);
  if (options_.redraw_progress) {
    err_ << kEraseLine << text;
    drawn_ = true;
  } else {
    err_ << text << '\n';
  }
  err_.flush();
  last_drawn_ = now_();
}

}  // namespace leadgateway::leadctl
