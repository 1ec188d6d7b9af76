// The stand-in for LeadSquared's API, in the caller's process:
//
//   absl::StatusOr<std::unique_ptr<Sandbox>> sandbox = Sandbox::Create({});
//   gateway.UseHost((*sandbox)->host_port());
//   (*sandbox)->account().SetFaults(R"({"always":{"fault":"html_502"}})");
//   (*sandbox)->account().Stats().throttled;
//
// It shares no code with the gateway: it is the judge.
#ifndef SANDBOX_SANDBOX_H_
#define SANDBOX_SANDBOX_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "sandbox/account.h"
#include "sandbox/http_server.h"

namespace leadgateway::sandbox {

struct SandboxOptions {
  AccountOptions account;
  std::string host = "127.0.0.1";  // an IP address
  std::uint16_t port = 0;          // 0: a free one
  std::uint64_t max_body_bytes = 8ULL << 20;
};

class Sandbox {
 public:
  // Serves when it returns, on a thread of its own.
  static absl::StatusOr<std::unique_ptr<Sandbox>> Create(
      SandboxOptions options);
  ~Sandbox();

  std::uint16_t port() const { return port_; }
  std::string host_port() const;  // "127.0.0.1:8091"
  std::string url() const;        // "http://127.0.0.1:8091"

  // Faults, record, leads, fields and keys. Thread-safe; stays usable after
  // Stop.
  Account& account() { return *account_; }

  // Closes the listener and every connection at once. Call it from one thread;
  // again: no effect.
  void Stop();

 private:
  Sandbox() = default;

  std::string host_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Account> account_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace leadgateway::sandbox

#endif  // SANDBOX_SANDBOX_H_
