#include <algorithm>
#include <cmath>
#include <span>

#include "base/buffer.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/simd/simd_operator.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/batch_norm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/elementwise/activation_inl.h"
#include "kernels/elementwise/rows.h"
#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// The rows [begin, end); each body works on some channels of all of them: a vector of channels, whose factors and sums
/// stay in registers while the rows pass. Rows come in blocks that stay in the first cache (kBlockNumbers), since every
/// further vector of channels reads the same rows, a line further on.
struct RowRange {
  std::size_t begin;
  std::size_t end;
};

/// Sums of x - mean and of its square, where `mean` is some number near: the variance of shifted data. One pass gives
/// both, and little cancels as long as the shift is near the mean (Chan, Golub & LeVeque 1983). A second pass around
/// the batch's own mean would read all inputs again.
template <class T>
struct Sums {
  const NormRows& rows;
  RowRange range;
  float* sums;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t channel) const {
    const T* from = static_cast<const T*>(rows.input) + channel;
    const auto mean = load(d, rows.mean + channel);
    auto sum = hn::Zero(d);
    auto squares = hn::Zero(d);
    for (std::size_t row = range.begin; row < range.end; ++row) {
      const auto x = hn::Sub(load(d, from + row * rows.channels), mean);
      sum = hn::Add(sum, x);
      squares = hn::MulAdd(x, x, squares);
    }
    store(d, sum, sums + channel);
    store(d, squares, sums + rows.channels + channel);
  }
};

/// Normalizes and activates, from the factors of each channel: with gelus the activation as a pass of its own makes a
/// training step of the deep thin net 77 ms and not 69 (one thread).
template <class T, ActivationKind kKind>
struct Apply {
  const NormRows& rows;
  RowRange range;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t channel) const {
    const T* from = static_cast<const T*>(rows.input) + channel;
    T* to = static_cast<T*>(rows.output) + channel;
    const auto mean = load(d, rows.mean + channel);
    const auto factor = load(d, rows.factor + channel);
    const auto shift = load(d, rows.shift + channel);
    for (std::size_t row = range.begin; row < range.end; ++row) {
      const auto x = hn::Sub(load(d, from + row * rows.channels), mean);
      store(d, activated<T, kKind>(d, hn::MulAdd(x, factor, shift)), to + row * rows.channels);
    }
  }
};

/// Sums of the gradient and of its product with x - mean: those of beta and, times the inverse deviation, of gamma, and
/// what the input's gradient needs. The activation's input is made again from x, which takes a multiply-add and saves
/// storing it.
template <class T, ActivationKind kKind>
struct GradSums {
  const NormRows& rows;
  RowRange range;
  float* sums;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t channel) const {
    const T* from = static_cast<const T*>(rows.input) + channel;
    const T* grads = static_cast<const T*>(rows.output_grad) + channel;
    const auto mean = load(d, rows.mean + channel);
    const auto factor = load(d, rows.factor + channel);
    const auto shift = load(d, rows.shift + channel);
    auto sum = hn::Zero(d);
    auto products = hn::Zero(d);
    for (std::size_t row = range.begin; row < range.end; ++row) {
      const auto x = hn::Sub(load(d, from + row * rows.channels), mean);
      const auto grad =
          before_activation<T, kKind>(d, load(d, grads + row * rows.channels), hn::MulAdd(x, factor, shift));
      sum = hn::Add(sum, grad);
      products = hn::MulAdd(grad, x, products);
    }
    store(d, sum, sums + channel);
    store(d, products, sums + rows.channels + channel);
  }
};

/// The input's gradient, as BatchNormOperator::pass_on has it, with all that depends on the channel alone in two
/// numbers. It reads input and gradient a second time: the sums over all rows must be known first.
template <class T, ActivationKind kKind>
struct Backward {
  const NormRows& rows;
  RowRange range;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t channel) const {
    const T* from = static_cast<const T*>(rows.input) + channel;
    const T* grads = static_cast<const T*>(rows.output_grad) + channel;
    T* to = static_cast<T*>(rows.input_grad) + channel;
    const auto mean = load(d, rows.mean + channel);
    const auto factor = load(d, rows.factor + channel);
    const auto shift = load(d, rows.shift + channel);
    const auto slope = load(d, rows.grad_slope + channel);
    const auto grad_shift = load(d, rows.grad_shift + channel);
    for (std::size_t row = range.begin; row < range.end; ++row) {
      const auto x = hn::Sub(load(d, from + row * rows.channels), mean);
      const auto grad =
          before_activation<T, kKind>(d, load(d, grads + row * rows.channels), hn::MulAdd(x, factor, shift));
      store(d, hn::MulAdd(grad, factor, hn::MulAdd(x, slope, grad_shift)), to + row * rows.channels);
    }
  }
};

/// `Body` for the number type and the activation: constants within the loops.
template <template <class, ActivationKind> class Body, ActivationKind kKind, class... Arguments>
void run_for_type(Dtype dtype, const NormRows& rows, const Arguments&... arguments) {
  with_type(dtype, rows.rounds_bfloat16, [&](auto number) {
    for_each_channel_vector(rows.channels, Body<decltype(number), kKind>{rows, arguments...});
  });
}

template <template <class, ActivationKind> class Body, class... Arguments>
void run(Dtype dtype, const NormRows& rows, const Arguments&... arguments) {
  switch (rows.activation) {
    case ActivationKind::kRelu:
      return run_for_type<Body, ActivationKind::kRelu>(dtype, rows, arguments...);
    case ActivationKind::kGelu:
      return run_for_type<Body, ActivationKind::kGelu>(dtype, rows, arguments...);
    default:
      return run_for_type<Body, ActivationKind::kLinear>(dtype, rows, arguments...);
  }
}

}  // namespace

void norm_sums(Dtype dtype, const NormRows& rows, std::size_t begin, std::size_t end, float* sums) {
  with_type(dtype, false, [&](auto number) {
    for_each_channel_vector(rows.channels, Sums<decltype(number)>{rows, {begin, end}, sums});
  });
}

void norm_apply(Dtype dtype, const NormRows& rows, std::size_t begin, std::size_t end) {
  run<Apply>(dtype, rows, RowRange{begin, end});
}

void norm_grad_sums(Dtype dtype, const NormRows& rows, std::size_t begin, std::size_t end, float* sums) {
  run<GradSums>(dtype, rows, RowRange{begin, end}, sums);
}

void norm_backward(Dtype dtype, const NormRows& rows, std::size_t begin, std::size_t end) {
  run<Backward>(dtype, rows, RowRange{begin, end});
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

namespace {

HWY_EXPORT(norm_sums);
HWY_EXPORT(norm_apply);
HWY_EXPORT(norm_grad_sums);
HWY_EXPORT(norm_backward);

/// Sums are made over so many parts whatever the number of threads, so that it does not change them.
constexpr std::int64_t kParts = 32;
/// As many numbers as stay in the first cache from channel to channel: of floats 16 KiB, and as many of gradients.
constexpr std::int64_t kBlockNumbers = 4096;

/// Saves mean, inverse deviation, factor and shift of each channel from forward to backward. Passes over channels alone
/// are plain loops on one thread: there are few.
class BatchNormOperator final : public SimdOperator {
 public:
  BatchNormOperator(const BatchNormOp& op, const BuildOptions& options)
      : SimdOperator(options), op_(op), rows_(options.batch * (op.size / op.channels)) {
    const WeightLayout layout = WeightLayout::plain({op.channels});
    layouts_.assign(2 + (op.scale ? 1U : 0U) + (op.center ? 1U : 0U), layout);
  }

  [[nodiscard]] std::vector<WeightLayout> weight_layouts() const override { return layouts_; }
  [[nodiscard]] std::size_t saved_bytes() const override { return 4 * channel_bytes(); }
  [[nodiscard]] std::size_t scratch_bytes() const override {
    return Buffer::aligned(kParts * 2 * channels() * sizeof(double)) + kParts * 2 * channel_bytes();
  }
  [[nodiscard]] bool backward_reads_inputs() const override { return options().training; }

  void bind(const Binding& binding) override {
    SimdOperator::bind(binding);
    auto* const saved = static_cast<float*>(binding.saved);
    const std::size_t stride = channel_bytes() / sizeof(float);
    mean_ = {saved, channels()};
    inverse_ = {saved + stride, channels()};
    factor_ = {saved + 2 * stride, channels()};
    shift_ = {saved + 3 * stride, channels()};
    std::size_t next = 0;
    gamma_ = op_.scale ? static_cast<const float*>(binding.weights.at(next++)) : nullptr;
    beta_ = op_.center ? static_cast<const float*>(binding.weights.at(next++)) : nullptr;
  }

  void forward(const StepState& state) override {
    if (state.training && options().training) {
      measure();
    } else {
      take_moving();  // A plan for training evaluates as well.
    }
    for (std::size_t c = 0; c < channels(); ++c) {
      // Saved for backward, which makes the activation's input again from them.
      factor_[c] = (gamma_ == nullptr ? 1.0F : gamma_[c]) * inverse_[c];
      shift_[c] = beta_ == nullptr ? 0.0F : beta_[c];
    }
    const NormRows rows = norm_rows();
    over_blocks([&](std::size_t begin, std::size_t end) {
      HWY_DYNAMIC_DISPATCH(norm_apply)(options().dtype, rows, begin, end);
    });
  }

  void backward(const StepState& state) override {
    const NormRows rows = norm_rows();
    const auto sums = sum_parts([&](std::size_t begin, std::size_t end, float* to) {
      HWY_DYNAMIC_DISPATCH(norm_grad_sums)(options().dtype, rows, begin, end, to);
    });
    std::size_t next = 0;
    float* const gamma_grad = op_.scale ? binding().weight_grads.at(next++) : nullptr;
    float* const beta_grad = op_.center ? binding().weight_grads.at(next++) : nullptr;
    for (std::size_t c = 0; c < channels(); ++c) {
      if (gamma_grad != nullptr) {
        gamma_grad[c] = static_cast<float>(sums[channels() + c] * static_cast<double>(inverse_[c]));
      }
      if (beta_grad != nullptr) {
        beta_grad[c] = static_cast<float>(sums[c]);
      }
    }
    if (input_grad() != nullptr) {
      pass_on(rows, sums, state.training);
    }
  }

 private:
  [[nodiscard]] std::size_t channels() const { return static_cast<std::size_t>(op_.channels); }
  /// Of one float a channel, as it lies in saved memory and scratch.
  [[nodiscard]] std::size_t channel_bytes() const { return Buffer::aligned(channels() * sizeof(float)); }
  [[nodiscard]] std::int64_t block_rows() const { return std::max<std::int64_t>(1, kBlockNumbers / op_.channels); }

  [[nodiscard]] NormRows norm_rows() const {
    NormRows rows;
    rows.channels = channels();
    rows.rounds_bfloat16 = cpu().fast_bfloat16;
    rows.activation = op_.activation;
    rows.input = binding().inputs.at(0);
    rows.output = binding().output;
    rows.output_grad = binding().output_grad;
    rows.input_grad = input_grad();
    rows.mean = mean_.data();
    rows.factor = factor_.data();
    rows.shift = shift_.data();
    return rows;
  }

  /// Calls `body(begin, end)` for blocks of rows. What it writes is a row's own, so that any division will do.
  template <class F>
  void over_blocks(const F& body) const {
    const std::int64_t block = block_rows();
    parallel_for(
        (rows_ + block - 1) / block, kNumbersPerThread / kBlockNumbers, [&](std::int64_t first, std::int64_t last) {
          for (std::int64_t i = first; i < last; ++i) {
            body(static_cast<std::size_t>(i * block), static_cast<std::size_t>(std::min(rows_, (i + 1) * block)));
          }
        });
  }

  /// Both sums of each channel over all rows. `body(begin, end, to)` makes them, as floats, of a block; blocks and
  /// parts are added in double, in their order. Floats alone would lose digits of a variance over some hundred
  /// thousand rows.
  template <class F>
  std::span<const double> sum_parts(const F& body) const {
    auto* const doubles = static_cast<double*>(binding().scratch);
    const std::size_t pair = 2 * channels();
    auto* const floats = reinterpret_cast<float*>(static_cast<std::byte*>(binding().scratch) +
                                                  Buffer::aligned(kParts * pair * sizeof(double)));
    const std::int64_t grain = kNumbersPerThread * kParts / std::max<std::int64_t>(1, rows_ * op_.channels) + 1;
    parallel_for(kParts, grain, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t part = first; part < last; ++part) {
        double* const sums = doubles + static_cast<std::size_t>(part) * pair;
        float* const of_block = floats + static_cast<std::size_t>(part) * 2 * (channel_bytes() / sizeof(float));
        std::fill_n(sums, pair, 0.0);
        const std::int64_t end = rows_ * (part + 1) / kParts;
        for (std::int64_t row = rows_ * part / kParts; row < end; row += block_rows()) {
          body(static_cast<std::size_t>(row), static_cast<std::size_t>(std::min(end, row + block_rows())), of_block);
          for (std::size_t i = 0; i < pair; ++i) {
            sums[i] += static_cast<double>(of_block[i]);
          }
        }
      }
    });
    for (std::size_t part = 1; part < kParts; ++part) {
      for (std::size_t i = 0; i < pair; ++i) {
        doubles[i] += doubles[part * pair + i];
      }
    }
    return {doubles, pair};
  }

  /// Mean and variance of the batch; moves the moving ones. Sums are of the distance from the moving mean, which takes
  /// away most of what would cancel: variance = sum of (x - m)^2 / n - (mean - m)^2. The variance is the biased one,
  /// also where it moves (Keras's rule).
  void measure() {
    float* const moving_mean = binding().statistics.at(0);
    float* const moving_variance = binding().statistics.at(1);
    std::copy_n(moving_mean, channels(), mean_.begin());
    const NormRows rows = norm_rows();
    const auto sums = sum_parts([&](std::size_t begin, std::size_t end, float* to) {
      HWY_DYNAMIC_DISPATCH(norm_sums)(options().dtype, rows, begin, end, to);
    });
    const auto count = static_cast<double>(rows_);
    const auto keep = op_.momentum;
    for (std::size_t c = 0; c < channels(); ++c) {
      const double distance = sums[c] / count;
      const double variance = std::max(0.0, sums[channels() + c] / count - distance * distance);
      const double mean = static_cast<double>(moving_mean[c]) + distance;
      mean_[c] = static_cast<float>(mean);
      inverse_[c] = static_cast<float>(1 / std::sqrt(variance + op_.epsilon));
      moving_mean[c] = static_cast<float>(keep * static_cast<double>(moving_mean[c]) + (1 - keep) * mean);
      moving_variance[c] = static_cast<float>(keep * static_cast<double>(moving_variance[c]) + (1 - keep) * variance);
    }
  }

  /// In evaluation: the statistics do not depend on the batch.
  void take_moving() {
    for (std::size_t c = 0; c < channels(); ++c) {
      mean_[c] = binding().statistics.at(0)[c];
      const auto variance = static_cast<double>(binding().statistics.at(1)[c]);
      inverse_[c] = static_cast<float>(1 / std::sqrt(variance + op_.epsilon));
    }
  }

  /// input_grad = factor (output_grad - mean of output_grad - (x - mean) inverse^2 mean of output_grad (x - mean)).
  /// Where mean and variance are not of the batch, they do not depend on x, and the last two terms vanish.
  void pass_on(NormRows rows, std::span<const double> sums, bool training) const {
    // The sums of the first part are no longer needed where the floats of the parts lie.
    auto* const slope = reinterpret_cast<float*>(static_cast<std::byte*>(binding().scratch) +
                                                 Buffer::aligned(kParts * 2 * channels() * sizeof(double)));
    float* const shift = slope + channel_bytes() / sizeof(float);
    const auto count = static_cast<double>(rows_);
    for (std::size_t c = 0; c < channels(); ++c) {
      const auto factor = static_cast<double>(factor_[c]);
      const auto inverse = static_cast<double>(inverse_[c]);
      slope[c] = training ? static_cast<float>(-factor * inverse * inverse * sums[channels() + c] / count) : 0.0F;
      shift[c] = training ? static_cast<float>(-factor * sums[c] / count) : 0.0F;
    }
    rows.grad_slope = slope;
    rows.grad_shift = shift;
    over_blocks([&](std::size_t begin, std::size_t end) {
      HWY_DYNAMIC_DISPATCH(norm_backward)(options().dtype, rows, begin, end);
    });
  }

  BatchNormOp op_;
  std::int64_t rows_;
  std::vector<WeightLayout> layouts_;
  const float* gamma_ = nullptr;
  const float* beta_ = nullptr;
  std::span<float> mean_;  // these four: in saved memory
  std::span<float> inverse_;
  std::span<float> factor_;
  std::span<float> shift_;
};

}  // namespace

std::unique_ptr<Operator> make_batch_norm_operator(const BatchNormOp& op, const BuildOptions& options) {
  return std::make_unique<BatchNormOperator>(op, options);
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
