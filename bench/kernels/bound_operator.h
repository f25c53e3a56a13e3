#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "cases.h"
#include "kernels/operator.h"

namespace lapel::kernels {

/// Whose kernel is measured.
enum class Maker {
  kLapel,   ///< What a training uses: make_operator.
  kOnednn,  ///< oneDNN's alone, where Lapel has its own beside it.
  kPlain,   ///< The reference that tests compare with, where it takes no longer than a moment.
};

[[nodiscard]] std::string_view maker_name(Maker maker);

/// Whether this CPU has such a kernel, different from Lapel's.
[[nodiscard]] bool has_maker(const Op& op, Dtype dtype, Maker maker);

/// An operator for training with all memory that it needs, filled with small numbers.
class BoundOperator {
 public:
  BoundOperator(const OperatorCase& wanted, Dtype dtype, Maker maker);

  void forward() { operator_->forward(state_); }
  /// Stores the gradients of weights.
  void backward() { operator_->backward(state_); }
  /// Updates the weights by Adam; those that the operator does not update in passing, afterwards.
  void backward_and_update();

  /// Arithmetic of a batch, as `lapel bench` counts it.
  [[nodiscard]] std::int64_t forward_flop() const;
  [[nodiscard]] std::int64_t backward_flop() const;
  /// Activations read and written forward, which backward reads and writes again.
  [[nodiscard]] std::int64_t activation_bytes() const;

 private:
  void* memory(std::size_t bytes);
  void* numbers(std::int64_t count, Dtype dtype);
  void bind_inputs(Binding& binding);
  void bind_weights(Binding& binding);

  OperatorCase case_;
  OpInfo info_;
  Dtype dtype_;
  std::unique_ptr<Operator> operator_;
  std::vector<Buffer> buffers_;
  std::vector<std::uint8_t> pixels_;
  std::vector<std::uint32_t> samples_;
  std::vector<UpdateTarget> targets_;
  std::vector<UpdateSpan> spans_;  ///< The same, as the caller updates them.
  std::vector<UpdateRule> rules_;  ///< One for each.
  StepState state_;
};

}  // namespace lapel::kernels
