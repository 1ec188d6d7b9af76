#ifndef LEADGATEWAY_CLIENT_UPDATE_REPORTER_H_
#define LEADGATEWAY_CLIENT_UPDATE_REPORTER_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/update_types.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::leadctl {

// Shows how an update goes. Called on one thread; exactly one of Finish and
// Fail comes, as the last call.
class UpdateReporter {
 public:
  virtual ~UpdateReporter() = default;

  // A lead's result, and the line of the file on which the lead begins.
  virtual void Result(const leadgateway::v1::LeadResult& result, int line,
                      bool local) = 0;

  virtual void Progress(const leadgateway::v1::Progress& progress) = 0;

  // The gateway refused for now; another try follows after `delay`.
  virtual void Retry(const absl::Status& refusal, absl::Duration delay) = 0;

  // Each lead has its result.
  virtual void Finish(const client::UpdateReport& report) = 0;

  // Nothing was sent.
  virtual void Fail(const absl::Status& error) = 0;
};

}  // namespace leadgateway::leadctl

#endif  // LEADGATEWAY_CLIENT_UPDATE_REPORTER_H_
