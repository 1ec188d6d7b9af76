#include "client/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <utility>

namespace leadgateway::leadctl {
namespace {

constexpr int kInterruptedStatus = 130;

sigset_t Interrupts() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

void BlockInterrupts() {
  const sigset_t set = Interrupts();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

InterruptWatch::InterruptWatch(std::function<void()> on_interrupt)
    : thread_([this, call = std::move(on_interrupt)] { Watch(call); }) {}

InterruptWatch::~InterruptWatch() {
  stopping_ = true;
  // Wakes the thread's sigwait; the signal is blocked everywhere else.
  pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
}

void InterruptWatch::Watch(const std::function<void()>& on_interrupt) {
  const sigset_t set = Interrupts();
  while (true) {
    int signal_number = 0;
    if (sigwait(&set, &signal_number) != 0) return;
    if (stopping_) return;
    if (interrupted_.exchange(true)) _exit(kInterruptedStatus);
    on_interrupt();
  }
}

}  // namespace leadgateway::leadctl
