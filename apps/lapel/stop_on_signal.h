#pragma once

#include <atomic>
#include <csignal>
#include <stop_token>
#include <thread>

namespace lapel::app {

/// While it lives, the first Ctrl-C (SIGINT) or SIGTERM asks for a stop, and the second ends the program at once.
/// Make it before anything that starts threads: they inherit the blocked signals. Signals that the caller ignores
/// (as nohup does) stay ignored.
class StopOnSignal {
 public:
  StopOnSignal();
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }

 private:
  void wait_for_signals();

  sigset_t signals_{};
  sigset_t before_{};
  std::stop_source stop_;
  std::atomic<bool> finished_ = false;
  std::thread waiter_;
};

}  // namespace lapel::app
