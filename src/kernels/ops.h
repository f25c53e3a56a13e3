#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "base/shape.h"

/// The operators that a plan is made of, as data. A layer lowers to a short chain of these; the plan fuses
/// neighbours and asks `make_operator` for something that runs.
///
/// All activations are dense n, h, w, c in memory. Sizes here are per sample.
namespace lapel::kernels {

enum class ActivationKind { kLinear, kRelu, kGelu, kTanh, kSigmoid, kSoftmax };

/// What an operator is, whatever runs it. Sizes and arithmetic are of one sample, in the mode of training.
struct OpInfo {
  std::string_view name;    ///< `dense`, `conv2d`, ...: for tables of steps.
  std::int64_t inputs = 1;  ///< Values that it takes: none where it reads the pictures itself.
  std::int64_t in = 0;      ///< Activations of each of them,
  std::int64_t out = 0;     ///< and of the output.
  /// Keras's shapes, in the order in which it takes them; then `statistics` more, of which no gradient changes any.
  std::vector<std::vector<std::int64_t>> weights = {};
  std::vector<std::vector<std::int64_t>> statistics = {};
  /// Activations that it applies to its output itself, beside kLinear; `activation` says which.
  std::span<const ActivationKind> fuses = {};
  /// Arithmetic of the forward pass: 2 per multiply-add, elementwise work not counted; 0 for a chain on pixels, which
  /// multiplies for each of the 256 numbers that a pixel can be and not for a sample.
  std::int64_t flop = 0;
  /// The same of the backward pass: once for the gradients of weights, and once for those of inputs,
  std::int64_t backward_flop = 0;
  std::int64_t input_grad_flop = 0;  ///< of which so much is left out where that of its own input is not wanted.
  std::int64_t pixels = 0;           ///< Pixels that it reads itself, a byte each.
  bool is_identity = false;
  bool is_identity_in_evaluation = false;
  bool is_augmentation = false;  ///< Changes pictures, in training alone; has a `unit`.

  [[nodiscard]] std::int64_t backward_flop_of(bool needs_input_grad) const {
    return backward_flop - (needs_input_grad ? 0 : input_grad_flop);
  }
};

/// y = act(x W + b) on the last axis; `rows` vectors of `in` numbers per sample.
/// Weights: kernel [in, out], bias [out] (if `bias`). Only kLinear and kRelu are fused.
struct DenseOp {
  std::int64_t rows = 1;
  std::int64_t in = 0;
  std::int64_t out = 0;
  bool bias = true;
  ActivationKind activation = ActivationKind::kLinear;
  [[nodiscard]] OpInfo info() const;
  bool operator==(const DenseOp&) const = default;
};

/// Layers on the last axis one after another, each of as many rows, of which only the last one's output is stored.
/// Weights: those of each layer in turn, in the plain order whatever the batch and the mode.
struct DenseChainOp {
  /// No layer of a chain takes or gives more numbers a row.
  static constexpr std::int64_t kWidest = 64;

  std::vector<DenseOp> layers;
  /// Present where the input is the pictures, of one channel: pixels of the chosen samples, times this. Then the
  /// operator has no input.
  std::optional<float> pixel_scale = {};
  [[nodiscard]] OpInfo info() const;
  bool operator==(const DenseChainOp&) const = default;
};

/// A chain on pixels, and a Dense layer on all that it gives, of which only the latter's output is stored. Weights:
/// those of the chain, then those of the layer.
struct DenseOnPixelsOp {
  DenseChainOp chain;
  DenseOp dense;
  [[nodiscard]] OpInfo info() const;
  bool operator==(const DenseOnPixelsOp&) const = default;
};

/// Whether the layer can be one step with the chain that it alone reads.
[[nodiscard]] bool fits_dense_on_pixels(const DenseChainOp& chain, const DenseOp& dense);

/// Whether a layer is computed as a chain, be it of one layer: many rows of few numbers, for which the time goes to
/// moving activations.
[[nodiscard]] bool fits_chain(const DenseOp& op);

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
  [[nodiscard]] OpInfo info() const;
  bool operator==(const Conv2DOp&) const = default;
};

/// Maximum or mean over windows. Padding never wins a maximum and is not counted in a mean (Keras's rule).
/// A relu is fused into maxima of windows of at most `kMostReluPlaces` places: it gives and passes back the same as a
/// relu before them, for what is not above zero has no gradient.
struct Pool2DOp {
  enum class Kind { kMax, kAverage };
  Kind kind = Kind::kMax;
  Shape in;
  Shape out;
  std::array<std::int64_t, 2> pool{};
  std::array<std::int64_t, 2> strides{};
  std::int64_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  ActivationKind activation = ActivationKind::kLinear;
  static constexpr std::int64_t kMostReluPlaces = 255;
  [[nodiscard]] OpInfo info() const;
  bool operator==(const Pool2DOp&) const = default;
};

/// A convolution, and the maximum pooling that alone reads it: for few input channels, where the numbers between them
/// are more than all else. Weights: those of the convolution, in the plain order. Gives no gradient of its input.
struct ConvPoolOp {
  static constexpr std::int64_t kMostChannels = 4;  ///< Of the input.

  Conv2DOp conv;  ///< Linear.
  Pool2DOp pool;
  [[nodiscard]] OpInfo info() const;
  bool operator==(const ConvPoolOp&) const = default;
};

/// Whether both are computed as one: 3x3 places, one after another, and windows of 2x2 side by side.
[[nodiscard]] bool fits_conv_pool(const Conv2DOp& conv, const Pool2DOp& pool);

/// Maximum or mean over height and width: h x w x c to c. The gradient of a maximum that several places
/// share goes to the first of them in memory order.
struct GlobalPool2DOp {
  Pool2DOp::Kind kind = Pool2DOp::Kind::kMax;
  Shape in;
  [[nodiscard]] OpInfo info() const;
  bool operator==(const GlobalPool2DOp&) const = default;
};

/// Elementwise; kSoftmax over the last axis, in `size / axis` rows of `axis` numbers. Gelu is the exact one
/// (erf), Keras's default.
struct ActivationOp {
  ActivationKind kind = ActivationKind::kLinear;
  std::int64_t size = 0;
  std::int64_t axis = 0;
  [[nodiscard]] OpInfo info() const;
  bool operator==(const ActivationOp&) const = default;
};

/// Numbers of an elementwise function, in the order in which it takes them.
using ElementwiseParameters = std::array<float, 3>;

/// A function of each number by itself, one of the list of elementwise/functions.cpp.
struct ElementwiseOp {
  std::string_view function;  ///< Its name there.
  ElementwiseParameters parameters{};
  std::int64_t size = 0;
  [[nodiscard]] OpInfo info() const;
  bool operator==(const ElementwiseOp&) const = default;
};

/// In training a number is kept with probability 1 - rate and divided by it, else 0. Number i of sample s is
/// dropped iff RandomStream{seed, kDropout, unit, epoch, s}.uniform(i) < rate. In evaluation: the identity.
struct DropoutOp {
  std::int64_t size = 0;
  double rate = 0;
  std::uint32_t unit = 0;  ///< Which dropout of the model; set by the plan.
  [[nodiscard]] OpInfo info() const;
  bool operator==(const DropoutOp&) const = default;
};

/// The sum of `inputs` values of `size` numbers, times `scale`.
struct AddOp {
  std::int64_t size = 0;
  std::int64_t inputs = 2;
  double scale = 1;
  [[nodiscard]] OpInfo info() const;
  bool operator==(const AddOp&) const = default;
};

/// Ioffe & Szegedy 2015 over the last axis, as Keras computes it: y = act(gamma (x - mean) / sqrt(variance + epsilon) +
/// beta), with mean and (biased) variance of the batch in training, the moving ones in evaluation. A training step's
/// forward moves the latter: moving = momentum moving + (1 - momentum) batch.
/// Weights, [channels] each: gamma (if `scale`), beta (if `center`); statistics: moving mean, moving variance.
/// Only kLinear, kRelu and kGelu are fused.
struct BatchNormOp {
  std::int64_t size = 0;
  std::int64_t channels = 0;
  double momentum = 0.99;
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  ActivationKind activation = ActivationKind::kLinear;
  [[nodiscard]] OpInfo info() const;
  bool operator==(const BatchNormOp&) const = default;
};

/// In training a picture is mirrored, for each direction with probability 1/2: sample s from left to right iff
/// RandomStream{seed, kAugment, unit, epoch, s}.uniform(0) < 1/2, from top to bottom iff uniform(1) < 1/2. In
/// evaluation: the identity. Has no gradient, so no weight may come before it. All of this is true of the other random
/// operators on pictures as well, and that before epoch `start_epoch` (they are counted from 1) it is the identity in
/// training, too.
/// `alternating` (Jordan 2024, arXiv 2404.00498): chance decides for the first epoch alone, by the same
/// numbers of epoch 0; from then on a picture is mirrored in every other epoch.
struct RandomFlipOp {
  Shape in;
  bool horizontal = true;
  bool vertical = false;
  std::uint32_t unit = 0;  ///< Which random operator of the model; set by the plan.
  bool alternating = false;
  std::uint32_t start_epoch = 1;
  [[nodiscard]] OpInfo info() const;
  bool operator==(const RandomFlipOp&) const = default;
};

/// What lies beyond the edge of a picture, in Keras's words: a number; the picture mirrored at its edge, with the edge
/// twice; the picture again; its edge.
enum class FillMode { kConstant, kReflect, kWrap, kNearest };

/// In training a picture is moved, down by height (f[0] + u (f[1] - f[0])) places and to the right by the same rule:
/// sample s with u = RandomStream{seed, kAugment, unit, epoch, s}.uniform(0) and uniform(1). Between places the
/// numbers are interpolated linearly, or the move is rounded to whole places. In evaluation: the identity. Has no
/// gradient, so no weight may come before it.
struct RandomTranslationOp {
  Shape in;
  std::array<double, 2> height_factor{};  ///< Lower and upper end.
  std::array<double, 2> width_factor{};
  FillMode fill = FillMode::kReflect;
  float fill_value = 0;
  bool bilinear = true;
  std::uint32_t unit = 0;
  std::uint32_t start_epoch = 1;
  [[nodiscard]] OpInfo info() const;
  bool operator==(const RandomTranslationOp&) const = default;
};

/// In training a picture is rotated and zoomed about its middle. With u_i = RandomStream{seed, kAugment, unit, epoch,
/// s}.uniform(i), and r(f, u) = f[0] + u (f[1] - f[0]): counter-clockwise by the angle a = 2 pi r(rotation, u_0); to
/// the height 1 / z_y, z_y = 1 + r(height_zoom, u_1), and the width 1 / z_x, z_x = 1 + r(width_zoom, u_2), or z_y where
/// `same_zoom`. So the number at (x, y) comes from c + R(a) Z ((x, y) - c). Places are kept in 1/65536 of a pixel.
struct RandomAffineOp {
  Shape in;
  std::array<double, 2> rotation{};     ///< Of a full turn.
  std::array<double, 2> height_zoom{};  ///< From -1 on; above 0 makes it smaller.
  std::array<double, 2> width_zoom{};
  bool same_zoom = false;
  FillMode fill = FillMode::kReflect;
  float fill_value = 0;
  bool bilinear = true;
  std::uint32_t unit = 0;
  std::uint32_t start_epoch = 1;
  [[nodiscard]] OpInfo info() const;
  bool operator==(const RandomAffineOp&) const = default;
};

/// The largest height and width that RandomAffineOp takes: its places are 16 bits before the point.
inline constexpr std::int64_t kMostAffineExtent = 4096;

/// Zhong et al. 2017 (arXiv 1708.04896) as Keras has it. In training, with probability r(factor, u_0) (that is, iff u_1
/// is below it), a box of the picture becomes noise, a number of the normal distribution for each, cut to [0, 1]; or
/// `fill_value`. The box is sqrt(r(scale, u_2)) of the width and sqrt(r(scale, u_3)) of the height, and lies anywhere
/// within the picture (u_4, u_5).
struct RandomErasingOp {
  Shape in;
  std::array<double, 2> factor{0, 1};
  std::array<double, 2> scale{0.02, 0.33};
  bool noise = true;
  float fill_value = 0;
  std::uint32_t unit = 0;
  std::uint32_t start_epoch = 1;
  [[nodiscard]] OpInfo info() const;
  bool operator==(const RandomErasingOp&) const = default;
};

/// Zhang et al. 2017 (arXiv 1710.09412). In training row i of a batch becomes w x_i + (1 - w) x_j, with w of the
/// distribution Beta(alpha, alpha) for each sample, and so do its targets (mixing.h). The partner is j = (i + k) modulo
/// the rows, with one k from 1 on for the whole batch.
struct MixUpOp {
  std::int64_t size = 0;
  double alpha = 0.2;
  std::uint32_t unit = 0;
  std::uint32_t start_epoch = 1;
  [[nodiscard]] OpInfo info() const;
  bool operator==(const MixUpOp&) const = default;
};

/// Yun et al. 2019 (arXiv 1905.04899) as Keras has it. In training a box of row i of a batch is that of its partner's,
/// which is found as MixUpOp does. Height and width of the box are sqrt(1 - v) of the picture's, with v of the
/// distribution Beta(a, a), a = r(factor, u_0) + 1e-6; it lies anywhere within the picture. The targets are mixed by
/// the share of the places that were exchanged (mixing.h).
struct CutMixOp {
  Shape in;
  std::array<double, 2> factor{0, 1};
  std::uint32_t unit = 0;
  std::uint32_t start_epoch = 1;
  [[nodiscard]] OpInfo info() const;
  bool operator==(const CutMixOp&) const = default;
};

/// The same numbers under another shape: no work, the output is the input.
struct ReshapeOp {
  std::int64_t size = 0;
  [[nodiscard]] OpInfo info() const;
  bool operator==(const ReshapeOp&) const = default;
};

/// The plan's first step: pixels of the chosen samples, times `scale`, to activations.
struct InputOp {
  std::int64_t size = 0;
  float scale = 1.0F / 255.0F;
  [[nodiscard]] OpInfo info() const;
  bool operator==(const InputOp&) const = default;
};

using Op = std::variant<DenseOp, DenseChainOp, DenseOnPixelsOp, Conv2DOp, ConvPoolOp, Pool2DOp, GlobalPool2DOp,
                        ActivationOp, ElementwiseOp, DropoutOp, AddOp, BatchNormOp, RandomFlipOp, RandomTranslationOp,
                        RandomAffineOp, RandomErasingOp, MixUpOp, CutMixOp, ReshapeOp, InputOp>;

/// The operator's own `info()`.
[[nodiscard]] OpInfo describe(const Op& op);

/// The operator's `unit`, where it draws random numbers: which of its kind it is in the model. Else null.
[[nodiscard]] std::uint32_t* random_unit(Op& op);

/// The operator's `activation`; null for one that has none.
[[nodiscard]] ActivationKind* fused_activation(Op& op);

}  // namespace lapel::kernels
