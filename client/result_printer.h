#ifndef LEADGATEWAY_CLIENT_RESULT_PRINTER_H_
#define LEADGATEWAY_CLIENT_RESULT_PRINTER_H_

#include <functional>
#include <optional>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/update_reporter.h"

namespace leadgateway::leadctl {

// How ResultPrinter writes.
struct ResultPrinterOptions {
  // Print UPDATED and VALID leads too.
  bool verbose = false;

  // Standard error is a terminal: one progress line, redrawn in place.
  // Otherwise one line now and then.
  bool redraw_progress = false;

  // Colour the outcomes on standard output.
  bool colour = false;
};

// Reports an update as text for people. Results and the summary go to `out`,
// progress and errors to `err`.
class ResultPrinter : public UpdateReporter {
 public:
  // The streams outlive the printer. `now` tells the time.
  ResultPrinter(std::ostream& out, std::ostream& err,
                ResultPrinterOptions options, std::function<absl::Time()> now);

  void Result(const leadgateway::v1::LeadResult& result, int line,
              bool local) override;
  void Progress(const leadgateway::v1::Progress& progress) override;
  void Retry(const absl::Status& refusal, absl::Duration delay) override;
  void Finish(const client::UpdateReport& report) override;
  void Fail(const absl::Status& error) override;

 private:
  std::string Coloured(leadgateway::v1::Outcome outcome,
                       const std::string& text) const;
  void PrintPlan(const leadgateway::v1::Plan& plan);

  // The one progress line of a terminal.
  void EraseProgress();
  void DrawProgress();

  std::ostream& out_;
  std::ostream& err_;
  const ResultPrinterOptions options_;
  const std::function<absl::Time()> now_;

  int done_ = 0;
  std::optional<leadgateway::v1::Progress> progress_;
  absl::Time last_drawn_ = absl::InfinitePast();
  bool drawn_ = false;
};

}  // namespace leadgateway::leadctl

#endif  // LEADGATEWAY_CLIENT_RESULT_PRINTER_H_
