#pragma once

#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <string>
#include <vector>

#include "kernels/cpu.h"

/// All that differs between oneDNN 2.x and 3.x: how primitive descriptors are made and how a memory descriptor is
/// taken apart. The rest of kernels/ uses only what both versions have.
namespace lapel::kernels {

using Dims = dnnl::memory::dims;
using MemoryDesc = dnnl::memory::desc;
/// The descriptor of any kind of primitive.
using PrimitiveDesc = dnnl::primitive_desc_base;

/// The CPU.
[[nodiscard]] const dnnl::engine& onednn_engine();

[[nodiscard]] dnnl::memory::data_type onednn_type(Dtype dtype);

/// How a memory descriptor places its numbers: the element at (i0, i1, ...) lies at the sum of its outer indices
/// times `strides` and its position within the inner blocks, the last of which is dense.
struct Blocking {
  Dims dims;
  Dims strides;       ///< Between outer blocks.
  Dims inner_blocks;  ///< Sizes, outermost first.
  Dims inner_axes;    ///< Which dimension each of them divides.
};

/// Throws Error (kInternal) for a descriptor that is not plain or blocked.
[[nodiscard]] Blocking blocking_of(const MemoryDesc& desc);

/// The same places, holding another type of number.
[[nodiscard]] MemoryDesc with_type(const MemoryDesc& desc, dnnl::memory::data_type type);

/// Same dimensions as `desc`, in an order that the primitive may choose.
[[nodiscard]] MemoryDesc any_order(const Dims& dims, dnnl::memory::data_type type);

/// `avx2`, `avx512_core_bf16`, ... of what oneDNN may use.
[[nodiscard]] std::string isa_name(dnnl::cpu_isa isa);

/// Whether this is one of the plain loops that oneDNN has for want of anything better.
[[nodiscard]] bool is_reference(const PrimitiveDesc& desc);

/// Where a window stands; for inner products all empty.
struct Window {
  Dims kernel;  ///< Of pooling only.
  Dims strides;
  Dims pad_begin;
  Dims pad_end;
};

/// What a product (convolution or inner product) reads and writes. `bias` may be empty.
struct ProductDescs {
  MemoryDesc src;
  MemoryDesc weights;
  MemoryDesc bias;
  MemoryDesc dst;
};

/// In all of these: empty where oneDNN has no such implementation; the scratchpad is the caller's.
/// `forward` is the descriptor of the forward pass that belongs to a backward one.
/// A product is a convolution where `window` is given, else an inner product.
[[nodiscard]] std::optional<PrimitiveDesc> product_forward(const ProductDescs& descs,
                                                           const std::optional<Window>& window, bool relu,
                                                           bool training);
[[nodiscard]] std::optional<PrimitiveDesc> product_backward_data(const ProductDescs& descs,
                                                                 const std::optional<Window>& window,
                                                                 const PrimitiveDesc& forward);
[[nodiscard]] std::optional<PrimitiveDesc> product_backward_weights(const ProductDescs& descs,
                                                                    const std::optional<Window>& window,
                                                                    const PrimitiveDesc& forward);

[[nodiscard]] std::optional<PrimitiveDesc> pooling_forward(dnnl::algorithm algorithm, const MemoryDesc& src,
                                                           const MemoryDesc& dst, const Window& window, bool training);
[[nodiscard]] std::optional<PrimitiveDesc> pooling_backward(dnnl::algorithm algorithm, const MemoryDesc& src,
                                                            const MemoryDesc& dst, const Window& window,
                                                            const PrimitiveDesc& forward);

/// Elementwise; input and output have one layout.
[[nodiscard]] std::optional<PrimitiveDesc> eltwise_forward(dnnl::algorithm algorithm, const MemoryDesc& desc,
                                                           bool training);
[[nodiscard]] std::optional<PrimitiveDesc> eltwise_backward(dnnl::algorithm algorithm, const MemoryDesc& desc,
                                                            const PrimitiveDesc& forward);

/// Softmax over dimension 1 of two.
[[nodiscard]] std::optional<PrimitiveDesc> softmax_forward(const MemoryDesc& desc, bool training);
[[nodiscard]] std::optional<PrimitiveDesc> softmax_backward(const MemoryDesc& desc, const PrimitiveDesc& forward);

[[nodiscard]] PrimitiveDesc reorder(const MemoryDesc& from, const MemoryDesc& to);

}  // namespace lapel::kernels
