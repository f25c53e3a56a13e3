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
  for (std::size_t i = 0; i < operators_.size(); ++i) {
    operators_[i]->forward(now);
    tell(StepPart::kForward, i);
  }
  if (probabilities != nullptr) {
    softmax(probabilities);
    tell(StepPart::kLoss, 0);
  }
}

void Executor::softmax(float* probabilities) {
  kernels::softmax_rows(options_.dtype, at(memory_.value(program_.logits)), options_.batch, classes_, probabilities);
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
