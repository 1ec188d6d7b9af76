#ifndef LEADGATEWAY_CLIENT_COMMAND_LINE_H_
#define LEADGATEWAY_CLIENT_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "client/console.h"

namespace leadgateway::leadctl {

// Runs `leadctl` with these arguments (the program's name not among them).
// Needs BlockInterrupts().
ExitStatus RunCommandLine(const std::vector<std::string>& args,
                          const Console& console);

}  // namespace leadgateway::leadctl

#endif  // LEADGATEWAY_CLIENT_COMMAND_LINE_H_
