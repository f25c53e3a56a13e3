#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "kernels/operator.h"
#include "kernels/simd/ranges.h"

namespace lapel::kernels {

/// What the operators share that Lapel computes itself, vectorised with Highway. Each gives the numbers of its
/// reference operator for any number of threads: exactly, but for gelus, the sums of an add of more than two inputs and
/// of a global mean, and for mixed pictures, which are made in float.
class SimdOperator : public Operator {
 public:
  explicit SimdOperator(const BuildOptions& options) : options_(options) {}
  /// `highway:AVX2`
  [[nodiscard]] std::string implementation() const override;
  [[nodiscard]] bool works_in_team() const override { return true; }
  void bind(const Binding& binding) override { binding_ = binding; }

 protected:
  [[nodiscard]] const BuildOptions& options() const { return options_; }
  [[nodiscard]] const Binding& binding() const { return binding_; }
  /// Null where none is needed.
  [[nodiscard]] void* input_grad(std::size_t i = 0) const {
    return i < binding_.input_grads.size() ? binding_.input_grads[i] : nullptr;
  }
  /// Throws Error (kInternal) unless `state` names a sample for each row.
  void check_samples(const StepState& state) const;
  /// Starts to bring a picture near. In a large data set each one comes from memory, whose answer takes longer than the
  /// pixels do to be scaled; samples are in random order, so that the hardware cannot know which one is next.
  static void fetch(const std::uint8_t* picture, std::size_t bytes) {
    constexpr std::size_t kLine = 64;
    for (std::size_t at = 0; at < bytes; at += kLine) {
      __builtin_prefetch(picture + at);
    }
  }
  /// Copies `numbers` activations of the plan's type, over all threads: what an operator is that does nothing in
  /// evaluation but is there in a plan for training.
  void copy(const void* from, void* to, std::int64_t numbers) const;

 private:
  BuildOptions options_;
  Binding binding_;
};

}  // namespace lapel::kernels
