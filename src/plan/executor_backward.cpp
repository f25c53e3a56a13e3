#include <algorithm>
#include <cmath>

#include "kernels/update_rule.h"
#include "lapel/error.h"
#include "plan/executor.h"

namespace lapel::plan {

kernels::LossResult Executor::train_step(const Batch& batch, const LossRule& loss, const StepKey& key, Rules rules) {
  const auto lacks_state = [&](const kernels::UpdateRule& rule) {
    return parameters_->optimizer_states() < static_cast<std::size_t>(rule.states());
  };
  if (std::ranges::any_of(rules, lacks_state)) {
    throw Error(ErrorKind::kInternal, {}, "an update without room for its state");
  }
  const bool all_fused = std::ranges::all_of(rules, [](const auto& rule) { return rule.is_fused(); });
  if (!all_fused || rules.empty()) {
    store_gradients();
  }
  kernels::LossResult result;
  in_team(true, [&] {
    result = forward_and_loss(batch, loss, key);
    if (rules.empty() || std::isfinite(result.loss_sum)) {
      backward(state(batch, key), rules);
    }
  });
  return result;
}

void Executor::store_gradients() {
  if (!stores_gradients_) {
    stores_gradients_ = true;
    bind(*parameters_);
  }
}

kernels::LossResult Executor::forward_and_loss(const Batch& batch, const LossRule& loss, const StepKey& key) {
  forward(batch, key);
  // The first part of the logits' gradient is the loss's.
  const auto result =
      loss_.compute(batch, loss, state(batch, key), at(memory_.value(program_.logits)), at(memory_.loss_gradient()));
  tell(StepPart::kLoss, 0);
  return result;
}

void Executor::backward(const kernels::StepState& now, Rules rules) {
  for (std::size_t i = operators_.size(); i-- > 0;) {
    if (!flow_.backward[i]) {
      continue;
    }
    const Instruction& instruction = program_.instructions[i];
    if (const auto& sum = sums_[instruction.output]) {
      sum->forward(now);
    }
    const Rules mine = rules_of(instruction, rules);
    const bool fused = has_fused_update(i, mine);
    if (!passes_gradient_on(instruction)) {
      auto with_rules = now;
      with_rules.rules = fused ? mine : Rules{};
      operators_[i]->backward(with_rules);
    }
    tell(StepPart::kBackward, i);
    if (!mine.empty() && !fused) {
      update(instruction, rules);
      tell(StepPart::kUpdate, i);
    }
  }
}

Executor::Rules Executor::rules_of(const Instruction& instruction, Rules rules) {
  return rules.empty() ? rules : rules.subspan(instruction.first_parameter, instruction.parameters);
}

bool Executor::has_fused_update(std::size_t index, Rules own_rules) const {
  return operators_[index]->has_fused_update() && !own_rules.empty() &&
         std::ranges::all_of(own_rules, [](const auto& rule) { return rule.is_fused(); });
}

void Executor::update(const Instruction& instruction, Rules rules) {
  for (std::size_t i = 0; i < instruction.parameters; ++i) {
    const std::size_t parameter = instruction.first_parameter + i;
    if (program_.parameters[parameter].spec.trainable) {
      parameters_->update(parameter, rules[parameter]);
    }
  }
}

}  // namespace lapel::plan
