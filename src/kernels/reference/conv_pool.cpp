#include <cmath>
#include <vector>

#include "kernels/reference/operators.h"

namespace lapel::kernels {

namespace {

class ReferenceConvPool final : public ReferenceOperator {
 public:
  ReferenceConvPool(const ConvPoolOp& op, const BuildOptions& options)
      : ReferenceOperator(options), conv_(op.conv), pool_(op.pool) {}

  [[nodiscard]] std::vector<WeightLayout> weight_layouts() const override {
    std::vector layouts{WeightLayout::plain({conv_.kernel[0], conv_.kernel[1], conv_.in.channels, conv_.out.channels})};
    if (conv_.bias) {
      layouts.push_back(WeightLayout::plain({conv_.out.channels}));
    }
    return layouts;
  }
  [[nodiscard]] bool backward_reads_inputs() const override { return true; }

  void forward(const StepState& /*state*/) override {
    for_each_maximum(
        [&](const Maximum& maximum) { mutable_output().set(maximum.out, stopped(maximum) ? 0 : maximum.value); });
  }

  void backward(const StepState& /*state*/) override {
    std::vector<double> kernel(
        static_cast<std::size_t>(conv_.kernel[0] * conv_.kernel[1] * conv_.in.channels * conv_.out.channels));
    std::vector<double> bias(static_cast<std::size_t>(conv_.out.channels));
    for_each_maximum([&](const Maximum& maximum) {
      const double grad = stopped(maximum) ? 0 : output_grad()[maximum.out];
      bias[static_cast<std::size_t>(maximum.out % conv_.out.channels)] += grad;
      for_each_product(maximum, [&](std::int64_t in, std::int64_t weight) {
        kernel[static_cast<std::size_t>(weight)] += grad * input()[in];
      });
    });
    for (std::size_t i = 0; i < kernel.size(); ++i) {
      binding().weight_grads.at(0)[i] = static_cast<float>(kernel[i]);
    }
    for (std::size_t i = 0; conv_.bias && i < bias.size(); ++i) {
      binding().weight_grads.at(1)[i] = static_cast<float>(bias[i]);
    }
  }

 private:
  /// The largest number of a window, and where the convolution has it.
  struct Maximum {
    std::int64_t n, y, x, out;
    double value;
  };

  [[nodiscard]] bool stopped(const Maximum& maximum) const {
    return pool_.activation == ActivationKind::kRelu && maximum.value <= 0;
  }

  template <class Visit>
  void for_each_maximum(const Visit& visit) const {
    std::int64_t out = 0;
    for (std::int64_t n = 0; n < batch(); ++n) {
      for (std::int64_t y = 0; y < pool_.out.height; ++y) {
        for (std::int64_t x = 0; x < pool_.out.width; ++x) {
          for (std::int64_t c = 0; c < pool_.out.channels; ++c, ++out) {
            Maximum maximum = at({n, y * pool_.strides[0], x * pool_.strides[1], out, 0});
            for (std::int64_t place = 1; place < pool_.pool[0] * pool_.pool[1]; ++place) {
              const Maximum other = at({n, y * pool_.strides[0] + place / pool_.pool[1],
                                        x * pool_.strides[1] + place % pool_.pool[1], out, 0});
              if (!std::isnan(maximum.value) && !(other.value <= maximum.value)) {
                maximum = other;
              }
            }
            visit(maximum);
          }
        }
      }
    }
  }

  /// With its value: the convolution there.
  [[nodiscard]] Maximum at(Maximum place) const {
    const auto channel = place.out % conv_.out.channels;
    place.value = conv_.bias ? static_cast<double>(static_cast<const float*>(binding().weights.at(1))[channel]) : 0.0;
    const Values kernel{options().dtype, binding().weights.at(0)};
    for_each_product(place, [&](std::int64_t in, std::int64_t weight) { place.value += input()[in] * kernel[weight]; });
    return place;
  }

  /// Calls `visit(in, weight)` for the factors of each product that the convolution has at a place.
  template <class Visit>
  void for_each_product(const Maximum& place, const Visit& visit) const {
    for (std::int64_t ky = 0; ky < conv_.kernel[0]; ++ky) {
      for (std::int64_t kx = 0; kx < conv_.kernel[1]; ++kx) {
        const std::int64_t y = place.y * conv_.strides[0] + ky - conv_.pad_top;
        const std::int64_t x = place.x * conv_.strides[1] + kx - conv_.pad_left;
        if (y < 0 || y >= conv_.in.height || x < 0 || x >= conv_.in.width) {
          continue;
        }
        for (std::int64_t i = 0; i < conv_.in.channels; ++i) {
          visit(((place.n * conv_.in.height + y) * conv_.in.width + x) * conv_.in.channels + i,
                ((ky * conv_.kernel[1] + kx) * conv_.in.channels + i) * conv_.out.channels +
                    place.out % conv_.out.channels);
        }
      }
    }
  }

  Conv2DOp conv_;
  Pool2DOp pool_;
};

}  // namespace

std::unique_ptr<Operator> make_reference_conv_pool(const ConvPoolOp& op, const BuildOptions& options) {
  return std::make_unique<ReferenceConvPool>(op, options);
}

}  // namespace lapel::kernels
