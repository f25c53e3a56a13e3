#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/onednn/compat.h"
#include "kernels/operator.h"

/// Dense and Conv2D: for oneDNN both are a product of activations and weights with a bias and a relu.
namespace lapel::kernels {

/// Makes the gradients of a product's weights in oneDNN's place.
class WeightGradient {
 public:
  WeightGradient() = default;
  virtual ~WeightGradient() = default;
  WeightGradient(const WeightGradient&) = delete;
  WeightGradient& operator=(const WeightGradient&) = delete;

  [[nodiscard]] virtual std::string implementation() const = 0;
  [[nodiscard]] virtual std::size_t scratch_bytes() const = 0;
  /// Activations are dense n, h, w, c. `bias_grad` is null without a bias.
  virtual void run(const void* input, const void* output_grad, float* kernel_grad, float* bias_grad,
                   void* scratch) const = 0;
};

/// The layouts of one product, and where its window stands (inner products have none).
struct Product {
  MemoryDesc src;
  MemoryDesc dst;
  MemoryDesc bias;  ///< Empty without one.
  Dims weights;     ///< oneDNN's order: out, in (, h, w).
  std::vector<std::int64_t> weight_shape;
  std::optional<Window> window;
  bool relu = false;
  /// Of weights in this layout; empty where oneDNN makes their gradients.
  std::function<std::unique_ptr<WeightGradient>(const WeightLayout& weights)> weight_gradient = {};
};

/// Null where the library has only a reference implementation for the type asked for and `allow_reference` is false.
/// Throws Error (kInternal) where the stored layouts are not those of these weights; `op` names the operator.
[[nodiscard]] std::unique_ptr<Operator> make_product(Product product, const BuildOptions& options, bool allow_reference,
                                                     std::string_view op);

/// Whether it is a relu. Throws Error (kInternal) for what is neither that nor linear.
[[nodiscard]] bool fused_relu(ActivationKind kind, std::string_view op);

/// Empty without a bias.
[[nodiscard]] MemoryDesc bias_desc(bool bias, std::int64_t length);

}  // namespace lapel::kernels
