#include <fmt/format.h>

#include "kernels/augment/augment.h"
#include "kernels/conv/conv.h"
#include "kernels/cpu.h"
#include "kernels/dense/dense.h"
#include "kernels/dense_chain/dense_chain.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/onednn/operators.h"
#include "kernels/onednn/primitive.h"
#include "kernels/operator.h"
#include "kernels/pool/pool.h"
#include "kernels/simd/widened.h"
#include "lapel/error.h"

namespace lapel::kernels {
namespace {

ActivationSizes sizes_of(const DenseOp& op) { return {op.rows * op.in, op.rows * op.out}; }
ActivationSizes sizes_of(const Conv2DOp& op) { return {op.in.size(), op.out.size()}; }
ActivationSizes sizes_of(const Pool2DOp& op) { return {op.in.size(), op.out.size()}; }
ActivationSizes sizes_of(const DenseOnPixelsOp& op) { return {0, op.dense.out}; }
ActivationSizes sizes_of(const ActivationOp& op) { return {op.size, op.size}; }

/// Lapel's own where it computes this as fast as the CPU can. Tiles of AMX are oneDNN's alone.
std::unique_ptr<Operator> make_dense(const DenseOp& op, const BuildOptions& options, bool allow_reference) {
  const bool tiles = options.dtype == Dtype::kBfloat16 && cpu().bfloat16_tiles;
  auto own = tiles ? nullptr : make_dense_operator(op, options);
  return own ? std::move(own) : make_onednn_dense(op, options, allow_reference);
}

std::unique_ptr<Operator> make_conv2d(const Conv2DOp& op, const BuildOptions& options, bool allow_reference) {
  auto own = make_conv_operator(op, options);
  return own ? std::move(own) : make_onednn_conv2d(op, options, allow_reference);
}

/// In the type asked for, where the CPU computes with it; else in floats from the same rounded numbers.
template <class OpType, class Make>
std::unique_ptr<Operator> native_or_widened(const OpType& op, const BuildOptions& options, const Make& make) {
  if (options.dtype == Dtype::kFloat32) {
    return make(op, options, true);
  }
  if (cpu().fast_bfloat16) {
    if (auto native = make(op, options, false)) {
      return native;
    }
  }
  BuildOptions wide = options;
  wide.dtype = Dtype::kFloat32;
  auto inner = make(op, wide, true);
  return inner ? make_widened(std::move(inner), sizes_of(op), options) : nullptr;
}

struct Maker {
  const BuildOptions& options;

  std::unique_ptr<Operator> operator()(const DenseOp& op) const {
    auto product = native_or_widened(op, options, make_dense);
    // In the layout of the product, which other batches want.
    auto vector = product ? make_matrix_vector_operator(op, options, product->weight_layouts()) : nullptr;
    return vector ? std::move(vector) : std::move(product);
  }
  std::unique_ptr<Operator> operator()(const DenseChainOp& op) const { return make_dense_chain_operator(op, options); }
  std::unique_ptr<Operator> operator()(const DenseOnPixelsOp& op) const {
    const bool rounds = options.dtype == Dtype::kBfloat16;
    return native_or_widened(op, options, [&](const auto& one, const BuildOptions& made_for, bool /*allow_reference*/) {
      return make_dense_on_pixels_operator(one, made_for, rounds);
    });
  }
  std::unique_ptr<Operator> operator()(const Conv2DOp& op) const { return native_or_widened(op, options, make_conv2d); }
  std::unique_ptr<Operator> operator()(const ConvPoolOp& op) const { return make_conv_pool_operator(op, options); }
  std::unique_ptr<Operator> operator()(const Pool2DOp& op) const {
    if (auto own = make_max_pool_operator(op, options)) {
      return own;
    }
    return native_or_widened(op, options, make_onednn_pool2d);
  }
  std::unique_ptr<Operator> operator()(const ActivationOp& op) const {
    if (op.kind == ActivationKind::kGelu) {
      return make_gelu_operator(op, options);
    }
    return op.kind == ActivationKind::kLinear ? make_onednn_activation(op, options, true)
                                              : native_or_widened(op, options, make_onednn_activation);
  }
  std::unique_ptr<Operator> operator()(const GlobalPool2DOp& op) const {
    return make_global_pool_operator(op, options);
  }
  std::unique_ptr<Operator> operator()(const DropoutOp& op) const { return make_dropout_operator(op, options); }
  std::unique_ptr<Operator> operator()(const AddOp& op) const { return make_add_operator(op, options); }
  std::unique_ptr<Operator> operator()(const InputOp& op) const { return make_input_operator(op, options); }
  std::unique_ptr<Operator> operator()(const BatchNormOp& op) const { return make_batch_norm_operator(op, options); }
  std::unique_ptr<Operator> operator()(const RandomFlipOp& op) const { return make_random_flip_operator(op, options); }
  std::unique_ptr<Operator> operator()(const RandomTranslationOp& op) const {
    return make_random_translation_operator(op, options);
  }
  std::unique_ptr<Operator> operator()(const RandomAffineOp& op) const {
    return make_random_affine_operator(op, options);
  }
  std::unique_ptr<Operator> operator()(const RandomErasingOp& op) const {
    return make_random_erasing_operator(op, options);
  }
  std::unique_ptr<Operator> operator()(const MixUpOp& op) const { return make_mix_up_operator(op, options); }
  std::unique_ptr<Operator> operator()(const CutMixOp& op) const { return make_cut_mix_operator(op, options); }
  std::unique_ptr<Operator> operator()(const ReshapeOp& /*op*/) const { return nullptr; }
};

}  // namespace

std::unique_ptr<Operator> make_operator(const Op& op, const BuildOptions& options) {
  static_cast<void>(cpu());  // Applies LAPEL_ISA, before any kernel has chosen its instructions.
  const auto name = op_name(op);
  auto made = with_onednn_errors(name, [&] { return std::visit(Maker{options}, op); });
  if (!made) {
    throw Error(ErrorKind::kInternal, std::string(name), "there is no operator for this",
                {{"batch", std::to_string(options.batch)},
                 {"type", options.dtype == Dtype::kFloat32 ? "float32" : "bfloat16"},
                 {"library", onednn_version()}});
  }
  return made;
}

}  // namespace lapel::kernels
