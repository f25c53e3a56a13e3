#include "kernels/onednn/compat.h"

#include <algorithm>
#include <numeric>
#include <string_view>

#include "lapel/error.h"

#if DNNL_VERSION_MAJOR >= 3
// Exported by the library (its own tests use it), but in no public header.
extern "C" dnnl_status_t dnnl_memory_desc_create_with_string_tag(dnnl_memory_desc_t*, int, const dnnl_dims_t,
                                                                 dnnl_data_type_t, const char*);
#endif

namespace lapel::kernels {
namespace {

using dnnl::prop_kind;

dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

prop_kind forward_kind(bool training) { return training ? prop_kind::forward_training : prop_kind::forward_inference; }

/// Empty where `make` finds no implementation.
template <class Make>
std::optional<PrimitiveDesc> if_implemented(const Make& make) {
  try {
    return make();
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_unimplemented) {
      return std::nullopt;
    }
    throw;
  }
}

template <class Primitive>
typename Primitive::primitive_desc typed(const PrimitiveDesc& desc) {
  return typename Primitive::primitive_desc(desc.get());
}

#if DNNL_VERSION_MAJOR < 3

template <class Primitive, class... Args>
std::optional<PrimitiveDesc> make_forward(const dnnl::primitive_attr& attr, const Args&... args) {
  return if_implemented([&]() -> PrimitiveDesc {
    return typename Primitive::primitive_desc(typename Primitive::desc(args...), attr, onednn_engine());
  });
}

template <class Primitive, class Forward, class... Args>
std::optional<PrimitiveDesc> make_backward(const PrimitiveDesc& forward, const Args&... args) {
  return if_implemented([&]() -> PrimitiveDesc {
    return typename Primitive::primitive_desc(typename Primitive::desc(args...), user_scratchpad(), onednn_engine(),
                                              typed<Forward>(forward));
  });
}

void append_relu(dnnl::post_ops& ops) { ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F); }

#else

template <class Primitive, class... Args>
std::optional<PrimitiveDesc> make_forward(const dnnl::primitive_attr& attr, const Args&... args) {
  return if_implemented(
      [&]() -> PrimitiveDesc { return typename Primitive::primitive_desc(onednn_engine(), args..., attr); });
}

template <class Primitive, class Forward, class... Args>
std::optional<PrimitiveDesc> make_backward(const PrimitiveDesc& forward, const Args&... args) {
  return if_implemented([&]() -> PrimitiveDesc {
    return typename Primitive::primitive_desc(onednn_engine(), args..., typed<Forward>(forward), user_scratchpad());
  });
}

void append_relu(dnnl::post_ops& ops) { ops.append_eltwise(dnnl::algorithm::eltwise_relu, 0.0F, 0.0F); }

/// The name of an order, as `BA16a64b2a`: outer dimensions from the slowest to the fastest, upper case where inner
/// blocks divide them, then the blocks.
std::string order_name(const Blocking& blocking) {
  Dims order(blocking.dims.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto left, auto right) {
    return blocking.strides[static_cast<std::size_t>(left)] > blocking.strides[static_cast<std::size_t>(right)];
  });
  std::string name;
  for (const auto axis : order) {
    const bool divided = std::ranges::find(blocking.inner_axes, axis) != blocking.inner_axes.end();
    name += static_cast<char>((divided ? 'A' : 'a') + axis);
  }
  for (std::size_t i = 0; i < blocking.inner_blocks.size(); ++i) {
    name += std::to_string(blocking.inner_blocks[i]) + static_cast<char>('a' + blocking.inner_axes[i]);
  }
  return name;
}

#endif

}  // namespace

const dnnl::engine& onednn_engine() {
  static_cast<void>(cpu());  // Before the first use of oneDNN, which takes its limit from there.
  static const dnnl::engine kEngine(dnnl::engine::kind::cpu, 0);
  return kEngine;
}

dnnl::memory::data_type onednn_type(Dtype dtype) {
  return dtype == Dtype::kFloat32 ? dnnl::memory::data_type::f32 : dnnl::memory::data_type::bf16;
}

#if DNNL_VERSION_MAJOR < 3

Blocking blocking_of(const MemoryDesc& desc) {
  const auto& data = desc.data;
  if (data.format_kind != dnnl_blocked || data.offset0 != 0) {
    throw Error(ErrorKind::kInternal, "oneDNN", "weights in an order that is not blocked");
  }
  const auto& blocks = data.format_desc.blocking;
  const auto list = [](const dnnl_dims_t& values, int count) { return Dims(values, values + count); };
  return {list(data.dims, data.ndims), list(blocks.strides, data.ndims), list(blocks.inner_blks, blocks.inner_nblks),
          list(blocks.inner_idxs, blocks.inner_nblks)};
}

MemoryDesc with_type(const MemoryDesc& desc, dnnl::memory::data_type type) {
  MemoryDesc copy = desc;
  copy.data.data_type = dnnl::memory::convert_to_c(type);
  return copy;
}

#else

Blocking blocking_of(const MemoryDesc& desc) {
  if (desc.get_format_kind() != dnnl::memory::format_kind::blocked || desc.get_submemory_offset() != 0) {
    throw Error(ErrorKind::kInternal, "oneDNN", "weights in an order that is not blocked");
  }
  return {desc.get_dims(), desc.get_strides(), desc.get_inner_blks(), desc.get_inner_idxs()};
}

MemoryDesc with_type(const MemoryDesc& desc, dnnl::memory::data_type type) {
  if (desc.get_data_type() == type) {
    return desc;
  }
  const Blocking blocking = blocking_of(desc);
  if (blocking.inner_blocks.empty()) {
    return MemoryDesc(blocking.dims, type, blocking.strides);
  }
  dnnl_memory_desc_t made = nullptr;
  dnnl::error::wrap_c_api(
      dnnl_memory_desc_create_with_string_tag(&made, static_cast<int>(blocking.dims.size()), blocking.dims.data(),
                                              dnnl::memory::convert_to_c(type), order_name(blocking).c_str()),
      "could not make a memory descriptor");
  return MemoryDesc(made);
}

#endif

MemoryDesc any_order(const Dims& dims, dnnl::memory::data_type type) {
  return MemoryDesc(dims, type, dnnl::memory::format_tag::any);
}

std::string isa_name(dnnl::cpu_isa isa) {
  switch (isa) {
    case dnnl::cpu_isa::sse41:
      return "sse41";
    case dnnl::cpu_isa::avx:
      return "avx";
    case dnnl::cpu_isa::avx2:
      return "avx2";
    case dnnl::cpu_isa::avx2_vnni:
      return "avx2_vnni";
    case dnnl::cpu_isa::avx512_core:
      return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "avx512_core_bf16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "avx512_core_amx";
#if DNNL_VERSION_MAJOR >= 3
    case dnnl::cpu_isa::avx512_core_fp16:
      return "avx512_core_fp16";
    case dnnl::cpu_isa::avx512_core_amx_fp16:
      return "avx512_core_amx_fp16";
#endif
    default:
      return "unknown";
  }
}

bool is_reference(const PrimitiveDesc& desc) { return std::string_view(desc.impl_info_str()).starts_with("ref"); }

std::optional<PrimitiveDesc> product_forward(const ProductDescs& descs, const std::optional<Window>& window, bool relu,
                                             bool training) {
  dnnl::primitive_attr attr = user_scratchpad();
  if (relu) {
    dnnl::post_ops ops;
    append_relu(ops);
    attr.set_post_ops(ops);
  }
  if (window) {
    return make_forward<dnnl::convolution_forward>(attr, forward_kind(training), dnnl::algorithm::convolution_direct,
                                                   descs.src, descs.weights, descs.bias, descs.dst, window->strides,
                                                   window->pad_begin, window->pad_end);
  }
  return make_forward<dnnl::inner_product_forward>(attr, forward_kind(training), descs.src, descs.weights, descs.bias,
                                                   descs.dst);
}

std::optional<PrimitiveDesc> product_backward_data(const ProductDescs& descs, const std::optional<Window>& window,
                                                   const PrimitiveDesc& forward) {
  if (window) {
    return make_backward<dnnl::convolution_backward_data, dnnl::convolution_forward>(
        forward, dnnl::algorithm::convolution_direct, descs.src, descs.weights, descs.dst, window->strides,
        window->pad_begin, window->pad_end);
  }
  return make_backward<dnnl::inner_product_backward_data, dnnl::inner_product_forward>(forward, descs.src,
                                                                                       descs.weights, descs.dst);
}

std::optional<PrimitiveDesc> product_backward_weights(const ProductDescs& descs, const std::optional<Window>& window,
                                                      const PrimitiveDesc& forward) {
  if (window) {
    return make_backward<dnnl::convolution_backward_weights, dnnl::convolution_forward>(
        forward, dnnl::algorithm::convolution_direct, descs.src, descs.weights, descs.bias, descs.dst, window->strides,
        window->pad_begin, window->pad_end);
  }
  return make_backward<dnnl::inner_product_backward_weights, dnnl::inner_product_forward>(
      forward, descs.src, descs.weights, descs.bias, descs.dst);
}

#if DNNL_VERSION_MAJOR < 3

std::optional<PrimitiveDesc> pooling_forward(dnnl::algorithm algorithm, const MemoryDesc& src, const MemoryDesc& dst,
                                             const Window& window, bool training) {
  return make_forward<dnnl::pooling_forward>(user_scratchpad(), forward_kind(training), algorithm, src, dst,
                                             window.strides, window.kernel, window.pad_begin, window.pad_end);
}

std::optional<PrimitiveDesc> pooling_backward(dnnl::algorithm algorithm, const MemoryDesc& src, const MemoryDesc& dst,
                                              const Window& window, const PrimitiveDesc& forward) {
  return make_backward<dnnl::pooling_backward, dnnl::pooling_forward>(forward, algorithm, src, dst, window.strides,
                                                                      window.kernel, window.pad_begin, window.pad_end);
}

std::optional<PrimitiveDesc> eltwise_forward(dnnl::algorithm algorithm, const MemoryDesc& desc, bool training) {
  return make_forward<dnnl::eltwise_forward>(user_scratchpad(), forward_kind(training), algorithm, desc, 0.0F, 0.0F);
}

std::optional<PrimitiveDesc> eltwise_backward(dnnl::algorithm algorithm, const MemoryDesc& desc,
                                              const PrimitiveDesc& forward) {
  return make_backward<dnnl::eltwise_backward, dnnl::eltwise_forward>(forward, algorithm, desc, desc, 0.0F, 0.0F);
}

std::optional<PrimitiveDesc> softmax_forward(const MemoryDesc& desc, bool training) {
  return make_forward<dnnl::softmax_forward>(user_scratchpad(), forward_kind(training), desc, 1);
}

std::optional<PrimitiveDesc> softmax_backward(const MemoryDesc& desc, const PrimitiveDesc& forward) {
  return make_backward<dnnl::softmax_backward, dnnl::softmax_forward>(forward, desc, desc, 1);
}

#else

std::optional<PrimitiveDesc> pooling_forward(dnnl::algorithm algorithm, const MemoryDesc& src, const MemoryDesc& dst,
                                             const Window& window, bool training) {
  return make_forward<dnnl::pooling_forward>(user_scratchpad(), forward_kind(training), algorithm, src, dst,
                                             window.strides, window.kernel, Dims{0, 0}, window.pad_begin,
                                             window.pad_end);
}

std::optional<PrimitiveDesc> pooling_backward(dnnl::algorithm algorithm, const MemoryDesc& src, const MemoryDesc& dst,
                                              const Window& window, const PrimitiveDesc& forward) {
  return make_backward<dnnl::pooling_backward, dnnl::pooling_forward>(
      forward, algorithm, src, dst, window.strides, window.kernel, Dims{0, 0}, window.pad_begin, window.pad_end);
}

std::optional<PrimitiveDesc> eltwise_forward(dnnl::algorithm algorithm, const MemoryDesc& desc, bool training) {
  return make_forward<dnnl::eltwise_forward>(user_scratchpad(), forward_kind(training), algorithm, desc, desc, 0.0F,
                                             0.0F);
}

std::optional<PrimitiveDesc> eltwise_backward(dnnl::algorithm algorithm, const MemoryDesc& desc,
                                              const PrimitiveDesc& forward) {
  return make_backward<dnnl::eltwise_backward, dnnl::eltwise_forward>(forward, algorithm, desc, desc, desc, 0.0F, 0.0F);
}

std::optional<PrimitiveDesc> softmax_forward(const MemoryDesc& desc, bool training) {
  return make_forward<dnnl::softmax_forward>(user_scratchpad(), forward_kind(training),
                                             dnnl::algorithm::softmax_accurate, desc, desc, 1);
}

std::optional<PrimitiveDesc> softmax_backward(const MemoryDesc& desc, const PrimitiveDesc& forward) {
  return make_backward<dnnl::softmax_backward, dnnl::softmax_forward>(forward, dnnl::algorithm::softmax_accurate, desc,
                                                                      desc, desc, 1);
}

#endif

PrimitiveDesc reorder(const MemoryDesc& from, const MemoryDesc& to) {
  return dnnl::reorder::primitive_desc(onednn_engine(), from, onednn_engine(), to, user_scratchpad());
}

}  // namespace lapel::kernels
