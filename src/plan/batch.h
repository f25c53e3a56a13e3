#pragma once

#include <cstdint>
#include <span>

#include "lapel/data.h"

namespace lapel::plan {

/// The pictures of one step: rows `samples` of a data set's pixels and labels.
struct Batch {
  const std::uint8_t* pixels = nullptr;
  std::span<const Label> labels;           ///< Of the whole data set; may be empty where no loss is asked for.
  std::span<const std::uint32_t> samples;  ///< As many as the plan's batch.
  std::span<const std::uint32_t> next{};   ///< Of the step after this one, where they are known.
};

/// How the loss is computed.
struct LossRule {
  bool one_hot = false;  ///< Targets as rows of numbers (categorical_crossentropy) instead of class numbers.
  float label_smoothing = 0;
  /// Factors of the loss of a row, by its class; of rows of several classes, the mean by their shares. Empty: 1.
  std::span<const float> class_weights{};
};

/// The random numbers of a step are functions of these and of the samples.
struct StepKey {
  std::uint64_t seed = 0;
  std::uint32_t epoch = 1;
};

}  // namespace lapel::plan
