#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "api/training_setup.h"
#include "lapel/data.h"
#include "lapel/recipe.h"
#include "store/checkpoint.h"

namespace lapel {

/// Throws Error (kIo) where the disk of `folder` has no room for the model and its checkpoints.
void check_space(const std::filesystem::path& folder, const TrainingSetup& setup);

/// Throws Error (kIo) where the memory that is free does not hold the weights, their state and the copies of them that
/// are saved.
void check_memory_of(const TrainingSetup& setup);

/// The recipe for checkpoints: the pictures may have another place when the training goes on.
[[nodiscard]] std::string text_without_source(Recipe recipe);

/// Throws Error (kUsage) where the training that `checkpoint` is of is another one.
void check_same_training(const store::Checkpoint& checkpoint, const std::string& recipe,
                         const LabeledPictures& pictures, const std::filesystem::path& run);

}  // namespace lapel
