#include "gateway/server/server.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/admin/admin_pages.h"
#include "gateway/admin/admin_server.h"
#include "gateway/admin/metrics.h"
#include "gateway/admin/status_page.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/process_stats.h"
#include "gateway/config/config.h"
#include "grpc/health/v1/health.pb.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"

namespace leadgateway::server {
namespace {

constexpr char kServiceName[] = "leadgateway.v1.LeadGatewayService";
// A loop that takes longer to come round is stuck.
constexpr absl::Duration kLoopStuckAfter = absl::Seconds(2);
// Streams that are over by then have been read; others have clients that do not
// read.
constexpr absl::Duration kStreamsEnd = absl::Seconds(5);

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Create(GatewayOptions options) {
  SetLogLevel(options.log_level);
  auto server = std::unique_ptr<Server>(new Server(std::move(options)));
  const GatewayOptions& config = server->options_;

  server->metrics_ = std::make_unique<Metrics>();
  absl::StatusOr<std::unique_ptr<Engine>> engine =
      Engine::Create(config, SystemClock::Get(), server->metrics_.get());
  if (!engine.ok()) return engine.status();
  server->engine_ = *std::move(engine);
  server->service_ = std::make_unique<LeadGatewayService>(
      config, SystemClock::Get(), server->engine_.get(),
      server->metrics_.get());
  server->ready_ = std::make_shared<std::atomic<bool>>(false);

  if (!config.admin_address.empty()) {
    AdminSources sources;
    sources.metrics = [metrics = server->metrics_.get(),
                       engine = server->engine_.get()] {
      // First: to look at the accounts wakes the loop.
      ProcessGauges process;
      process.loop_silent_for = engine->SilentFor();
      process.process = ReadProcessStats();
      std::vector<AccountGauges> accounts;
      for (AccountView& view :
           engine->View(kLoopStuckAfter).value_or(std::vector<AccountView>())) {
        accounts.push_back(std::move(view.gauges));
      }
      return metrics->Text(accounts, process);
    };
    sources.alive = [engine = server->engine_.get()] {
      return engine->Responds(kLoopStuckAfter)
                 ? Condition{true, "alive"}
                 : Condition{false, "the dispatch loop is stuck"};
    };
    sources.status = [server = server.get()] {
      StatusView view;
      view.loop_silent_for = server->engine_->SilentFor();
      view.accounts = server->engine_->View(kLoopStuckAfter);
      view.now = SystemClock::Get().WallNow();
      view.uptime = SystemClock::Get().Now() - server->started_;
      const bool serving = server->serving_.load();
      if (serving) view.listen = server->listen_address_;
      view.ready = server->ready_->load();
      view.ready_text = view.ready ? "serving"
                        : serving  ? "draining"
                                   : "starting";
      return view;
    };
    sources.ready = [ready = server->ready_] {
      return ready->load() ? Condition{true, "ready"}
                           : Condition{false, "draining"};
    };
    absl::StatusOr<std::unique_ptr<AdminServer>> admin = AdminServer::Create(
        config.admin_address, AdminPages(std::move(sources)));
    if (!admin.ok()) return admin.status();
    server->admin_ = *std::move(admin);
  }

  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  // gRPC's own health service has no descriptor. Used, this one is linked, and
  // reflection finds it.
  grpc::health::v1::HealthCheckRequest::descriptor();
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(config.listen_address,
                           grpc::InsecureServerCredentials(), &port);
  // Two servers on one port would share connections silently.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(config.limits.max_request_bytes);
  builder.RegisterService(server->service_.get());
  server->engine_->Start();
  server->grpc_ = builder.BuildAndStart();
  if (server->grpc_ == nullptr || port == 0) {
    return absl::UnavailableError(
        absl::StrCat("listen.address: can't listen at ", config.listen_address,
                     "; is the port in use, or the host not this machine's?"));
  }
  server->listen_address_ = absl::StrCat(
      config.listen_address.substr(0, config.listen_address.rfind(':')), ":",
      port);
  server->grpc_->GetHealthCheckService()->SetServingStatus(true);
  server->grpc_->GetHealthCheckService()->SetServingStatus(kServiceName, true);
  server->serving_.store(true);
  server->ready_->store(true);
  return server;
}

Server::Server(GatewayOptions options) : options_(std::move(options)) {}

Server::~Server() {
  if (grpc_ != nullptr) Drain();
}

std::string Server::admin_address() const {
  return admin_ == nullptr ? "" : admin_->bound_address();
}

void Server::Drain() {
  if (drained_) return;
  drained_ = true;
  LogLine(LogLevel::kInfo, "draining").Add("timeout_s", options_.drain_timeout);
  ready_->store(false);
  grpc_->GetHealthCheckService()->SetServingStatus(false);
  service_->StartDraining();
  engine_->Drain(options_.drain_timeout);
  grpc_->Shutdown(std::chrono::system_clock::now() +
                  absl::ToChronoMilliseconds(kStreamsEnd));
  grpc_->Wait();
  if (admin_ != nullptr) admin_->Stop();
  LogLine(LogLevel::kInfo, "stopped");
}

}  // namespace leadgateway::server
