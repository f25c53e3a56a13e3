#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "kernels/operator.h"

/// A BatchNormalization in evaluation, as part of a convolution.
namespace lapel::kernels {

/// How many weights and statistics it has, each of a number for each channel.
[[nodiscard]] constexpr std::size_t norm_vectors(const FoldedNorm& norm) {
  return 2 + (norm.scale ? 1U : 0U) + (norm.center ? 1U : 0U);
}

/// What it comes to for each channel: y = factor x + shift.
class NormFactors {
 public:
  /// Gamma is `binding.weights[first]`, if there is one. The numbers lie in `memory`, which has `bytes(channels)`.
  NormFactors(const FoldedNorm& norm, const Binding& binding, std::size_t first, void* memory, std::int64_t channels);

  [[nodiscard]] static std::size_t bytes(std::int64_t channels);

  /// Computes them from the weights and statistics as they are now.
  void prepare() const;

  [[nodiscard]] const float* factor() const { return factor_.data(); }
  [[nodiscard]] const float* shift() const { return shift_.data(); }

 private:
  double epsilon_;
  const float* gamma_ = nullptr;
  const float* beta_ = nullptr;
  const float* mean_;
  const float* variance_;
  std::span<float> factor_;
  std::span<float> shift_;
};

/// The convolution, then the normalization in place: for where oneDNN does not compute both at once. `op.norm` is
/// present.
[[nodiscard]] std::unique_ptr<Operator> make_conv2d_then_norm(const Conv2DOp& op, const BuildOptions& options);

}  // namespace lapel::kernels
