#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "kernels/cpu.h"
#include "kernels/update/muon.h"
#include "kernels/update_rule.h"
#include "kernels/weight_layout.h"
#include "layers/layer.h"
#include "plan/program.h"

namespace lapel::plan {

/// One weight in the arena.
struct ParameterEntry {
  std::string name;  ///< Keras's: `dense/kernel`
  layers::ParameterSpec spec;
  kernels::WeightLayout layout;
  std::size_t offset = 0;  ///< In numbers from the start of the arena: a whole line, of copies in bfloat16 too.
  std::size_t size = 0;    ///< Numbers it takes there, padding included.
};

/// All weights of a program in one stretch of floats, in the layouts that the kernels want, with room beside it for
/// optimizer state and the bfloat16 copy, each at the same positions. Trainable weights come first. Gradients have
/// memory of their own, weight by weight, and only where one is stored: most are applied where they are made.
class Parameters {
 public:
  /// `parameters`: those of a program; `layouts`: one for each.
  Parameters(std::span<const Parameter> parameters, std::span<const kernels::WeightLayout> layouts,
             kernels::Dtype dtype);

  [[nodiscard]] std::span<const ParameterEntry> entries() const { return entries_; }
  /// Numbers of all weights, without padding.
  [[nodiscard]] std::int64_t count() const;

  /// The trainable weights.
  [[nodiscard]] std::span<float> trainable() { return weights_.as<float>().first(trainable_size_); }
  /// Optimizer state number `index` of all trainable weights, zero at first; made by `add_optimizer_state`.
  [[nodiscard]] std::span<float> state(std::size_t index) {
    return states_.as<float>().subspan(index * trainable_size_, trainable_size_);
  }

  /// Every number of the model, those that no optimizer changes behind the others. Call `refresh_low` after a change.
  [[nodiscard]] std::span<float> values() { return weights_.as<float>().first(size_); }
  /// Makes the bfloat16 copy anew from the weights.
  void refresh_low();

  /// Makes room for `states` numbers of state per trainable weight, all zero.
  void add_optimizer_state(std::size_t states);
  [[nodiscard]] std::size_t optimizer_states() const { return state_count_; }

  /// What a kernel reads for weight `index`: floats, or the bfloat16 copy for weights of more than one dimension.
  [[nodiscard]] const void* operand(std::size_t index);
  /// Where the gradient of a trainable weight is stored; makes room for it at the first call.
  [[nodiscard]] float* gradient(std::size_t index);
  /// Where a trainable weight is updated. The place of this stays the same, also when state is added.
  [[nodiscard]] const kernels::UpdateTarget* update_target(std::size_t index) const { return &targets_.at(index); }
  /// All that an update of a trainable weight by its stored gradient needs.
  [[nodiscard]] kernels::UpdateSpan update_span(std::size_t index);
  /// Updates a trainable weight by its stored gradient.
  void update(std::size_t index, const kernels::UpdateRule& rule);
  /// A weight that no optimizer changes, for the operator that does.
  [[nodiscard]] float* statistic(std::size_t index);

  /// Fills every weight as its initializer says (Glorot & Bengio 2010 for kernels), as a function of the seed alone.
  void initialize(std::uint64_t seed);

  /// Weight `index` in Keras's order and shape.
  [[nodiscard]] std::vector<float> get(std::size_t index) const;
  /// Throws Error (kInternal) for another number of values.
  void set(std::size_t index, std::span<const float> values);
  /// The numbers of weight `index` in `arena`, which is laid out as `values`, in Keras's order and shape; and back.
  [[nodiscard]] std::vector<float> unpacked(std::size_t index, std::span<const float> arena) const;
  void pack(std::size_t index, std::span<const float> values, std::span<float> arena) const;
  /// The stored gradient of the trainable weight `index` in Keras's order and shape. Throws Error (kInternal) where
  /// none has been stored.
  [[nodiscard]] std::vector<float> get_gradient(std::size_t index) const;

  /// Bytes of the weights and their bfloat16 copies.
  [[nodiscard]] std::size_t weight_bytes() const { return weights_.size(); }
  [[nodiscard]] std::size_t gradient_bytes() const;  // of those that are stored
  [[nodiscard]] std::size_t state_bytes() const;

 private:
  void refresh_targets();
  [[nodiscard]] bool has_low() const { return dtype_ == kernels::Dtype::kBfloat16; }
  /// State number `which` from `offset` on; nullptr where there is none.
  [[nodiscard]] float* state_at(std::size_t which, std::size_t offset);
  /// The bfloat16 copy of the weights from `offset` on; nullptr where there is none.
  [[nodiscard]] std::uint16_t* low_at(std::size_t offset);

  std::vector<ParameterEntry> entries_;
  kernels::Dtype dtype_;
  std::size_t size_ = 0;
  std::size_t trainable_size_ = 0;
  // Of a few buffers rather than many, more lies in huge pages, which a buffer has from 2 MB on.
  Buffer weights_;                 // values, then copies in bfloat16
  std::vector<Buffer> gradients_;  // by weight, or empty
  Buffer states_;                  // one after the other
  std::size_t state_count_ = 0;
  std::vector<std::unique_ptr<kernels::MuonUpdate>> muons_;  // by weight, made at their first update
  std::vector<kernels::UpdateTarget> targets_;               // by weight; kernels hold pointers to them
};

}  // namespace lapel::plan
