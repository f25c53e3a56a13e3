#include <algorithm>

#include "kernels/bfloat16.h"
#include "kernels/loss/loss.h"
#include "lapel/error.h"
#include "plan/plan.h"

namespace lapel::plan {

/// Two steps or more that follow each other and are done by rows.
void Plan::find_runs() {
  if (options_.training) {
    return;
  }
  for (std::size_t first = 0; first < steps_.size();) {
    std::size_t end = first;
    while (end < steps_.size() && steps_[end].op->forwards_rows()) {
      ++end;
    }
    for (std::size_t i = first; end - first > 1 && i < end; ++i) {
      steps_[i].run_end = end;
    }
    first = std::max(end, first + 1);
  }
}

void Plan::forward(const Batch& batch, const StepKey& key, float* probabilities) {
  if (batch.samples.size() != static_cast<std::size_t>(options_.batch)) {
    throw Error(ErrorKind::kInternal, {}, "a plan was given a batch of another size");
  }
  if (observer_ != nullptr) {
    observer_->on_begin();
  }
  const auto now = state(batch, key);
  for (std::size_t i = 0; i < steps_.size();) {
    if (steps_[i].run_end > 0) {
      forward_run(i, now, probabilities);
      i = steps_[i].run_end;
    } else {
      steps_[i].op->forward(now);
      tell(StepPart::kForward, i);
      ++i;
    }
  }
  if (probabilities != nullptr && steps_.back().run_end == 0) {
    softmax(0, options_.batch, probabilities);
    tell(StepPart::kLoss, 0);
  }
}

void Plan::forward_run(std::size_t first, const kernels::StepState& now, float* probabilities) {
  constexpr std::int64_t kUnit = 4;                               // rows: products take as many together
  constexpr std::int64_t kFlopPerThread = std::int64_t{1} << 17;  // some microseconds
  constexpr std::int64_t kRows = 128;                             // whose activations stay near from step to step
  const std::size_t end = steps_[first].run_end;
  std::int64_t flop = 0;  // of a unit
  for (std::size_t i = first; i < end; ++i) {
    flop += kernels::op_flop(steps_[i].instruction.op) * kUnit;
  }
  const bool ends_in_logits = end == steps_.size() && probabilities != nullptr;
  const auto run_rows = [&](std::int64_t from, std::int64_t to, bool tells) {
    for (std::size_t i = first; i < end; ++i) {
      steps_[i].op->forward_rows(now, from, to);
      if (tells) {
        tell(StepPart::kForward, i);
      }
    }
    if (ends_in_logits) {
      softmax(from, to, probabilities);
      if (tells) {
        tell(StepPart::kLoss, 0);
      }
    }
  };
  parallel_for((options_.batch + kUnit - 1) / kUnit, kFlopPerThread / (flop + 1) + 1,
               [&](std::int64_t first_unit, std::int64_t last_unit) {
                 const std::int64_t begin_row = first_unit * kUnit;
                 const std::int64_t end_row = std::min(options_.batch, last_unit * kUnit);
                 if (observer_ != nullptr) {  // who hears of each step once
                   run_rows(begin_row, end_row, first_unit == 0);
                   return;
                 }
                 for (std::int64_t row = begin_row; row < end_row; row += kRows) {
                   run_rows(row, std::min(end_row, row + kRows), false);
                 }
               });
}

void Plan::softmax(std::int64_t begin, std::int64_t end, float* probabilities) {
  const auto first = static_cast<std::size_t>(begin * classes_);
  const auto* const logits = static_cast<const std::byte*>(piece(value_piece_[program_.logits])) +
                             first * kernels::dtype_bytes(options_.dtype);
  kernels::softmax_rows(options_.dtype, logits, end - begin, classes_, probabilities + first);
}

void Plan::predict(const Batch& batch, std::span<float> probabilities) {
  forward(batch, {}, probabilities.empty() ? nullptr : probabilities.data());
}

void Plan::logits(const Batch& batch, const StepKey& key, std::span<float> logits) {
  forward(batch, key);
  const void* from = piece(value_piece_[program_.logits]);
  if (options_.dtype == kernels::Dtype::kFloat32) {
    std::copy_n(static_cast<const float*>(from), logits.size(), logits.begin());
  } else {
    kernels::from_bfloat16({static_cast<const std::uint16_t*>(from), logits.size()}, logits);
  }
}

}  // namespace lapel::plan
