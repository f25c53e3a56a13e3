#pragma once

#include <filesystem>
#include <span>

#include "lapel/recipe.h"

namespace lapel::training {

/// Gives the PNG files among `plots` to TensorBoard as images, at `step`: in the folder `plots` of the `log_dir` of
/// each TensorBoard callback, in place of those that it gave before. Throws Error (kIo, kData).
void log_plots(std::span<const TypedSpec> callbacks, const std::filesystem::path& run,
               std::span<const std::filesystem::path> plots, std::int64_t step);

}  // namespace lapel::training
