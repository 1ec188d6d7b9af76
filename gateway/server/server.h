#ifndef LEADGATEWAY_GATEWAY_SERVER_SERVER_H_
#define LEADGATEWAY_GATEWAY_SERVER_SERVER_H_

#include <atomic>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/admin/admin_server.h"
#include "gateway/admin/metrics.h"
#include "gateway/base/clock.h"
#include "gateway/config/config.h"
#include "gateway/server/engine.h"
#include "gateway/server/lead_gateway_service.h"
#include "grpcpp/server.h"

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
  const std::string& listen_address() const { return listen_address_; }
  std::string admin_address() const;

  // Takes no new requests, works off what waits for at most the configured
  // drain timeout, ends every stream properly, and stops. Once.
  void Drain();

 private:
  explicit Server(GatewayOptions options);

  const GatewayOptions options_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<LeadGatewayService> service_;
  std::unique_ptr<grpc::Server> grpc_;
  std::unique_ptr<AdminServer> admin_;
  std::shared_ptr<std::atomic<bool>> ready_;
  // Set for good once all of the above is there and the address is known.
  std::atomic<bool> serving_{false};
  std::string listen_address_;
  const absl::Time started_ = SystemClock::Get().Now();
  bool drained_ = false;
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_SERVER_H_
