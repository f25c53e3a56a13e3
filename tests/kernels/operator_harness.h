#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/rng.h"
#include "kernels/bfloat16.h"
#include "kernels/operator.h"
#include "kernels/reference/reference.h"
#include "kernels/update_rule.h"

/// Runs one operator on plain numbers, whatever its type and weight layouts.
namespace lapel::kernels::testing {

/// Numbers in [-1, 1) that depend only on `unit`.
inline std::vector<float> random_numbers(std::int64_t count, std::uint32_t unit) {
  const RandomStream stream{7, RandomPurpose::kTest, unit, 0, 0};
  std::vector<float> numbers(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = 2 * stream.uniform(i) - 1;
  }
  return numbers;
}

/// What goes into an operator, in plain order.
struct OperatorData {
  std::vector<std::vector<float>> inputs;
  std::vector<std::vector<float>> weights;
  std::vector<float> output_grad;
  std::vector<std::vector<float>> statistics = {};
};

inline OperatorData random_operands(const Op& op, std::int64_t batch) {
  const OpInfo sizes = describe(op);
  OperatorData data;
  std::uint32_t unit = 1;
  for (std::int64_t i = 0; i < sizes.inputs; ++i) {
    data.inputs.push_back(random_numbers(batch * sizes.in, unit++));
  }
  for (const auto& shape : sizes.weights) {
    const auto count = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
    data.weights.push_back(random_numbers(count, unit++));
  }
  data.output_grad = random_numbers(batch * sizes.out, unit);
  if (const auto* norm = std::get_if<BatchNormOp>(&op)) {
    data.statistics.push_back(random_numbers(norm->channels, ++unit));
    data.statistics.push_back(random_numbers(norm->channels, ++unit));
    for (float& variance : data.statistics.back()) {
      variance = 0.5F + variance * variance;
    }
  }
  return data;
}

/// What comes out of it, in plain order.
struct OperatorResult {
  std::vector<float> output;
  std::vector<std::vector<float>> input_grads;
  std::vector<std::vector<float>> weight_grads;
  std::vector<std::vector<float>> statistics;
  bool operator==(const OperatorResult&) const = default;
};

/// Memory filled with 0xFF (not-a-number in both types), with a guard behind it that must stay as it is.
class GuardedMemory {
 public:
  explicit GuardedMemory(std::size_t bytes) : bytes_(bytes), buffer_(Buffer::aligned(bytes) + kGuard) { poison(); }

  void poison() { std::memset(buffer_.data(), 0xFF, buffer_.size()); }
  void* data() { return buffer_.data(); }
  [[nodiscard]] bool guard_holds() const {
    return std::all_of(buffer_.data() + bytes_, buffer_.data() + buffer_.size(),
                       [](std::byte value) { return value == std::byte{0xFF}; });
  }

  void write(const std::vector<float>& numbers, Dtype dtype) {
    if (dtype == Dtype::kFloat32) {
      std::ranges::copy(numbers, static_cast<float*>(data()));
    } else {
      to_bfloat16(numbers, {static_cast<std::uint16_t*>(data()), numbers.size()});
    }
  }
  [[nodiscard]] std::vector<float> read(Dtype dtype) {
    std::vector<float> numbers(bytes_ / dtype_bytes(dtype));
    if (dtype == Dtype::kFloat32) {
      std::copy_n(static_cast<const float*>(data()), numbers.size(), numbers.begin());
    } else {
      from_bfloat16({static_cast<const std::uint16_t*>(data()), numbers.size()}, numbers);
    }
    return numbers;
  }

 private:
  static constexpr std::size_t kGuard = 64;
  std::size_t bytes_;
  Buffer buffer_;
};

/// All memory of one operator, bound to it. Weights are packed into its layouts, gradients unpacked from them.
class OperatorHarness {
 public:
  OperatorHarness(Operator& tested, const Op& op, const BuildOptions& options, const OperatorData& data)
      : tested_(tested),
        options_(options),
        sizes_(describe(op)),
        layouts_(tested.weight_layouts()),
        output_(bytes(sizes_.out)),
        output_grad_(bytes(sizes_.out)),
        saved_(tested.saved_bytes()),
        scratch_(tested.scratch_bytes()) {
    Binding binding;
    for (const auto& input : data.inputs) {
      inputs_.emplace_back(bytes(sizes_.in)).write(input, options_.dtype);
    }
    for (std::size_t i = 0; i < data.inputs.size(); ++i) {
      input_grads_.emplace_back(bytes(sizes_.in));
    }
    for (const auto& statistic : data.statistics) {
      statistics_.emplace_back(statistic.size() * sizeof(float)).write(statistic, Dtype::kFloat32);
      EXPECT_EQ(layouts_.back(), WeightLayout::plain({static_cast<std::int64_t>(statistic.size())}));
      layouts_.pop_back();
    }
    EXPECT_EQ(layouts_.size(), data.weights.size());
    for (std::size_t i = 0; i < layouts_.size(); ++i) {
      std::vector<float> packed(static_cast<std::size_t>(layouts_[i].packed_size()));
      layouts_[i].pack(data.weights.at(i), packed);
      const Dtype dtype = layouts_[i].shape().size() == 1 ? Dtype::kFloat32 : options_.dtype;
      weights_.emplace_back(packed.size() * dtype_bytes(dtype)).write(packed, dtype);
      weight_grads_.emplace_back(packed.size() * sizeof(float));
    }
    output_grad_.write(data.output_grad, options_.dtype);
    bind();
  }

  OperatorResult run(const StepState& state = {}) {
    OperatorResult result;
    scratch_.poison();
    tested_.forward(state);
    result.output = output_.read(options_.dtype);
    if (options_.training) {
      scratch_.poison();
      tested_.backward(state);
      read_gradients(result);
    }
    for (auto& statistic : statistics_) {
      result.statistics.push_back(statistic.read(Dtype::kFloat32));
    }
    check_guards();
    return result;
  }

 private:
  [[nodiscard]] std::size_t bytes(std::int64_t per_sample) const {
    return static_cast<std::size_t>(options_.batch * per_sample) * dtype_bytes(options_.dtype);
  }

  /// Memory that the operator did not ask for is not given to it.
  void bind() {
    Binding binding;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      binding.inputs.push_back(inputs_[i].data());
      binding.input_grads.push_back(options_.training && options_.needs_input_grad ? input_grads_[i].data() : nullptr);
    }
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      binding.weights.push_back(weights_[i].data());
      binding.weight_grads.push_back(options_.training ? static_cast<float*>(weight_grads_[i].data()) : nullptr);
    }
    for (auto& statistic : statistics_) {
      binding.statistics.push_back(static_cast<float*>(statistic.data()));
    }
    binding.output = output_.data();
    binding.output_grad = options_.training ? output_grad_.data() : nullptr;
    binding.saved = tested_.saved_bytes() > 0 ? saved_.data() : nullptr;
    binding.scratch = tested_.scratch_bytes() > 0 ? scratch_.data() : nullptr;
    tested_.bind(binding);
  }

  void read_gradients(OperatorResult& result) {
    if (options_.needs_input_grad) {
      for (auto& grad : input_grads_) {
        result.input_grads.push_back(grad.read(options_.dtype));
      }
    }
    for (std::size_t i = 0; i < layouts_.size(); ++i) {
      const std::vector<float> packed = weight_grads_[i].read(Dtype::kFloat32);
      std::vector<float> plain(static_cast<std::size_t>(layouts_[i].size()));
      layouts_[i].unpack(packed, plain);
      std::vector<float> again(packed.size());
      layouts_[i].pack(plain, again);
      EXPECT_EQ(packed, again) << "the padding of the gradient of weight " << i << " is not zero";
      result.weight_grads.push_back(std::move(plain));
    }
  }

  void check_guards() const {
    for (const auto* group : {&inputs_, &input_grads_, &weights_, &weight_grads_, &statistics_}) {
      for (std::size_t i = 0; i < group->size(); ++i) {
        EXPECT_TRUE((*group)[i].guard_holds()) << "written behind an operand";
      }
    }
    EXPECT_TRUE(output_.guard_holds()) << "written behind the output";
    EXPECT_TRUE(output_grad_.guard_holds()) << "written behind the output's gradient";
    EXPECT_TRUE(saved_.guard_holds()) << "written behind the saved memory";
    EXPECT_TRUE(scratch_.guard_holds()) << "written behind the scratch";
  }

  Operator& tested_;
  BuildOptions options_;
  OpInfo sizes_;
  std::vector<WeightLayout> layouts_;
  std::vector<GuardedMemory> inputs_;
  std::vector<GuardedMemory> input_grads_;
  std::vector<GuardedMemory> weights_;
  std::vector<GuardedMemory> weight_grads_;
  std::vector<GuardedMemory> statistics_;
  GuardedMemory output_;
  GuardedMemory output_grad_;
  GuardedMemory saved_;
  GuardedMemory scratch_;
};

inline OperatorResult run_operator(Operator& tested, const Op& op, const BuildOptions& options,
                                   const OperatorData& data, const StepState& state = {}) {
  return OperatorHarness(tested, op, options, data).run(state);
}

/// What the plain reference makes of the same.
inline OperatorResult run_reference(const Op& op, BuildOptions options, const OperatorData& data,
                                    const StepState& state = {}) {
  options.stored_layouts.clear();
  const auto reference = make_reference_operator(op, options);
  return run_operator(*reference, op, options, data, state);
}

/// Every number within `tolerance` times the largest magnitude expected (at least 1).
inline void expect_close(const std::vector<float>& actual, const std::vector<float>& expected, double tolerance,
                         const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  double largest = 1;
  for (const float value : expected) {
    largest = std::max(largest, std::abs(static_cast<double>(value)));
  }
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double difference = std::abs(static_cast<double>(actual[i]) - static_cast<double>(expected[i]));
    // Written so that not-a-number fails.
    ASSERT_TRUE(difference <= tolerance * largest)
        << what << "[" << i << "] is " << actual[i] << ", not " << expected[i];
  }
}

inline void expect_close(const OperatorResult& actual, const OperatorResult& expected, double tolerance) {
  expect_close(actual.output, expected.output, tolerance, "output");
  ASSERT_EQ(actual.input_grads.size(), expected.input_grads.size());
  ASSERT_EQ(actual.weight_grads.size(), expected.weight_grads.size());
  for (std::size_t i = 0; i < actual.input_grads.size(); ++i) {
    expect_close(actual.input_grads[i], expected.input_grads[i], tolerance, "input_grad " + std::to_string(i));
  }
  ASSERT_EQ(actual.statistics.size(), expected.statistics.size());
  for (std::size_t i = 0; i < actual.statistics.size(); ++i) {
    expect_close(actual.statistics[i], expected.statistics[i], tolerance, "statistic " + std::to_string(i));
  }
  for (std::size_t i = 0; i < actual.weight_grads.size(); ++i) {
    expect_close(actual.weight_grads[i], expected.weight_grads[i], tolerance, "weight_grad " + std::to_string(i));
  }
}

}  // namespace lapel::kernels::testing
