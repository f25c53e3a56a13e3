#pragma once

#include <string>

#include "base/shape.h"
#include "kernels/cpu.h"
#include "lapel/data.h"
#include "lapel/recipe.h"
#include "model/model.h"

namespace lapel {

/// What pixels are multiplied with.
inline constexpr float kPixelScale = 1.0F / 255.0F;

[[nodiscard]] Shape picture_shape(const Pictures& pictures);

/// `recipe` with the number of classes where it leaves it open, and with a source that is found from any folder: the
/// name of a known data set, or an absolute path.
[[nodiscard]] Recipe resolve_recipe(Recipe recipe, const DataSet& data);

/// Throws Error (kRecipe) where the model does not give a number for each class.
void check_outputs(const model::Model& model, const DataSet& data);

/// The number type that a recipe's `precision` means on this CPU.
[[nodiscard]] kernels::Dtype resolve_precision(const std::string& precision);
/// Its name: `float32` or `bfloat16`.
[[nodiscard]] std::string precision_name(kernels::Dtype dtype);

/// The threads that a recipe's `threads` means here.
[[nodiscard]] int resolve_threads(const TrainSpec& spec);

}  // namespace lapel
