#include <cmath>

#include "kernels/reference/operators.h"

namespace lapel::kernels {

namespace {

class ReferenceBatchNorm final : public ReferenceOperator {
 public:
  ReferenceBatchNorm(const BatchNormOp& op, const BuildOptions& options)
      : ReferenceOperator(options), op_(op), rows_(options.batch * (op.size / op.channels)) {}

  [[nodiscard]] std::vector<WeightLayout> weight_layouts() const override {
    return std::vector(2 + (op_.scale ? 1U : 0U) + (op_.center ? 1U : 0U), WeightLayout::plain({op_.channels}));
  }
  [[nodiscard]] bool backward_reads_inputs() const override { return true; }
  [[nodiscard]] bool backward_reads_output() const override { return true; }

  void forward(const StepState& state) override {
    for (std::int64_t c = 0; c < op_.channels; ++c) {
      const Moments moments = moments_of(c, state.training);
      if (state.training) {
        move(binding().statistics.at(0)[c], moments.mean);
        move(binding().statistics.at(1)[c], moments.variance);
      }
      for (std::int64_t row = 0; row < rows_; ++row) {
        mutable_output().set(at(row, c), reference_activation(op_.activation, before_activation(row, c, moments)));
      }
    }
  }

  /// Ioffe & Szegedy 2015, section 3.
  void backward(const StepState& state) override {
    for (std::int64_t c = 0; c < op_.channels; ++c) {
      const Moments moments = moments_of(c, state.training);
      double sum = 0;
      double product = 0;
      for (std::int64_t row = 0; row < rows_; ++row) {
        sum += grad(row, c, moments);
        product += grad(row, c, moments) * normalised(row, c, moments);
      }
      std::size_t next = 0;
      if (op_.scale) {
        binding().weight_grads.at(next++)[c] = static_cast<float>(product);
      }
      if (op_.center) {
        binding().weight_grads.at(next)[c] = static_cast<float>(sum);
      }
      if (const MutableValues to = input_grad()) {
        const auto count = static_cast<double>(rows_);
        for (std::int64_t row = 0; row < rows_; ++row) {
          const double common = state.training ? (sum + normalised(row, c, moments) * product) / count : 0.0;
          to.set(at(row, c), gamma(c) / std::sqrt(moments.variance + op_.epsilon) * (grad(row, c, moments) - common));
        }
      }
    }
  }

 private:
  struct Moments {
    double mean = 0;
    double variance = 0;
  };

  [[nodiscard]] std::int64_t at(std::int64_t row, std::int64_t channel) const { return row * op_.channels + channel; }
  [[nodiscard]] double gamma(std::int64_t c) const {
    return op_.scale ? static_cast<double>(static_cast<const float*>(binding().weights.at(0))[c]) : 1.0;
  }
  [[nodiscard]] double beta(std::int64_t c) const {
    return op_.center ? static_cast<double>(static_cast<const float*>(binding().weights.at(op_.scale ? 1 : 0))[c])
                      : 0.0;
  }
  [[nodiscard]] double normalised(std::int64_t row, std::int64_t c, const Moments& moments) const {
    return (input()[at(row, c)] - moments.mean) / std::sqrt(moments.variance + op_.epsilon);
  }
  [[nodiscard]] double before_activation(std::int64_t row, std::int64_t c, const Moments& moments) const {
    return gamma(c) * normalised(row, c, moments) + beta(c);
  }
  /// Behind the normalisation, before the activation.
  [[nodiscard]] double grad(std::int64_t row, std::int64_t c, const Moments& moments) const {
    return output_grad()[at(row, c)] *
           reference_slope(op_.activation, before_activation(row, c, moments), output()[at(row, c)]);
  }
  void move(float& moving, double batch_value) const {
    moving = static_cast<float>(op_.momentum * static_cast<double>(moving) + (1 - op_.momentum) * batch_value);
  }

  [[nodiscard]] Moments moments_of(std::int64_t c, bool training) const {
    if (!training) {
      return {static_cast<double>(binding().statistics.at(0)[c]), static_cast<double>(binding().statistics.at(1)[c])};
    }
    Moments moments;
    for (std::int64_t row = 0; row < rows_; ++row) {
      moments.mean += input()[at(row, c)] / static_cast<double>(rows_);
    }
    for (std::int64_t row = 0; row < rows_; ++row) {
      const double distance = input()[at(row, c)] - moments.mean;
      moments.variance += distance * distance / static_cast<double>(rows_);
    }
    return moments;
  }

  BatchNormOp op_;
  std::int64_t rows_;
};

}  // namespace

std::unique_ptr<Operator> make_reference_batch_norm(const BatchNormOp& op, const BuildOptions& options) {
  return std::make_unique<ReferenceBatchNorm>(op, options);
}

}  // namespace lapel::kernels
