#ifndef LEADGATEWAY_GATEWAY_DISPATCH_BATCHING_H_
#define LEADGATEWAY_GATEWAY_DISPATCH_BATCHING_H_

#include "absl/time/time.h"

namespace leadgateway::dispatch {

// How long a call waits for company when fewer than 25 leads are there. A full
// call never waits.
struct BatchingOptions {
  // The wait when all calls are free: long enough that requests which arrive
  // together share a call, short beside a call's latency.
  absl::Duration gather = absl::Milliseconds(2);
  // The wait grows to `stretch` * W/N as the window fills, by the power
  // `steepness` of the share that is used. 1.5 and 4 keep the window from
  // running empty under any steady load below the ceiling (docs/adr).
  double stretch = 1.5;
  double steepness = 4;
};

// The wait from the oldest lead's arrival. `used_share` is the part of the
// window's calls that are held, 0 to 1; `spacing` is W/N.
absl::Duration BatchWait(const BatchingOptions& options, double used_share,
                         absl::Duration spacing);

}  // namespace leadgateway::dispatch

#endif  // LEADGATEWAY_GATEWAY_DISPATCH_BATCHING_H_
