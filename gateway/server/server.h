#ifndef LEADGATEWAY_GATEWAY_SERVER_SERVER_H_
#define LEADGATEWAY_GATEWAY_SERVER_SERVER_H_

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/admin/admin_pages.h"
#include "gateway/admin/admin_server.h"
#include "gateway/admin/metrics.h"
#include "gateway/base/clock.h"
#include "gateway/base/memory_trimmer.h"
#include "gateway/base/mutex.h"
#include "gateway/base/span_file.h"
#include "gateway/config/config.h"
#include "gateway/server/certificate_files.h"
#include "gateway/server/config_reloader.h"
#include "gateway/server/engine.h"
#include "gateway/server/lead_gateway_service.h"
#include "gateway/server/listener.h"
#include "gateway/server/policy_file.h"
#include "gateway/server/serving_config.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"

namespace leadgateway::server {

// The composition root: the one place that makes concrete things and joins
// them. Serves from Create on.
class Server {
 public:
  // Fails with one line per mistake: keys that can't be read, an address that
  // can't be listened at.
  static absl::StatusOr<std::unique_ptr<Server>> Create(GatewayOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // "HOST:PORT" as bound. `admin_address` is "" if there is no admin listener.
  const std::string& listen_address() const {
    return listener_->bound_address();
  }
  std::string admin_address() const;

  // Takes no new requests, works off what waits for at most the configured
  // drain timeout, ends every stream properly, and stops. Once.
  //
  // While it works off what waits, requests are answered with DRAINING, also on
  // new connections. Then connections are asked to go (GOAWAY) and closed;
  // those without an RPC are not waited for.
  void Drain();

  // Takes the configuration file over, from which the options came, whenever it
  // changes and when asked to, until Drain. Settings that can't change while
  // running are logged (`config_needs_restart`) and stay as they are; the rest
  // of the file is in force. `begun` and `ended` are called around each reload,
  // on a thread of its own. Once.
  void WatchConfig(std::string path, std::function<void()> begun = nullptr,
                   std::function<void(const absl::Status&)> ended = nullptr);
  // Reads the file soon, even if it has not changed. After WatchConfig. Any
  // thread.
  void ReloadConfig();
  // Takes other options over, like a changed file. Fails with one line per
  // mistake; then nothing has changed. One call at a time, and not while a file
  // is watched.
  absl::Status Apply(GatewayOptions options);

  // Whether it does its work, for liveness: the dispatch loop and the listener
  // come round. Waits a moment.
  bool Alive();

 private:
  explicit Server(GatewayOptions options);
  absl::Status StartGrpc();
  void HandOver(int listener_fd, int fd);

  // Ready is a gateway that can serve one account at least: one whose fields
  // are known, or are not checked.
  Condition Readiness() const;
  // Brings gRPC's health service in line with it: "" and the service stand for
  // Readiness, "leadgateway.v1.LeadGatewayService/ACCOUNT" for one account.
  void UpdateHealth();

  ConfigGauges ConfigNow() const;
  std::string ConfigPageNow() const;

  CurrentConfig config_;
  const MemoryTrimmer memory_trimmer_;
  // Outlives the engine, whose thread updates the health, too.
  Mutex health_mutex_;
  bool health_ended_ ABSL_GUARDED_BY(health_mutex_) = false;
  // Accounts that have a health.
  std::set<std::string> health_accounts_ ABSL_GUARDED_BY(health_mutex_);
  std::unique_ptr<SpanFile> spans_;  // none without tracing
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<PolicyFile> policy_;  // null: none
  std::unique_ptr<LeadGatewayService> service_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<CertificateFiles> certificates_;  // null: plaintext
  std::shared_ptr<grpc::ServerCredentials> credentials_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> grpc_;
  std::shared_ptr<std::atomic<bool>> ready_;
  // Set for good once all of the above is there and the address is known.
  std::atomic<bool> serving_{false};
  const absl::Time started_ = SystemClock::Get().Now();
  bool drained_ = false;
  mutable Mutex reloader_mutex_;
  std::unique_ptr<ConfigReloader> reloader_ ABSL_GUARDED_BY(reloader_mutex_);
  // Last: its thread asks all of the above until it is gone.
  std::unique_ptr<AdminServer> admin_;
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_SERVER_H_
