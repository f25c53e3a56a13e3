#pragma once

#include <string>
#include <vector>

#include "formats/safetensors.h"
#include "lapel/findings.h"
#include "store/model_file.h"

namespace lapel::interop::torch {

/// A model in PyTorch's words.
struct Module {
  std::vector<std::string> made;         ///< Lines of `__init__`, one for each layer with weights.
  std::vector<std::string> run;          ///< Lines of `forward`: from `pictures` (n, c, h, w) on.
  std::string result;                    ///< The variable of `forward` that has the logits.
  std::vector<formats::Tensor> tensors;  ///< The state dict, in PyTorch's names and layouts.
  Findings findings;
};

/// Throws Error (kRecipe) for a layer that PyTorch has nothing for.
[[nodiscard]] Module module_of(const store::ModelFile& file);

/// The Python file that has the module, loads its weights from the file `weights` beside it, and brings pixels to
/// probabilities.
[[nodiscard]] std::string python_text(const store::ModelFile& file, const Module& module, const std::string& weights);

}  // namespace lapel::interop::torch
