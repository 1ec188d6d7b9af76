#include "gateway/dispatch/isolation.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "gateway/dispatch/job.h"

namespace leadgateway::dispatch {
namespace {

std::deque<std::vector<QueuedLead*>> PartsOf(std::vector<QueuedLead*> leads) {
  std::deque<std::vector<QueuedLead*>> parts;
  std::stable_sort(leads.begin(), leads.end(),
                   [](const QueuedLead* a, const QueuedLead* b) {
                     return a->job->id < b->job->id;
                   });
  for (QueuedLead* lead : leads) {
    if (parts.empty() || parts.back().front()->job != lead->job) {
      parts.emplace_back();
    }
    parts.back().push_back(lead);
  }
  if (parts.size() == 1) {
    const auto middle = leads.begin() + static_cast<long>(leads.size() / 2);
    parts = {{leads.begin(), middle}, {middle, leads.end()}};
  }
  return parts;
}

}  // namespace

bool Isolation::Split(std::vector<QueuedLead*> leads) {
  auto task = std::make_shared<IsolationTask>();
  task->parts = PartsOf(std::move(leads));
  return Add(std::move(task));
}

bool Isolation::SendAgain(std::vector<QueuedLead*> leads) {
  auto task = std::make_shared<IsolationTask>();
  task->parts.push_back(std::move(leads));
  task->explained = true;
  return Add(std::move(task));
}

bool Isolation::Add(std::shared_ptr<IsolationTask> task) {
  // Spent now: parts of many tasks may wait to be sent.
  const auto cost = static_cast<double>(task->parts.size());
  if (budget_ < cost) return false;
  budget_ -= cost;
  for (const auto& part : task->parts) {
    for (QueuedLead* lead : part) lead->state = QueuedLead::State::kIsolated;
  }
  tasks_.push_back(std::move(task));
  return true;
}

bool Isolation::HasNext() const {
  return std::any_of(tasks_.begin(), tasks_.end(),
                     [](const auto& task) { return !task->under_way; });
}

std::optional<
    std::pair<std::vector<QueuedLead*>, std::shared_ptr<IsolationTask>>>
Isolation::Next() {
  for (size_t i = 0; i < tasks_.size();) {
    const std::shared_ptr<IsolationTask> task = tasks_[i];
    if (task->under_way) {
      ++i;
      continue;
    }
    if (task->parts.empty()) {
      tasks_.erase(tasks_.begin() + static_cast<long>(i));
      continue;
    }
    std::vector<QueuedLead*>& part = task->parts.front();
    const size_t before = part.size();
    std::erase_if(part, [](const QueuedLead* lead) { return lead == nullptr; });
    // A guilty lead may be among those that left.
    if (part.size() < before) task->explained = true;
    if (part.empty()) {
      task->parts.pop_front();
      budget_ = std::min(kMostExtraCalls, budget_ + 1);
      continue;
    }
    if (task->parts.size() == 1 && !task->explained && part.size() > 1) {
      task->parts = PartsOf(std::move(part));
      budget_ -= static_cast<double>(task->parts.size() - 1);
      continue;
    }
    task->under_way = true;
    std::pair result(std::move(part), task);
    task->parts.pop_front();
    return result;
  }
  return std::nullopt;
}

void Isolation::Remove(const QueuedLead* lead) {
  for (const auto& task : tasks_) {
    for (auto& part : task->parts) {
      for (QueuedLead*& entry : part) {
        if (entry == lead) entry = nullptr;
      }
    }
  }
}

void Isolation::PartEnded(IsolationTask& task, PartEnd end) {
  task.under_way = false;
  if (end != PartEnd::kTaken) task.explained = true;
}

void Isolation::CallAnswered() {
  budget_ = std::min(kMostExtraCalls, budget_ + kExtraCallsEarned);
}

}  // namespace leadgateway::dispatch
