#include "kernels/ops.h"

namespace lapel::kernels {

namespace {

struct Name {
  std::string_view operator()(const DenseOp&) const { return "dense"; }
  std::string_view operator()(const DenseChainOp& op) const {
    return op.pixel_scale ? "dense_chain_on_pixels" : "dense_chain";
  }
  std::string_view operator()(const DenseOnPixelsOp&) const { return "dense_on_pixels"; }
  std::string_view operator()(const Conv2DOp&) const { return "conv2d"; }
  std::string_view operator()(const ConvPoolOp&) const { return "conv2d_max_pool2d"; }
  std::string_view operator()(const Pool2DOp& op) const {
    return op.kind == Pool2DOp::Kind::kMax ? "max_pool2d" : "average_pool2d";
  }
  std::string_view operator()(const GlobalPool2DOp& op) const {
    return op.kind == Pool2DOp::Kind::kMax ? "global_max_pool2d" : "global_average_pool2d";
  }
  std::string_view operator()(const ActivationOp& op) const {
    switch (op.kind) {
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
  std::string_view operator()(const DropoutOp&) const { return "dropout"; }
  std::string_view operator()(const AddOp&) const { return "add"; }
  std::string_view operator()(const BatchNormOp&) const { return "batch_norm"; }
  std::string_view operator()(const RandomFlipOp&) const { return "random_flip"; }
  std::string_view operator()(const RandomTranslationOp&) const { return "random_translation"; }
  std::string_view operator()(const RandomAffineOp&) const { return "random_affine"; }
  std::string_view operator()(const RandomErasingOp&) const { return "random_erasing"; }
  std::string_view operator()(const MixUpOp&) const { return "mix_up"; }
  std::string_view operator()(const CutMixOp&) const { return "cut_mix"; }
  std::string_view operator()(const ReshapeOp&) const { return "reshape"; }
  std::string_view operator()(const InputOp&) const { return "input"; }
};

struct Flop {
  std::int64_t operator()(const DenseOp& op) const { return 2 * op.rows * op.in * op.out; }
  std::int64_t operator()(const DenseChainOp& op) const {
    std::int64_t flop = 0;
    for (const DenseOp& layer : op.layers) {
      flop += op.pixel_scale ? 0 : (*this)(layer);
    }
    return flop;
  }
  std::int64_t operator()(const DenseOnPixelsOp& op) const { return (*this)(op.chain) + (*this)(op.dense); }
  std::int64_t operator()(const Conv2DOp& op) const {
    return 2 * op.out.size() * op.kernel[0] * op.kernel[1] * op.in.channels;
  }
  std::int64_t operator()(const ConvPoolOp& op) const { return (*this)(op.conv); }
  template <class Elementwise>
  std::int64_t operator()(const Elementwise& /*op*/) const {
    return 0;
  }
};

struct AugmentationUnit {
  std::uint32_t* operator()(RandomFlipOp& op) const { return &op.unit; }
  std::uint32_t* operator()(RandomTranslationOp& op) const { return &op.unit; }
  std::uint32_t* operator()(RandomAffineOp& op) const { return &op.unit; }
  std::uint32_t* operator()(RandomErasingOp& op) const { return &op.unit; }
  std::uint32_t* operator()(MixUpOp& op) const { return &op.unit; }
  std::uint32_t* operator()(CutMixOp& op) const { return &op.unit; }
  template <class Other>
  std::uint32_t* operator()(Other& /*op*/) const {
    return nullptr;
  }
};

struct Pixels {
  std::int64_t operator()(const InputOp& op) const { return op.size; }
  std::int64_t operator()(const DenseChainOp& op) const { return op.pixel_scale ? op.layers.front().rows : 0; }
  std::int64_t operator()(const DenseOnPixelsOp& op) const { return (*this)(op.chain); }
  template <class OfValues>
  std::int64_t operator()(const OfValues& /*op*/) const {
    return 0;
  }
};

}  // namespace

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

std::uint32_t* augmentation_unit(Op& op) { return std::visit(AugmentationUnit{}, op); }

bool is_augmentation(const Op& op) {
  Op copy = op;
  return augmentation_unit(copy) != nullptr;
}

std::string_view op_name(const Op& op) { return std::visit(Name{}, op); }

std::int64_t op_flop(const Op& op) { return std::visit(Flop{}, op); }

std::int64_t op_backward_flop(const Op& op, bool needs_input_grad) {
  const std::int64_t forward = op_flop(op);
  if (const auto* chain = std::get_if<DenseChainOp>(&op); chain != nullptr && !chain->pixel_scale) {
    return 2 * forward - (needs_input_grad ? 0 : Flop{}(chain->layers.front()));
  }
  const bool of_table = std::holds_alternative<DenseOnPixelsOp>(op);
  return forward * (needs_input_grad || of_table ? 2 : 1);
}

std::int64_t op_pixels(const Op& op) { return std::visit(Pixels{}, op); }

}  // namespace lapel::kernels
