#ifndef LEADGATEWAY_GATEWAY_SERVER_POLICY_INTERCEPTOR_H_
#define LEADGATEWAY_GATEWAY_SERVER_POLICY_INTERCEPTOR_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gateway/identity/caller.h"
#include "gateway/server/policy_file.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_interceptor.h"

namespace leadgateway::server {

// Whether the policy lets `caller` call `method` with the metadata of this RPC:
// POLICY_DENIED otherwise.
absl::Status CheckPolicy(const PolicyFile& policy, absl::string_view method,
                         const identity::Caller& caller,
                         const grpc::ServerContextBase& context);

// Holds the RPCs of services that are not ours (health, reflection) to the
// policy: what it refuses ends with that status before it is answered. RPCs of
// `own_service` ("/package.Service/") pass: it calls CheckPolicy itself, and
// answers with details, which can't be sent from here.
//
// `policy` must outlive the server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
MakePolicyInterceptorFactory(const PolicyFile* policy, identity::Trust trust,
                             std::string own_service);

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_POLICY_INTERCEPTOR_H_
