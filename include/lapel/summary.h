#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lapel/data.h"
#include "lapel/recipe.h"

namespace lapel {

/// One line of the summary of a model.
struct SummaryRow {
  std::string name;
  std::string type;
  std::string output_shape;  ///< `(None, 26, 26, 32)`
  std::int64_t parameters = 0;
  std::vector<std::string> connected_to;  ///< Names of its inputs.
};

/// What Keras's `model.summary()` says.
struct Summary {
  std::string name;
  bool sequential = true;
  std::vector<SummaryRow> rows;  ///< Without the Input of a sequential model, as Keras.
  std::int64_t trainable = 0;
  std::int64_t non_trainable = 0;
  std::int64_t flop = 0;  ///< Forward pass of one sample, 2 per multiply-add.
};

/// The model of `recipe` for these pictures and classes. Throws Error (kRecipe) where the layers do not fit them.
[[nodiscard]] Summary summarize(const Recipe& recipe, const DataSet& data);

}  // namespace lapel
