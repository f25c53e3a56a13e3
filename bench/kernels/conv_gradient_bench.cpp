#include "conv_gradient_bench.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "base/buffer.h"
#include "kernels/conv/gradient.h"
#include "kernels/onednn/compat.h"
#include "kernels/onednn/primitive.h"
#include "kernels/operator.h"
#include "lapel/error.h"

namespace lapel::kernels {

namespace {

using dnnl::memory;

/// Empty without one.
MemoryDesc bias_desc(const Conv2DOp& op) {
  return op.bias ? MemoryDesc({op.out.channels}, memory::data_type::f32, memory::format_tag::a) : MemoryDesc();
}

/// oneDNN's backward-weights in the layout that it likes best, as ProductOperator makes it.
PrimitiveDesc backward_weights(const Conv2DOp& op, std::int64_t batch, Dtype dtype) {
  const auto type = onednn_type(dtype);
  const Dims weights{op.out.channels, op.in.channels, op.kernel[0], op.kernel[1]};
  ProductDescs descs;
  descs.src = MemoryDesc({batch, op.in.channels, op.in.height, op.in.width}, type, memory::format_tag::nhwc);
  descs.dst = MemoryDesc({batch, op.out.channels, op.out.height, op.out.width}, type, memory::format_tag::nhwc);
  descs.bias = bias_desc(op);
  descs.weights = any_order(weights, type);
  const Window window{{op.kernel[0], op.kernel[1]},
                      {op.strides[0], op.strides[1]},
                      {op.pad_top, op.pad_left},
                      {op.pad_bottom, op.pad_right}};
  const auto forward = product_forward(descs, window, {}, true);
  descs.weights = any_order(weights, memory::data_type::f32);
  const auto made = forward ? product_backward_weights(descs, window, *forward) : std::nullopt;
  if (!made) {
    throw Error(ErrorKind::kInternal, "conv2d", "oneDNN has no such backward-weights");
  }
  return *made;
}

}  // namespace

void run_conv_gradient(benchmark::State& state, const OperatorCase& wanted, Dtype dtype, bool own) {
  const Conv2DOp& op = std::get<Conv2DOp>(wanted.op);
  const auto width = dtype_bytes(dtype);
  const auto kernel = make_operator(op, {wanted.batch, true, true, dtype, {}})->weight_layouts().front();
  const ConvGradient lapels(op, dtype, wanted.batch, kernel);
  const PrimitiveDesc desc = backward_weights(op, wanted.batch, dtype);
  OnednnPrimitive onednns(desc);
  Buffer input(static_cast<std::size_t>(wanted.batch * op.in.size()) * width);
  Buffer output_grad(static_cast<std::size_t>(wanted.batch * op.out.size()) * width);
  Buffer kernel_grad(std::max<std::size_t>(static_cast<std::size_t>(kernel.packed_size()) * sizeof(float),
                                           desc.diff_weights_desc().get_size()));
  Buffer bias_grad(static_cast<std::size_t>(op.out.channels) * sizeof(float));
  Buffer scratch(std::max<std::size_t>({lapels.scratch_bytes(), onednns.scratchpad_bytes(), 1}));
  onednns.bind({{DNNL_ARG_SRC, desc.src_desc(), input.data()},
                {DNNL_ARG_DIFF_DST, desc.diff_dst_desc(), output_grad.data()},
                {DNNL_ARG_DIFF_WEIGHTS, desc.diff_weights_desc(), kernel_grad.data()},
                {DNNL_ARG_DIFF_BIAS, bias_desc(op), op.bias ? bias_grad.data() : nullptr}},
               scratch.data());
  auto* const bias = op.bias ? bias_grad.as<float>().data() : nullptr;
  for (const auto loop : state) {
    static_cast<void>(loop);
    if (own) {
      lapels.run(input.data(), output_grad.data(), kernel_grad.as<float>().data(), bias, scratch.data());
    } else {
      onednns.run();
    }
  }
  state.counters["FLOP/s"] =
      benchmark::Counter(static_cast<double>(describe(op).flop * wanted.batch),
                         benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

}  // namespace lapel::kernels
