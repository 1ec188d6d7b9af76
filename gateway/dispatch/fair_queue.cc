#include "gateway/dispatch/fair_queue.h"

#include <algorithm>
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

FlowInGroup* FairQueue::FindActive(Group* group, Flow* flow) {
  for (FlowInGroup& active : group->flows[static_cast<int>(flow->priority)]) {
    if (active.flow == flow) return &active;
  }
  return nullptr;
}

void FairQueue::Activate(Job* job) {
  const int priority = static_cast<int>(job->flow->priority);
  if (class_eligible_[priority] == 0) {
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

FlowInGroup* FairQueue::First(std::vector<FlowInGroup>& flows) {
  FlowInGroup* first = nullptr;
  for (FlowInGroup& flow : flows) {
    if (first == nullptr || flow.flow->turn < first->flow->turn) first = &flow;
  }
  return first;
}

std::pair<double, double> FairQueue::TurnOf(Group& group) {
  std::optional<std::pair<double, double>> best;
  for (int priority = 0; priority < kPriorities; ++priority) {
    const FlowInGroup* const first = First(group.flows[priority]);
    if (first == nullptr) continue;
    const std::pair turn(class_turn_[priority], first->flow->turn);
    if (!best || turn < *best) best = turn;
  }
  return best.value_or(std::pair(0.0, 0.0));
}

QueuedLead* FairQueue::Pop(Group* group) {
  int chosen = -1;
  for (int priority = 0; priority < kPriorities; ++priority) {
    if (group->flows[priority].empty()) continue;
    if (chosen < 0 || class_turn_[priority] < class_turn_[chosen]) {
      chosen = priority;
    }
  }
  if (chosen < 0) return nullptr;
  FlowInGroup* const active = First(group->flows[chosen]);
  Flow* const flow = active->flow;
  Job* const job = active->jobs.front();
  QueuedLead* const lead = job->eligible.front();

  class_now_ = class_turn_[chosen];
  class_turn_[chosen] += 1 / kClassWeights[chosen];
  flow_now_[chosen] = flow->turn;
  flow->turn += 1 / flow->weight;

  job->eligible.pop_front();
  --group->eligible;
  --class_eligible_[chosen];
  if (job->eligible.empty()) {
    Deactivate(job);
  } else {
    active->jobs.pop_front();
    active->jobs.push_back(job);
  }
  return lead;
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
