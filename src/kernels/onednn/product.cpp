#include "kernels/onednn/product.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/buffer.h"
#include "kernels/elementwise/relu.h"
#include "kernels/onednn/compat.h"
#include "kernels/onednn/layout.h"
#include "kernels/onednn/operators.h"
#include "kernels/onednn/primitive.h"
#include "lapel/error.h"

namespace lapel::kernels {
namespace {

using dnnl::memory;

/// The chosen primitives.
struct ProductPlan {
  PrimitiveDesc forward;
  std::optional<PrimitiveDesc> backward_data;
  std::optional<PrimitiveDesc> backward_weights;
};

/// What `make` gives for the stored order if that is computed well; else for the order it likes best, with a conversion
/// at each run. A reorder costs a pass over the weights, a reference implementation many times the product: so they are
/// the last resort, or none.
template <class Make>
std::optional<PrimitiveDesc> choose(const std::optional<MemoryDesc>& stored, const MemoryDesc& any,
                                    bool allow_reference, const Make& make) {
  std::optional<PrimitiveDesc> direct = stored ? make(*stored) : std::nullopt;
  if (direct && !is_reference(*direct)) {
    return direct;
  }
  std::optional<PrimitiveDesc> free = make(any);
  if (free && !is_reference(*free)) {
    return free;
  }
  if (!allow_reference) {
    return std::nullopt;
  }
  return direct ? direct : free;
}

ProductDescs descs(const Product& product, const MemoryDesc& weights) {
  return {product.src, weights, product.bias, product.dst};
}

/// Forward chooses the layout where none is stored yet; both backward passes are asked for that same one, as weights
/// and gradients lie as they are stored. Empty where one of the passes cannot be had.
std::optional<ProductPlan> plan_product(const Product& product, const BuildOptions& options, bool allow_reference) {
  const auto type = onednn_type(options.dtype);
  const auto f32 = memory::data_type::f32;
  const bool stored = !options.stored_layouts.empty();
  const auto stored_as = [&](memory::data_type wanted) -> std::optional<MemoryDesc> {
    return stored ? std::optional(with_type(options.stored_layouts[0].impl().desc, wanted)) : std::nullopt;
  };
  const auto any = any_order(product.weights, type);
  auto forward = choose(stored_as(type), any, allow_reference, [&](const MemoryDesc& weights) {
    return product_forward(descs(product, weights), product.window, product.relu, options.training);
  });
  if (!forward) {
    return std::nullopt;
  }
  ProductPlan plan{*forward, {}, {}};
  if (!options.training) {
    return plan;
  }
  const MemoryDesc layout = stored ? options.stored_layouts[0].impl().desc : with_type(forward->weights_desc(), f32);
  if (!product.weight_gradient) {
    plan.backward_weights =
        choose(layout, any_order(product.weights, f32), allow_reference, [&](const MemoryDesc& weights) {
          return product_backward_weights(descs(product, weights), product.window, *forward);
        });
  }
  if (options.needs_input_grad) {
    plan.backward_data = choose(with_type(layout, type), any, allow_reference, [&](const MemoryDesc& weights) {
      return product_backward_data(descs(product, weights), product.window, *forward);
    });
  }
  const bool complete =
      (plan.backward_weights || product.weight_gradient) && (plan.backward_data || !options.needs_input_grad);
  return complete ? std::optional(plan) : std::nullopt;
}

/// A product by oneDNN's primitives, which are made and bound once. A relu is oneDNN's post-op in forward; backward has
/// no such thing, and masks the output's gradient into scratch first, for both gradients.
class ProductOperator final : public Operator {
 public:
  ProductOperator(Product product, const ProductPlan& plan, const BuildOptions& options)
      : product_(std::move(product)),
        dtype_(options.dtype),
        type_(onednn_type(options.dtype)),
        backward_relu_(options.training && product_.relu),
        forward_(plan.forward) {
    if (options.stored_layouts.empty()) {
      layouts_.push_back(layout_from(plan.forward.weights_desc(), product_.weight_shape));
      if (has_bias()) {
        layouts_.push_back(WeightLayout::plain({product_.weights[0]}));
      }
    } else {
      layouts_ = options.stored_layouts;
    }
    forward_weights_ = {stored(type_), plan.forward.weights_desc()};
    forward_conversion_ = OnednnConversion(forward_weights_.stored, forward_weights_.used);
    if (plan.backward_weights) {
      weight_grads_ = {stored(memory::data_type::f32), plan.backward_weights->diff_weights_desc()};
      backward_weights_.emplace(*plan.backward_weights);
      grad_conversion_ = OnednnConversion(weight_grads_.used, weight_grads_.stored);
    }
    if (options.training && product_.weight_gradient) {
      weight_gradient_ = product_.weight_gradient(layouts_[0]);
    }
    if (plan.backward_data) {
      data_weights_ = {stored(type_), plan.backward_data->weights_desc()};
      backward_data_.emplace(*plan.backward_data);
      data_conversion_ = OnednnConversion(data_weights_.stored, data_weights_.used);
    }
    divide_scratch();
  }

  std::string implementation() const override {
    std::vector<std::string> names{forward_.implementation()};
    const auto add = [&](const std::string& name) {
      if (std::ranges::find(names, name) == names.end()) {
        names.push_back(name);
      }
    };
    for (const auto* pass : {&backward_data_, &backward_weights_}) {
      if (*pass) {
        add((*pass)->implementation());
      }
    }
    if (weight_gradient_) {
      add(weight_gradient_->implementation());
    }
    if (forward_conversion_.needed() || grad_conversion_.needed() || data_conversion_.needed()) {
      add("reorder");
    }
    return fmt::format("{}", fmt::join(names, " + "));
  }

  std::vector<WeightLayout> weight_layouts() const override { return layouts_; }
  std::size_t scratch_bytes() const override { return scratchpad_at_ + scratchpad_bytes_; }
  bool backward_reads_inputs() const override { return backward_weights_ || weight_gradient_ != nullptr; }
  bool backward_reads_output() const override { return backward_relu_; }

  void bind(const Binding& binding) override {
    auto* const scratch = static_cast<std::byte*>(binding.scratch);
    std::byte* const converted = scratch + converted_at_;
    std::byte* const scratchpad = scratch + scratchpad_at_;
    const void* bias = has_bias() ? binding.weights.at(1) : nullptr;
    const void* weights = binding.weights.at(0);

    forward_conversion_.bind(weights, converted, scratchpad);
    forward_.bind({{DNNL_ARG_SRC, product_.src, binding.inputs.at(0)},
                   {DNNL_ARG_WEIGHTS, forward_weights_.used, forward_conversion_.needed() ? converted : weights},
                   {DNNL_ARG_BIAS, product_.bias, bias},
                   {DNNL_ARG_DST, product_.dst, binding.output}},
                  scratchpad);
    const void* output_grad = binding.output_grad;
    if (backward_relu_) {
      relu_ = {binding.output, binding.output_grad, scratch};
      output_grad = scratch;
    }
    if (weight_gradient_) {
      own_ = {binding.inputs.at(0), output_grad, binding.weight_grads.at(0),
              has_bias() ? binding.weight_grads.at(1) : nullptr, scratchpad};
    }
    if (backward_weights_) {
      void* const grads = binding.weight_grads.at(0);
      grad_conversion_.bind(converted, grads, scratchpad);
      backward_weights_->bind(
          {{DNNL_ARG_SRC, product_.src, binding.inputs.at(0)},
           {DNNL_ARG_DIFF_DST, product_.dst, output_grad},
           {DNNL_ARG_DIFF_WEIGHTS, weight_grads_.used, grad_conversion_.needed() ? converted : grads},
           {DNNL_ARG_DIFF_BIAS, product_.bias, has_bias() ? binding.weight_grads.at(1) : nullptr}},
          scratchpad);
    }
    if (backward_data_) {
      data_conversion_.bind(weights, converted, scratchpad);
      backward_data_->bind({{DNNL_ARG_DIFF_DST, product_.dst, output_grad},
                            {DNNL_ARG_WEIGHTS, data_weights_.used, data_conversion_.needed() ? converted : weights},
                            {DNNL_ARG_DIFF_SRC, product_.src, binding.input_grads.at(0)}},
                           scratchpad);
    }
  }

  void forward(const StepState& /*state*/) override {
    forward_conversion_.run();
    forward_.run();
  }

  void backward(const StepState& /*state*/) override {
    if (backward_relu_) {
      relu_backward(dtype_, relu_, static_cast<std::int64_t>(product_.dst.get_size() / dtype_bytes(dtype_)));
    }
    if (weight_gradient_) {
      weight_gradient_->run(own_.input, own_.output_grad, own_.kernel_grad, own_.bias_grad, own_.scratch);
    }
    if (backward_weights_) {
      backward_weights_->run();
      grad_conversion_.run();
    }
    if (backward_data_) {
      data_conversion_.run();
      backward_data_->run();
    }
  }

 private:
  /// A weight's layout in the arena, and the one that a primitive takes.
  struct Layouts {
    MemoryDesc stored;
    MemoryDesc used;
  };

  /// What weight_gradient_ works on.
  struct OwnGradient {
    const void* input = nullptr;
    const void* output_grad = nullptr;
    float* kernel_grad = nullptr;
    float* bias_grad = nullptr;
    void* scratch = nullptr;
  };

  [[nodiscard]] bool has_bias() const { return product_.bias.get_size() != 0; }
  [[nodiscard]] MemoryDesc stored(memory::data_type type) const { return with_type(layouts_[0].impl().desc, type); }

  /// Scratch: the gradient behind the relu, then a converted weight or gradient (one at a time), then oneDNN's.
  void divide_scratch() {
    converted_at_ = backward_relu_ ? Buffer::aligned(product_.dst.get_size()) : 0;
    std::size_t converted = 0;
    scratchpad_bytes_ = forward_.scratchpad_bytes();
    const auto count = [&](const OnednnConversion& conversion, const Layouts& layouts) {
      converted = std::max(converted, conversion.needed() ? layouts.used.get_size() : 0);
      scratchpad_bytes_ = std::max(scratchpad_bytes_, conversion.scratchpad_bytes());
    };
    count(forward_conversion_, forward_weights_);
    count(grad_conversion_, weight_grads_);
    count(data_conversion_, data_weights_);
    for (const auto* pass : {&backward_weights_, &backward_data_}) {
      scratchpad_bytes_ = std::max(scratchpad_bytes_, *pass ? (*pass)->scratchpad_bytes() : 0);
    }
    if (weight_gradient_) {
      scratchpad_bytes_ = std::max(scratchpad_bytes_, weight_gradient_->scratch_bytes());
    }
    scratchpad_at_ = converted_at_ + Buffer::aligned(converted);
  }

  Product product_;
  Dtype dtype_;
  memory::data_type type_;
  bool backward_relu_;
  ReluBackward relu_;
  std::vector<WeightLayout> layouts_;
  OnednnPrimitive forward_;
  std::optional<OnednnPrimitive> backward_weights_;
  std::unique_ptr<WeightGradient> weight_gradient_;
  OwnGradient own_;
  std::optional<OnednnPrimitive> backward_data_;
  Layouts forward_weights_;
  Layouts weight_grads_;
  Layouts data_weights_;
  OnednnConversion forward_conversion_;
  OnednnConversion grad_conversion_;
  OnednnConversion data_conversion_;
  std::size_t converted_at_ = 0;
  std::size_t scratchpad_at_ = 0;
  std::size_t scratchpad_bytes_ = 0;
};

/// Throws Error (kInternal) where the stored layouts are not those of these weights.
void check_stored(const std::vector<WeightLayout>& stored, const Product& product, std::string_view op) {
  if (stored.empty()) {
    return;
  }
  std::vector<std::vector<std::int64_t>> wanted{product.weight_shape};
  if (product.bias.get_size() != 0) {
    wanted.push_back({product.weights[0]});
  }
  std::vector<std::vector<std::int64_t>> given;
  for (const auto& layout : stored) {
    given.push_back(layout.shape());
  }
  if (wanted != given) {
    throw Error(ErrorKind::kInternal, std::string(op), "stored layouts of other weights",
                {{"shapes", fmt::format("{}, not {}", given, wanted)}});
  }
  if (given.size() == 2 && !(stored[1] == WeightLayout::plain(given[1]))) {
    throw Error(ErrorKind::kInternal, std::string(op), "a bias is stored in the plain order only");
  }
}

}  // namespace

bool fused_relu(ActivationKind kind, std::string_view op) {
  if (kind != ActivationKind::kLinear && kind != ActivationKind::kRelu) {
    throw Error(ErrorKind::kInternal, std::string(op), "only linear and relu are fused",
                {{"activation", std::to_string(static_cast<int>(kind))}});
  }
  return kind == ActivationKind::kRelu;
}

std::unique_ptr<Operator> make_product(Product product, const BuildOptions& options, bool allow_reference,
                                       std::string_view op) {
  check_stored(options.stored_layouts, product, op);
  const auto plan = plan_product(product, options, allow_reference);
  return plan ? std::make_unique<ProductOperator>(std::move(product), *plan, options) : nullptr;
}

MemoryDesc bias_desc(bool bias, std::int64_t length) {
  return bias ? MemoryDesc(Dims{length}, memory::data_type::f32, memory::format_tag::a) : MemoryDesc();
}

std::unique_ptr<Operator> make_onednn_dense(const DenseOp& op, const BuildOptions& options, bool allow_reference) {
  const auto type = onednn_type(options.dtype);
  const std::int64_t rows = options.batch * op.rows;
  Product product;
  product.src = MemoryDesc(Dims{rows, op.in}, type, memory::format_tag::ab);
  product.dst = MemoryDesc(Dims{rows, op.out}, type, memory::format_tag::ab);
  product.bias = bias_desc(op.bias, op.out);
  product.weights = {op.out, op.in};
  product.weight_shape = {op.in, op.out};
  product.relu = fused_relu(op.activation, "dense");
  return make_product(std::move(product), options, allow_reference, "dense");
}

}  // namespace lapel::kernels
