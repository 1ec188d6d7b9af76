#include "gateway/server/lead_gateway_service.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/base/span_file.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/identity/caller.h"
#include "gateway/model/errors.h"
#include "gateway/model/folded_text.h"
#include "gateway/model/outcome.h"
#include "gateway/schema/field_catalogue.h"
#include "gateway/server/account_status_proto.h"
#include "gateway/server/engine.h"
#include "gateway/server/policy_file.h"
#include "gateway/server/policy_interceptor.h"
#include "gateway/server/request_context.h"
#include "gateway/server/result_proto.h"
#include "gateway/server/serving_config.h"
#include "gateway/server/spans.h"
#include "gateway/server/status_door.h"
#include "gateway/server/update_intake.h"
#include "gateway/server/update_reactor.h"
#include "gateway/server/update_stream.h"
#include "grpcpp/server_context.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::server {
namespace {

// Of all fields' options in one answer, which clients take up to 4 MiB of.
constexpr size_t kMostOptionBytes = size_t{2} << 20;

// When results must be there, by the monotonic clock.
absl::Time FinishBy(const grpc::CallbackServerContext& context,
                    const Clock& clock, absl::Duration default_timeout) {
  const absl::Time now = clock.Now();
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) {
    return now + default_timeout;
  }
  const absl::Duration left =
      absl::FromChrono(deadline) -
      absl::FromChrono(std::chrono::system_clock::now());
  // gRPC stands for "none" with a time that is merely far away, too.
  if (left > absl::Hours(24 * 365)) return now + default_timeout;
  return server::FinishBy(now, left);
}

void ListFields(const schema::FieldCatalogue& catalogue,
                absl::string_view filter,
                v1::ListLeadFieldsResponse* response) {
  const std::string wanted = Folded(filter);
  const auto fits = [&](const std::string& name) {
    return absl::StrContains(Folded(name), wanted);
  };
  size_t option_bytes = 0;
  for (const schema::FieldInfo& field : catalogue.fields()) {
    if (!fits(field.schema_name) && !fits(field.display_name)) continue;
    v1::LeadFieldInfo* const info = response->add_fields();
    info->set_schema_name(field.schema_name);
    info->set_display_name(field.display_name);
    info->set_data_type(field.data_type);
    info->set_unique(field.unique);
    info->set_mandatory(field.mandatory);
    info->set_read_only(field.read_only);
    info->set_max_length(field.max_length);
    for (const std::string& option : field.options) {
      if (option_bytes + option.size() > kMostOptionBytes) {
        info->set_options_left_out(static_cast<int32_t>(field.options.size()) -
                                   info->options_size());
        break;
      }
      option_bytes += option.size();
      info->add_options(option);
    }
  }
  ToProto(catalogue.fetched_at(), response->mutable_fetched_at());
}

}  // namespace

// One BulkUpdateLeads RPC.
struct LeadGatewayService::Update {
  std::shared_ptr<const ServingConfig> config;
  RequestContext request;
  int leads = 0;
  absl::Time started;
  UpdateIntake::Update intake;
};

LeadGatewayService::LeadGatewayService(const CurrentConfig& config,
                                       const Clock& clock, Engine* engine,
                                       Metrics* metrics,
                                       const PolicyFile* policy)
    : config_(config),
      trust_(config.Get()->options().listen.trust()),
      clock_(clock),
      engine_(engine),
      metrics_(metrics),
      policy_(policy),
      intake_(engine) {}

RequestContext LeadGatewayService::Read(
    const grpc::CallbackServerContext& context, RpcMethod method) const {
  RequestContext request = ReadContext(context, trust_);
  if (spans_ != nullptr) {
    thread_local absl::BitGen random;
    BeginSpan(request, config_.Get()->options().tracing.sampled_part, random);
  }
  if (policy_ != nullptr && request.admitted.ok()) {
    request.admitted = CheckPolicy(
        *policy_,
        absl::StrCat("/", v1::LeadGatewayService::service_full_name(), "/",
                     RpcMethodName(method)),
        request.caller, context);
  }
  return request;
}

absl::StatusOr<const AccountOptions*> LeadGatewayService::FindAccount(
    const ServingConfig& config, absl::string_view name,
    const RequestContext& request) const {
  if (!request.admitted.ok()) return request.admitted;
  const AccountOptions* const found = config.FindAccount(name);
  const auto allows = [&](const AccountOptions& account) {
    return identity::IsAllowed(request.caller, account.allowed_callers, trust_);
  };
  if (found == nullptr) {
    std::vector<std::string> names;
    for (const AccountOptions& account : config.options().accounts) {
      if (allows(account)) names.push_back(account.name);
    }
    return errors::AccountUnknown(name, names);
  }
  if (!allows(*found)) {
    return identity::Forbidden(found->name, request.caller, trust_);
  }
  return found;
}

grpc::ServerWriteReactor<v1::BulkUpdateLeadsResponse>*
LeadGatewayService::BulkUpdateLeads(grpc::CallbackServerContext* context,
                                    const v1::BulkUpdateLeadsRequest* request) {
  auto update = std::make_shared<Update>();
  update->started = clock_.Now();
  metrics_->RpcStarted(RpcMethod::kBulkUpdateLeads);
  under_way_.Begin();
  update->config = config_.Get();
  const GatewayOptions& options = update->config->options();
  update->request = Read(*context, RpcMethod::kBulkUpdateLeads);
  update->leads = request->leads_size();
  update->intake.finish_by =
      FinishBy(*context, clock_, options.limits.default_timeout);

  auto* const reactor = new UpdateReactor(
      context, update->request.request_id,
      [this, update] {
        if (!update->intake.account.empty()) {
          intake_.Cancel(update->intake);
        }
      },
      [this, update](const absl::Status& status, bool cancelled) {
        LogUpdate(*update, status, cancelled);
        under_way_.End();
      });
  update->intake.stream = std::make_shared<UpdateStream>(
      request->account().empty() ? options.default_account : request->account(),
      update->leads, clock_, [reactor] { reactor->Wake(); });
  // gRPC keeps a request for as long as its RPC lives; this one must not stay
  // beside the leads made of it.
  auto taken = std::make_shared<v1::BulkUpdateLeadsRequest>();
  taken->Swap(const_cast<v1::BulkUpdateLeadsRequest*>(request));
  Admit(update, std::move(taken));
  reactor->Start(update->intake.stream);
  return reactor;
}

void LeadGatewayService::Admit(
    const std::shared_ptr<Update>& update,
    std::shared_ptr<v1::BulkUpdateLeadsRequest> request) {
  const absl::StatusOr<const AccountOptions*> account =
      FindAccount(*update->config, request->account(), update->request);
  if (!account.ok()) return update->intake.stream->Refused(account.status());
  if (draining_.load(std::memory_order_relaxed)) {
    return update->intake.stream->Refused(errors::Draining());
  }
  update->intake.account = (*account)->name;
  update->intake.caller = update->request.caller.name;
  update->intake.request_id = update->request.request_id;
  update->intake.trace = update->request.trace;
  update->intake.priority = update->request.priority;
  update->intake.checks = (*account)->field_checks;
  update->intake.max_leads =
      update->config->options().limits.max_leads_per_request;
  intake_.Start(update->intake, std::move(request));
}

void LeadGatewayService::LogUpdate(const Update& update,
                                   const absl::Status& status,
                                   bool cancelled) const {
  const absl::Duration elapsed = clock_.Now() - update.started;
  const absl::StatusCode code =
      cancelled && status.ok() ? absl::StatusCode::kCancelled : status.code();
  metrics_->RpcFinished(RpcMethod::kBulkUpdateLeads, code, elapsed);
  const UpdateStream::Totals totals = update.intake.stream->totals();
  if (spans_ != nullptr && update.request.trace.sampled) {
    Span span = SpanOfRpc(update.request, RpcMethod::kBulkUpdateLeads,
                          update.intake.account, code, status, clock_.WallNow(),
                          elapsed);
    span.attributes.emplace_back("leadgateway.leads", int64_t{update.leads});
    span.attributes.emplace_back(
        "leadgateway.upstream_calls",
        int64_t{update.intake.stream->upstream_calls()});
    for (int i = 0; i < kOutcomeCount; ++i) {
      const int64_t count = totals[static_cast<size_t>(i)];
      if (count == 0) continue;
      span.attributes.emplace_back(
          absl::StrCat("leadgateway.leads.",
                       OutcomeLabel(static_cast<Outcome>(i))),
          count);
    }
    spans_->Write(std::move(span));
  }
  LogLine line(LogLevel::kInfo, "rpc");
  if (!line.enabled()) return;
  LogRpc(line, RpcMethod::kBulkUpdateLeads, update.request,
         update.intake.account, code, status, elapsed);
  line.Add("leads", update.leads)
      .Add("upstream_calls", update.intake.stream->upstream_calls());
  for (int i = 0; i < kOutcomeCount; ++i) {
    const int count = totals[static_cast<size_t>(i)];
    if (count > 0) line.Add(OutcomeLabel(static_cast<Outcome>(i)), count);
  }
}

void LeadGatewayService::LogRpc(LogLine& line, RpcMethod method,
                                const RequestContext& request,
                                absl::string_view account,
                                absl::StatusCode code,
                                const absl::Status& status,
                                absl::Duration elapsed) const {
  line.Add("method", RpcMethodName(method))
      .Add("request_id", request.request_id);
  if (request.trace.valid()) {
    line.Add("trace_id", request.trace.TraceIdText());
    if (spans_ != nullptr && request.trace.sampled) {
      line.Add("span_id", request.trace.SpanIdText());
    }
  }
  line.Add("caller", request.caller.name)
      .Add("account", account)
      .Add("code", absl::StatusCodeToString(code));
  if (!status.ok()) line.Add("reason", errors::ReasonNameOf(status));
  line.Add("duration_s", elapsed);
}

void LeadGatewayService::FinishUnary(grpc::ServerUnaryReactor* reactor,
                                     RpcMethod method,
                                     const RequestContext& request,
                                     absl::string_view account,
                                     absl::Time started,
                                     const absl::Status& status) const {
  const absl::Duration elapsed = clock_.Now() - started;
  metrics_->RpcFinished(method, status.code(), elapsed);
  if (spans_ != nullptr && request.trace.sampled) {
    spans_->Write(SpanOfRpc(request, method, account, status.code(), status,
                            clock_.WallNow(), elapsed));
  }
  {
    LogLine line(LogLevel::kInfo, "rpc");
    LogRpc(line, method, request, account, status.code(), status, elapsed);
  }
  reactor->Finish(ToGrpc(status));
  under_way_.End();
}

grpc::ServerUnaryReactor* LeadGatewayService::ListLeadFields(
    grpc::CallbackServerContext* context,
    const v1::ListLeadFieldsRequest* request,
    v1::ListLeadFieldsResponse* response) {
  const absl::Time started = clock_.Now();
  metrics_->RpcStarted(RpcMethod::kListLeadFields);
  under_way_.Begin();
  const RequestContext from = Read(*context, RpcMethod::kListLeadFields);
  const std::shared_ptr<const ServingConfig> config = config_.Get();
  const absl::StatusOr<const AccountOptions*> account =
      FindAccount(*config, request->account(), from);
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (!account.ok()) {
    TellRequestId(account.status(), from.request_id, context);
    FinishUnary(reactor, RpcMethod::kListLeadFields, from, "", started,
                account.status());
    return reactor;
  }
  const absl::Time until =
      FinishBy(*context, clock_, config->options().limits.default_timeout);
  engine_->WithFields(
      (*account)->name, until, nullptr, [] { return int64_t{0}; },
      [this, context, reactor, request, response, started, from,
       name = (*account)->name](absl::StatusOr<Engine::Catalogue> fields) {
        absl::Status status = fields.status();
        if (status.ok() && *fields == nullptr) {
          // The account's checks are off, so nobody has asked LeadSquared.
          status = errors::SchemaUnavailable(name);
        }
        if (status.ok()) {
          ListFields(**fields, request->filter(), response);
        }
        TellRequestId(status, from.request_id, context);
        FinishUnary(reactor, RpcMethod::kListLeadFields, from, name, started,
                    status);
      });
  return reactor;
}

grpc::ServerUnaryReactor* LeadGatewayService::GetAccountStatus(
    grpc::CallbackServerContext* context,
    const v1::GetAccountStatusRequest* request,
    v1::GetAccountStatusResponse* response) {
  const absl::Time started = clock_.Now();
  metrics_->RpcStarted(RpcMethod::kGetAccountStatus);
  under_way_.Begin();
  const RequestContext from = Read(*context, RpcMethod::kGetAccountStatus);
  context->AddInitialMetadata("x-request-id", from.request_id);
  const std::shared_ptr<const ServingConfig> config = config_.Get();
  const absl::StatusOr<const AccountOptions*> found =
      FindAccount(*config, request->account(), from);
  // gRPC makes it once for each call.
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (!found.ok()) {
    FinishUnary(reactor, RpcMethod::kGetAccountStatus, from, "", started,
                found.status());
    return reactor;
  }
  const AccountOptions& account = **found;
  engine_->GetState(account.name,
                    [this, response, reactor, started, from, config,
                     &account](const Engine::State& state) {
                      ToProto(state, account, config->options().limits,
                              clock_.Now(), clock_.WallNow(), response);
                      FinishUnary(reactor, RpcMethod::kGetAccountStatus, from,
                                  account.name, started, absl::OkStatus());
                    });
  return reactor;
}

}  // namespace leadgateway::server
