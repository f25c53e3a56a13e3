#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/reference/operators.h"

namespace lapel::kernels {

namespace {

/// Pooling over windows; a global pool is one window over the picture.
class ReferencePool2D final : public ReferenceOperator {
 public:
  ReferencePool2D(const Pool2DOp& op, const BuildOptions& options) : ReferenceOperator(options), op_(op) {}

  [[nodiscard]] bool backward_reads_inputs() const override { return op_.kind == Pool2DOp::Kind::kMax; }

  void forward(const StepState& /*state*/) override {
    for_each_window([&](const Window& window, std::int64_t out) {
      if (op_.kind == Pool2DOp::Kind::kMax) {
        const double maximum = input()[first_maximum(window)];
        mutable_output().set(out, stopped(maximum) ? 0 : maximum);
        return;
      }
      double sum = 0;
      for_each_place(window, [&](std::int64_t in) { sum += input()[in]; });
      mutable_output().set(out, sum / window.count());
    });
  }

  void backward(const StepState& /*state*/) override {
    const MutableValues grad = input_grad();
    if (!grad) {
      return;
    }
    std::vector<double> sums(static_cast<std::size_t>(batch() * op_.in.size()));
    for_each_window([&](const Window& window, std::int64_t out) {
      const double share = output_grad()[out];
      if (op_.kind == Pool2DOp::Kind::kMax) {
        const std::int64_t in = first_maximum(window);
        sums[static_cast<std::size_t>(in)] += stopped(input()[in]) ? 0 : share;
        return;
      }
      for_each_place(window, [&](std::int64_t in) { sums[static_cast<std::size_t>(in)] += share / window.count(); });
    });
    for (std::size_t i = 0; i < sums.size(); ++i) {
      grad.set(static_cast<std::int64_t>(i), sums[i]);
    }
  }

 private:
  /// The part of a window that lies within the picture, of sample n and one channel.
  struct Window {
    std::int64_t n, top, bottom, left, right, channel;
    [[nodiscard]] double count() const { return static_cast<double>((bottom - top) * (right - left)); }
  };

  template <class Visit>
  void for_each_window(const Visit& visit) const {
    std::int64_t out = 0;
    for (std::int64_t n = 0; n < batch(); ++n) {
      for (std::int64_t y = 0; y < op_.out.height; ++y) {
        for (std::int64_t x = 0; x < op_.out.width; ++x) {
          for (std::int64_t c = 0; c < op_.out.channels; ++c) {
            const std::int64_t top = y * op_.strides[0] - op_.pad_top;
            const std::int64_t left = x * op_.strides[1] - op_.pad_left;
            visit(Window{n, std::max<std::int64_t>(0, top), std::min(op_.in.height, top + op_.pool[0]),
                         std::max<std::int64_t>(0, left), std::min(op_.in.width, left + op_.pool[1]), c},
                  out++);
          }
        }
      }
    }
  }

  /// The positions of a window's numbers, in memory order.
  template <class Visit>
  void for_each_place(const Window& window, const Visit& visit) const {
    for (std::int64_t y = window.top; y < window.bottom; ++y) {
      for (std::int64_t x = window.left; x < window.right; ++x) {
        visit(((window.n * op_.in.height + y) * op_.in.width + x) * op_.in.channels + window.channel);
      }
    }
  }

  /// Whether the relu, if there is one, holds this back.
  [[nodiscard]] bool stopped(double maximum) const { return op_.activation == ActivationKind::kRelu && maximum <= 0; }

  /// The first NaN, if there is one.
  [[nodiscard]] std::int64_t first_maximum(const Window& window) const {
    std::int64_t best = -1;
    for_each_place(window, [&](std::int64_t in) {
      if (best < 0 || (!(input()[in] <= input()[best]) && !std::isnan(input()[best]))) {
        best = in;
      }
    });
    return best;
  }

  Pool2DOp op_;
};

}  // namespace

std::unique_ptr<Operator> make_reference_pool2d(const Pool2DOp& op, const BuildOptions& options) {
  return std::make_unique<ReferencePool2D>(op, options);
}

std::unique_ptr<Operator> make_reference_global_pool2d(const GlobalPool2DOp& op, const BuildOptions& options) {
  Pool2DOp whole;
  whole.kind = op.kind;
  whole.in = op.in;
  whole.out = Shape::image(op.in.channels, 1, 1);
  whole.pool = {op.in.height, op.in.width};
  whole.strides = whole.pool;
  return make_reference_pool2d(whole, options);
}

}  // namespace lapel::kernels
