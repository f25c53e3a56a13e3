#pragma once

#include <utility>
#include <vector>

#include "lapel/callback.h"

namespace lapel::test {

/// Notes the loss of every step.
class StepLosses : public Callback {
 public:
  void on_step(Training& training) override { all_.push_back(training.loss()); }
  [[nodiscard]] std::vector<double> take() { return std::move(all_); }

 private:
  std::vector<double> all_;
};

}  // namespace lapel::test
