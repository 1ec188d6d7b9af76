#ifndef LEADGATEWAY_GATEWAY_SERVER_CONFIG_PAGE_H_
#define LEADGATEWAY_GATEWAY_SERVER_CONFIG_PAGE_H_

#include <string>

#include "gateway/server/config_reloader.h"
#include "gateway/server/serving_config.h"

namespace leadgateway::server {

// The admin page /config, in JSON: "config" is what --print-config prints, the
// rest says which configuration it is and what became of the last reload.
// `reloads` is null where the configuration comes from no file.
std::string ConfigPage(const ServingConfig& config,
                       const ConfigReloader::State* reloads);

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_CONFIG_PAGE_H_
