#include "sandbox/sandbox.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace leadgateway::sandbox {

absl::StatusOr<std::unique_ptr<Sandbox>> Sandbox::Create(
    SandboxOptions options) {
  auto sandbox = absl::WrapUnique(new Sandbox());
  absl::StatusOr<std::unique_ptr<Account>> account =
      Account::Create(std::move(options.account));
  if (!account.ok()) return account.status();
  sandbox->account_ = *std::move(account);
  absl::StatusOr<std::unique_ptr<HttpServer>> server = HttpServer::Create(
      *sandbox->account_, options.host, options.port, options.max_body_bytes);
  if (!server.ok()) return server.status();
  sandbox->server_ = *std::move(server);
  sandbox->host_ = options.host;
  sandbox->port_ = sandbox->server_->port();
  return sandbox;
}

Sandbox::~Sandbox() { Stop(); }

std::string Sandbox::host_port() const {
  const bool v6 = host_.find(':') != std::string::npos;
  return v6 ? absl::StrCat("[", host_, "]:", port_)
            : absl::StrCat(host_, ":", port_);
}

std::string Sandbox::url() const {
  return absl::StrCat("http://", host_port());
}

void Sandbox::Stop() {
  if (server_ == nullptr) return;
  server_->Stop();
  // The connections close with the server.
  server_.reset();
}

}  // namespace leadgateway::sandbox
