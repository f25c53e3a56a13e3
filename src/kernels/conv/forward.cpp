#include "kernels/conv/forward.h"

#include <algorithm>
#include <cstring>

#include "base/buffer.h"
#include "base/threads.h"
#include "kernels/onednn/layout.h"

namespace lapel::kernels {
namespace {

constexpr std::int64_t kUnit = 16;           ///< Outputs of a vector, and inputs of a block of pairs.
constexpr std::int64_t kPairNumbers = 32;    ///< Weights of a pair of inputs and a vector of outputs.
constexpr std::int64_t kBlockNumbers = 256;  ///< Of 16 inputs and 16 outputs.
/// Up to so many input channels a line of the window is one place; from there on its places have pairs enough. With one
/// channel a place would be half a pair of zeros; three neighbouring columns are a pair and a half.
constexpr std::int64_t kFewChannels = 4;
/// On lines of so many columns three vectors of outputs are made together, which keeps the multipliers busy: a tile of
/// 9 x 3 has nearly as many chains as one of 14 x 2.
constexpr std::int64_t kNarrow = 9;
/// Multiplications that are worth a thread of its own (half a microsecond and more).
constexpr std::int64_t kProductsPerThread = std::int64_t{1} << 16;
/// Blocks of weights that are, when they are transposed.
constexpr std::int64_t kBlocksPerThread = 256;

std::int64_t divided_up(std::int64_t count, std::int64_t unit) { return (count + unit - 1) / unit; }

bool few_or_odd(const Conv2DOp& op) { return op.in.channels <= kFewChannels || op.in.channels % 2 == 1; }

/// Pairs of a place: of channels, or of a line of the window, whose last one may have a zero in it.
std::int64_t pairs_of(const Conv2DOp& op) {
  return few_or_odd(op) ? divided_up(op.kernel[1] * op.in.channels, 2) : op.in.channels / 2;
}

/// Numbers of a line with the zeros around it, and one that the last pair may read.
std::int64_t padded_line(const Conv2DOp& op) {
  return ((op.out.width - 1) * op.strides[1] + op.kernel[1]) * op.in.channels + 1;
}

/// All that follows from the sizes: where in memory the window's places and the weights lie, in either of both ways to
/// take the input.
ConvLines lines_of(const Conv2DOp& op) {
  const std::int64_t channels = op.in.channels;
  ConvLines lines;
  lines.height = op.in.height;
  lines.src_column = op.strides[1] * channels;
  lines.stride = op.strides[0];
  lines.pad_top = op.pad_top;
  lines.kernel_height = op.kernel[0];
  lines.pairs = pairs_of(op);
  lines.relu = op.activation == ActivationKind::kRelu;
  lines.width = op.out.width;
  lines.channels = op.out.channels;
  if (few_or_odd(op)) {
    lines.src_line = padded_line(op);
    lines.columns = {{0, op.out.width}};
    lines.weight_line = lines.pairs * kPairNumbers;
    lines.weight_vector = op.kernel[0] * lines.weight_line;
    lines.weight_block = kBlockNumbers;
    return lines;
  }
  // Pictures as they lie: what of a window is beyond them is left out by `columns`.
  lines.src_line = op.in.width * channels;
  lines.src_place = channels;
  lines.pad_left = op.pad_left;
  for (std::int64_t j = 0; j < op.kernel[1]; ++j) {
    // Output x meets input x stride - pad_left + j.
    const std::int64_t before = std::max<std::int64_t>(0, op.pad_left - j);
    const std::int64_t last = op.in.width - 1 + op.pad_left - j;
    lines.columns.push_back(
        {divided_up(before, op.strides[1]), last < 0 ? 0 : std::min(op.out.width, last / op.strides[1] + 1)});
  }
  lines.weight_place = kBlockNumbers;
  lines.weight_line = op.kernel[1] * kBlockNumbers;
  lines.weight_block = op.kernel[0] * lines.weight_line;
  lines.weight_vector = divided_up(channels, kUnit) * lines.weight_block;
  return lines;
}

}  // namespace

// Without AMX, which multiplies bfloat16 in tiles, and in bfloat16 alone: in floats oneDNN's are as good.
bool ConvForward::is_supported(const Conv2DOp& op, Dtype dtype, const Cpu& cpu) {
  return dtype == Dtype::kBfloat16 && cpu.fast_bfloat16 && !cpu.bfloat16_tiles && op.out.channels % kUnit == 0 &&
         (op.activation == ActivationKind::kLinear || op.activation == ActivationKind::kRelu) &&
         lines_of(op).possible();
}

WeightLayout ConvForward::layout(const Conv2DOp& op) {
  const std::vector<std::int64_t> shape{op.kernel[0], op.kernel[1], op.in.channels, op.out.channels};
  if (few_or_odd(op)) {
    return WeightLayout::plain(shape);
  }
  return layout_from(MemoryDesc({op.out.channels, op.in.channels, op.kernel[0], op.kernel[1]},
                                dnnl::memory::data_type::f32, dnnl::memory::format_tag::ABcd8b16a2b),
                     shape);
}

Conv2DOp ConvForward::transposed(const Conv2DOp& op) {
  Conv2DOp transposed = op;
  transposed.in = op.out;
  transposed.out = op.in;
  transposed.bias = false;
  transposed.activation = ActivationKind::kLinear;
  transposed.pad_top = op.kernel[0] - 1 - op.pad_top;
  transposed.pad_left = op.kernel[1] - 1 - op.pad_left;
  transposed.pad_bottom = op.kernel[0] - 1 - op.pad_bottom;
  transposed.pad_right = op.kernel[1] - 1 - op.pad_right;
  return transposed;
}

ConvForward::ConvForward(const Conv2DOp& op, std::int64_t batch)
    : op_(op), lines_as_places_(few_or_odd(op)), batch_(batch), lines_(lines_of(op)) {
  const std::int64_t products =
      batch * op.out.size() * op.kernel[0] * op.kernel[1] * op.in.channels / kProductsPerThread;
  threads_ = static_cast<int>(std::clamp<std::int64_t>(products, 1, omp_get_max_threads()));
  // With few pictures a division of groups or of pictures would leave threads idle at the end; lines are many.
  shares_pictures_ = batch < 2 * threads_;
  if (!lines_as_places_ && op.out.width <= kTwinColumns && !shares_pictures_) {
    together_ = 2;
  }
  lines_.src_picture = op.in.size();
  lines_.out_picture = op.out.size();
  group_vectors(batch);
}

/// Where there are few pictures, groups are as large as each other, so that threads have the same to do. Four vectors
/// are two and two, not three and one: a single one has half the products for each input that is broadcast.
void ConvForward::group_vectors(std::int64_t batch) {
  const std::int64_t vectors = op_.out.channels / kUnit;
  const std::int64_t most = op_.out.width <= kNarrow && (batch >= 4 * threads_ || vectors == 3) ? 3 : 2;
  for (std::int64_t first = 0; first < vectors;) {
    const std::int64_t rest = vectors - first;
    const std::int64_t count = rest == 4 ? 2 : std::min(rest, most);
    groups_.push_back({first, count});
    first += count;
  }
}

std::size_t ConvForward::packed_bytes() const {
  const std::int64_t vectors = op_.out.channels / kUnit;
  return lines_as_places_ ? Buffer::apart(static_cast<std::size_t>(vectors * lines_.weight_vector) * 2) : 0;
}

std::size_t ConvForward::picture_bytes() const {
  return lines_as_places_ ? Buffer::apart(static_cast<std::size_t>(op_.in.height * lines_.src_line) * 2) : 0;
}

std::size_t ConvForward::scratch_bytes() const {
  return packed_bytes() + static_cast<std::size_t>(threads_) * picture_bytes();
}

void ConvForward::run(const std::uint16_t* input, const std::uint16_t* weights, const float* bias,
                      std::uint16_t* output, void* scratch) const {
  ConvLines lines = lines_;
  lines.weights = weights;
  lines.bias = bias;
  lines.out = output;
  auto* const padded = static_cast<std::byte*>(scratch) + packed_bytes();
  if (lines_as_places_) {
    pack(weights, static_cast<std::uint16_t*>(scratch));
    lines.weights = static_cast<const std::uint16_t*>(scratch);
  }
  const std::int64_t units = divided_up(batch_, together_) * units_of_picture();
  parallel_phases(threads_, [&](std::int64_t part, std::int64_t parts) {
    run_part(lines, input, units * part / parts, units * (part + 1) / parts,
             reinterpret_cast<std::uint16_t*>(padded + static_cast<std::size_t>(part) * picture_bytes()));
  });
}

/// Of a picture, or of pictures made at once: its lines for each group of vectors; where pictures are padded, for all
/// groups together.
std::int64_t ConvForward::units_of_picture() const {
  return op_.out.height * (lines_as_places_ ? 1 : static_cast<std::int64_t>(groups_.size()));
}

/// Units [begin, end): a part may begin and end within a picture. Lines are made one at a time, so that their inputs
/// are still near for the next one, which sees two of the same three lines.
void ConvForward::run_part(ConvLines lines, const std::uint16_t* input, std::int64_t begin, std::int64_t end,
                           std::uint16_t* padded) const {
  std::uint16_t* const output = lines.out;
  const std::int64_t units = units_of_picture();
  for (std::int64_t at = begin; at < end;) {
    const std::int64_t image = at / units * together_;
    const std::uint16_t* const picture = input + image * op_.in.size();
    lines.out = output + image * op_.out.size();
    const std::int64_t first = at % units;
    const std::int64_t last = std::min(units, first + end - at);
    if (lines_as_places_) {
      pad(picture, first, last, padded);
      lines.src = padded;
      for (const Group& group : groups_) {
        conv_lines_bfloat16(lines, first, last, group.first, group.count);
      }
    } else {
      lines.src = picture;
      const auto groups = static_cast<std::int64_t>(groups_.size());
      for (std::int64_t unit = first; unit < last; ++unit) {
        // Group by group, so that its weights stay near for all lines; or line by line, where threads share pictures.
        const std::int64_t line = shares_pictures_ ? unit / groups : unit % op_.out.height;
        const std::int64_t index = shares_pictures_ ? unit % groups : unit / op_.out.height;
        const Group& group = groups_[static_cast<std::size_t>(index)];
        conv_lines_bfloat16(lines, line, line + 1, group.first, group.count, std::min(together_, batch_ - image));
      }
    }
    at += last - first;
  }
}

/// Each line of the window as pairs of its numbers; an odd last one with zeros. A first layer has a few hundred
/// weights: one thread packs them in each run.
void ConvForward::pack(const std::uint16_t* weights, std::uint16_t* packed) const {
  const std::int64_t numbers = op_.kernel[1] * op_.in.channels;
  const std::int64_t channels = op_.out.channels;
  for (std::int64_t vector = 0; vector < channels / kUnit; ++vector) {
    for (std::int64_t line = 0; line < op_.kernel[0]; ++line) {
      for (std::int64_t i = 0; i < numbers; i += 2) {
        const std::uint16_t* const from = weights + (line * numbers + i) * channels + vector * kUnit;
        std::uint16_t* const to =
            packed + vector * lines_.weight_vector + line * lines_.weight_line + i / 2 * kPairNumbers;
        for (std::int64_t o = 0; o < kUnit; ++o) {
          to[2 * o] = from[o];
          to[2 * o + 1] = i + 1 < numbers ? from[channels + o] : std::uint16_t{0};
        }
      }
    }
  }
}

/// Copies the lines that the outputs' lines [first, last) see, with zeros beside them: a place that is a line of the
/// window has columns within the picture and beyond it, which cannot be left out one by one. Few channels are few
/// bytes.
void ConvForward::pad(const std::uint16_t* picture, std::int64_t first, std::int64_t last, std::uint16_t* to) const {
  const auto line = static_cast<std::size_t>(lines_.src_line);
  const std::size_t left = std::min(line, static_cast<std::size_t>(op_.pad_left * op_.in.channels));
  const std::size_t middle = std::min(line - left, static_cast<std::size_t>(op_.in.width * op_.in.channels));
  const std::int64_t begin = std::max<std::int64_t>(0, first * op_.strides[0] - op_.pad_top);
  const std::int64_t end = std::min(op_.in.height, (last - 1) * op_.strides[0] - op_.pad_top + op_.kernel[0]);
  for (std::int64_t y = begin; y < end; ++y) {
    std::uint16_t* const at = to + y * lines_.src_line;
    std::fill_n(at, left, std::uint16_t{0});
    std::memcpy(at + left, picture + y * op_.in.width * op_.in.channels, middle * sizeof(std::uint16_t));
    std::fill(at + left + middle, at + line, std::uint16_t{0});
  }
}

// Blocks are independent: the transpose of a matrix of blocks, each of which is transposed in registers.
void transpose_weights(const Conv2DOp& op, const std::uint16_t* weights, std::uint16_t* transposed) {
  const std::int64_t places = op.kernel[0] * op.kernel[1];
  const std::int64_t outputs = op.out.channels / kUnit;
  const std::int64_t inputs = op.in.channels / kUnit;
  parallel_for(outputs * inputs * places, kBlocksPerThread, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t place = block % places;
      const std::int64_t input = block / places % inputs;
      const std::int64_t output = block / places / inputs;
      const std::int64_t to = (input * outputs + output) * places + places - 1 - place;
      transpose_block_bfloat16(weights + block * kBlockNumbers, transposed + to * kBlockNumbers);
    }
  });
}

}  // namespace lapel::kernels
