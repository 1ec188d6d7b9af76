#ifndef LEADGATEWAY_CLIENT_INTERRUPT_H_
#define LEADGATEWAY_CLIENT_INTERRUPT_H_

#include <atomic>
#include <functional>
#include <thread>

namespace leadgateway::leadctl {

// Blocks SIGINT and SIGTERM in the calling thread and in all that it starts
// from now on, for an InterruptWatch to take. Call it before any thread starts.
void BlockInterrupts();

// Calls `on_interrupt` on a thread of its own, once, when the first SIGINT or
// SIGTERM comes. The second one ends the process at once with status 130: a
// user who presses Ctrl-C twice does not want to wait. Needs BlockInterrupts().
class InterruptWatch {
 public:
  explicit InterruptWatch(std::function<void()> on_interrupt);

  // Joins the thread: `on_interrupt` does not run any more.
  ~InterruptWatch();

  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  bool interrupted() const { return interrupted_; }

 private:
  void Watch(const std::function<void()>& on_interrupt);

  std::atomic<bool> interrupted_ = false;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace leadgateway::leadctl

#endif  // LEADGATEWAY_CLIENT_INTERRUPT_H_
