#include "kernels/conv/conv.h"
#include "kernels/conv/gradient.h"
#include "kernels/onednn/product.h"

namespace lapel::kernels {

using dnnl::memory;

// Shapes are oneDNN's logical ones (n, c, h, w; o, i, h, w); the tags say how they lie. Weights have none: oneDNN
// chooses their layout, and the plan stores them so.
std::unique_ptr<Operator> make_onednn_conv2d(const Conv2DOp& op, const BuildOptions& options, bool allow_reference) {
  const auto type = onednn_type(options.dtype);
  Product product;
  product.src =
      MemoryDesc(Dims{options.batch, op.in.channels, op.in.height, op.in.width}, type, memory::format_tag::nhwc);
  product.dst =
      MemoryDesc(Dims{options.batch, op.out.channels, op.out.height, op.out.width}, type, memory::format_tag::nhwc);
  product.bias = bias_desc(op.bias, op.out.channels);
  product.weights = {op.out.channels, op.in.channels, op.kernel[0], op.kernel[1]};
  product.weight_shape = {op.kernel[0], op.kernel[1], op.in.channels, op.out.channels};
  product.window = Window{{op.kernel[0], op.kernel[1]},
                          {op.strides[0], op.strides[1]},
                          {op.pad_top, op.pad_left},
                          {op.pad_bottom, op.pad_right}};
  product.relu = fused_relu(op.activation, "conv2d");
  if (ConvGradient::is_supported(op, options.dtype, cpu())) {
    product.weight_gradient = [=](const WeightLayout& kernel) -> std::unique_ptr<WeightGradient> {
      return std::make_unique<ConvGradient>(op, options.dtype, options.batch, kernel);
    };
  }
  return make_product(std::move(product), options, allow_reference, "conv2d");
}

}  // namespace lapel::kernels
