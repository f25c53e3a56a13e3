#include "kernels/dense/panels.h"

#include "kernels/onednn/layout.h"

namespace lapel::kernels {
namespace {

using Tag = dnnl::memory::format_tag;

/// A and B are oneDNN's first and second dimension: outputs and inputs.
Tag panel_tag(std::int64_t width, Dtype dtype) {
  const bool pairs = dtype == Dtype::kBfloat16;
  switch (width) {
    case 16:
      return pairs ? Tag::AB8b16a2b : Tag::AB16b16a;
    case 32:
      return pairs ? Tag::AB8b32a2b : Tag::AB16b32a;
    default:
      return pairs ? Tag::AB8b64a2b : Tag::AB16b64a;
  }
}

WeightLayout layout_of_width(std::int64_t in, std::int64_t out, std::int64_t width, Dtype dtype) {
  // Always of floats: a layout is of the masters, and their bfloat16 copy lies at the same positions.
  return layout_from(MemoryDesc({out, in}, dnnl::memory::data_type::f32, panel_tag(width, dtype)), {in, out});
}

}  // namespace

WeightLayout dense_panel_layout(std::int64_t in, std::int64_t out, Dtype dtype) {
  return layout_of_width(in, out, out <= 16 ? 16 : out <= 32 ? 32 : 64, dtype);
}

std::optional<DensePanels> dense_panels_of(const WeightLayout& layout, Dtype dtype) {
  if (layout.shape().size() != 2) {
    return std::nullopt;
  }
  const std::int64_t in = layout.shape()[0];
  const std::int64_t out = layout.shape()[1];
  // Layouts are compared, not taken apart: whatever is not one of these three goes to oneDNN.
  for (const std::int64_t width : {16, 32, 64}) {
    if (layout == layout_of_width(in, out, width, dtype)) {
      const auto round_up = [](std::int64_t count, std::int64_t unit) { return (count + unit - 1) / unit * unit; };
      return DensePanels{static_cast<std::size_t>(in),
                         static_cast<std::size_t>(out),
                         static_cast<std::size_t>(width),
                         dtype == Dtype::kFloat32 ? 1U : 2U,
                         static_cast<std::size_t>(round_up(in, 16)),
                         static_cast<std::size_t>(round_up(out, width) / width)};
    }
  }
  return std::nullopt;
}

}  // namespace lapel::kernels
