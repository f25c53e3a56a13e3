#include "stop_on_signal.h"

#include <pthread.h>

namespace lapel::app {

StopOnSignal::StopOnSignal() {
  sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler != SIG_IGN) {
      sigaddset(&signals_, signal);
    }
  }
  // Sent by the destructor to end the waiting thread.
  sigaddset(&signals_, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  waiter_ = std::thread(&StopOnSignal::wait_for_signals, this);
}

StopOnSignal::~StopOnSignal() {
  finished_ = true;
  pthread_kill(waiter_.native_handle(), SIGUSR2);
  waiter_.join();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void StopOnSignal::wait_for_signals() {
  while (true) {
    int signal = 0;
    if (sigwait(&signals_, &signal) != 0 || finished_) {
      return;
    }
    if (signal == SIGUSR2) {
      continue;
    }
    if (!stop_.request_stop()) {
      sigset_t now{};
      sigemptyset(&now);
      sigaddset(&now, signal);
      std::signal(signal, SIG_DFL);
      pthread_sigmask(SIG_UNBLOCK, &now, nullptr);
      std::raise(signal);
    }
  }
}

}  // namespace lapel::app
