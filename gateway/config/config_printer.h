#ifndef LEADGATEWAY_GATEWAY_CONFIG_CONFIG_PRINTER_H_
#define LEADGATEWAY_GATEWAY_CONFIG_CONFIG_PRINTER_H_

#include <string>

#include "gateway/config/config.h"

namespace leadgateway {

// The options as a GatewayConfig in JSON, one setting a line, with every
// default written out: ParseConfig() of it gives the same options again. What
// is empty by default and would say nothing is left out. There is no key in it,
// since there is none in the options: only the names of files and environment
// variables that hold them.
std::string PrintConfig(const GatewayOptions& options);

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_CONFIG_CONFIG_PRINTER_H_
