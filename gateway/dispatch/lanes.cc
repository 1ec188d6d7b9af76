#include "gateway/dispatch/lanes.h"

#include "gateway/dispatch/job.h"

namespace leadgateway::dispatch {

bool Lanes::Enter(QueuedLead* lead) {
  Lane& lane = lanes_[lead->lane];
  lead->lane_before = lane.last;
  lead->lane_after = nullptr;
  if (lane.last != nullptr) {
    lane.last->lane_after = lead;
  } else {
    lane.first = lead;
  }
  lane.last = lead;
  return lane.first == lead;
}

QueuedLead* Lanes::Leave(QueuedLead* lead) {
  const auto it = lanes_.find(lead->lane);
  if (it == lanes_.end()) return nullptr;
  Lane& lane = it->second;
  QueuedLead* const after = lead->lane_after;
  const bool was_first = lane.first == lead;
  (lead->lane_before != nullptr ? lead->lane_before->lane_after : lane.first) =
      after;
  (after != nullptr ? after->lane_before : lane.last) = lead->lane_before;
  lead->lane_before = nullptr;
  lead->lane_after = nullptr;
  if (lane.first == nullptr) lanes_.erase(it);
  return was_first ? after : nullptr;
}

}  // namespace leadgateway::dispatch
