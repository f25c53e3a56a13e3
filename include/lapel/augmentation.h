#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lapel/data.h"
#include "lapel/recipe.h"

/// What the layers of a recipe that change pictures in training (docs/augmentation.md) make of them.
namespace lapel {

/// Those layers, in the recipe's order.
[[nodiscard]] std::vector<LayerSpec> augmentations(const Recipe& recipe);

/// The pictures `samples` (positions in `pictures`), as one batch of them in epoch `epoch` (from 1) of a training by
/// `recipe`, from its first layer to the last of augmentations(recipe); 8 bits again. A training changes each of these
/// samples in this very way, but for the partners that MixUp and CutMix find in its own batches.
/// Throws Error (kRecipe) where the layers do not fit the pictures.
[[nodiscard]] Pictures augmented(const Recipe& recipe, const Pictures& pictures, std::span<const std::uint32_t> samples,
                                 std::int64_t epoch);

}  // namespace lapel
