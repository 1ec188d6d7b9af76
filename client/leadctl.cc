// leadctl: updates LeadSquared leads through Lead Gateway.

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "client/command_line.h"
#include "client/console.h"
#include "client/interrupt.h"

namespace {

using namespace leadgateway::leadctl;  // NOLINT: this is its main program.

// See https://no-color.org: set to anything but nothing.
bool WantsColour() {
  const char* no_colour = std::getenv("NO_COLOR");
  return no_colour == nullptr || *no_colour == '\0';
}

}  // namespace

int main(int argc, char** argv) {
  BlockInterrupts();
  const Console console = {
      .out = std::cout,
      .err = std::cerr,
      .err_is_terminal = isatty(STDERR_FILENO) == 1,
      .colour = isatty(STDOUT_FILENO) == 1 && WantsColour(),
  };
  const ExitStatus status =
      RunCommandLine(std::vector<std::string>(argv + 1, argv + argc), console);
  std::cout.flush();
  if (!std::cout.good() && status == kAllUpdated) {
    std::cerr << "leadctl: standard output could not be written\n";
    return kSomeNotUpdated;
  }
  return status;
}
