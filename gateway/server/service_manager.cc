#include "gateway/server/service_manager.h"

#include <systemd/sd-daemon.h>
#include <time.h>

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace leadgateway::server {
namespace {

void Notify(const std::string& state) { sd_notify(0, state.c_str()); }

}  // namespace

void NotifyReady(const std::string& where) {
  Notify(absl::StrCat("READY=1\nSTATUS=Serving at ", where));
}

void NotifyReloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  // With the time, as Type=notify-reload wants it.
  Notify(
      absl::StrCat("RELOADING=1\nMONOTONIC_USEC=",
                   absl::ToInt64Microseconds(absl::DurationFromTimespec(now))));
}

void NotifyReloaded(const std::string& what) {
  Notify(absl::StrCat("READY=1\nSTATUS=", what));
}

void NotifyStopping(absl::Duration most) {
  Notify(absl::StrCat("STOPPING=1\nSTATUS=Draining\nEXTEND_TIMEOUT_USEC=",
                      absl::ToInt64Microseconds(most)));
}

void NotifyAlive() { Notify("WATCHDOG=1"); }

absl::Duration AliveInterval() {
  uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) {
    return absl::InfiniteDuration();
  }
  return absl::Microseconds(static_cast<int64_t>(microseconds)) / 2;
}

}  // namespace leadgateway::server
