#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "kernels/bfloat16.h"
#include "kernels/operator_harness.h"
#include "kernels/update_rule.h"

/// Operators that update their weights in passing, beside the update of stored gradients.
namespace lapel::kernels::testing {

/// An operator in training with memory of its own, padded as an arena is.
class TrainedOperator {
 public:
  /// `state`: all but the rules.
  TrainedOperator(std::unique_ptr<Operator> tested, const Op& op, const BuildOptions& options,
                  const StepState& state = {})
      : dtype_(options.dtype),
        operator_(std::move(tested)),
        state_(state),
        saved_(operator_->saved_bytes()),
        scratch_(operator_->scratch_bytes()) {
    const auto data = random_operands(op, options.batch);
    const auto new_memory = [&](const std::vector<float>& numbers) {
      auto memory = std::make_unique<GuardedMemory>(numbers.size() * dtype_bytes(dtype_));
      memory->write(numbers, dtype_);
      return memory;
    };
    for (const auto& input : data.inputs) {
      memories_.push_back(new_memory(input));
      binding_.inputs.push_back(memories_.back()->data());
      if (options.needs_input_grad) {
        input_grads_.push_back(new_memory(std::vector<float>(input.size())));
      }
      binding_.input_grads.push_back(options.needs_input_grad ? input_grads_.back()->data() : nullptr);
    }
    memories_.push_back(new_memory(data.output_grad));
    binding_.output_grad = memories_.back()->data();
    memories_.push_back(new_memory(std::vector<float>(data.output_grad.size())));
    binding_.output = memories_.back()->data();
    binding_.saved = saved_.data();
    binding_.scratch = scratch_.data();
    add_weights(data);
  }

  /// Some steps, each of which changes the next one's gradient; in passing, or from stored gradients.
  void run(const std::vector<UpdateRule>& rules, bool fused) {
    EXPECT_TRUE(operator_->has_fused_update());
    binding_.weight_grads.clear();
    for (const auto& weight : weights_) {
      binding_.weight_grads.push_back(fused ? nullptr : weight->grads.data());
    }
    operator_->bind(binding_);
    for (const auto& rule : rules) {
      StepState state = state_;
      const std::vector<UpdateRule> each(weights_.size(), rule);
      if (fused) {
        state.rules = each;
      }
      scratch_.poison();
      operator_->forward(state);
      scratch_.poison();
      operator_->backward(state);
      for (std::size_t i = 0; !fused && i < weights_.size(); ++i) {
        auto& w = *weights_[i];
        rule.apply({w.values, w.grads, w.state1, w.state2, w.low});
      }
    }
    EXPECT_TRUE(saved_.guard_holds());
    EXPECT_TRUE(scratch_.guard_holds());
  }

  void expect_equal(TrainedOperator& other) {
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      EXPECT_EQ(weights_[i]->values, other.weights_[i]->values) << "weight " << i;
      EXPECT_EQ(weights_[i]->state1, other.weights_[i]->state1) << "weight " << i;
      EXPECT_EQ(weights_[i]->state2, other.weights_[i]->state2) << "weight " << i;
      EXPECT_TRUE(weights_[i]->lines == other.weights_[i]->lines) << "weight " << i;
    }
    for (std::size_t i = 0; i < input_grads_.size(); ++i) {
      EXPECT_EQ(input_grads_[i]->read(dtype_), other.input_grads_[i]->read(dtype_));
    }
  }

 private:
  struct alignas(Buffer::kAlignment) Line {
    std::array<std::uint16_t, Buffer::kAlignment / sizeof(std::uint16_t)> numbers{};
    bool operator==(const Line&) const = default;
  };
  struct Weight {
    std::vector<float> values, grads, state1, state2;
    std::vector<Line> lines;  ///< The memory of `low`.
    std::span<std::uint16_t> low;
    UpdateTarget target;
  };

  void add_weights(const OperatorData& data) {
    const auto layouts = operator_->weight_layouts();
    for (std::size_t i = 0; i < layouts.size(); ++i) {
      const auto size = static_cast<std::size_t>(layouts[i].packed_size());
      auto& weight = *weights_.emplace_back(std::make_unique<Weight>());
      weight.values.resize(size);
      layouts[i].pack(data.weights[i], weight.values);
      weight.grads.assign(size, 0);
      weight.state1.assign(size, 0);
      weight.state2.assign(size, 0);
      if (dtype_ == Dtype::kBfloat16) {
        weight.lines.resize(Buffer::aligned(size * sizeof(std::uint16_t)) / Buffer::kAlignment);
        weight.low = std::span(weight.lines.front().numbers.data(), size);
        to_bfloat16(weight.values, weight.low);
      }
      weight.target = {weight.values.data(), weight.state1.data(), weight.state2.data(),
                       weight.low.empty() ? nullptr : weight.low.data()};
      const bool low = layouts[i].shape().size() > 1 && !weight.low.empty();
      binding_.weights.push_back(low ? static_cast<const void*>(weight.low.data()) : weight.values.data());
      binding_.update_targets.push_back(&weight.target);
    }
  }

  Dtype dtype_;
  std::unique_ptr<Operator> operator_;
  StepState state_;
  GuardedMemory saved_;
  GuardedMemory scratch_;
  std::vector<std::unique_ptr<GuardedMemory>> memories_;
  std::vector<std::unique_ptr<GuardedMemory>> input_grads_;
  std::vector<std::unique_ptr<Weight>> weights_;
  Binding binding_;
};

/// Three steps of each kind of optimizer.
inline std::vector<std::vector<UpdateRule>> optimizers() {
  std::vector<std::vector<UpdateRule>> all;
  for (const SgdRule& sgd : {SgdRule{0.1F, 0, false, 0}, SgdRule{0.1F, 0, false, 0.1F}, SgdRule{0.1F, 0.9F, false, 0},
                             SgdRule{0.1F, 0.9F, true, 0.01F}}) {
    all.emplace_back(3, UpdateRule(sgd));
  }
  for (AdamRule adam : {AdamRule{}, AdamRule{0.01F, 0.8, 0.99, 1e-3F, 0.1F, 1}}) {
    std::vector<UpdateRule> steps;
    for (adam.iteration = 1; adam.iteration <= 3; ++adam.iteration) {
      steps.emplace_back(adam);
    }
    all.push_back(steps);
  }
  return all;
}

}  // namespace lapel::kernels::testing
