#include <fmt/format.h>

#include <span>

#include "kernels/augment/augment.h"
#include "kernels/conv/conv.h"
#include "kernels/cpu.h"
#include "kernels/dense/dense.h"
#include "kernels/dense_chain/dense_chain.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/elementwise/function.h"
#include "kernels/onednn/operators.h"
#include "kernels/onednn/primitive.h"
#include "kernels/operator.h"
#include "kernels/pool/pool.h"
#include "kernels/simd/widened.h"
#include "lapel/error.h"

namespace lapel::kernels {
namespace {

/// One way to run operators of a family. `make` may still give null, where only the library that it asks knows.
template <class OpType>
struct Implementation {
  bool (*is_supported)(const OpType& op, const BuildOptions& options);
  std::unique_ptr<Operator> (*make)(const OpType& op, const BuildOptions& options);
};

template <class OpType>
using Implementations = std::span<const Implementation<OpType>>;

/// The first of a list that can run `op`; null where none can.
template <class OpType>
std::unique_ptr<Operator> first_of(Implementations<OpType> list, const OpType& op, const BuildOptions& options) {
  for (const Implementation<OpType>& one : list) {
    if (one.is_supported(op, options)) {
      if (auto made = one.make(op, options)) {
        return made;
      }
    }
  }
  return nullptr;
}

template <class OpType>
bool always(const OpType& /*op*/, const BuildOptions& /*options*/) {
  return true;
}

/// Whether the CPU computes with numbers of this type.
template <class OpType>
bool is_native(const OpType& /*op*/, const BuildOptions& options) {
  return options.dtype == Dtype::kFloat32 || cpu().fast_bfloat16;
}

template <class OpType>
bool is_bfloat16(const OpType& /*op*/, const BuildOptions& options) {
  return options.dtype == Dtype::kBfloat16;
}

/// oneDNN's operator. Its plain loops are wanted in float32 alone: bfloat16 is then faster in floats.
template <auto kMake, class OpType>
std::unique_ptr<Operator> onednn(const OpType& op, const BuildOptions& options) {
  return kMake(op, options, options.dtype == Dtype::kFloat32);
}

/// What `kList` has for floats, from the same rounded numbers.
template <const auto& kList, class OpType>
std::unique_ptr<Operator> widened(const OpType& op, const BuildOptions& options) {
  BuildOptions wide = options;
  wide.dtype = Dtype::kFloat32;
  auto inner = first_of(Implementations<OpType>(kList), op, wide);
  return inner ? make_widened(std::move(inner), op.info(), options) : nullptr;
}

bool is_linear(const ActivationOp& op, const BuildOptions& /*options*/) { return op.kind == ActivationKind::kLinear; }

bool is_gelu(const ActivationOp& op, const BuildOptions& /*options*/) { return op.kind == ActivationKind::kGelu; }

// The families, each with its implementations from the fastest on.

constexpr Implementation<DenseOp> kDenseProducts[] = {
    {is_dense_supported, make_dense_operator},
    {is_native, onednn<make_onednn_dense>},
};

/// In the layout of the product, which other batches want.
std::unique_ptr<Operator> matrix_vector(const DenseOp& op, const BuildOptions& options) {
  const auto product = first_of(Implementations<DenseOp>(kDenseProducts), op, options);
  return product ? make_matrix_vector_operator(op, options, product->weight_layouts()) : nullptr;
}

constexpr Implementation<DenseOp> kDense[] = {
    {is_matrix_vector_supported, matrix_vector},
    {is_dense_supported, make_dense_operator},
    {is_native, onednn<make_onednn_dense>},
    {is_bfloat16, widened<kDenseProducts>},
};

constexpr Implementation<DenseChainOp> kDenseChain[] = {{always, make_dense_chain_operator}};

std::unique_ptr<Operator> dense_on_pixels(const DenseOnPixelsOp& op, const BuildOptions& options) {
  return make_dense_on_pixels_operator(op, options, options.dtype == Dtype::kBfloat16);
}

/// In floats, but what pixels become is rounded as bfloat16 is.
std::unique_ptr<Operator> widened_dense_on_pixels(const DenseOnPixelsOp& op, const BuildOptions& options) {
  BuildOptions wide = options;
  wide.dtype = Dtype::kFloat32;
  return make_widened(make_dense_on_pixels_operator(op, wide, true), op.info(), options);
}

constexpr Implementation<DenseOnPixelsOp> kDenseOnPixels[] = {
    {is_native, dense_on_pixels},
    {is_bfloat16, widened_dense_on_pixels},
};

constexpr Implementation<Conv2DOp> kConv2DProducts[] = {
    {is_conv_supported, make_conv_operator},
    {is_native, onednn<make_onednn_conv2d>},
};

constexpr Implementation<Conv2DOp> kConv2D[] = {
    {is_conv_supported, make_conv_operator},
    {is_native, onednn<make_onednn_conv2d>},
    {is_bfloat16, widened<kConv2DProducts>},
};

constexpr Implementation<ConvPoolOp> kConvPool[] = {{always, make_conv_pool_operator}};

constexpr Implementation<Pool2DOp> kPool2DWindows[] = {{is_native, onednn<make_onednn_pool2d>}};

constexpr Implementation<Pool2DOp> kPool2D[] = {
    {is_max_pool_supported, make_max_pool_operator},
    {is_native, onednn<make_onednn_pool2d>},
    {is_bfloat16, widened<kPool2DWindows>},
};

constexpr Implementation<GlobalPool2DOp> kGlobalPool2D[] = {{always, make_global_pool_operator}};

std::unique_ptr<Operator> gelu(const ActivationOp& op, const BuildOptions& options) {
  return make_elementwise_operator({.function = "gelu", .size = op.size}, options);
}

constexpr Implementation<ActivationOp> kOnednnActivation[] = {{is_native, onednn<make_onednn_activation>}};

constexpr Implementation<ActivationOp> kActivation[] = {
    {is_gelu, gelu},
    {is_linear, onednn<make_onednn_activation>},
    {is_native, onednn<make_onednn_activation>},
    {is_bfloat16, widened<kOnednnActivation>},
};

constexpr Implementation<ElementwiseOp> kElementwise[] = {{always, make_elementwise_operator}};
constexpr Implementation<DropoutOp> kDropout[] = {{always, make_dropout_operator}};
constexpr Implementation<AddOp> kAdd[] = {{always, make_add_operator}};
constexpr Implementation<InputOp> kInput[] = {{always, make_input_operator}};
constexpr Implementation<BatchNormOp> kBatchNorm[] = {{always, make_batch_norm_operator}};
constexpr Implementation<RandomFlipOp> kRandomFlip[] = {{always, make_random_flip_operator}};
constexpr Implementation<RandomTranslationOp> kRandomTranslation[] = {{always, make_random_translation_operator}};
constexpr Implementation<RandomAffineOp> kRandomAffine[] = {{always, make_random_affine_operator}};
constexpr Implementation<RandomErasingOp> kRandomErasing[] = {{always, make_random_erasing_operator}};
constexpr Implementation<MixUpOp> kMixUp[] = {{always, make_mix_up_operator}};
constexpr Implementation<CutMixOp> kCutMix[] = {{always, make_cut_mix_operator}};

struct Maker {
  const BuildOptions& options;

  auto operator()(const DenseOp& op) const { return made<kDense>(op); }
  auto operator()(const DenseChainOp& op) const { return made<kDenseChain>(op); }
  auto operator()(const DenseOnPixelsOp& op) const { return made<kDenseOnPixels>(op); }
  auto operator()(const Conv2DOp& op) const { return made<kConv2D>(op); }
  auto operator()(const ConvPoolOp& op) const { return made<kConvPool>(op); }
  auto operator()(const Pool2DOp& op) const { return made<kPool2D>(op); }
  auto operator()(const GlobalPool2DOp& op) const { return made<kGlobalPool2D>(op); }
  auto operator()(const ActivationOp& op) const { return made<kActivation>(op); }
  auto operator()(const ElementwiseOp& op) const { return made<kElementwise>(op); }
  auto operator()(const DropoutOp& op) const { return made<kDropout>(op); }
  auto operator()(const AddOp& op) const { return made<kAdd>(op); }
  auto operator()(const InputOp& op) const { return made<kInput>(op); }
  auto operator()(const BatchNormOp& op) const { return made<kBatchNorm>(op); }
  auto operator()(const RandomFlipOp& op) const { return made<kRandomFlip>(op); }
  auto operator()(const RandomTranslationOp& op) const { return made<kRandomTranslation>(op); }
  auto operator()(const RandomAffineOp& op) const { return made<kRandomAffine>(op); }
  auto operator()(const RandomErasingOp& op) const { return made<kRandomErasing>(op); }
  auto operator()(const MixUpOp& op) const { return made<kMixUp>(op); }
  auto operator()(const CutMixOp& op) const { return made<kCutMix>(op); }
  std::unique_ptr<Operator> operator()(const ReshapeOp& /*op*/) const { return nullptr; }

  template <const auto& kList, class OpType>
  [[nodiscard]] std::unique_ptr<Operator> made(const OpType& op) const {
    return first_of(Implementations<OpType>(kList), op, options);
  }
};

}  // namespace

std::unique_ptr<Operator> make_operator(const Op& op, const BuildOptions& options) {
  static_cast<void>(cpu());  // Applies LAPEL_ISA, before any kernel has chosen its instructions.
  const auto name = describe(op).name;
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
