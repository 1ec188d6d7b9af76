#ifndef LEADGATEWAY_CLIENT_JSON_PRINTER_H_
#define LEADGATEWAY_CLIENT_JSON_PRINTER_H_

#include <ostream>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/update_reporter.h"

namespace leadgateway::leadctl {

// Reports an update as JSON lines for programs: one object a line, told apart
// by "type": "result" (one for each lead), "progress", "retry", "error", and
// "summary" as the last one. Absent members are empty or do not apply. Times
// are in seconds.
class JsonPrinter : public UpdateReporter {
 public:
  // The stream outlives the printer.
  explicit JsonPrinter(std::ostream& out) : out_(out) {}

  void Result(const leadgateway::v1::LeadResult& result, int line,
              bool local) override;
  void Progress(const leadgateway::v1::Progress& progress) override;
  void Retry(const absl::Status& refusal, absl::Duration delay) override;
  void Finish(const client::UpdateReport& report) override;
  void Fail(const absl::Status& error) override;

 private:
  std::ostream& out_;
};

}  // namespace leadgateway::leadctl

#endif  // LEADGATEWAY_CLIENT_JSON_PRINTER_H_
