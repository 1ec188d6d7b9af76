#ifndef LEADGATEWAY_CLIENT_CONSOLE_H_
#define LEADGATEWAY_CLIENT_CONSOLE_H_

#include <ostream>

namespace leadgateway::leadctl {

// Where a command writes.
struct Console {
  std::ostream& out;
  std::ostream& err;

  // Standard error is a terminal.
  bool err_is_terminal = false;

  // Standard output is a terminal, and its user wants colours.
  bool colour = false;
};

// The exit status of leadctl.
enum ExitStatus : int {
  kAllUpdated = 0,      // Also: the question was answered.
  kSomeNotUpdated = 1,  // Some lead has another outcome than UPDATED or VALID.
  kUsage = 2,           // The flags or the file are wrong; nothing was sent.
  kRpcFailed = 3,
  kInterrupted = 130,  // As shells have it for SIGINT.
};

}  // namespace leadgateway::leadctl

#endif  // LEADGATEWAY_CLIENT_CONSOLE_H_
