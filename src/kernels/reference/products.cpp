#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "kernels/reference/operators.h"
#include "lapel/error.h"

namespace lapel::kernels {

namespace {

/// What dense and convolution share: a kernel and perhaps a bias in plain order, and a fused relu.
class ReferenceProduct : public ReferenceOperator {
 public:
  ReferenceProduct(const BuildOptions& options, std::vector<std::int64_t> kernel_shape, bool bias,
                   ActivationKind activation)
      : ReferenceOperator(options), out_(kernel_shape.back()), bias_(bias), relu_(activation == ActivationKind::kRelu) {
    if (activation != ActivationKind::kLinear && !relu_) {
      throw Error(ErrorKind::kInternal, {}, "only relu is fused into a product");
    }
    layouts_.push_back(WeightLayout::plain(std::move(kernel_shape)));
    if (bias_) {
      layouts_.push_back(WeightLayout::plain({out_}));
    }
    for (std::size_t i = 0; i < options.stored_layouts.size(); ++i) {
      if (i >= layouts_.size() || !(options.stored_layouts[i] == layouts_[i])) {
        throw Error(ErrorKind::kInternal, {},
                    fmt::format("reference operators read plain weights; weight {} is not", i));
      }
    }
  }

  [[nodiscard]] std::vector<WeightLayout> weight_layouts() const override { return layouts_; }
  [[nodiscard]] bool backward_reads_inputs() const override { return true; }
  [[nodiscard]] bool backward_reads_output() const override { return relu_; }

 protected:
  [[nodiscard]] Values kernel() const { return {options().dtype, binding().weights.at(0)}; }
  [[nodiscard]] double bias(std::int64_t channel) const {
    return bias_ ? static_cast<double>(static_cast<const float*>(binding().weights.at(1))[channel]) : 0.0;
  }
  [[nodiscard]] double activated(double sum) const { return relu_ ? (sum <= 0 ? 0 : sum) : sum; }
  /// The gradient before the activation, at number `i` of the output.
  [[nodiscard]] double sum_grad(std::int64_t i) const { return relu_ && !(output()[i] > 0) ? 0.0 : output_grad()[i]; }

  /// The gradient of the bias: the sum over `rows` vectors of the output.
  void bias_backward(std::int64_t rows) const {
    if (!bias_) {
      return;
    }
    for (std::int64_t o = 0; o < out_; ++o) {
      double sum = 0;
      for (std::int64_t row = 0; row < rows; ++row) {
        sum += sum_grad(row * out_ + o);
      }
      binding().weight_grads.at(1)[o] = static_cast<float>(sum);
    }
  }

 private:
  std::int64_t out_;
  bool bias_;
  bool relu_;
  std::vector<WeightLayout> layouts_;
};

class ReferenceDense final : public ReferenceProduct {
 public:
  ReferenceDense(const DenseOp& op, const BuildOptions& options)
      : ReferenceProduct(options, {op.in, op.out}, op.bias, op.activation), op_(op) {}

  void forward(const StepState& /*state*/) override {
    for (std::int64_t row = 0; row < rows(); ++row) {
      for (std::int64_t o = 0; o < op_.out; ++o) {
        double sum = bias(o);
        for (std::int64_t i = 0; i < op_.in; ++i) {
          sum += input()[row * op_.in + i] * kernel()[i * op_.out + o];
        }
        mutable_output().set(row * op_.out + o, activated(sum));
      }
    }
  }

  void backward(const StepState& /*state*/) override {
    bias_backward(rows());
    for (std::int64_t i = 0; i < op_.in; ++i) {
      for (std::int64_t o = 0; o < op_.out; ++o) {
        double sum = 0;
        for (std::int64_t row = 0; row < rows(); ++row) {
          sum += input()[row * op_.in + i] * sum_grad(row * op_.out + o);
        }
        binding().weight_grads.at(0)[i * op_.out + o] = static_cast<float>(sum);
      }
    }
    if (const MutableValues grad = input_grad()) {
      input_backward(grad);
    }
  }

 private:
  [[nodiscard]] std::int64_t rows() const { return batch() * op_.rows; }

  void input_backward(const MutableValues& grad) const {
    for (std::int64_t row = 0; row < rows(); ++row) {
      for (std::int64_t i = 0; i < op_.in; ++i) {
        double sum = 0;
        for (std::int64_t o = 0; o < op_.out; ++o) {
          sum += sum_grad(row * op_.out + o) * kernel()[i * op_.out + o];
        }
        grad.set(row * op_.in + i, sum);
      }
    }
  }

  DenseOp op_;
};

class ReferenceConv2D final : public ReferenceProduct {
 public:
  ReferenceConv2D(const Conv2DOp& op, const BuildOptions& options)
      : ReferenceProduct(options, {op.kernel[0], op.kernel[1], op.in.channels, op.out.channels}, op.bias,
                         op.activation),
        op_(op) {}

  void forward(const StepState& /*state*/) override {
    std::vector<double> sums(static_cast<std::size_t>(batch() * op_.out.size()));
    for (std::size_t i = 0; i < sums.size(); ++i) {
      sums[i] = bias(static_cast<std::int64_t>(i) % op_.out.channels);
    }
    for_each_product([&](std::int64_t in, std::int64_t weight, std::int64_t out) {
      sums[static_cast<std::size_t>(out)] += input()[in] * kernel()[weight];
    });
    for (std::size_t i = 0; i < sums.size(); ++i) {
      mutable_output().set(static_cast<std::int64_t>(i), activated(sums[i]));
    }
  }

  void backward(const StepState& /*state*/) override {
    bias_backward(batch() * op_.out.height * op_.out.width);
    std::vector<double> weight_sums(
        static_cast<std::size_t>(op_.kernel[0] * op_.kernel[1] * op_.in.channels * op_.out.channels));
    std::vector<double> input_sums(static_cast<std::size_t>(batch() * op_.in.size()));
    for_each_product([&](std::int64_t in, std::int64_t weight, std::int64_t out) {
      const double grad = sum_grad(out);
      weight_sums[static_cast<std::size_t>(weight)] += input()[in] * grad;
      input_sums[static_cast<std::size_t>(in)] += kernel()[weight] * grad;
    });
    std::transform(weight_sums.begin(), weight_sums.end(), binding().weight_grads.at(0),
                   [](double sum) { return static_cast<float>(sum); });
    if (const MutableValues grad = input_grad()) {
      for (std::size_t i = 0; i < input_sums.size(); ++i) {
        grad.set(static_cast<std::int64_t>(i), input_sums[i]);
      }
    }
  }

 private:
  /// Calls `visit(in, weight, out)` for each product in the definition of the convolution: the positions of its
  /// factors, and of the output number to which it is added.
  template <class Visit>
  void for_each_product(const Visit& visit) const {
    for (std::int64_t n = 0; n < batch(); ++n) {
      for (std::int64_t y = 0; y < op_.out.height; ++y) {
        for (std::int64_t x = 0; x < op_.out.width; ++x) {
          const std::int64_t out = ((n * op_.out.height + y) * op_.out.width + x) * op_.out.channels;
          for_each_place(n, y, x, [&](std::int64_t in, std::int64_t weight) {
            for (std::int64_t i = 0; i < op_.in.channels; ++i) {
              for (std::int64_t o = 0; o < op_.out.channels; ++o) {
                visit(in + i, weight + i * op_.out.channels + o, out + o);
              }
            }
          });
        }
      }
    }
  }

  /// Calls `visit(in, weight)` for each place of the window at (y, x) that lies within the picture.
  template <class Visit>
  void for_each_place(std::int64_t n, std::int64_t y, std::int64_t x, const Visit& visit) const {
    for (std::int64_t ky = 0; ky < op_.kernel[0]; ++ky) {
      for (std::int64_t kx = 0; kx < op_.kernel[1]; ++kx) {
        const std::int64_t in_y = y * op_.strides[0] + ky - op_.pad_top;
        const std::int64_t in_x = x * op_.strides[1] + kx - op_.pad_left;
        if (in_y >= 0 && in_y < op_.in.height && in_x >= 0 && in_x < op_.in.width) {
          visit(((n * op_.in.height + in_y) * op_.in.width + in_x) * op_.in.channels,
                (ky * op_.kernel[1] + kx) * op_.in.channels * op_.out.channels);
        }
      }
    }
  }

  Conv2DOp op_;
};

}  // namespace

std::unique_ptr<Operator> make_reference_dense(const DenseOp& op, const BuildOptions& options) {
  return std::make_unique<ReferenceDense>(op, options);
}

std::unique_ptr<Operator> make_reference_conv2d(const Conv2DOp& op, const BuildOptions& options) {
  return std::make_unique<ReferenceConv2D>(op, options);
}

}  // namespace lapel::kernels
