#pragma once

#include <vector>

#include "formats/safetensors.h"
#include "plan/parameters.h"
#include "train/averages.h"

namespace lapel::training {

/// All numbers of a training between two steps, as the tensors of a checkpoint (store/checkpoint.h): weights, optimizer
/// state and means.
[[nodiscard]] std::vector<formats::Tensor> capture(plan::Parameters& parameters, std::size_t states,
                                                   Averages& averages);

/// Puts them back. Throws Error (kModelFile) where they are not those of this model and this training.
void restore(const std::vector<formats::Tensor>& tensors, plan::Parameters& parameters, std::size_t states,
             Averages& averages);

}  // namespace lapel::training
