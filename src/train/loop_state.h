#pragma once

#include <optional>
#include <span>
#include <string>
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

/// The weights in `arena`, which is laid out as `parameters.values()`: one tensor each, under Keras's names.
[[nodiscard]] std::vector<formats::Tensor> weight_tensors(const plan::Parameters& parameters,
                                                          std::span<const float> arena);
/// The same, one behind the other; and back into `parameters`. Throws Error (kInternal) for another number of them.
[[nodiscard]] std::vector<float> flat_weights(const plan::Parameters& parameters, std::span<const float> arena);
void set_flat_weights(plan::Parameters& parameters, std::span<const float> weights);

/// A weight with a number in it that is not finite.
struct NotFinite {
  std::string name;
  bool is_nan = false;
};
/// The first such one, if there is any.
[[nodiscard]] std::optional<NotFinite> weight_that_is_not_finite(plan::Parameters& parameters);

}  // namespace lapel::training
