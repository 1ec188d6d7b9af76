#ifndef LEADGATEWAY_GATEWAY_SERVER_GUARDED_SOCKETS_H_
#define LEADGATEWAY_GATEWAY_SERVER_GUARDED_SOCKETS_H_

#include <cstdint>

#include "gateway/server/http2_guard.h"

// How Http2Guard gets to see what gRPC reads. gRPC 1.51 has no place for it
// between a server's socket and its parser, and a relay in front would cost two
// more system calls a message each way. But gRPC reads with recvmsg(2), which
// it finds by name: this target defines that name for the whole program. Calls
// for sockets that are not guarded go on to the C library unseen.
namespace leadgateway::server {

// What is read from `fd`, a connection that has just been accepted and that
// gRPC will close, is guarded from now on: where the guard objects, the read
// fails with ECONNRESET, and gRPC closes the connection. Plaintext only. One
// thread at a time.
void GuardReads(int fd, const Http2Guard::Limits& limits);

// Connections that a guard has ended so far.
int64_t GuardedReadsRefused();

// Of these, how many gRPC has not closed yet: until then it keeps what it holds
// of their streams. Any thread.
int GuardedConnectionsEnding();

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_GUARDED_SOCKETS_H_
