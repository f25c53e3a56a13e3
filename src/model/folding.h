#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "model/model.h"

namespace lapel::model {

/// A trained model for answers alone: each BatchNormalization that alone reads a linear Conv2D or Dense is gone. In
/// evaluation it multiplies each channel with a number and adds another, so weights and biases can have both in them
/// (Jacob et al. 2017, arXiv:1712.05877, section 3.2). The answers are the same but for the rounding of the weights.
class FoldedModel {
 public:
  explicit FoldedModel(const Model& trained);

  [[nodiscard]] const Model& model() const { return model_; }

  /// The weights of `model()` in its order, from those of the trained model in its order, each in Keras's layout.
  /// Throws Error (kInternal) for another number of weights, or of numbers in one.
  [[nodiscard]] std::vector<std::vector<float>> weights(std::span<const std::span<const float>> trained) const;

 private:
  /// Of one node of `model_`: positions of nodes of the trained model.
  struct Origin {
    std::size_t node = 0;
    std::optional<std::size_t> norm = {};
  };

  static std::vector<Origin> origins_in(const Model& trained);
  static Model folded(const Model& trained, std::span<const Origin> origins);

  Model trained_;
  std::vector<Origin> origins_;
  Model model_;
};

}  // namespace lapel::model
