#include "gateway/server/server.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/admin/admin_pages.h"
#include "gateway/admin/admin_server.h"
#include "gateway/admin/metrics.h"
#include "gateway/admin/status_page.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/mutex.h"
#include "gateway/base/process_stats.h"
#include "gateway/base/span_file.h"
#include "gateway/config/config.h"
#include "gateway/server/certificate_files.h"
#include "gateway/server/config_page.h"
#include "gateway/server/config_reloader.h"
#include "gateway/server/guarded_sockets.h"
#include "gateway/server/http2_guard.h"
#include "gateway/server/listener.h"
#include "gateway/server/policy_file.h"
#include "gateway/server/policy_interceptor.h"
#include "gateway/server/serving_config.h"
#include "gateway/server/tls.h"
#include "grpc/health/v1/health.pb.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/server_interceptor.h"

namespace leadgateway::server {
namespace {

constexpr char kServiceName[] = "leadgateway.v1.LeadGatewayService";
// A loop that takes longer to come round is stuck.
constexpr absl::Duration kLoopStuckAfter = absl::Seconds(2);
// Streams that are over by then have been read; others have clients that do not
// read.
constexpr absl::Duration kStreamsEnd = absl::Seconds(5);
// The last bytes of streams are on their way when gRPC calls them over. Clients
// that close their connections themselves, as they are asked to, have this
// long; then they are closed.
constexpr absl::Duration kLastBytes = absl::Milliseconds(100);
// For RPCs that gRPC has read and not yet handed on: long enough for threads
// that wait for a processor. With 10 ms, on an overloaded machine, one of 1,200
// RPCs around a drain ended as CANCELLED.
constexpr absl::Duration kHalfRead = absl::Milliseconds(100);
// Descriptors that are not for the listener's connections: LeadSquared's, the
// admin pages', files.
constexpr int kOtherDescriptors = 256;
// While gRPC has so many connections to take down that the guard ended, others
// come in slowly: each may hold what a connection may take of headers at once.
constexpr int kMostEnding = 16;

std::string HostName() {
  char name[HOST_NAME_MAX + 1] = "";
  gethostname(name, HOST_NAME_MAX);
  return name;
}

// Connections that the process can have, of those that it may.
int MostConnections(int configured) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return configured;
  const auto descriptors =
      static_cast<int>(std::min<rlim_t>(limit.rlim_cur, INT_MAX));
  const int most = std::max(descriptors / 2, descriptors - kOtherDescriptors);
  if (most < configured) {
    LogLine(LogLevel::kWarn, "few_descriptors")
        .Add("descriptors", descriptors)
        .Add("max_connections", most);
  }
  return std::min(configured, most);
}

// Says what has changed, for whoever reads the log.
void LogChange(const ServingConfig& before, const ServingConfig& next) {
  std::vector<absl::string_view> added;
  std::vector<absl::string_view> changed;
  std::vector<absl::string_view> removed;
  for (const AccountOptions& account : next.options().accounts) {
    const AccountOptions* const known = before.FindAccount(account.name);
    if (known == nullptr) {
      added.push_back(account.name);
    } else if (!(*known == account)) {
      changed.push_back(account.name);
    }
  }
  for (const AccountOptions& account : before.options().accounts) {
    if (next.FindAccount(account.name) == nullptr) {
      removed.push_back(account.name);
    }
  }
  LogLine(LogLevel::kInfo, "config_reloaded")
      .Add("generation", next.generation())
      .Add("accounts", next.options().accounts.size())
      .AddList("added", added)
      .AddList("changed", changed)
      .AddList("removed", removed);
  if (next.waiting().empty()) return;
  LogLine(LogLevel::kWarn, "config_needs_restart")
      .AddList("settings", std::vector<absl::string_view>(
                               next.waiting().begin(), next.waiting().end()))
      .Add("consequence",
           "these take effect at the next start; the rest of the file is in "
           "force");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Create(GatewayOptions options) {
  SetLogLevel(options.log_level);
  auto server = std::unique_ptr<Server>(new Server(std::move(options)));
  const std::shared_ptr<const ServingConfig> first = server->config_.Get();
  const GatewayOptions& config = first->options();

  if (!config.tracing.file.empty()) {
    absl::StatusOr<std::unique_ptr<SpanFile>> spans =
        SpanFile::Create({.path = config.tracing.file,
                          .resource = {{"service.name", "lead-gateway"},
                                       {"host.name", HostName()},
                                       {"process.pid", absl::StrCat(getpid())}},
                          .most_bytes = config.tracing.max_file_bytes});
    if (!spans.ok()) {
      return absl::FailedPreconditionError(
          absl::StrCat("tracing.file: ", spans.status().message()));
    }
    server->spans_ = *std::move(spans);
  }

  server->metrics_ = std::make_unique<Metrics>();
  absl::StatusOr<std::unique_ptr<Engine>> engine =
      Engine::Create(config, SystemClock::Get(), server->metrics_.get());
  if (!engine.ok()) return engine.status();
  server->engine_ = *std::move(engine);
  for (const AccountOptions& account : config.accounts) {
    if (!account.allowed_callers.empty() && !config.listen.trust().verifies) {
      LogLine(LogLevel::kWarn, "allowed_callers_unverified")
          .Add("account", account.name);
    }
  }
  if (!config.listen.policy_file.empty()) {
    absl::StatusOr<std::unique_ptr<PolicyFile>> policy = PolicyFile::Create(
        config.listen.policy_file, config.listen.policy_refresh);
    if (!policy.ok()) return policy.status();
    server->policy_ = *std::move(policy);
  }
  server->service_ = std::make_unique<LeadGatewayService>(
      server->config_, SystemClock::Get(), server->engine_.get(),
      server->metrics_.get(), server->policy_.get());
  server->engine_->WriteSpansTo(server->spans_.get());
  server->service_->WriteSpansTo(server->spans_.get());
  server->ready_ = std::make_shared<std::atomic<bool>>(false);

  if (config.listen.tls) {
    absl::StatusOr<std::unique_ptr<CertificateFiles>> certificates =
        CertificateFiles::Create(*config.listen.tls);
    if (!certificates.ok()) return certificates.status();
    server->certificates_ = *std::move(certificates);
    server->credentials_ = MakeTlsCredentials(
        *server->certificates_, config.listen.tls->client_certificates);
  } else {
    server->credentials_ = grpc::InsecureServerCredentials();
  }
  absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Create(
      {.address = config.listen_address,
       .max_connections =
           MostConnections(config.listen.connections.max_connections),
       .busy = [] { return GuardedConnectionsEnding() >= kMostEnding; }});
  if (!listener.ok()) {
    return absl::Status(
        listener.status().code(),
        absl::StrCat("listen.address: ", listener.status().message()));
  }
  server->listener_ = *std::move(listener);

  if (!config.admin_address.empty()) {
    AdminSources sources;
    sources.metrics = [server = server.get(), metrics = server->metrics_.get(),
                       engine = server->engine_.get(),
                       spans = server->spans_.get()] {
      // First: to look at the accounts wakes the loop.
      ProcessGauges process;
      process.config = server->ConfigNow();
      process.loop_silent_for = engine->SilentFor();
      process.process = ReadProcessStats();
      if (spans != nullptr) process.spans_dropped = spans->dropped();
      std::vector<AccountGauges> accounts;
      for (AccountView& view :
           engine->View(kLoopStuckAfter).value_or(std::vector<AccountView>())) {
        accounts.push_back(std::move(view.gauges));
      }
      return metrics->Text(accounts, process);
    };
    sources.alive = [engine = server->engine_.get(),
                     listening = server->listener_.get(),
                     ready = server->ready_] {
      if (!engine->Responds(kLoopStuckAfter)) {
        return Condition{false, "the dispatch loop is stuck"};
      }
      if (ready->load() && !listening->Responds(kLoopStuckAfter)) {
        return Condition{false, "the gRPC listener is stuck"};
      }
      return Condition{true, "alive"};
    };
    sources.status = [server = server.get()] {
      StatusView view;
      view.loop_silent_for = server->engine_->SilentFor();
      view.accounts = server->engine_->View(kLoopStuckAfter);
      view.now = SystemClock::Get().WallNow();
      view.uptime = SystemClock::Get().Now() - server->started_;
      const bool serving = server->serving_.load();
      if (serving) view.listen = server->listen_address();
      Condition ready = server->Readiness();
      view.ready = ready.ok;
      view.ready_text = std::move(ready.text);
      return view;
    };
    sources.ready = [server = server.get()] { return server->Readiness(); };
    sources.config = [server = server.get()] {
      return server->ConfigPageNow();
    };
    absl::StatusOr<std::unique_ptr<AdminServer>> admin = AdminServer::Create(
        config.admin_address, AdminPages(std::move(sources)));
    if (!admin.ok()) return admin.status();
    server->admin_ = *std::move(admin);
  }

  server->engine_->Start();
  if (absl::Status status = server->StartGrpc(); !status.ok()) return status;
  server->listener_->Start([server = server.get()](int listener_fd, int fd) {
    server->HandOver(listener_fd, fd);
  });
  server->serving_.store(true);
  server->ready_->store(true);
  return server;
}

absl::Status Server::StartGrpc() {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  // gRPC's own health service has no descriptor. Used, this one is linked, and
  // reflection finds it.
  grpc::health::v1::HealthCheckRequest::descriptor();
  const std::shared_ptr<const ServingConfig> config = config_.Get();
  const ConnectionOptions& limits = config->options().listen.connections;
  const auto milliseconds = [](absl::Duration duration) {
    return static_cast<int>(absl::ToInt64Milliseconds(duration));
  };
  grpc::ServerBuilder builder;
  for (const auto& [name, value] : std::vector<std::pair<const char*, int>>{
           {GRPC_ARG_MAX_CONCURRENT_STREAMS, limits.max_streams},
           {GRPC_ARG_MAX_METADATA_SIZE, limits.max_metadata_bytes},
           {GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(limits.keepalive_time)},
           {GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
            milliseconds(limits.keepalive_timeout)},
           {GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1},
           {GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
            milliseconds(limits.min_client_keepalive)},
           {GRPC_ARG_MAX_CONNECTION_AGE_MS, milliseconds(limits.max_age)},
           {GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
            milliseconds(limits.max_age_grace)},
           {GRPC_ARG_MAX_CONNECTION_IDLE_MS, milliseconds(limits.max_idle)},
           {GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
            milliseconds(limits.handshake_timeout)}}) {
    builder.AddChannelArgument(name, value);
  }
  grpc::ResourceQuota memory("lead_gateway");
  memory.Resize(static_cast<size_t>(limits.max_memory_bytes));
  builder.SetResourceQuota(memory);
  builder.SetMaxReceiveMessageSize(config->options().limits.max_request_bytes);
  builder.RegisterService(service_.get());
  if (policy_ != nullptr) {
    std::vector<
        std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>
        interceptors;
    interceptors.push_back(MakePolicyInterceptorFactory(
        policy_.get(), config->options().listen.trust(),
        absl::StrCat("/", kServiceName, "/")));
    builder.experimental().SetInterceptorCreators(std::move(interceptors));
  }
  acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      credentials_);
  grpc_ = builder.BuildAndStart();
  if (grpc_ == nullptr) {
    return absl::InternalError("gRPC can't start its server");
  }
  UpdateHealth();
  engine_->OnFieldsKnown([this] { UpdateHealth(); });
  return absl::OkStatus();
}

void Server::HandOver(int listener_fd, int fd) {
  const std::shared_ptr<const ServingConfig> config = config_.Get();
  const ListenOptions& listen = config->options().listen;
  if (!listen.tls) {
    Http2Guard::Limits limits;
    // Compression aside, several times what gRPC takes.
    limits.max_header_block_bytes =
        4 * static_cast<size_t>(listen.connections.max_metadata_bytes);
    limits.streams_before_settings = listen.connections.max_streams;
    GuardReads(fd, limits);
  }
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters
      connection;
  connection.listener_fd = listener_fd;
  connection.fd = fd;
  acceptor_->HandleNewConnection(&connection);
}

Server::Server(GatewayOptions options)
    : config_(std::make_shared<const ServingConfig>(
          std::move(options), /*generation=*/1, SystemClock::Get().WallNow())) {
}

void Server::WatchConfig(std::string path, std::function<void()> begun,
                         std::function<void(const absl::Status&)> ended) {
  auto reloader = std::make_unique<ConfigReloader>(
      std::move(path), config_.Get()->options(), SystemClock::Get(),
      ConfigReloader::Hooks{
          .apply =
              [this](const GatewayOptions& options) { return Apply(options); },
          .begun = std::move(begun),
          .ended = std::move(ended)});
  const MutexLock lock(reloader_mutex_);
  reloader_ = std::move(reloader);
}

void Server::ReloadConfig() {
  const MutexLock lock(reloader_mutex_);
  if (reloader_ != nullptr) reloader_->Reload();
}

absl::Status Server::Apply(GatewayOptions options) {
  const std::shared_ptr<const ServingConfig> before = config_.Get();
  absl::StatusOr<std::vector<std::string>> waiting =
      KeepFixedSettings(before->options(), options);
  if (!waiting.ok()) return waiting.status();
  if (absl::Status status = engine_->Apply(options); !status.ok()) {
    return status;
  }
  const auto next = std::make_shared<const ServingConfig>(
      std::move(options), before->generation() + 1,
      SystemClock::Get().WallNow(), *std::move(waiting));
  config_.Set(next);
  // What was set by hand stays until the file says something else.
  if (next->options().log_level != before->options().log_level) {
    SetLogLevel(next->options().log_level);
  }
  LogChange(*before, *next);
  return absl::OkStatus();
}

ConfigGauges Server::ConfigNow() const {
  const std::shared_ptr<const ServingConfig> config = config_.Get();
  ConfigGauges gauges;
  gauges.generation = config->generation();
  gauges.loaded_at = config->loaded_at();
  gauges.needs_restart = !config->waiting().empty();
  const MutexLock lock(reloader_mutex_);
  if (reloader_ != nullptr) {
    const ConfigReloader::State state = reloader_->state();
    gauges.reload_failures = state.failures;
    gauges.last_reload_ok = state.mistakes.empty();
  }
  return gauges;
}

std::string Server::ConfigPageNow() const {
  const std::shared_ptr<const ServingConfig> config = config_.Get();
  const MutexLock lock(reloader_mutex_);
  if (reloader_ == nullptr) return ConfigPage(*config, nullptr);
  const ConfigReloader::State state = reloader_->state();
  return ConfigPage(*config, &state);
}

Server::~Server() {
  if (grpc_ != nullptr) Drain();
}

bool Server::Alive() {
  return engine_->Responds(kLoopStuckAfter) &&
         listener_->Responds(kLoopStuckAfter);
}

std::string Server::admin_address() const {
  return admin_ == nullptr ? "" : admin_->bound_address();
}

Condition Server::Readiness() const {
  if (!ready_->load()) {
    return {false, serving_.load() ? "draining" : "starting"};
  }
  std::vector<std::string> without;
  bool any = false;
  for (const auto& [name, known] : engine_->FieldsKnown()) {
    if (!known) without.push_back(name);
    any = any || known;
  }
  if (without.empty()) return {true, "ready"};
  const std::string text = absl::StrCat("no field metadata yet of account ",
                                        absl::StrJoin(without, ", "));
  if (!any) return {false, text};
  return {true, absl::StrCat("ready; ", text)};
}

void Server::UpdateHealth() {
  const std::map<std::string, bool> accounts = engine_->FieldsKnown();
  const bool any = std::any_of(accounts.begin(), accounts.end(),
                               [](const auto& entry) { return entry.second; });
  const MutexLock lock(health_mutex_);
  if (health_ended_) return;
  grpc::HealthCheckServiceInterface* const health =
      grpc_->GetHealthCheckService();
  health->SetServingStatus("", any);
  health->SetServingStatus(kServiceName, any);
  for (const auto& [name, known] : accounts) {
    health->SetServingStatus(absl::StrCat(kServiceName, "/", name), known);
    health_accounts_.insert(name);
  }
  // gRPC's health service forgets nobody.
  for (const std::string& name : health_accounts_) {
    if (accounts.contains(name)) continue;
    health->SetServingStatus(absl::StrCat(kServiceName, "/", name), false);
  }
}

void Server::Drain() {
  if (drained_) return;
  drained_ = true;
  std::unique_ptr<ConfigReloader> reloader;
  {
    const MutexLock lock(reloader_mutex_);
    reloader.swap(reloader_);
  }
  // Waits for a reload that is under way.
  reloader = nullptr;
  const absl::Duration drain_timeout = config_.Get()->options().drain_timeout;
  LogLine(LogLevel::kInfo, "draining").Add("timeout_s", drain_timeout);
  ready_->store(false);
  {
    const MutexLock lock(health_mutex_);
    health_ended_ = true;
    grpc_->GetHealthCheckService()->SetServingStatus(false);
  }
  service_->StartDraining();
  engine_->Drain(drain_timeout);
  service_->WaitUntilIdle(kStreamsEnd);
  listener_->Stop();
  // gRPC ends RPCs that come once it shuts down as CANCELLED, which nobody
  // sends again. Unread, they end with their connection, as UNAVAILABLE.
  listener_->StopReading();
  absl::SleepFor(kHalfRead);
  service_->WaitUntilIdle(kLastBytes);
  // Sends GOAWAY on every connection.
  grpc_->Shutdown(std::chrono::system_clock::now() +
                  absl::ToChronoMilliseconds(kLastBytes));
  grpc_->Wait();
  if (admin_ != nullptr) admin_->Stop();
  LogLine(LogLevel::kInfo, "stopped");
}

}  // namespace leadgateway::server
