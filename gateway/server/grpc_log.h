#ifndef LEADGATEWAY_GATEWAY_SERVER_GRPC_LOG_H_
#define LEADGATEWAY_GATEWAY_SERVER_GRPC_LOG_H_

namespace leadgateway::server {

// From now on gRPC's own errors are lines of the log (event "grpc"), like all
// else on standard error: where in gRPC, and the message where it comes from
// TLS, security or the sockets. What other parts of gRPC say, and all that
// GRPC_VERBOSITY and GRPC_TRACE would add, may quote metadata and messages, and
// so is left out. Before gRPC starts.
void LogForGrpc();

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_GRPC_LOG_H_
