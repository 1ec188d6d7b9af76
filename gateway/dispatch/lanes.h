#ifndef LEADGATEWAY_GATEWAY_DISPATCH_LANES_H_
#define LEADGATEWAY_GATEWAY_DISPATCH_LANES_H_

#include <string>

#include "absl/container/flat_hash_map.h"
#include "gateway/dispatch/job.h"

namespace leadgateway::dispatch {

// Keeps updates of the same lead in the order of their acceptance: only the
// first of a lane may be sent, and it stays first until its outcome is final.
class Lanes {
 public:
  // Puts `lead` at the end of lane `lead->lane`. True if it is the first.
  bool Enter(QueuedLead* lead);

  // Takes `lead` out of its lane. Returns the lead that has become the first by
  // that, or null.
  QueuedLead* Leave(QueuedLead* lead);

  size_t size() const { return lanes_.size(); }

 private:
  struct Lane {
    QueuedLead* first = nullptr;
    QueuedLead* last = nullptr;
  };
  absl::flat_hash_map<std::string, Lane> lanes_;
};

}  // namespace leadgateway::dispatch

#endif  // LEADGATEWAY_GATEWAY_DISPATCH_LANES_H_
