#include "kernels/ops.h"

#include <algorithm>

namespace lapel::kernels {

namespace {

constexpr std::array kRelu{ActivationKind::kRelu};
constexpr std::array kReluAndGelu{ActivationKind::kRelu, ActivationKind::kGelu};

std::string_view name_of(ActivationKind kind) {
  switch (kind) {
    case ActivationKind::kLinear:
      return "linear";
    case ActivationKind::kRelu:
      return "relu";
    case ActivationKind::kGelu:
      return "gelu";
    case ActivationKind::kTanh:
      return "tanh";
    case ActivationKind::kSigmoid:
      return "sigmoid";
    case ActivationKind::kSoftmax:
      return "softmax";
  }
  return "activation";
}

/// A product's gradients of weights and of inputs take as much as itself, each.
OpInfo with_flop(OpInfo info, std::int64_t flop) {
  info.flop = flop;
  info.backward_flop = 2 * flop;
  info.input_grad_flop = flop;
  return info;
}

std::vector<std::vector<std::int64_t>> with_bias(std::vector<std::int64_t> kernel, bool bias) {
  const std::int64_t out = kernel.back();
  std::vector<std::vector<std::int64_t>> shapes{std::move(kernel)};
  if (bias) {
    shapes.push_back({out});
  }
  return shapes;
}

OpInfo augmentation(std::string_view name, std::int64_t size) {
  OpInfo info{.name = name, .in = size, .out = size};
  info.is_identity_in_evaluation = true;
  info.is_augmentation = true;
  return info;
}

}  // namespace

OpInfo DenseOp::info() const {
  return with_flop(
      {.name = "dense", .in = rows * in, .out = rows * out, .weights = with_bias({in, out}, bias), .fuses = kRelu},
      2 * rows * in * out);
}

OpInfo DenseChainOp::info() const {
  OpInfo info{.name = pixel_scale ? "dense_chain_on_pixels" : "dense_chain"};
  for (const DenseOp& layer : layers) {
    const OpInfo one = layer.info();
    info.weights.insert(info.weights.end(), one.weights.begin(), one.weights.end());
    info.flop += pixel_scale ? 0 : one.flop;
  }
  info.inputs = pixel_scale ? 0 : 1;
  info.in = pixel_scale ? 0 : layers.front().info().in;
  info.out = layers.back().info().out;
  info.pixels = pixel_scale ? layers.front().rows : 0;
  // The gradients of intermediates are computed whether or not that of the input is.
  info.backward_flop = 2 * info.flop;
  info.input_grad_flop = pixel_scale ? 0 : layers.front().info().flop;
  return info;
}

OpInfo DenseOnPixelsOp::info() const {
  OpInfo info = chain.info();
  const OpInfo last = dense.info();
  info.name = "dense_on_pixels";
  info.out = last.out;
  info.weights.insert(info.weights.end(), last.weights.begin(), last.weights.end());
  info.flop = last.flop;
  // The gradient of what the chain gives is computed always.
  info.backward_flop = 2 * last.flop;
  return info;
}

OpInfo Conv2DOp::info() const {
  return with_flop({.name = "conv2d",
                    .in = in.size(),
                    .out = out.size(),
                    .weights = with_bias({kernel[0], kernel[1], in.channels, out.channels}, bias),
                    .fuses = kRelu},
                   2 * out.size() * kernel[0] * kernel[1] * in.channels);
}

OpInfo Pool2DOp::info() const {
  const bool maximum = kind == Kind::kMax;
  const bool fuses_relu = maximum && pool[0] * pool[1] <= kMostReluPlaces;
  return {.name = maximum ? "max_pool2d" : "average_pool2d",
          .in = in.size(),
          .out = out.size(),
          .fuses = fuses_relu ? std::span<const ActivationKind>(kRelu) : std::span<const ActivationKind>()};
}

OpInfo ConvPoolOp::info() const {
  OpInfo info = conv.info();
  info.name = "conv2d_max_pool2d";
  info.out = pool.out.size();
  info.fuses = {};
  return info;
}

OpInfo GlobalPool2DOp::info() const {
  return {.name = kind == Pool2DOp::Kind::kMax ? "global_max_pool2d" : "global_average_pool2d",
          .in = in.size(),
          .out = in.channels};
}

OpInfo ActivationOp::info() const {
  OpInfo info{.name = name_of(kind), .in = size, .out = size};
  info.is_identity = info.is_identity_in_evaluation = kind == ActivationKind::kLinear;
  return info;
}

OpInfo ElementwiseOp::info() const { return {.name = function, .in = size, .out = size}; }

OpInfo DropoutOp::info() const {
  OpInfo info{.name = "dropout", .in = size, .out = size};
  info.is_identity = rate == 0;
  info.is_identity_in_evaluation = true;
  return info;
}

OpInfo AddOp::info() const { return {.name = "add", .inputs = inputs, .in = size, .out = size}; }

OpInfo BatchNormOp::info() const {
  OpInfo info{.name = "batch_norm", .in = size, .out = size, .fuses = kReluAndGelu};
  info.weights.assign((scale ? 1U : 0U) + (center ? 1U : 0U), {channels});
  info.statistics.assign(2, {channels});
  return info;
}

OpInfo RandomFlipOp::info() const { return augmentation("random_flip", in.size()); }
OpInfo RandomTranslationOp::info() const { return augmentation("random_translation", in.size()); }
OpInfo RandomAffineOp::info() const { return augmentation("random_affine", in.size()); }
OpInfo RandomErasingOp::info() const { return augmentation("random_erasing", in.size()); }
OpInfo MixUpOp::info() const { return augmentation("mix_up", size); }
OpInfo CutMixOp::info() const { return augmentation("cut_mix", in.size()); }

OpInfo ReshapeOp::info() const {
  OpInfo info{.name = "reshape", .in = size, .out = size};
  info.is_identity = info.is_identity_in_evaluation = true;
  return info;
}

OpInfo InputOp::info() const { return {.name = "input", .inputs = 0, .out = size, .pixels = size}; }

bool fits_chain(const DenseOp& op) {
  constexpr std::int64_t kRows = 16;
  return op.rows >= kRows && op.in <= DenseChainOp::kWidest && op.out <= DenseChainOp::kWidest;
}

bool fits_dense_on_pixels(const DenseChainOp& chain, const DenseOp& dense) {
  constexpr std::int64_t kNumbers = 16;
  const DenseOp& last = chain.layers.back();
  return chain.pixel_scale && last.out % kNumbers == 0 && dense.rows == 1 && dense.in == last.rows * last.out &&
         (dense.activation == ActivationKind::kLinear || dense.activation == ActivationKind::kRelu);
}

bool fits_conv_pool(const Conv2DOp& conv, const Pool2DOp& pool) {
  using Pair = std::array<std::int64_t, 2>;
  const bool windows = pool.kind == Pool2DOp::Kind::kMax && pool.pool == Pair{2, 2} && pool.strides == Pair{2, 2} &&
                       pool.pad_top + pool.pad_left + pool.pad_bottom + pool.pad_right == 0 &&
                       2 * pool.out.height <= conv.out.height && 2 * pool.out.width <= conv.out.width;
  return windows && conv.kernel == Pair{3, 3} && conv.strides == Pair{1, 1} &&
         conv.activation == ActivationKind::kLinear && conv.in.channels <= ConvPoolOp::kMostChannels;
}

OpInfo describe(const Op& op) {
  return std::visit([](const auto& typed) { return typed.info(); }, op);
}

std::uint32_t* random_unit(Op& op) {
  return std::visit(
      [](auto& typed) -> std::uint32_t* {
        if constexpr (requires { typed.unit; }) {
          return &typed.unit;
        } else {
          return nullptr;
        }
      },
      op);
}

ActivationKind* fused_activation(Op& op) {
  return std::visit(
      [](auto& typed) -> ActivationKind* {
        if constexpr (requires { typed.activation; }) {
          return &typed.activation;
        } else {
          return nullptr;
        }
      },
      op);
}

}  // namespace lapel::kernels
