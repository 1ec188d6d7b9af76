#include "gateway/dispatch/fair_queue.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "gateway/dispatch/job.h"

namespace leadgateway::dispatch {

double FairQueue::WeightOf(const std::string& caller) const {
  const auto weight = weights_.find(caller);
  return weight == weights_.end() ? 1 : weight->second;
}

void FairQueue::SetWeights(absl::flat_hash_map<std::string, double> weights) {
  weights_ = std::move(weights);
  for (const auto& [key, flow] : flows_) {
    flow->weight = WeightOf(flow->caller);
  }
}

void FairQueue::AddJob(Job* job) {
  const int priority = static_cast<int>(job->spec.priority);
  std::unique_ptr<Flow>& flow = flows_[{job->spec.caller, priority}];
  if (flow == nullptr) {
    flow = std::make_unique<Flow>();
    flow->caller = job->spec.caller;
    flow->priority = job->spec.priority;
    flow->weight = WeightOf(flow->caller);
    flow->turn = flow_now_[priority];
    const auto parked = parked_.find({flow->caller, priority});
    if (parked != parked_.end()) {
      flow->turn = std::max(flow->turn, parked->second);
      parked_.erase(parked);
    }
  }
  ++flow->jobs;
  job->flow = flow.get();

  const auto it = std::find_if(
      groups_.begin(), groups_.end(),
      [&](const auto& entry) { return entry.first == job->spec.search_key; });
  if (it != groups_.end()) {
    job->group = it->second.get();
  } else {
    auto group = std::make_unique<Group>();
    group->search_key = job->spec.search_key;
    job->group = group.get();
    groups_.emplace_back(job->spec.search_key, std::move(group));
  }
  ++job->group->jobs;
}

void FairQueue::DropJob(Job* job) {
  Flow* const flow = job->flow;
  Group* const group = job->group;
  if (--flow->jobs == 0) {
    Park(*flow);
    flows_.erase({flow->caller, static_cast<int>(flow->priority)});
  }
  if (--group->jobs == 0) {
    std::erase_if(groups_, [&](const auto& entry) {
      return entry.second.get() == group;
    });
  }
  job->flow = nullptr;
  job->group = nullptr;
}

void FairQueue::Park(const Flow& flow) {
  const auto ahead = [&](int priority, double turn) {
    return turn > flow_now_[priority];
  };
  const int priority = static_cast<int>(flow.priority);
  if (!ahead(priority, flow.turn)) return;
  if (parked_.size() >= kMaxParked) {
    absl::erase_if(parked_, [&](const auto& entry) {
      return !ahead(entry.first.second, entry.second);
    });
    if (parked_.size() >= kMaxParked) return;
  }
  parked_[{flow.caller, priority}] = flow.turn;
}

FlowInGroup* FairQueue::FindActive(Group* group, Flow* flow) {
  for (FlowInGroup& active : group->flows[static_cast<int>(flow->priority)]) {
    if (active.flow == flow) return &active;
  }
  return nullptr;
}

void FairQueue::Activate(Job* job) {
  const int priority = static_cast<int>(job->flow->priority);
  if (class_eligible_[priority] == 0) {
    // After an idle time all begin anew.
    if (class_eligible_[1 - priority] == 0) {
      class_now_ = std::max(class_turn_[0], class_turn_[1]);
    }
    flow_now_[priority] = std::max(flow_now_[priority], flow_last_[priority]);
    class_turn_[priority] = std::max(class_turn_[priority], class_now_);
  }
  FlowInGroup* active = FindActive(job->group, job->flow);
  if (active == nullptr) {
    job->flow->turn = std::max(job->flow->turn, flow_now_[priority]);
    job->group->flows[priority].push_back({job->flow, {}});
    active = &job->group->flows[priority].back();
  }
  active->jobs.push_back(job);
}

void FairQueue::Deactivate(Job* job) {
  auto& flows = job->group->flows[static_cast<int>(job->flow->priority)];
  FlowInGroup* const active = FindActive(job->group, job->flow);
  std::erase(active->jobs, job);
  if (active->jobs.empty())
    flows.erase(flows.begin() + (active - flows.data()));
}

void FairQueue::Count(QueuedLead* lead) {
  Job* const job = lead->job;
  lead->state = QueuedLead::State::kEligible;
  if (job->held) {
    ++job->flow->held;
    return;
  }
  if (job->eligible.size() == 1) Activate(job);
  ++job->group->eligible;
  ++class_eligible_[static_cast<int>(job->flow->priority)];
}

void FairQueue::Push(QueuedLead* lead) {
  lead->job->eligible.push_back(lead);
  Count(lead);
}

void FairQueue::PushFront(QueuedLead* lead) {
  lead->job->eligible.push_front(lead);
  Count(lead);
}

void FairQueue::Hold(Job* job) {
  if (job->held) return;
  job->held = true;
  const auto leads = static_cast<int>(job->eligible.size());
  if (leads == 0) return;
  Deactivate(job);
  job->flow->held += leads;
  job->group->eligible -= leads;
  class_eligible_[static_cast<int>(job->flow->priority)] -= leads;
}

void FairQueue::Resume(Job* job) {
  if (!job->held) return;
  job->held = false;
  const auto leads = static_cast<int>(job->eligible.size());
  if (leads == 0) return;
  Activate(job);
  job->flow->held -= leads;
  job->group->eligible += leads;
  class_eligible_[static_cast<int>(job->flow->priority)] += leads;
}

FairQueue::Load FairQueue::LoadOf(const std::string& caller) const {
  Load load;
  for (int priority = 0; priority < kPriorities; ++priority) {
    const auto it = flows_.find(std::pair(caller, priority));
    if (it == flows_.end()) continue;
    load.leads += it->second->waiting;
    load.bytes += it->second->bytes;
  }
  return load;
}

double FairQueue::ClassTurn(int priority) const {
  return std::max(class_turn_[priority], class_now_);
}

double FairQueue::FlowTurn(const Flow& flow) const {
  return std::max(flow.turn, flow_now_[static_cast<int>(flow.priority)]);
}

const FlowInGroup* FairQueue::First(
    const std::vector<FlowInGroup>& flows) const {
  const FlowInGroup* first = nullptr;
  for (const FlowInGroup& flow : flows) {
    if (first == nullptr || FlowTurn(*flow.flow) < FlowTurn(*first->flow)) {
      first = &flow;
    }
  }
  return first;
}

FairQueue::Turn FairQueue::TurnOf(const Group& group) const {
  std::optional<Turn> best;
  for (int priority = 0; priority < kPriorities; ++priority) {
    const FlowInGroup* const first = First(group.flows[priority]);
    if (first == nullptr) continue;
    const Turn turn{ClassTurn(priority), FlowTurn(*first->flow), priority};
    if (!best || turn < *best) best = turn;
  }
  return best.value_or(Turn());
}

void FairQueue::StartCall(const Turn& turn) {
  call_class_ = turn.priority;
  call_flows_.clear();
  class_now_ = std::max(class_now_, turn.of_class);
  flow_now_[call_class_] = std::max(flow_now_[call_class_], turn.of_flow);
}

double FairQueue::LeastTurn(int priority) const {
  double least = std::numeric_limits<double>::infinity();
  for (const auto& [key, group] : groups_) {
    for (const FlowInGroup& flow : group->flows[priority]) {
      least = std::min(least, FlowTurn(*flow.flow));
    }
  }
  return least;
}

QueuedLead* FairQueue::Pop(Group* group, bool together) {
  int chosen = -1;
  bool chosen_may = false;
  bool chosen_in_turn = false;
  for (int priority = 0; priority < kPriorities; ++priority) {
    const FlowInGroup* const first = First(group->flows[priority]);
    if (first == nullptr) continue;
    const bool in_turn = FlowTurn(*first->flow) <= LeastTurn(priority);
    const bool may = in_turn || priority == call_class_;
    if (chosen < 0 || (may && !chosen_may) ||
        (may == chosen_may && ClassTurn(priority) < ClassTurn(chosen))) {
      chosen = priority;
      chosen_may = may;
      chosen_in_turn = in_turn;
    }
  }
  if (chosen < 0) return nullptr;
  std::deque<Job*>& jobs =
      FindActive(group, First(group->flows[chosen])->flow)->jobs;
  Job* const job = jobs.front();
  Flow* const flow = job->flow;
  QueuedLead* const lead = job->eligible.front();

  const double class_turn = ClassTurn(chosen);
  const double flow_turn = FlowTurn(*flow);
  bool class_in_turn = true;
  for (int priority = 0; priority < kPriorities; ++priority) {
    if (class_eligible_[priority] > 0 && ClassTurn(priority) < class_turn) {
      class_in_turn = false;
    }
  }
  if (class_in_turn) class_now_ = class_turn;
  if (chosen_in_turn) flow_now_[chosen] = flow_turn;
  // Who fills up another class' call does so at that class' expense.
  const int charged = chosen_may ? chosen : call_class_;
  class_turn_[charged] = ClassTurn(charged) + 1 / kClassWeights[charged];
  flow->turn = flow_turn + 1 / flow->weight;
  flow_last_[chosen] = std::max(flow_last_[chosen], flow->turn);
  const auto in_call =
      std::find_if(call_flows_.begin(), call_flows_.end(),
                   [&](const auto& entry) { return entry.first == flow; });
  if (in_call == call_flows_.end()) {
    call_flows_.emplace_back(flow, 1);
  } else {
    ++in_call->second;
  }

  job->eligible.pop_front();
  --group->eligible;
  --class_eligible_[chosen];
  if (job->eligible.empty()) {
    Deactivate(job);
  } else if (!together) {
    jobs.pop_front();
    jobs.push_back(job);
  }
  return lead;
}

void FairQueue::EndCall(const Group& group, int empty) {
  const auto flows = std::exchange(call_flows_, {});
  const bool others_wait =
      class_eligible_[0] + class_eligible_[1] > group.eligible;
  if (empty <= 0 || !others_wait) return;
  int leads = 0;
  for (const auto& [flow, count] : flows) leads += count;
  class_turn_[call_class_] += empty / kClassWeights[call_class_];
  for (const auto& [flow, count] : flows) {
    flow->turn += static_cast<double>(empty) * count / leads / flow->weight;
    double& last = flow_last_[static_cast<int>(flow->priority)];
    last = std::max(last, flow->turn);
  }
}

void FairQueue::Remove(QueuedLead* lead) {
  Job* const job = lead->job;
  // Cancels take a job's leads in order, so the one to remove is usually first.
  const auto it = std::find(job->eligible.begin(), job->eligible.end(), lead);
  job->eligible.erase(it);
  if (job->held) {
    --job->flow->held;
    return;
  }
  --job->group->eligible;
  --class_eligible_[static_cast<int>(job->flow->priority)];
  if (job->eligible.empty()) Deactivate(job);
}

absl::Time FairQueue::Oldest(const Group& group) const {
  absl::Time oldest = absl::InfiniteFuture();
  for (const auto& flows : group.flows) {
    for (const FlowInGroup& flow : flows) {
      for (const Job* job : flow.jobs) {
        for (const QueuedLead* lead : job->eligible) {
          oldest = std::min(oldest, lead->eligible_since);
        }
      }
    }
  }
  return oldest;
}

}  // namespace leadgateway::dispatch
