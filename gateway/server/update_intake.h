#ifndef LEADGATEWAY_GATEWAY_SERVER_UPDATE_INTAKE_H_
#define LEADGATEWAY_GATEWAY_SERVER_UPDATE_INTAKE_H_

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "gateway/base/trace.h"
#include "gateway/dispatch/job.h"
#include "gateway/model/field_checks.h"
#include "gateway/model/limits.h"
#include "gateway/server/engine.h"
#include "gateway/server/update_stream.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::server {

// Brings a BulkUpdateLeads request from the front door to dispatch: the
// account's fields, validation, and a job or a plan. Knows no gRPC. Any thread.
class UpdateIntake {
 public:
  // `engine` must outlive this object.
  explicit UpdateIntake(Engine* engine) : engine_(engine) {}

  // One request on its way.
  struct Update {
    std::string account;  // configured
    std::string caller;
    std::string request_id;
    TraceContext trace;
    dispatch::Priority priority = dispatch::Priority::kInteractive;
    FieldChecks checks;  // the account's
    int max_leads = kDefaultMaxLeadsPerRequest;
    absl::Time finish_by;  // when results must be there, by the clock's Now()
    std::shared_ptr<UpdateStream> stream;
    std::shared_ptr<Engine::Ticket> ticket = std::make_shared<Engine::Ticket>();
  };

  // Sees to it that `update.stream` is told whether the request was accepted,
  // and all that comes after. Takes the texts out of the request, which nobody
  // else may use, and lets go of it once it is a job: queued leads must not be
  // there twice.
  void Start(const Update& update,
             std::shared_ptr<v1::BulkUpdateLeadsRequest> request);

  // The update's caller is gone.
  void Cancel(const Update& update) {
    engine_->Cancel(update.account, update.ticket);
  }

 private:
  // The second half of Start, with the account's fields (null: not checked).
  // Unless these are the newest there are to be had, a name that is not among
  // them has them loaded anew first.
  void Hand(const Update& update,
            std::shared_ptr<v1::BulkUpdateLeadsRequest> request,
            Engine::Catalogue catalogue, bool newest);

  Engine* const engine_;
};

// When results must be there, so that they arrive before the deadline of a
// caller that has left `left` of it: a little sooner.
absl::Time FinishBy(absl::Time now, absl::Duration left);

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_UPDATE_INTAKE_H_
