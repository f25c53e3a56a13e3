#include <algorithm>

#include "kernels/bfloat16.h"
#include "kernels/loss/loss.h"
#include "lapel/error.h"
#include "plan/executor.h"

namespace lapel::plan {

kernels::StepState Executor::state(const Batch& batch, const StepKey& key) const {
  return {batch.pixels, batch.samples, batch.next, key.seed, key.epoch, options_.training};
}

void Executor::forward(const Batch& batch, const StepKey& key, float* probabilities) {
  if (batch.samples.size() != static_cast<std::size_t>(options_.batch)) {
    throw Error(ErrorKind::kInternal, {}, "a plan was given a batch of another size");
  }
  if (observer_ != nullptr) {
    observer_->on_begin();
  }
  const auto now = state(batch, key);
  for (std::size_t i = 0; i < operators_.size();) {
    if (run_ends_[i] > 0) {
      forward_run(i, now, probabilities);
      i = run_ends_[i];
    } else {
      operators_[i]->forward(now);
      tell(StepPart::kForward, i);
      ++i;
    }
  }
  if (probabilities != nullptr && run_ends_.back() == 0) {
    softmax(0, options_.batch, probabilities);
    tell(StepPart::kLoss, 0);
  }
}

void Executor::forward_run(std::size_t first, const kernels::StepState& now, float* probabilities) {
  constexpr std::int64_t kUnit = 4;                               // rows: products take as many together
  constexpr std::int64_t kFlopPerThread = std::int64_t{1} << 17;  // some microseconds
  constexpr std::int64_t kRows = 128;                             // whose activations stay near from one to the next
  const std::size_t end = run_ends_[first];
  std::int64_t flop = 0;  // of a unit
  for (std::size_t i = first; i < end; ++i) {
    flop += kernels::describe(program_.instructions[i].op).flop * kUnit;
  }
  const bool ends_in_logits = end == operators_.size() && probabilities != nullptr;
  const auto run_rows = [&](std::int64_t from, std::int64_t to, bool tells) {
    for (std::size_t i = first; i < end; ++i) {
      operators_[i]->forward_rows(now, from, to);
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
                 if (observer_ != nullptr) {  // who hears of each instruction once
                   run_rows(begin_row, end_row, first_unit == 0);
                   return;
                 }
                 for (std::int64_t row = begin_row; row < end_row; row += kRows) {
                   run_rows(row, std::min(end_row, row + kRows), false);
                 }
               });
}

void Executor::softmax(std::int64_t begin, std::int64_t end, float* probabilities) {
  const auto first = static_cast<std::size_t>(begin * classes_);
  const void* const logits = at(memory_.value(program_.logits) + first * kernels::dtype_bytes(options_.dtype));
  kernels::softmax_rows(options_.dtype, logits, end - begin, classes_, probabilities + first);
}

void Executor::read_logits(std::span<float> logits) {
  const void* from = at(memory_.value(program_.logits));
  if (options_.dtype == kernels::Dtype::kFloat32) {
    std::copy_n(static_cast<const float*>(from), logits.size(), logits.begin());
  } else {
    kernels::from_bfloat16({static_cast<const std::uint16_t*>(from), logits.size()}, logits);
  }
}

kernels::LossResult Executor::evaluate(const Batch& batch, const LossRule& loss, std::span<float> probabilities) {
  forward(batch, {}, probabilities.empty() ? nullptr : probabilities.data());
  return loss_.compute(batch, loss, state(batch, {}), at(memory_.value(program_.logits)), nullptr);
}

}  // namespace lapel::plan
