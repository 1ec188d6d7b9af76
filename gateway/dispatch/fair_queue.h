#ifndef LEADGATEWAY_GATEWAY_DISPATCH_FAIR_QUEUE_H_
#define LEADGATEWAY_GATEWAY_DISPATCH_FAIR_QUEUE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/dispatch/job.h"

namespace leadgateway::dispatch {

// One caller in one priority class.
struct Flow {
  std::string caller;
  Priority priority = Priority::kInteractive;
  double weight = 1;
  double turn = 0;    // virtual time at which it is next in turn
  int jobs = 0;       // unfinished or with leads in flight
  int waiting = 0;    // leads that are neither in flight nor gone
  int held = 0;       // those of them that wait for their client to read
  int64_t bytes = 0;  // of leads that are not gone
};

// The jobs of one flow with leads of one search key that could leave now.
struct FlowInGroup {
  Flow* flow = nullptr;
  std::deque<Job*> jobs;  // next in turn first
};

// Leads of one search key: they can share calls.
struct Group {
  std::string search_key;
  std::vector<FlowInGroup> flows[kPriorities];  // with eligible leads only
  int eligible = 0;
  int jobs = 0;
};

// Decides whose lead is next: first between the priority classes (4 : 1 while
// both have leads), then turn by turn over callers by weight, then over a
// caller's jobs, one lead a turn. It is start-time fair queueing: whoever had
// nothing to send gets no credit for that, and whoever has leads waiting is
// served at its share.
class FairQueue {
 public:
  // Weights by caller; others weigh 1. Weights must be positive.
  explicit FairQueue(absl::flat_hash_map<std::string, double> weights = {})
      : weights_(std::move(weights)) {}

  // Other weights, from the next lead on.
  void SetWeights(absl::flat_hash_map<std::string, double> weights);

  // Finds or makes the flow and the group of `job`, and counts the job in both.
  void AddJob(Job* job);
  // The job has ended; its flow and group go when they have no other.
  void DropJob(Job* job);

  // Puts a lead into the queue, at the end or (to be sent again) at the front
  // of its job.
  void Push(QueuedLead* lead);
  void PushFront(QueuedLead* lead);

  // Takes the next lead of `group` out. Null if it has none.
  QueuedLead* Pop(Group* group);

  // Keeps a job's leads out of turn, or lets them be sent again.
  void Hold(Job* job);
  void Resume(Job* job);

  // What a caller has in the queue, in both classes.
  struct Load {
    int leads = 0;
    int64_t bytes = 0;
  };
  Load LoadOf(const std::string& caller) const;

  // Takes one lead out; it must be in the queue.
  void Remove(QueuedLead* lead);

  // Since when the longest-waiting of the group's leads waits. Meant for groups
  // of less than a call's leads: it looks at each.
  absl::Time Oldest(const Group& group) const;

  // The group to take a call from: of those for which `ready` is true, the one
  // whose next flow is first in turn. Null if none is.
  template <typename Ready>
  Group* NextGroup(Ready ready) {
    Group* best = nullptr;
    for (const auto& [key, group] : groups_) {
      if (group->eligible == 0 || !ready(*group)) continue;
      if (best == nullptr || TurnOf(*group) < TurnOf(*best)) best = group.get();
    }
    return best;
  }
  template <typename Visit>
  void ForEachGroup(Visit visit) const {
    for (const auto& [key, group] : groups_) visit(*group);
  }
  template <typename Visit>
  void ForEachFlow(Visit visit) const {
    for (const auto& [key, flow] : flows_) visit(*flow);
  }

  // Leads per turn of the interactive class while bulk leads wait, too.
  static constexpr double kClassWeights[kPriorities] = {4, 1};

 private:
  double WeightOf(const std::string& caller) const;
  FlowInGroup* FindActive(Group* group, Flow* flow);
  // A lead's place in the job is taken care of: counts it.
  void Count(QueuedLead* lead);
  void Activate(Job* job);
  void Deactivate(Job* job);
  static FlowInGroup* First(std::vector<FlowInGroup>& flows);
  // (the class' turn, the flow's turn) of the group's next lead.
  std::pair<double, double> TurnOf(Group& group);

  absl::flat_hash_map<std::string, double> weights_;
  absl::flat_hash_map<std::pair<std::string, int>, std::unique_ptr<Flow>>
      flows_;
  // Ordered, so that a run repeats exactly.
  std::vector<std::pair<std::string, std::unique_ptr<Group>>> groups_;
  double class_turn_[kPriorities] = {0, 0};
  double class_now_ = 0;
  double flow_now_[kPriorities] = {0, 0};
  int class_eligible_[kPriorities] = {0, 0};
};

}  // namespace leadgateway::dispatch

#endif  // LEADGATEWAY_GATEWAY_DISPATCH_FAIR_QUEUE_H_
