#include <algorithm>
#include <cstring>
#include <vector>

#include "base/buffer.h"
#include "kernels/bfloat16.h"
#include "kernels/conv/conv.h"
#include "kernels/conv/tiles.h"
#include "kernels/simd/simd_operator.h"
#include "kernels/update_rule.h"
#include "lapel/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv/conv_pool.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/conv/conv_pool_rows.h"
#include "kernels/pool/largest_inl.h"
#include "kernels/simd/pairs_inl.h"
#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// Places of a window of the pooling, in memory order.
constexpr std::size_t kPlaces = 4;
/// Places of the convolution's window on one axis.
constexpr std::size_t kSide = 3;

/// One line of windows; each body makes some channels of all of them. `picture` is where the first one's inputs begin:
/// floats, or where `kPairs` bfloat16, which are multiplied in pairs (ConvPoolRows::pairs). `kInChannels` is 0 where
/// any number is meant: 1, a grey picture, is a constant, so that the loops over the window unroll.
///
/// The convolution's outputs are four times the maxima and never leave registers: to write and read them and their
/// gradients takes 8 to 9% of a training step of cnn and sprint.
template <class T, bool kPairs, std::size_t kInChannels>
struct LineOfMaxima {
  using Pixel = std::conditional_t<kPairs, std::uint16_t, float>;
  const ConvPoolRows& rows;
  const Pixel* picture;
  T* output;
  std::uint8_t* best;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t channel) const {
    std::size_t x = 0;
    for (; x + 2 <= rows.windows[1]; x += 2) {
      windows<2>(d, channel, x);
    }
    for (; x < rows.windows[1]; ++x) {
      windows<1>(d, channel, x);
    }
  }

 private:
  /// So many at once that sums wait for each other little: of two windows eight chains, for each of which a weight's
  /// vector is loaded once. With the weight and a pixel they are 10 of AVX2's 16 registers.
  template <std::size_t kCount, class D>
  HWY_INLINE void windows(D d, std::size_t channel, std::size_t x) const {
    using V = hn::Vec<D>;
    const V bias = rows.bias == nullptr ? hn::Zero(d) : load(d, rows.bias + channel);
    V sums[kPlaces * kCount];
    for (V& sum : sums) {
      sum = bias;
    }
    const std::size_t in_channels = kInChannels == 0 ? rows.in_channels : kInChannels;
    const float* weights = (kPairs ? rows.pairs : rows.kernel) + channel;
    const Pixel* from = picture + 2 * x * in_channels;
#pragma GCC unroll 3
    for (std::size_t y = 0; y < kSide; ++y, from += rows.line) {
#pragma GCC unroll 3
      for (std::size_t i = 0; i < kSide * in_channels; i += kPairs ? 2 : 1, weights += rows.channels) {
        const V weight = load(d, weights);
#pragma GCC unroll 8
        for (std::size_t place = 0; place < kPlaces * kCount; ++place) {
          const std::size_t row = place % kPlaces / 2;
          const std::size_t column = 2 * (place / kPlaces) + place % 2;
          const V pixels = broadcast(d, from + row * rows.line + column * in_channels + i);
          sums[place] = multiply_add<kPairs>(pixels, weight, sums[place]);
        }
      }
    }
    for (std::size_t window = 0; window < kCount; ++window) {
      const std::size_t at = (x + window) * rows.channels + channel;
      best == nullptr ? maximum(d, sums + window * kPlaces, at) : maximum_and_place(d, sums + window * kPlaces, at);
    }
  }

  template <class D>
  HWY_INLINE void maximum_and_place(D d, const hn::Vec<D>* sums, std::size_t at) const {
    Largest<D> largest(d, sums[0], 0);
    for (std::size_t place = 1; place < kPlaces; ++place) {
      largest.take(sums[place], static_cast<std::int32_t>(place));
    }
    if (rows.relu) {
      largest.pass_relu();
    }
    write(d, largest.value(), output + at);
    largest.write_place(best + at);
  }

  /// Where no place is wanted. Their sum is a NaN where one of them is (or infinities of both signs are there). A
  /// maximum alone would lose a NaN or not, by the order of its operands; one test of the sum takes the place of four.
  template <class D>
  HWY_INLINE void maximum(D d, const hn::Vec<D>* sums, std::size_t at) const {
    const auto not_a_number = hn::IsNaN(hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3])));
    auto largest = hn::Max(hn::Max(sums[0], sums[1]), hn::Max(sums[2], sums[3]));
    if (rows.relu) {
      largest = hn::Max(largest, hn::Zero(d));
    }
    write(d, hn::IfThenElse(not_a_number, hn::NaN(d), largest), output + at);
  }

  template <class D>
  static HWY_INLINE void write(D d, hn::Vec<D> value, T* to) {
    if constexpr (kPairs) {
      store_number(d, value, to);
    } else {
      store(d, value, to);
    }
  }
};

/// Of one picture: adds the gradients of the weights of one input channel, and with the first those of the bias, to
/// `sums`, which has a row for each weight and one more. The nine sums and the bias stay in registers for the whole
/// picture. A maximum's gradient goes to the inputs of the place that won: what place that is differs from channel to
/// channel, so that each lane takes its share of four masked gradients, three of which are zero.
template <class T>
struct PictureGradients {
  const ConvPoolRows& rows;
  const float* picture;
  const T* output_grad;
  const std::uint8_t* best;
  std::size_t in_channel;
  float* sums;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t channel) const {
    using V = hn::Vec<D>;
    V weights[kSide * kSide];
    for (V& sum : weights) {
      sum = hn::Zero(d);
    }
    V bias = hn::Zero(d);
    for (std::size_t y = 0; y < rows.windows[0]; ++y) {
      const float* from = picture + 2 * y * rows.line + in_channel;
      for (std::size_t x = 0; x < rows.windows[1]; ++x, from += 2 * rows.in_channels) {
        const std::size_t at = (y * rows.windows[1] + x) * rows.channels + channel;
        add_window(d, at, from, weights, bias);
      }
    }
    for (std::size_t i = 0; i < kSide * kSide; ++i) {
      add_to(d, weights[i], sums + (i * rows.in_channels + in_channel) * rows.channels + channel);
    }
    if (in_channel == 0) {
      add_to(d, bias, sums + kSide * kSide * rows.in_channels * rows.channels + channel);
    }
  }

 private:
  template <class D>
  HWY_INLINE void add_window(D d, std::size_t at, const float* from, hn::Vec<D>* weights, hn::Vec<D>& bias) const {
    const hn::Rebind<std::int32_t, D> di;
    const hn::Rebind<std::uint8_t, D> d8;
    const auto grad = load(d, output_grad + at);
    const auto where = hn::PromoteTo(di, hn::LoadU(d8, best + at));
    for (std::size_t place = 0; place < kPlaces; ++place) {
      const auto won = hn::Eq(where, hn::Set(di, static_cast<std::int32_t>(place)));
      const auto share = hn::IfThenElseZero(hn::RebindMask(d, won), grad);
      bias = hn::Add(bias, share);
      const float* first = from + place / 2 * rows.line + place % 2 * rows.in_channels;
      for (std::size_t i = 0; i < kSide * kSide; ++i) {
        const auto pixel = hn::Set(d, first[i / kSide * rows.line + i % kSide * rows.in_channels]);
        weights[i] = hn::MulAdd(pixel, share, weights[i]);
      }
    }
  }

  template <class D>
  static HWY_INLINE void add_to(D d, hn::Vec<D> sum, float* to) {
    store(d, hn::Add(load(d, to), sum), to);
  }
};

template <bool kPairs, std::size_t kInChannels, class T, class Pixel>
void make_maxima(const ConvPoolRows& rows, std::size_t begin, std::size_t end, const Pixel* picture, T* output,
                 std::uint8_t* best) {
  const std::size_t numbers = rows.windows[1] * rows.channels;
  for (std::size_t y = begin; y < end; ++y) {
    for_each_channel_vector(
        rows.channels, LineOfMaxima<T, kPairs, kInChannels>{rows, picture + 2 * y * rows.line, output + y * numbers,
                                                            best == nullptr ? nullptr : best + y * numbers});
  }
}

template <bool kPairs, class T, class Pixel>
void conv_pool_forward_of(const ConvPoolRows& rows, std::size_t begin, std::size_t end, const Pixel* picture, T* output,
                          std::uint8_t* best) {
  rows.in_channels == 1 ? make_maxima<kPairs, 1>(rows, begin, end, picture, output, best)
                        : make_maxima<kPairs, 0>(rows, begin, end, picture, output, best);
}

template <class T>
void conv_pool_backward_of(const ConvPoolRows& rows, const float* picture, const T* output_grad,
                           const std::uint8_t* best, float* sums) {
  for (std::size_t i = 0; i < rows.in_channels; ++i) {
    for_each_channel_vector(rows.channels, PictureGradients<T>{rows, picture, output_grad, best, i, sums});
  }
}

}  // namespace

void conv_pool_forward(Dtype dtype, const ConvPoolRows& rows, std::size_t begin, std::size_t end, const void* picture,
                       void* output, std::uint8_t* best) {
  const auto* const floats = static_cast<const float*>(picture);
  if (dtype == Dtype::kFloat32) {
    conv_pool_forward_of<false>(rows, begin, end, floats, static_cast<float*>(output), best);
  } else if (rows.pairs == nullptr) {
    conv_pool_forward_of<false>(rows, begin, end, floats, static_cast<std::uint16_t*>(output), best);
  } else {
    const auto* const pixels = static_cast<const std::uint16_t*>(picture);
    conv_pool_forward_of<true>(rows, begin, end, pixels, static_cast<std::uint16_t*>(output), best);
  }
}

void conv_pool_backward(Dtype dtype, const ConvPoolRows& rows, const float* picture, const void* output_grad,
                        const std::uint8_t* best, float* sums) {
  dtype == Dtype::kFloat32
      ? conv_pool_backward_of(rows, picture, static_cast<const float*>(output_grad), best, sums)
      : conv_pool_backward_of(rows, picture, static_cast<const std::uint16_t*>(output_grad), best, sums);
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

namespace {

HWY_EXPORT(conv_pool_forward);
HWY_EXPORT(conv_pool_backward);

/// Pads each picture in a part's memory (a few KiB) right before its lines are made: so the loops meet no edges.
class ConvPoolOperator final : public SimdOperator {
 public:
  ConvPoolOperator(const ConvPoolOp& op, const BuildOptions& options)
      : SimdOperator(options),
        conv_(op.conv),
        size_(op.pool.out.size()),
        parts_(std::min<std::int64_t>(options.batch * op.pool.out.height, omp_get_max_threads())) {
    rows_.in_channels = static_cast<std::size_t>(op.conv.in.channels);
    rows_.channels = static_cast<std::size_t>(op.conv.out.channels);
    rows_.line = static_cast<std::size_t>(op.conv.in.width + op.conv.pad_left + op.conv.pad_right) * rows_.in_channels;
    rows_.windows = {static_cast<std::size_t>(op.pool.out.height), static_cast<std::size_t>(op.pool.out.width)};
    rows_.relu = op.pool.activation == ActivationKind::kRelu;
    layouts_.push_back(WeightLayout::plain({3, 3, op.conv.in.channels, op.conv.out.channels}));
    if (op.conv.bias) {
      layouts_.push_back(WeightLayout::plain({op.conv.out.channels}));
    }
    if (!options.stored_layouts.empty() && options.stored_layouts != layouts_) {
      throw Error(ErrorKind::kInternal, "conv2d_max_pool2d", "weights are stored in another than the plain order");
    }
  }

  [[nodiscard]] std::vector<WeightLayout> weight_layouts() const override { return layouts_; }
  [[nodiscard]] std::size_t saved_bytes() const override {
    return options().training ? static_cast<std::size_t>(options().batch * size_) : 0;
  }
  /// The weights as floats or in pairs, then for each part a picture with zeros around it, and sums.
  [[nodiscard]] std::size_t scratch_bytes() const override {
    return kernel_bytes() + static_cast<std::size_t>(parts_) * (picture_bytes() + sums_bytes());
  }
  [[nodiscard]] bool backward_reads_inputs() const override { return true; }

  void bind(const Binding& binding) override {
    SimdOperator::bind(binding);
    best_ = options().training ? static_cast<std::uint8_t*>(binding.saved) : nullptr;
    rows_.bias = conv_.bias ? static_cast<const float*>(binding.weights.at(1)) : nullptr;
    auto* const kernel = static_cast<float*>(binding.scratch);
    rows_.kernel = low() ? kernel : static_cast<const float*>(binding.weights.at(0));
    rows_.pairs = pairs() ? kernel : nullptr;
  }

  void forward(const StepState& /*state*/) override {
    prepare_weights();
    // Lines of windows, so that a single picture is divided, too; a part pads the pictures that it begins or shares.
    const auto lines = static_cast<std::int64_t>(rows_.windows[0]);
    over_parts(options().batch * lines, [&](std::int64_t part, std::int64_t begin, std::int64_t end) {
      for (std::int64_t line = begin; line < end;) {
        const std::int64_t i = line / lines;
        const std::int64_t next = std::min(end, (i + 1) * lines);
        pad(i, !pairs(), picture(part));
        HWY_DYNAMIC_DISPATCH(conv_pool_forward)
        (options().dtype, rows_, static_cast<std::size_t>(line - i * lines), static_cast<std::size_t>(next - i * lines),
         picture(part), number(binding().output, i * size_), best_ == nullptr ? nullptr : best_ + i * size_);
        line = next;
      }
    });
  }

  void backward(const StepState& /*state*/) override {
    for (std::int64_t part = 0; part < parts_; ++part) {
      std::memset(sums(part), 0, sums_bytes());
    }
    over_parts(options().batch, [&](std::int64_t part, std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        pad(i, true, picture(part));
        HWY_DYNAMIC_DISPATCH(conv_pool_backward)
        (options().dtype, rows_, picture(part), number(binding().output_grad, i * size_), best_ + i * size_,
         sums(part));
      }
    });
    // In the order of the parts: same threads, same bits.
    const auto parts = static_cast<std::size_t>(parts_);
    const std::size_t stride = sums_bytes() / sizeof(float);
    sum_of_parts(sums(0), parts, stride, binding().weight_grads.at(0), weights());
    if (conv_.bias) {
      sum_of_parts(sums(0) + weights(), parts, stride, binding().weight_grads.at(1), rows_.channels);
    }
  }

 private:
  [[nodiscard]] bool low() const { return options().dtype == Dtype::kBfloat16; }
  /// Whether forward multiplies bfloat16 in pairs.
  [[nodiscard]] bool pairs() const { return low() && cpu().fast_bfloat16; }
  [[nodiscard]] std::size_t weights() const { return 9 * rows_.in_channels * rows_.channels; }
  [[nodiscard]] std::size_t kernel_bytes() const { return low() ? Buffer::apart(weights() * sizeof(float)) : 0; }
  [[nodiscard]] std::int64_t padded_height() const { return conv_.in.height + conv_.pad_top + conv_.pad_bottom; }
  [[nodiscard]] std::size_t picture_bytes() const {
    return Buffer::apart(static_cast<std::size_t>(padded_height()) * rows_.line * sizeof(float));
  }
  [[nodiscard]] std::size_t sums_bytes() const {
    return options().training ? Buffer::apart((weights() + rows_.channels) * sizeof(float)) : 0;
  }
  [[nodiscard]] float* picture(std::int64_t part) const {
    return reinterpret_cast<float*>(static_cast<std::byte*>(binding().scratch) + kernel_bytes() +
                                    static_cast<std::size_t>(part) * picture_bytes());
  }
  [[nodiscard]] float* sums(std::int64_t part) const {
    return reinterpret_cast<float*>(static_cast<std::byte*>(binding().scratch) + kernel_bytes() +
                                    static_cast<std::size_t>(parts_) * picture_bytes() +
                                    static_cast<std::size_t>(part) * sums_bytes());
  }
  /// Number `at` of an array of the plan's type.
  template <class Void>
  [[nodiscard]] Void* number(Void* array, std::int64_t at) const {
    using Byte = std::conditional_t<std::is_const_v<Void>, const std::byte, std::byte>;
    return static_cast<Byte*>(array) + static_cast<std::size_t>(at) * dtype_bytes(options().dtype);
  }

  /// Calls `body(part, begin, end)` for the parts of `count` pictures or lines, in parallel; around each part's picture
  /// are zeros.
  template <class F>
  void over_parts(std::int64_t count, const F& body) const {
    parallel_for(parts_, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t part = first; part < last; ++part) {
        std::memset(picture(part), 0, picture_bytes());
        body(part, count * part / parts_, count * (part + 1) / parts_);
      }
    });
  }

  /// In bfloat16: widened, or put together in pairs along a line of the window. A few hundred weights.
  void prepare_weights() const {
    if (!low()) {
      return;
    }
    const auto* const kernel = static_cast<const std::uint16_t*>(binding().weights.at(0));
    if (!pairs()) {
      from_bfloat16({kernel, weights()}, {static_cast<float*>(binding().scratch), weights()});
      return;
    }
    auto* word = static_cast<std::uint32_t*>(binding().scratch);
    const std::size_t line = 3 * rows_.in_channels;
    for (std::size_t first = 0; first < 3 * line; first += line) {
      for (std::size_t i = 0; i < line; i += 2) {
        const std::uint16_t* const here = kernel + (first + i) * rows_.channels;
        const bool alone = i + 1 == line;
        for (std::size_t channel = 0; channel < rows_.channels; ++channel) {
          const std::uint32_t high = alone ? 0 : here[rows_.channels + channel];
          *word++ = high << 16U | here[channel];
        }
      }
    }
  }

  /// As floats, or as it is. The zeros around it are there already.
  void pad(std::int64_t index, bool as_floats, void* to) const {
    const auto line = static_cast<std::size_t>(conv_.in.width) * rows_.in_channels;
    const std::size_t bytes = as_floats ? sizeof(float) : dtype_bytes(options().dtype);
    auto* at = static_cast<std::byte*>(to) + bytes * (static_cast<std::size_t>(conv_.pad_top) * rows_.line +
                                                      static_cast<std::size_t>(conv_.pad_left) * rows_.in_channels);
    for (std::int64_t y = 0; y < conv_.in.height; ++y, at += bytes * rows_.line) {
      const void* from = number(binding().inputs.at(0), index * conv_.in.size() + y * static_cast<std::int64_t>(line));
      if (low() && as_floats) {
        from_bfloat16({static_cast<const std::uint16_t*>(from), line}, {reinterpret_cast<float*>(at), line});
      } else {
        std::memcpy(at, from, line * bytes);
      }
    }
  }

  Conv2DOp conv_;
  std::int64_t size_;  ///< Of the output.
  std::int64_t parts_;
  ConvPoolRows rows_;
  std::vector<WeightLayout> layouts_;
  std::uint8_t* best_ = nullptr;
};

}  // namespace

std::unique_ptr<Operator> make_conv_pool_operator(const ConvPoolOp& op, const BuildOptions& options) {
  if (!fits_conv_pool(op.conv, op.pool) || (options.training && options.needs_input_grad)) {
    throw Error(ErrorKind::kInternal, "conv2d_max_pool2d", "such a convolution and pooling are no single step");
  }
  return std::make_unique<ConvPoolOperator>(op, options);
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
