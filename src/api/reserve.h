#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "api/classifier_impl.h"
#include "lapel/data.h"

namespace lapel {

/// Pictures that are looked at with a test-time augmentation.
struct MeasuredPart {
  std::int64_t count = 0;
  std::string test_time_augmentation;
};

/// Seconds that `classifier` will take for these parts, from what some batches of `pictures` take. Makes its network,
/// which stays; `plan_seconds` is raised to what that took.
[[nodiscard]] double evaluation_reserve(Classifier::Impl& classifier, const Pictures& pictures,
                                        std::span<const MeasuredPart> parts, double& plan_seconds);

}  // namespace lapel
