#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "api/classifier_impl.h"
#include "lapel/data.h"

namespace lapel {

/// Seconds that `classifier` will take for parts of so many pictures, from what some batches of `pictures` take. Makes
/// its network, which stays.
[[nodiscard]] double evaluation_reserve(Classifier::Impl& classifier, const Pictures& pictures,
                                        std::span<const std::int64_t> parts);

/// Seconds that drawing the plots of a run takes, from what one of them takes; 0 where it fails.
[[nodiscard]] double plot_reserve(const DataSet& data, const std::filesystem::path& folder);

}  // namespace lapel
