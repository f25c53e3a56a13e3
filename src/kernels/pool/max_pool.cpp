#include "kernels/pool/pool.h"
#include "kernels/simd/simd_operator.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pool/max_pool.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/pool/inner_max_pool_inl.h"
#include "kernels/pool/largest_inl.h"
#include "kernels/pool/rows.h"
#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// A range of positions.
struct Span {
  std::int64_t begin;
  std::int64_t end;
};

/// The inputs of window `at` on one axis, within the picture. A window has one at least: Keras's paddings leave no
/// window in the padding alone.
HWY_INLINE Span inputs_of(const WindowRows& rows, std::size_t axis, std::int64_t at) {
  const std::int64_t begin = at * rows.strides[axis] - rows.pad[axis];
  return {HWY_MAX(begin, std::int64_t{0}), HWY_MIN(begin + rows.pool[axis], rows.in[axis])};
}

/// The windows that cover input `at` on one axis.
HWY_INLINE Span windows_of(const WindowRows& rows, std::size_t axis, std::int64_t at) {
  const std::int64_t padded = at + rows.pad[axis];
  const std::int64_t stride = rows.strides[axis];
  const std::int64_t before = padded - rows.pool[axis];  // the last window that ends before, times the stride, at most
  return {before < 0 ? 0 : before / stride + 1, HWY_MIN(padded / stride + 1, rows.out[axis])};
}

/// The place of an input in its window.
HWY_INLINE std::int32_t place_of(const WindowRows& rows, std::int64_t y, std::int64_t x, std::int64_t window_y,
                                 std::int64_t window_x) {
  const std::int64_t row = y + rows.pad[0] - window_y * rows.strides[0];
  const std::int64_t column = x + rows.pad[1] - window_x * rows.strides[1];
  return static_cast<std::int32_t>(row * rows.pool[1] + column);
}

/// One window; each body works on some channels. `from` is the picture. Windows at an edge are smaller, and their
/// places are still those of the whole window.
template <class T>
struct WindowMaximum {
  const WindowRows& rows;
  std::int64_t window_y;
  std::int64_t window_x;
  Span y;
  Span x;
  const T* from;
  T* to;
  std::uint8_t* best;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t channel) const {
    const auto value_at = [&](std::int64_t row, std::int64_t column) HWY_ATTR {
      return load(d, from + static_cast<std::size_t>(row * rows.in[1] + column) * rows.channels + channel);
    };
    Largest<D> largest(d, value_at(y.begin, x.begin), place_of(rows, y.begin, x.begin, window_y, window_x));
    for (std::int64_t row = y.begin; row < y.end; ++row) {
      for (std::int64_t column = x.begin; column < x.end; ++column) {
        largest.take(value_at(row, column), place_of(rows, row, column, window_y, window_x));
      }
    }
    if (rows.relu) {
      largest.pass_relu();
    }
    largest.write(to + channel, best == nullptr ? nullptr : best + channel);
  }
};

/// One input: the sum of the gradients of the windows that it won. `output_grad` and `best` are the picture's. A gather
/// over windows and not a scatter from them: inputs are divided among threads, each is written once and by one, and
/// overlapping windows are summed in their order, whoever does it.
template <class T>
struct WonGradients {
  const WindowRows& rows;
  std::int64_t y;
  std::int64_t x;
  Span windows_y;
  Span windows_x;
  const T* output_grad;
  const std::uint8_t* best;
  T* input_grad;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t channel) const {
    const hn::Rebind<std::int32_t, D> di;
    const hn::Rebind<std::uint8_t, D> d8;
    auto sum = hn::Zero(d);
    for (std::int64_t window_y = windows_y.begin; window_y < windows_y.end; ++window_y) {
      for (std::int64_t window_x = windows_x.begin; window_x < windows_x.end; ++window_x) {
        const std::size_t at = static_cast<std::size_t>(window_y * rows.out[1] + window_x) * rows.channels + channel;
        const auto where = hn::PromoteTo(di, hn::LoadU(d8, best + at));
        const auto won = hn::Eq(where, hn::Set(di, place_of(rows, y, x, window_y, window_x)));
        sum = hn::Add(sum, hn::IfThenElseZero(hn::RebindMask(d, won), load(d, output_grad + at)));
      }
    }
    store(d, sum, input_grad + channel);
  }
};

/// Lines of windows, of all pictures one after another. A window's vectors of channels are neighbours in memory, so
/// that every load is a whole vector, and nothing is shuffled.
template <class T>
void max_pool_forward_of(const WindowRows& rows, std::int64_t begin, std::int64_t end) {
  for (std::int64_t line = begin; line < end; ++line) {
    const std::int64_t picture = line / rows.out[0];
    const std::int64_t window_y = line % rows.out[0];
    const T* from =
        static_cast<const T*>(rows.input) + static_cast<std::size_t>(picture * rows.in[0] * rows.in[1]) * rows.channels;
    const Span y = inputs_of(rows, 0, window_y);
    for (std::int64_t window_x = 0; window_x < rows.out[1]; ++window_x) {
      const std::size_t at = static_cast<std::size_t>(line * rows.out[1] + window_x) * rows.channels;
      T* to = static_cast<T*>(rows.output) + at;
      std::uint8_t* best = rows.best == nullptr ? nullptr : rows.best + at;
      for_each_channel_vector(
          rows.channels, WindowMaximum<T>{rows, window_y, window_x, y, inputs_of(rows, 1, window_x), from, to, best});
    }
  }
}

/// Lines of inputs. Which windows cover a line is asked once a line, which a place once a place.
template <class T>
void max_pool_backward_of(const WindowRows& rows, std::int64_t begin, std::int64_t end) {
  for (std::int64_t line = begin; line < end; ++line) {
    const std::int64_t picture = line / rows.in[0];
    const std::int64_t y = line % rows.in[0];
    const std::size_t windows = static_cast<std::size_t>(picture * rows.out[0] * rows.out[1]) * rows.channels;
    const T* output_grad = static_cast<const T*>(rows.output_grad) + windows;
    const Span windows_y = windows_of(rows, 0, y);
    for (std::int64_t x = 0; x < rows.in[1]; ++x) {
      T* to = static_cast<T*>(rows.input_grad) + static_cast<std::size_t>(line * rows.in[1] + x) * rows.channels;
      for_each_channel_vector(rows.channels, WonGradients<T>{rows, y, x, windows_y, windows_of(rows, 1, x), output_grad,
                                                             rows.best + windows, to});
    }
  }
}

}  // namespace

// Inner loops for windows within the picture, which need no edges: in bfloat16 always, of floats where no places are
// wanted. With places, floats and their places are vectors of the same length either way.
void max_pool_forward(Dtype dtype, const WindowRows& rows, std::int64_t begin, std::int64_t end) {
  if (dtype == Dtype::kBfloat16 && are_inner(rows)) {
    inner_max_pool_forward16(rows, begin, end);
    return;
  }
  if (dtype == Dtype::kFloat32 && rows.best == nullptr && are_inner(rows)) {
    inner_max_pool_forward(rows, begin, end);
    return;
  }
  dtype == Dtype::kFloat32 ? max_pool_forward_of<float>(rows, begin, end)
                           : max_pool_forward_of<std::uint16_t>(rows, begin, end);
}

void max_pool_backward(Dtype dtype, const WindowRows& rows, std::int64_t begin, std::int64_t end) {
  dtype == Dtype::kFloat32 ? max_pool_backward_of<float>(rows, begin, end)
                           : max_pool_backward_of<std::uint16_t>(rows, begin, end);
}

void max_pool_tiled_backward(Dtype dtype, const WindowRows& rows, std::int64_t begin, std::int64_t end) {
  dtype == Dtype::kFloat32 ? max_pool_tiled_backward_of<float>(rows, begin, end)
                           : max_pool_tiled_backward_of<std::uint16_t>(rows, begin, end);
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

namespace {

HWY_EXPORT(max_pool_forward);
HWY_EXPORT(max_pool_backward);
HWY_EXPORT(max_pool_tiled_backward);

/// What a byte can tell apart. With a relu one of them is kNoPlace: Pool2DOp::kMostReluPlaces.
constexpr std::int64_t kMostPlaces = 256;

/// Threads take lines of windows (backward perhaps of inputs), so that a single picture is divided as well. Work is
/// counted in numbers that are read.
class MaxPoolOperator final : public SimdOperator {
 public:
  MaxPoolOperator(const Pool2DOp& op, const BuildOptions& options) : SimdOperator(options) {
    rows_.channels = static_cast<std::size_t>(op.in.channels);
    rows_.in = {op.in.height, op.in.width};
    rows_.out = {op.out.height, op.out.width};
    rows_.pool = op.pool;
    rows_.strides = op.strides;
    rows_.pad = {op.pad_top, op.pad_left};
    rows_.relu = op.activation == ActivationKind::kRelu;
  }

  [[nodiscard]] std::size_t saved_bytes() const override {
    const std::int64_t windows = options().batch * rows_.out[0] * rows_.out[1];
    return options().training ? static_cast<std::size_t>(windows) * rows_.channels : 0;
  }

  void bind(const Binding& binding) override {
    SimdOperator::bind(binding);
    // In training `best` is there, in evaluation null: that decides the loop.
    rows_.input = binding.inputs.at(0);
    rows_.output = binding.output;
    rows_.output_grad = binding.output_grad;
    rows_.input_grad = input_grad();
    rows_.best = options().training ? static_cast<std::uint8_t*>(binding.saved) : nullptr;
  }

  void forward(const StepState& /*state*/) override {
    parallel_rows(options().batch * rows_.out[0], numbers(rows_.out[1]) * rows_.pool[0] * rows_.pool[1],
                  [&](std::int64_t begin, std::int64_t end) {
                    HWY_DYNAMIC_DISPATCH(max_pool_forward)(options().dtype, rows_, begin, end);
                  });
  }

  void backward(const StepState& /*state*/) override {
    if (rows_.input_grad == nullptr) {
      return;
    }
    // Windows side by side, the usual case: each input is in one window at most, so that windows may write them.
    if (rows_.strides == rows_.pool && rows_.pad == std::array<std::int64_t, 2>{} && covers_only_picture()) {
      parallel_rows(options().batch * rows_.out[0], numbers(rows_.out[1]) * rows_.pool[0] * rows_.pool[1],
                    [&](std::int64_t begin, std::int64_t end) {
                      HWY_DYNAMIC_DISPATCH(max_pool_tiled_backward)(options().dtype, rows_, begin, end);
                    });
      return;
    }
    parallel_rows(options().batch * rows_.in[0], numbers(rows_.in[1]), [&](std::int64_t begin, std::int64_t end) {
      HWY_DYNAMIC_DISPATCH(max_pool_backward)(options().dtype, rows_, begin, end);
    });
  }

 private:
  /// With `same` padding windows may end beyond the picture though none begins before it.
  [[nodiscard]] bool covers_only_picture() const {
    return rows_.out[0] * rows_.pool[0] <= rows_.in[0] && rows_.out[1] * rows_.pool[1] <= rows_.in[1];
  }
  [[nodiscard]] std::int64_t numbers(std::int64_t places) const {
    return places * static_cast<std::int64_t>(rows_.channels);
  }

  WindowRows rows_;
};

}  // namespace

bool is_max_pool_supported(const Pool2DOp& op, const BuildOptions& /*options*/) {
  const std::int64_t most = op.activation == ActivationKind::kRelu ? Pool2DOp::kMostReluPlaces : kMostPlaces;
  return op.kind == Pool2DOp::Kind::kMax && op.pool[0] * op.pool[1] <= most;
}

std::unique_ptr<Operator> make_max_pool_operator(const Pool2DOp& op, const BuildOptions& options) {
  return std::make_unique<MaxPoolOperator>(op, options);
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
