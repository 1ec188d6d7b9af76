#include "gateway/server/update_intake.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/dispatch/job.h"
#include "gateway/model/lead.h"
#include "gateway/model/outcome.h"
#include "gateway/server/plan_body.h"
#include "gateway/server/result_proto.h"
#include "gateway/validation/request_validator.h"

namespace leadgateway::server {
namespace {

// Results are written this long before the caller's deadline, so that they
// arrive: a twentieth of the time that it gave, within bounds.
constexpr double kReserveShare = 0.05;
constexpr absl::Duration kLeastReserve = absl::Milliseconds(5);
constexpr absl::Duration kMostReserve = absl::Milliseconds(500);

int64_t BytesOf(const v1::BulkUpdateLeadsRequest& request) {
  return static_cast<int64_t>(request.SpaceUsedLong());
}

}  // namespace

absl::Time FinishBy(absl::Time now, absl::Duration left) {
  return now + left -
         std::clamp(left * kReserveShare, kLeastReserve, kMostReserve);
}

void UpdateIntake::Start(const Update& update,
                         std::shared_ptr<v1::BulkUpdateLeadsRequest> request) {
  const v1::BulkUpdateLeadsRequest& held = *request;
  engine_->WithFields(
      update.account, update.finish_by, update.ticket,
      [&held] { return BytesOf(held); },
      [this, update, request = std::move(request)](
          absl::StatusOr<Engine::Catalogue> fields) mutable {
        if (!fields.ok()) {
          update.stream->Refused(fields.status());
        } else {
          Hand(update, std::move(request), *std::move(fields),
               /*newest=*/false);
        }
      });
}

void UpdateIntake::Hand(const Update& update,
                        std::shared_ptr<v1::BulkUpdateLeadsRequest> request,
                        Engine::Catalogue catalogue, bool newest) {
  absl::StatusOr<validation::ValidatedRequest> validated =
      validation::ValidateRequest(*request, {.max_leads = update.max_leads,
                                             .catalogue = catalogue.get(),
                                             .checks = update.checks,
                                             .stop_at_unknown_name = !newest});
  if (!validated.ok()) return update.stream->Refused(validated.status());
  if (validated->unknown_name) {
    const int64_t bytes = BytesOf(*request);
    engine_->WithNewerFields(
        update.account, std::move(catalogue), update.finish_by, update.ticket,
        bytes,
        [this, update, request = std::move(request)](
            absl::StatusOr<Engine::Catalogue> fields) mutable {
          if (!fields.ok()) {
            update.stream->Refused(fields.status());
          } else {
            Hand(update, std::move(request), *std::move(fields),
                 /*newest=*/true);
          }
        });
    return;
  }

  dispatch::JobSpec job;
  job.caller = update.caller;
  job.request_id = update.request_id;
  job.trace = update.trace;
  job.priority = update.priority;
  job.search_key = validated->search_key;
  job.nonexistent_is_unprocessed =
      request->options().push_non_existent_leads_to_unprocessed_list();
  job.finish_by = update.finish_by;
  if (request->validate_only()) {
    auto plan = std::make_shared<v1::Plan>();
    const int leads = static_cast<int>(validated->leads.size());
    plan->set_first_call_body(
        FirstCallBody(validated->search_key, validated->leads));
    auto results = std::make_shared<std::vector<LeadResult>>(
        std::move(validated->invalid));
    for (LeadUpdate& lead : validated->leads) {
      LeadResult result;
      result.index = lead.index;
      result.outcome = Outcome::kValid;
      result.identifier = lead.key().attribute;
      result.identifier_value = lead.key().value;
      result.tag = std::move(lead.tag);
      const auto warned = validated->warnings.find(lead.index);
      if (warned != validated->warnings.end()) {
        result.warnings = std::move(warned->second);
      }
      results->push_back(std::move(result));
    }
    engine_->CountResults(update.account, *results);
    engine_->Foresee(update.account, std::move(job), leads,
                     [stream = update.stream, plan,
                      results](const dispatch::JobOutlook& outlook) {
                       plan->set_upstream_calls(outlook.upstream_calls);
                       plan->set_leads_queued_ahead(outlook.leads_queued_ahead);
                       ToProto(outlook.duration,
                               plan->mutable_estimated_duration());
                       stream->Accepted(std::move(*results), std::move(*plan));
                       stream->OnFinished(0);
                     });
    return;
  }
  if (validated->leads.empty()) {
    engine_->CountResults(update.account, validated->invalid);
    update.stream->Accepted(std::move(validated->invalid));
    update.stream->OnFinished(0);
    return;
  }

  // The stream outlives none of what it calls: it must not keep itself alive.
  update.stream->WatchCongestion(
      [engine = engine_, account = update.account, ticket = update.ticket,
       weak = std::weak_ptr<UpdateStream>(update.stream)] {
        engine->Hold(account, ticket, [weak] {
          const std::shared_ptr<UpdateStream> stream = weak.lock();
          return stream != nullptr && stream->congested();
        });
      });
  job.leads = std::move(validated->leads);
  engine_->Submit(
      update.account, std::move(job), update.stream, update.ticket,
      [engine = engine_, account = update.account, stream = update.stream,
       invalid = std::move(validated->invalid),
       warnings = std::move(validated->warnings)](absl::Status status) mutable {
        if (status.ok()) {
          engine->CountResults(account, invalid);
          stream->Accepted(std::move(invalid), std::nullopt,
                           std::move(warnings));
        } else {
          stream->Refused(std::move(status));
        }
      });
}

}  // namespace leadgateway::server
