#include "client/update_command.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "client/cancellation.h"
#include "client/interrupt.h"
#include "client/json_printer.h"
#include "client/lead_file.h"
#include "client/lead_gateway_client.h"
#include "client/lead_rows.h"
#include "client/result_printer.h"
#include "client/update_reporter.h"
#include "client/wording.h"

namespace leadgateway::leadctl {
namespace {

using ::leadgateway::v1::BulkUpdateLeadsRequest;
using ::leadgateway::v1::LeadResult;
using ::leadgateway::v1::Progress;

// Says what is wrong with the file. Returns whether its leads may be sent.
bool TellMistakes(const UpdateOptions& options, const LeadRows& rows,
                  const Console& console) {
  if (rows.mistakes.empty()) return true;
  for (const std::string& line :
       rows.mistakes.Lines(DisplayName(options.file))) {
    console.err << line << '\n';
  }
  const bool send =
      options.skip_bad_rows && !rows.unusable && !rows.leads.empty();
  if (send) {
    console.err << "leadctl: leaving out " << LeadsText(rows.bad_rows) << '\n';
  } else {
    console.err << "leadctl: nothing was sent\n";
  }
  return send;
}

BulkUpdateLeadsRequest MakeRequest(const UpdateOptions& options,
                                   LeadRows& rows) {
  BulkUpdateLeadsRequest request;
  request.set_account(options.common.account);
  request.set_search_by_key(options.search_by);
  request.set_validate_only(options.validate_only);
  if (options.push_non_existent) {
    request.mutable_options()->set_push_non_existent_leads_to_unprocessed_list(
        true);
  }
  request.mutable_leads()->Swap(&rows.leads);
  return request;
}

std::unique_ptr<UpdateReporter> MakeReporter(const UpdateOptions& options,
                                             const Console& console) {
  if (options.common.output == Output::kJson) {
    return std::make_unique<JsonPrinter>(console.out);
  }
  return std::make_unique<ResultPrinter>(
      console.out, console.err,
      ResultPrinterOptions{.verbose = options.verbose,
                           .redraw_progress = console.err_is_terminal,
                           .colour = console.colour},
      [] { return absl::Now(); });
}

}  // namespace

ExitStatus RunUpdate(const UpdateOptions& options, const Console& console) {
  LeadRows rows = ReadLeadFile(options.file, options.format, options.rows);
  if (!TellMistakes(options, rows, console)) return kUsage;
  const BulkUpdateLeadsRequest request = MakeRequest(options, rows);

  const auto client = client::LeadGatewayClient::Create(
      {.address = options.common.gateway, .limits = {}});
  if (!client.ok()) {
    console.err << "leadctl: " << client.status().message() << '\n';
    return kUsage;
  }
  const std::unique_ptr<UpdateReporter> reporter =
      MakeReporter(options, console);
  client::Cancellation cancellation;
  const InterruptWatch watch([&cancellation] { cancellation.Cancel(); });

  client::CallOptions call;
  call.timeout = options.common.timeout;
  call.caller = options.caller;
  call.priority = options.priority;
  call.retry.enabled = options.retry;
  call.cancellation = &cancellation;
  const client::UpdateCallbacks callbacks = {
      .on_result =
          [&](const LeadResult& result, bool local) {
            reporter->Result(result, rows.lines[result.index()], local);
          },
      .on_progress =
          [&](const Progress& progress) { reporter->Progress(progress); },
      .on_retry =
          [&](const absl::Status& refusal, absl::Duration delay) {
            reporter->Retry(refusal, delay);
          },
  };
  const auto report = (*client)->Update(request, callbacks, call);
  if (report.ok()) {
    reporter->Finish(*report);
  } else {
    reporter->Fail(report.status());
  }
  return UpdateExitStatus(report, watch.interrupted());
}

ExitStatus UpdateExitStatus(const absl::StatusOr<client::UpdateReport>& report,
                            bool interrupted) {
  if (interrupted) return kInterrupted;
  if (!report.ok() || !report->rpc_status.ok()) return kRpcFailed;
  const leadgateway::v1::Summary& summary = report->summary;
  const bool all_good = summary.updated() + summary.valid() == summary.total();
  return all_good ? kAllUpdated : kSomeNotUpdated;
}

}  // namespace leadgateway::leadctl
