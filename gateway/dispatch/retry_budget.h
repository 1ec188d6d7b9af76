#ifndef LEADGATEWAY_GATEWAY_DISPATCH_RETRY_BUDGET_H_
#define LEADGATEWAY_GATEWAY_DISPATCH_RETRY_BUDGET_H_

#include <algorithm>

namespace leadgateway::dispatch {

// Bounds how many leads are sent again after a call that ended in doubt: less
// than a tenth of the leads that were sent for the first time (the share that
// Finagle and Linkerd arrived at is a fifth), but always the first kFirst, so
// that an outage upstream is not answered with a multiple of the load.
class RetryBudget {
 public:
  void SentFirst(int leads) {
    const double earned = kShare * leads;
    // What is there at the start is lent: it is earned before anything else.
    const double repaid = std::min(owed_, earned);
    owed_ -= repaid;
    leads_ = std::min(kMost, leads_ + earned - repaid);
  }

  // Takes one lead's retry out of the budget; false if nothing is left.
  bool Spend() {
    if (leads_ < 1) return false;
    leads_ -= 1;
    return true;
  }

  // A little less than a tenth, so that the calls stay below a tenth, too: what
  // goes again does not always leave in full calls.
  static constexpr double kShare = 0.095;
  // Ten calls' worth: one broken connection of each of ten calls is mended at
  // once, an outage is not.
  static constexpr double kMost = 250;
  // At the start, two calls' worth.
  static constexpr double kFirst = 50;

 private:
  double leads_ = kFirst;
  double owed_ = kFirst;
};

}  // namespace leadgateway::dispatch

#endif  // LEADGATEWAY_GATEWAY_DISPATCH_RETRY_BUDGET_H_
