#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "kernels/cpu.h"
#include "kernels/weight_layout.h"
#include "layers/layer.h"
#include "model/model.h"

namespace lapel::plan {

/// One weight of the model in the arena.
struct ParameterEntry {
  std::string name;  ///< Keras's: `dense/kernel`
  layers::ParameterSpec spec;
  kernels::WeightLayout layout;
  std::size_t offset = 0;  ///< In numbers from the start of the arena; a multiple of 16.
  std::size_t size = 0;    ///< Numbers it takes there, padding included.
};

/// All weights of a model in one stretch of floats, in the layouts that the kernels want, with room beside it for
/// gradients, optimizer state and the bfloat16 copy, each at the same positions. Trainable weights come first.
class Parameters {
 public:
  /// `layouts`: one for each weight of the model, in its order. Gradients only where `training`.
  Parameters(const model::Model& model, std::span<const kernels::WeightLayout> layouts, kernels::Dtype dtype,
             bool training);

  [[nodiscard]] std::span<const ParameterEntry> entries() const { return entries_; }

  /// The trainable weights, which an optimizer updates as one.
  [[nodiscard]] std::span<float> trainable() { return values_.as<float>().first(trainable_size_); }
  [[nodiscard]] std::span<float> gradients() { return gradients_.as<float>(); }
  /// Optimizer state number `index`, zero at first; made by `add_optimizer_state`.
  [[nodiscard]] std::span<float> state(std::size_t index) { return states_.at(index).as<float>(); }
  /// The bfloat16 copy of the trainable weights; empty where products read floats.
  [[nodiscard]] std::span<std::uint16_t> low() { return low_.as<std::uint16_t>().first(low_size()); }

  /// Makes room for `states` numbers of state per trainable weight, all zero.
  void add_optimizer_state(std::size_t states);

  /// What a kernel reads for weight `index`: floats, or the bfloat16 copy for weights of more than one dimension.
  [[nodiscard]] const void* operand(std::size_t index) const;
  /// Where the gradient of a trainable weight is.
  [[nodiscard]] float* gradient(std::size_t index);
  /// A weight that no optimizer changes, for the operator that does.
  [[nodiscard]] float* statistic(std::size_t index);

  /// Fills every weight as its initializer says (Glorot & Bengio 2010 for kernels), as a function of the seed alone.
  void initialize(std::uint64_t seed);

  /// Weight `index` in Keras's order and shape.
  [[nodiscard]] std::vector<float> get(std::size_t index) const;
  /// Throws Error (kInternal) for another number of values.
  void set(std::size_t index, std::span<const float> values);
  /// The gradient of the trainable weight `index` in Keras's order and shape.
  [[nodiscard]] std::vector<float> get_gradient(std::size_t index) const;

  /// Bytes of the weights and their bfloat16 copies.
  [[nodiscard]] std::size_t weight_bytes() const { return values_.size() + low_.size(); }
  [[nodiscard]] std::size_t gradient_bytes() const { return gradients_.size(); }
  [[nodiscard]] std::size_t state_bytes() const;

 private:
  [[nodiscard]] std::size_t low_size() const { return low_.size() == 0 ? 0 : trainable_size_; }
  void refresh_low();

  std::vector<ParameterEntry> entries_;
  kernels::Dtype dtype_;
  std::size_t size_ = 0;
  std::size_t trainable_size_ = 0;
  Buffer values_;
  Buffer gradients_;
  std::vector<Buffer> states_;
  Buffer low_;
};

}  // namespace lapel::plan
