#include "gateway/dispatch/batching.h"

#include <algorithm>
#include <cmath>

#include "absl/time/time.h"

namespace leadgateway::dispatch {

absl::Duration BatchWait(const BatchingOptions& options, double used_share,
                         absl::Duration spacing) {
  const double used = std::clamp(used_share, 0.0, 1.0);
  return options.gather +
         spacing * (options.stretch * std::pow(used, options.steepness));
}

}  // namespace leadgateway::dispatch
