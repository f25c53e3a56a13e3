#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "golden/golden_case.h"
#include "kernels/cpu.h"

namespace lapel::golden {

/// One way to compute a case.
struct Engine {
  kernels::Dtype dtype = kernels::Dtype::kFloat32;
  bool reference = false;
  int threads = 1;
};

/// How far a number may be from Keras's: `absolute + relative * |Keras's number|`.
struct Tolerance {
  double relative = 0;
  double absolute = 0;
};

/// What is wrong with `actual` in one line with the largest excess, or nothing where all numbers are near enough.
[[nodiscard]] std::optional<std::string> difference(std::string_view tensor, std::span<const float> actual,
                                                    std::span<const float> expected, const Tolerance& tolerance);

/// `|actual - expected| / |expected|` (Euclidean) above `allowed` in one line, or nothing.
[[nodiscard]] std::optional<std::string> norm_difference(std::string_view tensor, std::span<const float> actual,
                                                         std::span<const float> expected, double allowed);

/// Runs the whole case with floats: probabilities, first loss and gradients, every step's loss, trained weights and
/// predictions. One line for each tensor that differs from Keras's.
[[nodiscard]] std::vector<std::string> compare_training(const GoldenCase& golden, const Engine& engine);

/// The first loss and the gradients alone, as near as bfloat16 comes.
[[nodiscard]] std::vector<std::string> compare_first_step_in_bfloat16(const GoldenCase& golden, Engine engine);

}  // namespace lapel::golden
