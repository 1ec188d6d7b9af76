#ifndef LEADGATEWAY_GATEWAY_SERVER_SERVICE_MANAGER_H_
#define LEADGATEWAY_GATEWAY_SERVER_SERVICE_MANAGER_H_

#include <string>

#include "absl/time/time.h"

// What systemd is told of this process, where it was started by systemd
// (Type=notify). Elsewhere nothing happens.
namespace leadgateway::server {

// It serves; `where` shows in `systemctl status`.
void NotifyReady(const std::string& where);
// It reads its configuration anew; NotifyReloaded says when it is done.
void NotifyReloading();
// `what` shows in `systemctl status`.
void NotifyReloaded(const std::string& what);
// It will end soon; systemd waits for it up to `most` longer than it is set up
// to.
void NotifyStopping(absl::Duration most);
// It is alive.
void NotifyAlive();
// How often NotifyAlive is due (half of WatchdogSec=); InfiniteDuration() if
// nobody asks.
absl::Duration AliveInterval();

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_SERVICE_MANAGER_H_
