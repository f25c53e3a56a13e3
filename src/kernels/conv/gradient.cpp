#include "kernels/conv/gradient.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "base/buffer.h"
#include "base/threads.h"
#include "kernels/onednn/layout.h"

namespace lapel::kernels {
namespace {

/// Channels are taken in whole vectors.
constexpr std::int64_t kChannelUnit = 16;
/// The sums of one thread stay in its second cache: 1 MiB of floats.
constexpr std::int64_t kMostSums = 256 * 1024;
/// So many sums are worth a thread when those of the parts are added.
constexpr std::int64_t kSumsPerThread = 4096;
/// As many gradients as stay in the first cache from tile to tile, of the channels of one tile.
constexpr std::int64_t kGradBytes = 24 * 1024;
constexpr std::int64_t kTileChannels = 64;
/// From so many input channels on, rows of one line of the window fill tiles.
constexpr std::int64_t kManyChannels = 8;
/// On smaller pictures oneDNN gains more by leaving out the zeros at the edges.
constexpr std::int64_t kWide = 20;

std::int64_t window_rows(const Conv2DOp& op) { return op.kernel[0] * op.kernel[1] * op.in.channels; }

/// Whether the columns of the window count as outputs: one vector of these alone would be too little for each input
/// that is broadcast. Input x meets the gradients of outputs x + pad_left - j at the window's columns j: neighbours in
/// memory, of 16 numbers each, that are one row of kernel[1] x 16 outputs. So the roles change: the gradients get the
/// zeros beside them, and inputs are taken as they lie.
bool columns_are_outputs(const Conv2DOp& op) {
  return op.out.channels == kChannelUnit && op.in.channels >= kManyChannels && op.strides[1] == 1 && op.kernel[1] > 1 &&
         op.pad_left < op.kernel[1] && op.out.width <= op.in.width;
}

}  // namespace

bool ConvGradient::is_supported(const Conv2DOp& op, Dtype dtype, const Cpu& cpu) {
  if (op.out.channels % kChannelUnit != 0 || window_rows(op) * op.out.channels > kMostSums ||
      op.in.width < op.strides[1]) {
    return false;
  }
  // A rule, so that no layer is measured when it is made: few rows or few outputs would leave tiles mostly empty.
  const bool few_channels = op.in.channels < kManyChannels;
  const bool narrow = op.out.channels == kChannelUnit && !(dtype == Dtype::kBfloat16 && columns_are_outputs(op));
  if (!few_channels && (narrow || op.kernel[0] * op.kernel[1] == 1)) {
    return false;
  }
  if (dtype == Dtype::kBfloat16) {
    const bool has_amx = cpu.isa.find("amx") != std::string::npos;
    return cpu.fast_bfloat16 && !has_amx;
  }
  const bool zeros = op.pad_top + op.pad_left + op.pad_bottom + op.pad_right > 0;
  return few_channels || !zeros || op.out.width >= kWide;
}

ConvGradient::ConvGradient(const Conv2DOp& op, Dtype dtype, std::int64_t batch, const WeightLayout& kernel)
    : op_(op),
      dtype_(dtype),
      batch_(batch),
      parts_(std::min<std::int64_t>(batch, omp_get_max_threads())),
      few_channels_(op.in.channels < kManyChannels),
      columns_are_outputs_(dtype == Dtype::kBfloat16 && columns_are_outputs(op)),
      packed_size_(static_cast<std::size_t>(kernel.packed_size())) {
  const bool zeros_beside = op.pad_left + op.pad_right > 0;
  const bool zeros_above = few_channels_ && op.pad_top + op.pad_bottom > 0;
  packed_ = pairs() || zeros_beside || zeros_above;
  const std::int64_t width = columns_are_outputs_ ? op.in.width : op.out.width;
  columns_ = pairs() ? (width + 1) / 2 : width;
  padded_ = {op.in, 0, 0, op.in.height, op.in.width, op.strides[1]};
  if (columns_are_outputs_) {
    // Inputs x and x + 1 meet the gradients of outputs x + pad_left - j and the next at column j of the window.
    padded_ = {op.out, 0, op.kernel[1] - 1 - op.pad_left, op.out.height, 2 * (columns_ - 1) + op.kernel[1], 1};
  } else if (packed_) {
    padded_.left = op.pad_left;
    padded_.width = ((pairs() ? 2 * columns_ : columns_) - 1) * op.strides[1] + op.kernel[1];
    if (few_channels_) {
      padded_.top = op.pad_top;
      padded_.height = (op.out.height - 1) * op.strides[0] + op.kernel[0];
    }
  }
  // A tile passes over the gradients of a few pictures, then the next tile over the same: they stay in the first cache.
  const std::int64_t picture_bytes =
      op.out.height * columns_ * std::min(op.out.channels, kTileChannels) * static_cast<std::int64_t>(sizeof(float));
  images_ = std::clamp<std::int64_t>(kGradBytes / picture_bytes, 1, (batch + parts_ - 1) / parts_);
  divide_rows(places_of(kernel));
}

/// The rows of sums and their columns, and where in the kernel they go.
void ConvGradient::divide_rows(const std::array<std::vector<std::int64_t>, 4>& places) {
  const std::int64_t columns = columns_are_outputs_ ? 1 : op_.kernel[1];
  for (std::int64_t y = 0; y < op_.kernel[0]; ++y) {
    if (!few_channels_) {
      groups_.push_back(group_of(y));
    }
    for (std::int64_t x = 0; x < columns; ++x) {
      for (std::int64_t c = 0; c < op_.in.channels; ++c) {
        row_offsets_.push_back(((few_channels_ ? y * padded_.width : 0) + x) * op_.in.channels + c);
        row_places_.push_back(places[0][static_cast<std::size_t>(y)] +
                              (columns_are_outputs_ ? 0 : places[1][static_cast<std::size_t>(x)]) +
                              places[2][static_cast<std::size_t>(c)]);
      }
    }
  }
  if (few_channels_) {
    groups_.push_back({0, static_cast<std::int64_t>(row_places_.size()), 0, 0, op_.out.height});
  }
  if (!columns_are_outputs_) {
    output_places_ = places[3];
    return;
  }
  // From the last column of the window to the first: in the order of the gradients that an input meets.
  for (auto column = places[1].rbegin(); column != places[1].rend(); ++column) {
    for (const std::int64_t place : places[3]) {
      output_places_.push_back(*column + place);
    }
  }
}

/// The rows of sums of one line of the window, and which lines of outputs meet an input there: the others are left out.
ConvGradient::RowGroup ConvGradient::group_of(std::int64_t kernel_y) const {
  // Output line y meets input line y stride + offset.
  const std::int64_t stride = op_.strides[0];
  const std::int64_t offset = kernel_y - op_.pad_top;
  const std::int64_t first = offset < 0 ? (stride - 1 - offset) / stride : 0;
  const std::int64_t last = op_.in.height - 1 - offset;
  const std::int64_t end = last < 0 ? 0 : std::min(op_.out.height, last / stride + 1);
  const std::int64_t rows = (columns_are_outputs_ ? 1 : op_.kernel[1]) * op_.in.channels;
  return {kernel_y * rows, rows, (first * stride + offset) * src_line(), first * grad_line(),
          std::max<std::int64_t>(0, end - first)};
}

std::string ConvGradient::implementation() const { return pairs() ? "lapel:avx512_bf16" : "lapel:highway"; }

std::size_t ConvGradient::sums_bytes() const {
  return Buffer::apart((row_places_.size() + 1) * output_places_.size() * sizeof(float));
}

/// Numbers of a line, as it is multiplied.
std::int64_t ConvGradient::src_line() const {
  return (columns_are_outputs_ ? columns_ : padded_.width) * op_.in.channels;
}
std::int64_t ConvGradient::grad_line() const {
  return (columns_are_outputs_ ? padded_.width : columns_) * op_.out.channels;
}

/// Numbers of one picture.
std::size_t ConvGradient::packed_src() const {
  return packed_ ? static_cast<std::size_t>(src_lines() * src_line()) : 0;
}
std::size_t ConvGradient::packed_grads() const {
  return pairs() ? static_cast<std::size_t>(op_.out.height * grad_line()) : 0;
}

std::size_t ConvGradient::scratch_bytes() const {
  const std::size_t packed =
      Buffer::apart(static_cast<std::size_t>(images_) * (packed_src() + packed_grads()) * sizeof(float));
  return static_cast<std::size_t>(parts_) * (sums_bytes() + packed);
}

// Two pieces of parallel work: sums by pictures, then rows of sums over all parts. A part is a thread's, and its
// memory apart from the others'.
void ConvGradient::run(const void* input, const void* output_grad, float* kernel_grad, float* bias_grad,
                       void* scratch) const {
  const std::size_t packed_bytes = scratch_bytes() / static_cast<std::size_t>(parts_) - sums_bytes();
  auto* const sums = static_cast<std::byte*>(scratch);
  std::byte* const packed = sums + static_cast<std::size_t>(parts_) * sums_bytes();
  parallel_for(parts_, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t part = first; part < last; ++part) {
      const auto i = static_cast<std::size_t>(part);
      sum_part({batch_ * part / parts_, batch_ * (part + 1) / parts_, reinterpret_cast<float*>(sums + i * sums_bytes()),
                packed + i * packed_bytes},
               input, output_grad, bias_grad != nullptr);
    }
  });
  // A layout with padding: no row writes there.
  if (packed_size_ != row_places_.size() * output_places_.size()) {
    std::memset(kernel_grad, 0, packed_size_ * sizeof(float));
  }
  auto* const total = reinterpret_cast<float*>(sums);
  const std::size_t outputs = output_places_.size();
  // Into the sums of the first part, in the order of the parts.
  const auto add_parts = [&](std::int64_t row) {
    float* const sum = total + static_cast<std::size_t>(row) * outputs;
    sum_of_parts(sum, static_cast<std::size_t>(parts_), sums_bytes() / sizeof(float), sum, outputs);
    return sum;
  };
  const auto rows = static_cast<std::int64_t>(row_places_.size());
  parallel_for(rows, kSumsPerThread / static_cast<std::int64_t>(outputs) + 1,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t row = begin; row < end; ++row) {
                   write_row(row, add_parts(row), kernel_grad);
                 }
               });
  if (bias_grad != nullptr) {
    // Where the columns of the window are outputs, one of them meets each output of a line.
    const std::int64_t first = columns_are_outputs_ ? padded_.left * op_.out.channels : 0;
    std::copy_n(add_parts(rows) + first, op_.out.channels, bias_grad);
  }
}

/// To the weights' layout, 16 outputs at a time where they are neighbours in it, else one by one (blocks of pairs).
void ConvGradient::write_row(std::int64_t row, const float* sums, float* kernel_grad) const {
  float* const to = kernel_grad + row_places_[static_cast<std::size_t>(row)];
  for (std::size_t unit = 0; unit < output_places_.size(); unit += kChannelUnit) {
    const std::int64_t* const places = output_places_.data() + unit;
    if (places[kChannelUnit - 1] - places[0] == kChannelUnit - 1) {
      std::memcpy(to + places[0], sums + unit, kChannelUnit * sizeof(float));
    } else {
      for (std::size_t c = 0; c < kChannelUnit; ++c) {
        to[places[c]] = sums[unit + c];
      }
    }
  }
}

/// The pictures of one thread, a few at a time: made ready in its memory (pairs, or zeros beside them), then multiplied
/// while they are near. The first ones set the sums, so that nothing is cleared before.
void ConvGradient::sum_part(const Part& part, const void* input, const void* output_grad, bool bias) const {
  ConvTiles tiles;
  tiles.src_image = src_lines() * src_line();
  tiles.src_line = op_.strides[0] * src_line();
  tiles.src_column = (pairs() && !columns_are_outputs_ ? 2 : 1) * op_.strides[1] * op_.in.channels;
  tiles.channels = static_cast<std::int64_t>(output_places_.size());
  tiles.grad_image = op_.out.height * grad_line();
  tiles.grad_line = grad_line();
  tiles.grad_column = (columns_are_outputs_ ? 2 : 1) * op_.out.channels;
  tiles.columns = columns_;
  tiles.rows = row_offsets_.data();
  for (std::int64_t image = part.begin; image < part.end; image += images_) {
    tiles.images = std::min(images_, part.end - image);
    const std::int64_t in_at = image * op_.in.size();
    const std::int64_t out_at = image * op_.out.size();
    if (pairs()) {
      auto* const src = reinterpret_cast<std::uint32_t*>(part.packed);
      std::uint32_t* const grads = src + static_cast<std::size_t>(images_) * packed_src();
      for (std::int64_t i = 0; i < tiles.images; ++i) {
        make_pairs(static_cast<const std::uint16_t*>(input) + in_at + i * op_.in.size(),
                   static_cast<const std::uint16_t*>(output_grad) + out_at + i * op_.out.size(),
                   src + i * tiles.src_image, grads + i * tiles.grad_image);
      }
      sum_groups(tiles, part.sums, src, grads, bias);
    } else if (packed_) {
      auto* const src = reinterpret_cast<float*>(part.packed);
      for (std::int64_t i = 0; i < tiles.images; ++i) {
        pad(static_cast<const float*>(input) + in_at + i * op_.in.size(), src + i * tiles.src_image);
      }
      sum_groups(tiles, part.sums, src, static_cast<const float*>(output_grad) + out_at, bias);
    } else {
      sum_groups(tiles, part.sums, static_cast<const float*>(input) + in_at,
                 static_cast<const float*>(output_grad) + out_at, bias);
    }
    tiles.add = true;
  }
}

/// `Number`: float, or the 32 bits of a pair.
template <class Number>
void ConvGradient::sum_groups(ConvTiles tiles, float* sums, const Number* src, const Number* grads, bool bias) const {
  const auto run = [](const ConvTiles& made) {
    std::is_same_v<Number, float> ? conv_tiles_float(made) : conv_tiles_bfloat16(made);
  };
  if (bias && !few_channels_) {  // the groups do not have all outputs
    tiles.src = src;
    tiles.grads = grads;
    tiles.lines = op_.out.height;
    tiles.row_count = 0;
    tiles.sums = sums + row_places_.size() * output_places_.size();
    tiles.bias = true;
    run(tiles);
  }
  tiles.bias = bias && few_channels_;
  for (const auto& group : groups_) {
    tiles.src = src + group.src_at;
    tiles.grads = grads + group.grad_at;
    tiles.lines = group.lines;
    tiles.row_count = group.rows;
    tiles.sums = sums + group.first_row * tiles.channels;
    run(tiles);
  }
}

/// Zeros beside a picture (and above it, for few channels), so that every place of the window is the same loop from
/// another first number.
void ConvGradient::pad(const float* picture, float* to) const {
  const auto line = static_cast<std::size_t>(padded_.width * op_.in.channels);
  const auto left = static_cast<std::size_t>(padded_.left * op_.in.channels);
  const std::size_t middle = std::min(line - left, static_cast<std::size_t>(op_.in.width * op_.in.channels));
  for (std::int64_t y = 0; y < padded_.height; ++y, to += line) {
    const std::int64_t from = y - padded_.top;
    if (from < 0 || from >= op_.in.height) {
      std::fill_n(to, line, 0.0F);
      continue;
    }
    std::fill_n(to, left, 0.0F);
    std::memcpy(to + left, picture + from * op_.in.width * op_.in.channels, middle * sizeof(float));
    std::fill(to + left + middle, to + line, 0.0F);
  }
}

/// VDPBF16PS multiplies two numbers at once, and the sum goes over outputs: so a pair are two neighbouring outputs of a
/// line, and on the other side the two inputs that they meet at the same place of their windows. A row of an odd number
/// of outputs ends with a pair of which one is zero.
void ConvGradient::make_pairs(const std::uint16_t* input, const std::uint16_t* output_grad, std::uint32_t* src,
                              std::uint32_t* grads) const {
  if (columns_are_outputs_) {
    pair_columns(op_.in, input, src);
    pad_pairs(output_grad, grads);
  } else {
    pad_pairs(input, src);
    pair_columns(op_.out, output_grad, grads);
  }
}

/// Place x of a line holds the numbers at x and at x + pair_stride: inputs that two neighbouring outputs meet at the
/// same place of their windows. From left to right: neither lies in the picture, the second does, both do, the first
/// does, neither.
void ConvGradient::pad_pairs(const std::uint16_t* picture, std::uint32_t* to) const {
  const Padded& of = padded_;
  const std::int64_t channels = of.picture.channels;
  const std::int64_t line = of.width * channels;
  const auto end_of = [&](std::int64_t x) { return std::clamp<std::int64_t>(x, 0, of.width) * channels; };
  const std::int64_t second = end_of(of.left - of.pair_stride);
  const std::int64_t both = end_of(of.left);
  const std::int64_t first = end_of(of.left + of.picture.width - of.pair_stride);
  const std::int64_t none = end_of(of.left + of.picture.width);
  for (std::int64_t y = 0; y < of.height; ++y, to += line) {
    const std::int64_t from = y - of.top;
    if (from < 0 || from >= of.picture.height) {
      std::fill_n(to, line, 0U);
      continue;
    }
    const std::uint16_t* a = picture + (from * of.picture.width - of.left) * channels;
    const std::uint16_t* b = a + of.pair_stride * channels;
    std::fill_n(to, second, 0U);
    pair_bfloat16(nullptr, b + second, to + second, static_cast<std::size_t>(both - second));
    pair_bfloat16(a + both, b + both, to + both, static_cast<std::size_t>(first - both));
    pair_bfloat16(a + first, nullptr, to + first, static_cast<std::size_t>(none - first));
    std::fill(to + none, to + line, 0U);
  }
}

/// Columns 0 and 1 of each line, 2 and 3, ...
void ConvGradient::pair_columns(const Shape& shape, const std::uint16_t* picture, std::uint32_t* to) {
  const std::int64_t channels = shape.channels;
  for (std::int64_t y = 0; y < shape.height; ++y) {
    for (std::int64_t x = 0; x < shape.width; x += 2, to += channels) {
      const std::uint16_t* a = picture + (y * shape.width + x) * channels;
      pair_bfloat16(a, x + 1 < shape.width ? a + channels : nullptr, to, static_cast<std::size_t>(channels));
    }
  }
}

}  // namespace lapel::kernels
