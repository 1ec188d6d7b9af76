#ifndef LEADGATEWAY_GATEWAY_DISPATCH_ISOLATION_H_
#define LEADGATEWAY_GATEWAY_DISPATCH_ISOLATION_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "gateway/dispatch/job.h"

namespace leadgateway::dispatch {

// The leads of a call that was refused whole, in parts that are sent one after
// the other until the guilty ones stand alone.
struct IsolationTask {
  std::deque<std::vector<QueuedLead*>> parts;
  // Whether a part has been refused already, or ended in a way that proves
  // nothing. If not, the last part must hold a guilty lead, and is split
  // without being sent.
  bool explained = false;
  bool under_way = false;  // a part of it is in a call now
};

// Finds out which leads make LeadSquared refuse calls: by request first, since
// a request's leads mostly share their mistake, then by halves.
class Isolation {
 public:
  // Takes the leads of a refused call of two or more. False if the budget of
  // extra calls does not reach; the leads are then the caller's to end.
  bool Split(std::vector<QueuedLead*> leads);

  // Takes leads of a refused call whose guilty ones are known and not among
  // them: they go again together. False as above.
  bool SendAgain(std::vector<QueuedLead*> leads);

  // The next part to send, with its task; leads that are over by then are left
  // out. Parts of a task go one at a time, tasks side by side.
  std::optional<
      std::pair<std::vector<QueuedLead*>, std::shared_ptr<IsolationTask>>>
  Next();
  bool HasNext() const;

  // The lead is over: no part sends it any more.
  void Remove(const QueuedLead* lead);

  // What became of a part: refused, taken (answered), or neither.
  enum class PartEnd { kRefused, kTaken, kUnclear };
  void PartEnded(IsolationTask& task, PartEnd end);

  // A call was answered: earns budget.
  void CallAnswered();

  // Extra calls: the most at once, and what each answered call adds. A single
  // guilty lead among 25 costs up to 8.
  static constexpr double kMostExtraCalls = 100;
  static constexpr double kExtraCallsEarned = 0.25;

 private:
  bool Add(std::shared_ptr<IsolationTask> task);

  std::deque<std::shared_ptr<IsolationTask>> tasks_;
  double budget_ = kMostExtraCalls;  // may be overdrawn by a part's last split
};

}  // namespace leadgateway::dispatch

#endif  // LEADGATEWAY_GATEWAY_DISPATCH_ISOLATION_H_
