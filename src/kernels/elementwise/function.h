#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "kernels/operator.h"

/// Functions of single numbers. Each is one file: its formula on vectors, the same in doubles, and its name. Its line
/// in functions.cpp makes it an activation of that name, in kernels, layers and tests.
namespace lapel::kernels {

/// The numbers [begin, end) of one pass.
struct ElementwiseSpan {
  Dtype dtype = Dtype::kFloat32;
  bool rounds_bfloat16 = false;  ///< The CPU has RoundedBfloat16.
  const void* input = nullptr;
  const void* output_grad = nullptr;  ///< Null: forward.
  void* to = nullptr;                 ///< The output; backward, the gradient of the input.
  std::size_t begin = 0;
  std::size_t end = 0;
  ElementwiseParameters parameters{};
};

struct ElementwiseFunction {
  std::string_view name;                     ///< As Keras's function is named.
  std::string_view alias = {};               ///< Keras's other name of it.
  ElementwiseParameters parameters = {};     ///< Keras's defaults of the function of that name.
  void (*run)(const ElementwiseSpan& span);  ///< On the calling thread.
  /// The plain version, and its derivative.
  double (*value)(double x, const ElementwiseParameters& parameters);
  double (*slope)(double x, const ElementwiseParameters& parameters);
};

/// The line of the list for a formula, defined in the formula's file as a specialization for a name of its own, so that
/// no header has to declare it.
template <class Formula>
[[nodiscard]] ElementwiseFunction elementwise_function();

/// Every function there is, in a fixed order.
[[nodiscard]] std::span<const ElementwiseFunction> elementwise_functions();

/// By name or alias. Throws Error (kInternal) for an unknown one.
[[nodiscard]] const ElementwiseFunction& find_elementwise_function(std::string_view name);

/// Reads its input again in backward, and stores nothing else.
[[nodiscard]] std::unique_ptr<Operator> make_elementwise_operator(const ElementwiseOp& op, const BuildOptions& options);

}  // namespace lapel::kernels
