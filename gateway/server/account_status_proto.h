#ifndef LEADGATEWAY_GATEWAY_SERVER_ACCOUNT_STATUS_PROTO_H_
#define LEADGATEWAY_GATEWAY_SERVER_ACCOUNT_STATUS_PROTO_H_

#include "absl/time/time.h"
#include "gateway/config/config.h"
#include "gateway/server/engine.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::server {

// Callers that GetAccountStatus names.
inline constexpr int kMaxCallersTold = 100;

// `now` and `wall_now` are the same moment by the two clocks.
void ToProto(const Engine::State& state, const AccountOptions& account,
             const LimitOptions& limits, absl::Time now, absl::Time wall_now,
             v1::GetAccountStatusResponse* out);

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_ACCOUNT_STATUS_PROTO_H_
