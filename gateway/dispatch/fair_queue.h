#ifndef LEADGATEWAY_GATEWAY_DISPATCH_FAIR_QUEUE_H_
#define LEADGATEWAY_GATEWAY_DISPATCH_FAIR_QUEUE_H_

#include <cstddef>
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
  double turn = 0;    // virtual time before which it is not in turn
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
//
// A call takes leads of one group alone, so with several groups the unit of
// sharing is the call:
// - A call goes to the group whose next flow is first in turn. Flows that are
//   served with it before others of other groups are ahead then, and wait.
// - Places that stay empty while others wait are paid for by those in the call.
// - Leads of the other class come along in a call in their turn, or else, where
//   places are left, at the expense of the class whose call it is: that class'
//   next flow, in another group, keeps its turn.
// - Newcomers begin at the turn of whoever is served in turn, which is the
//   virtual time. Who waits to fill a call gets no credit for that either.
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

  // The call for which NextGroup found `group` and Pop took leads leaves with
  // so many empty places.
  void EndCall(const Group& group, int empty);

  // Takes the next lead of `group` out. Null if it has none. The group is what
  // NextGroup has last returned, if there are several. `together`: the job that
  // it is of stays the first of its caller's while it has leads.
  QueuedLead* Pop(Group* group, bool together = false);
  // Leads in the queue that are not held.
  int eligible() const { return class_eligible_[0] + class_eligible_[1]; }

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
    Turn best_turn;
    for (const auto& [key, group] : groups_) {
      if (group->eligible == 0 || !ready(*group)) continue;
      const Turn turn = TurnOf(*group);
      if (best == nullptr || turn < best_turn) {
        best = group.get();
        best_turn = turn;
      }
    }
    if (best != nullptr) StartCall(best_turn);
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
  static constexpr size_t kMaxParked = 1000;

 private:
  double WeightOf(const std::string& caller) const;
  FlowInGroup* FindActive(Group* group, Flow* flow);
  void Park(const Flow& flow);
  // A lead's place in the job is taken care of: counts it.
  void Count(QueuedLead* lead);
  void Activate(Job* job);
  void Deactivate(Job* job);
  // When a group's next lead is in turn.
  struct Turn {
    double of_class = 0;
    double of_flow = 0;
    int priority = 0;

    bool operator<(const Turn& other) const {
      return std::pair(of_class, of_flow) <
             std::pair(other.of_class, other.of_flow);
    }
  };
  Turn TurnOf(const Group& group) const;
  void StartCall(const Turn& turn);
  // Turns of those that have leads waiting: not before the virtual time.
  double ClassTurn(int priority) const;
  double FlowTurn(const Flow& flow) const;
  const FlowInGroup* First(const std::vector<FlowInGroup>& flows) const;
  // Of the class' flows, in whichever group.
  double LeastTurn(int priority) const;

  absl::flat_hash_map<std::string, double> weights_;
  absl::flat_hash_map<std::pair<std::string, int>, std::unique_ptr<Flow>>
      flows_;
  // Ordered, so that a run repeats exactly.
  std::vector<std::pair<std::string, std::unique_ptr<Group>>> groups_;
  double class_turn_[kPriorities] = {0, 0};
  // Virtual times: where newcomers begin.
  double class_now_ = 0;
  double flow_now_[kPriorities] = {0, 0};
  // The greatest turns that were ever given.
  double flow_last_[kPriorities] = {0, 0};
  int call_class_ = 0;  // whose turn brought the present call about
  std::vector<std::pair<Flow*, int>> call_flows_;  // in it, with their leads
  // Turns of flows that have gone ahead of the virtual time: who comes back
  // soon does not begin anew. At most kMaxParked.
  absl::flat_hash_map<std::pair<std::string, int>, double> parked_;
  int class_eligible_[kPriorities] = {0, 0};
};

}  // namespace leadgateway::dispatch

#endif  // LEADGATEWAY_GATEWAY_DISPATCH_FAIR_QUEUE_H_
