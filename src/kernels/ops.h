#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <variant>

#include "base/shape.h"

/// The operators that a plan is made of, as data. A layer lowers to a short chain of these; the plan fuses
/// neighbours and asks `make_operator` for something that runs.
///
/// All activations are dense n, h, w, c in memory. Sizes here are per sample.
namespace lapel::kernels {

enum class ActivationKind { kLinear, kRelu, kGelu, kTanh, kSigmoid, kSoftmax };

/// y = act(x W + b) on the last axis; `rows` vectors of `in` numbers per sample.
/// Weights: kernel [in, out], bias [out] (if `bias`). Only kLinear and kRelu are fused.
struct DenseOp {
  std::int64_t rows = 1;
  std::int64_t in = 0;
  std::int64_t out = 0;
  bool bias = true;
  ActivationKind activation = ActivationKind::kLinear;
  bool operator==(const DenseOp&) const = default;
};

/// Cross-correlation, as Keras's Conv2D. Weights: kernel [kh, kw, in, out], bias [out] (if `bias`).
/// `pad_*` are zeros put around the picture; only kLinear and kRelu are fused.
struct Conv2DOp {
  Shape in;
  Shape out;
  std::array<std::int64_t, 2> kernel{};   ///< height, width
  std::array<std::int64_t, 2> strides{};  ///< height, width
  std::int64_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  bool bias = true;
  ActivationKind activation = ActivationKind::kLinear;
  bool operator==(const Conv2DOp&) const = default;
};

/// Maximum or mean over windows. Padding never wins a maximum and is not counted in a mean (Keras's rule).
struct Pool2DOp {
  enum class Kind { kMax, kAverage };
  Kind kind = Kind::kMax;
  Shape in;
  Shape out;
  std::array<std::int64_t, 2> pool{};
  std::array<std::int64_t, 2> strides{};
  std::int64_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  bool operator==(const Pool2DOp&) const = default;
};

/// Maximum or mean over height and width: h x w x c to c. The gradient of a maximum that several places
/// share goes to the first of them in memory order.
struct GlobalPool2DOp {
  Pool2DOp::Kind kind = Pool2DOp::Kind::kMax;
  Shape in;
  bool operator==(const GlobalPool2DOp&) const = default;
};

/// Elementwise; kSoftmax over the last axis, in `size / axis` rows of `axis` numbers. Gelu is the exact one
/// (erf), Keras's default.
struct ActivationOp {
  ActivationKind kind = ActivationKind::kLinear;
  std::int64_t size = 0;
  std::int64_t axis = 0;
  bool operator==(const ActivationOp&) const = default;
};

/// In training a number is kept with probability 1 - rate and divided by it, else 0. Number i of sample s is
/// dropped iff RandomStream{seed, kDropout, unit, epoch, s}.uniform(i) < rate. In evaluation: the identity.
struct DropoutOp {
  std::int64_t size = 0;
  double rate = 0;
  std::uint32_t unit = 0;  ///< Which dropout of the model; set by the plan.
  bool operator==(const DropoutOp&) const = default;
};

/// The sum of `inputs` values of `size` numbers.
struct AddOp {
  std::int64_t size = 0;
  std::int64_t inputs = 2;
  bool operator==(const AddOp&) const = default;
};

/// The same numbers under another shape: no work, the output is the input.
struct ReshapeOp {
  std::int64_t size = 0;
  bool operator==(const ReshapeOp&) const = default;
};

/// The plan's first step: pixels of the chosen samples, times `scale`, to activations.
struct InputOp {
  std::int64_t size = 0;
  float scale = 1.0F / 255.0F;
  bool operator==(const InputOp&) const = default;
};

using Op =
    std::variant<DenseOp, Conv2DOp, Pool2DOp, GlobalPool2DOp, ActivationOp, DropoutOp, AddOp, ReshapeOp, InputOp>;

/// `dense`, `conv2d`, ... : the kind of an operator, for tables of steps.
[[nodiscard]] std::string_view op_name(const Op& op);

/// Arithmetic of the forward pass for one sample: 2 per multiply-add, elementwise work not counted.
[[nodiscard]] std::int64_t op_flop(const Op& op);

}  // namespace lapel::kernels
