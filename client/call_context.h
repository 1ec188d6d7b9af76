#ifndef LEADGATEWAY_CLIENT_CALL_CONTEXT_H_
#define LEADGATEWAY_CLIENT_CALL_CONTEXT_H_

#include <grpcpp/client_context.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"

namespace leadgateway::client {

// A random id for a request: 16 hexadecimal digits.
std::string MakeRequestId();

// The metadata of one call.
struct CallMetadata {
  std::string request_id;
  std::string caller;    // Not sent if empty.
  std::string priority;  // Not sent if empty.

  // As in the request: sent as `x-lead-account`, by which a proxy can route an
  // account's calls to one replica. Not sent if empty, or if HTTP/2 cannot
  // carry it: no gateway has an account of such a name, and says so.
  std::string account;
};

// A context for one call. InfiniteFuture: no deadline.
std::shared_ptr<grpc::ClientContext> MakeContext(const CallMetadata& metadata,
                                                 absl::Time deadline);

// What the trailer `grpc-retry-pushback-ms` says.
struct Pushback {
  // The server asks not to try again: the value is negative or no number.
  bool never = false;

  // None: there was no such trailer.
  std::optional<absl::Duration> delay;
};

// For a call that has ended.
Pushback ReadPushback(const grpc::ClientContext& context);

}  // namespace leadgateway::client

#endif  // LEADGATEWAY_CLIENT_CALL_CONTEXT_H_
