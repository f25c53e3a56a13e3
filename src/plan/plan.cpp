#include "plan/plan.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/augment/mixing.h"
#include "kernels/update_rule.h"
#include "lapel/error.h"
#include "plan/lowering.h"
#include "plan/memory.h"
#include "plan/optimizer.h"

namespace lapel::plan {

namespace {

std::unique_ptr<kernels::Operator> make(const kernels::Op& op, const kernels::BuildOptions& build, bool reference) {
  return reference ? kernels::make_reference_operator(op, build) : kernels::make_operator(op, build);
}

Program program_of(const model::Model& model, const PlanOptions& options) {
  Program program = lower(model, options.training, options.scale);
  program.frozen = options.frozen;
  optimize(program);
  return program;
}

}  // namespace

Plan::Plan(const model::Model& model, const PlanOptions& options, std::span<const kernels::WeightLayout> stored)
    : options_(options), program_(program_of(model, options)), classes_(model.outputs()) {
  make_steps(stored);
  find_runs();
  plan_gradients();
  plan_memory();
  works_in_team_ = std::ranges::all_of(steps_, [](const Step& step) { return step.op->works_in_team(); });
  labels_.resize(static_cast<std::size_t>(options.batch));
  targets_.resize(static_cast<std::size_t>(options.batch * classes_));
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (kernels::mixes_targets(steps_[i].instruction.op)) {
      mixing_.push_back(i);
      mixed_targets_.resize(targets_.size());
    }
  }
}

void Plan::make_steps(std::span<const kernels::WeightLayout> stored) {
  gradients_.resize(program_.value_sizes.size());
  for (const Instruction& instruction : program_.instructions) {
    bool reads_gradient = false;
    for (const std::size_t input : instruction.inputs) {
      reads_gradient = reads_gradient || gradients_[input].needed;
    }
    const bool backward = options_.training && (reads_gradient || instruction.parameters > 0);
    gradients_[instruction.output].needed = backward;

    kernels::BuildOptions build{options_.batch, backward, reads_gradient, options_.dtype, {}};
    if (!stored.empty()) {
      const auto mine = stored.subspan(instruction.first_parameter, instruction.parameters);
      build.stored_layouts.assign(mine.begin(), mine.end());
    }
    Step step{instruction, make(instruction.op, build, options_.reference), backward, {}, 0};
    for (auto& layout : step.op->weight_layouts()) {
      layouts_.push_back(std::move(layout));
    }
    steps_.push_back(std::move(step));
  }
}

/// The gradient of a sum is the gradient of each term: no work, the same memory.
bool Plan::passes_gradient_on(const Step& step) const {
  const auto* const sum = std::get_if<kernels::AddOp>(&step.instruction.op);
  return sum != nullptr && sum->scale == 1;
}

void Plan::plan_gradients() {
  const auto add_piece = [&](std::size_t bytes) {
    piece_bytes_.push_back(bytes);
    return piece_bytes_.size() - 1;
  };
  for (std::size_t value = 0; value < program_.value_sizes.size(); ++value) {
    value_piece_.push_back(add_piece(value_bytes(value)));
  }
  std::size_t scratch_bytes = 0;
  for (auto& step : steps_) {
    step.saved = add_piece(step.op->saved_bytes());
    scratch_bytes = std::max(scratch_bytes, step.op->scratch_bytes());
  }
  if (options_.training) {
    gradients_[program_.logits].parts.push_back(add_piece(value_bytes(program_.logits)));
  }
  for (std::size_t i = steps_.size(); i-- > 0;) {
    auto& step = steps_[i];
    if (!step.backward) {
      continue;
    }
    auto& output = gradients_[step.instruction.output];
    if (output.parts.size() == 1) {
      output.total = output.parts.front();
    } else {
      const std::int64_t size = program_.value_sizes[step.instruction.output];
      output.total = add_piece(value_bytes(step.instruction.output));
      output.sum = make(kernels::AddOp{size, static_cast<std::int64_t>(output.parts.size())},
                        {options_.batch, false, false, options_.dtype, {}}, options_.reference);
      scratch_bytes = std::max(scratch_bytes, output.sum->scratch_bytes());
    }
    for (const std::size_t input : step.instruction.inputs) {
      auto& gradient = gradients_[input];
      step.input_grads.push_back(!gradient.needed           ? kNone
                                 : passes_gradient_on(step) ? output.total
                                                            : add_piece(value_bytes(input)));
      if (gradient.needed) {
        gradient.parts.push_back(step.input_grads.back());
      }
    }
  }
  scratch_ = add_piece(scratch_bytes);
}

void Plan::plan_memory() {
  // Moments: the forward steps, the loss, the backward steps in reverse.
  const std::size_t count = steps_.size();
  const std::size_t loss = count;
  std::vector<Lifetime> lives(piece_bytes_.size());
  for (std::size_t i = 0; i < lives.size(); ++i) {
    lives[i] = {piece_bytes_[i], kNone, 0};
  }
  const auto touch = [&](std::size_t piece, std::size_t moment) {
    lives[piece].first = std::min(lives[piece].first, moment);
    lives[piece].last = std::max(lives[piece].last, moment);
  };
  touch(value_piece_[program_.logits], loss);
  for (const std::size_t part : gradients_[program_.logits].parts) {
    touch(part, loss);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto& step = steps_[i];
    const std::size_t output = step.instruction.output;
    const std::size_t back = 2 * count - i;
    // In a run, other rows may be at any of its steps.
    const std::size_t last = step.run_end > 0 ? step.run_end - 1 : i;
    touch(value_piece_[output], i);
    touch(value_piece_[output], last);
    touch(step.saved, i);
    for (const std::size_t input : step.instruction.inputs) {
      touch(value_piece_[input], i);
      touch(value_piece_[input], last);
    }
    if (!step.backward) {
      continue;
    }
    touch(step.saved, back);
    if (step.op->backward_reads_output()) {
      touch(value_piece_[output], back);
    }
    if (step.op->backward_reads_inputs()) {
      for (const std::size_t input : step.instruction.inputs) {
        touch(value_piece_[input], back);
      }
    }
    touch(gradients_[output].total, back);
    for (const std::size_t part : gradients_[output].parts) {
      touch(part, back);
    }
    for (const std::size_t gradient : step.input_grads) {
      if (gradient != kNone) {
        touch(gradient, back);
      }
    }
  }
  touch(scratch_, 0);
  touch(scratch_, 2 * count);
  MemoryMap map = place(lives);
  offsets_ = std::move(map.offsets);
  memory_ = Buffer(map.bytes);
}

void* Plan::piece(std::size_t index) { return memory_.data() + offsets_[index]; }

void Plan::bind(Parameters& parameters) {
  parameters_ = &parameters;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    bind_step(i, parameters);
  }
  bind_sums();
}

void Plan::bind_step(std::size_t index, Parameters& parameters) {
  auto& step = steps_[index];
  kernels::Binding binding;
  for (const std::size_t input : step.instruction.inputs) {
    binding.inputs.push_back(piece(value_piece_[input]));
  }
  binding.output = piece(value_piece_[step.instruction.output]);
  for (std::size_t i = 0; i < step.instruction.parameters; ++i) {
    const std::size_t parameter = step.instruction.first_parameter + i;
    if (!parameters.entries()[parameter].spec.trainable) {
      binding.statistics.push_back(parameters.statistic(parameter));
      continue;
    }
    binding.weights.push_back(parameters.operand(parameter));
    if (step.backward) {
      const bool stored = stores_gradients_ || !step.op->updates_weights();
      binding.weight_grads.push_back(stored ? parameters.gradient(parameter) : nullptr);
      binding.update_targets.push_back(parameters.update_target(parameter));
    }
  }
  if (step.backward) {
    binding.output_grad = piece(gradients_[step.instruction.output].total);
    for (const std::size_t gradient : step.input_grads) {
      binding.input_grads.push_back(gradient == kNone ? nullptr : piece(gradient));
    }
  }
  binding.saved = piece(step.saved);
  binding.scratch = piece(scratch_);
  step.op->bind(binding);
}

void Plan::bind_sums() {
  for (auto& gradient : gradients_) {
    if (!gradient.sum) {
      continue;
    }
    kernels::Binding binding;
    for (const std::size_t part : gradient.parts) {
      binding.inputs.push_back(piece(part));
    }
    binding.output = piece(gradient.total);
    binding.scratch = piece(scratch_);
    gradient.sum->bind(binding);
  }
}

kernels::StepState Plan::state(const Batch& batch, const StepKey& key) const {
  return {batch.pixels, batch.samples, batch.next, key.seed, key.epoch, options_.training};
}

void Plan::backward(const kernels::StepState& now, std::span<const kernels::UpdateRule> rules) {
  for (std::size_t i = steps_.size(); i-- > 0;) {
    auto& step = steps_[i];
    if (!step.backward) {
      continue;
    }
    if (const auto& sum = gradients_[step.instruction.output].sum) {
      sum->forward(now);
    }
    if (!passes_gradient_on(step)) {
      auto with_rules = now;
      with_rules.rules =
          updates_in_passing(step, rules) ? rules_of(step, rules) : std::span<const kernels::UpdateRule>{};
      step.op->backward(with_rules);
    }
    tell(StepPart::kBackward, i);
    if (!rules.empty() && !updates_in_passing(step, rules) && step.instruction.parameters > 0) {
      update(step, rules);
      tell(StepPart::kUpdate, i);
    }
  }
}

std::span<const kernels::UpdateRule> Plan::rules_of(const Step& step, std::span<const kernels::UpdateRule> rules) {
  return rules.empty() ? rules : rules.subspan(step.instruction.first_parameter, step.instruction.parameters);
}

bool Plan::updates_in_passing(const Step& step, std::span<const kernels::UpdateRule> rules) {
  const auto mine = rules_of(step, rules);
  return step.op->updates_weights() && !mine.empty() &&
         std::none_of(mine.begin(), mine.end(), [](const auto& rule) { return rule.muon() != nullptr; });
}

void Plan::update(const Step& step, std::span<const kernels::UpdateRule> rules) {
  for (std::size_t i = 0; i < step.instruction.parameters; ++i) {
    const std::size_t parameter = step.instruction.first_parameter + i;
    if (parameters_->entries()[parameter].spec.trainable) {
      parameters_->update(parameter, rules[parameter]);
    }
  }
}

/// One-hot, then as the steps mixed the rows that they belong to.
void Plan::fill_targets(const kernels::StepState& state) {
  std::fill(targets_.begin(), targets_.end(), 0.0F);
  for (std::size_t row = 0; row < labels_.size(); ++row) {
    targets_[row * static_cast<std::size_t>(classes_) + labels_[row]] = 1.0F;
  }
  for (const std::size_t step : mixing_) {
    kernels::mix_targets(steps_[step].instruction.op, state, classes_, targets_, mixed_targets_);
    std::swap(targets_, mixed_targets_);
  }
}

kernels::LossResult Plan::compute_loss(const Batch& batch, const LossRule& loss, const StepKey& key, void* gradient) {
  const void* logits = piece(value_piece_[program_.logits]);
  const float scale = 1.0F / static_cast<float>(options_.batch);
  for (std::size_t row = 0; row < labels_.size(); ++row) {
    labels_[row] = batch.labels[batch.samples[row]];
  }
  if (!loss.one_hot && mixing_.empty()) {
    return kernels::softmax_cross_entropy(options_.dtype, logits, labels_, classes_, loss.label_smoothing, scale,
                                          gradient);
  }
  fill_targets(state(batch, key));
  return kernels::softmax_cross_entropy_dense(options_.dtype, logits, targets_, classes_, loss.label_smoothing, scale,
                                              gradient);
}

kernels::LossResult Plan::forward_and_loss(const Batch& batch, const LossRule& loss, const StepKey& key) {
  forward(batch, key);
  const auto result = compute_loss(batch, loss, key, piece(gradients_[program_.logits].parts.front()));
  tell(StepPart::kLoss, 0);
  return result;
}

void Plan::store_gradients() {
  if (!stores_gradients_) {
    stores_gradients_ = true;
    bind(*parameters_);
  }
}

kernels::LossResult Plan::train_step(const Batch& batch, const LossRule& loss, const StepKey& key) {
  store_gradients();
  kernels::LossResult result;
  in_team(true, [&] {
    result = forward_and_loss(batch, loss, key);
    backward(state(batch, key), {});
  });
  return result;
}

kernels::LossResult Plan::train_step(const Batch& batch, const LossRule& loss, const StepKey& key,
                                     const kernels::UpdateRule& update) {
  rules_.assign(parameters_->entries().size(), update);
  return train_step(batch, loss, key, rules_);
}

kernels::LossResult Plan::train_step(const Batch& batch, const LossRule& loss, const StepKey& key,
                                     std::span<const kernels::UpdateRule> updates) {
  const auto stateful = [&](const auto& update) {
    return parameters_->optimizer_states() < static_cast<std::size_t>(update.states());
  };
  if (std::any_of(updates.begin(), updates.end(), stateful)) {
    throw Error(ErrorKind::kInternal, {}, "an update without room for its state");
  }
  const bool muon = std::ranges::any_of(updates, [](const auto& update) { return update.muon() != nullptr; });
  if (muon) {
    store_gradients();
  }
  kernels::LossResult result;
  in_team(!muon, [&] {
    result = forward_and_loss(batch, loss, key);
    if (std::isfinite(result.loss_sum)) {
      backward(state(batch, key), updates);
    }
  });
  return result;
}

kernels::LossResult Plan::evaluate(const Batch& batch, const LossRule& loss, std::span<float> probabilities) {
  predict(batch, probabilities);
  return compute_loss(batch, loss, {}, nullptr);
}

}  // namespace lapel::plan
