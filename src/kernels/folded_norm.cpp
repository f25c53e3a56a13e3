#include "kernels/folded_norm.h"

#include <algorithm>
#include <cmath>

#include "base/buffer.h"
#include "kernels/simd_operators.h"

namespace lapel::kernels {

NormFactors::NormFactors(const FoldedNorm& norm, const Binding& binding, std::size_t first, void* memory,
                         std::int64_t channels)
    : epsilon_(norm.epsilon), mean_(binding.statistics.at(0)), variance_(binding.statistics.at(1)) {
  gamma_ = norm.scale ? static_cast<const float*>(binding.weights.at(first)) : nullptr;
  beta_ = norm.center ? static_cast<const float*>(binding.weights.at(first + (norm.scale ? 1 : 0))) : nullptr;
  const auto count = static_cast<std::size_t>(channels);
  auto* const numbers = static_cast<std::byte*>(memory);
  factor_ = {reinterpret_cast<float*>(numbers), count};
  shift_ = {reinterpret_cast<float*>(numbers + bytes(channels) / 2), count};
}

std::size_t NormFactors::bytes(std::int64_t channels) {
  return 2 * Buffer::aligned(static_cast<std::size_t>(channels) * sizeof(float));
}

void NormFactors::prepare() const {
  for (std::size_t c = 0; c < factor_.size(); ++c) {
    const double gamma = gamma_ == nullptr ? 1.0 : static_cast<double>(gamma_[c]);
    const double beta = beta_ == nullptr ? 0.0 : static_cast<double>(beta_[c]);
    const double factor = gamma / std::sqrt(static_cast<double>(variance_[c]) + epsilon_);
    factor_[c] = static_cast<float>(factor);
    shift_[c] = static_cast<float>(beta - static_cast<double>(mean_[c]) * factor);
  }
}

namespace {

class Conv2DThenNorm final : public Operator {
 public:
  Conv2DThenNorm(std::unique_ptr<Operator> conv, std::unique_ptr<Operator> norm)
      : conv_(std::move(conv)), norm_(std::move(norm)) {}

  std::string implementation() const override { return conv_->implementation() + " + " + norm_->implementation(); }
  std::vector<WeightLayout> weight_layouts() const override {
    auto layouts = conv_->weight_layouts();
    for (auto& layout : norm_->weight_layouts()) {
      layouts.push_back(std::move(layout));
    }
    return layouts;
  }
  std::size_t saved_bytes() const override { return norm_->saved_bytes(); }
  std::size_t scratch_bytes() const override { return std::max(conv_->scratch_bytes(), norm_->scratch_bytes()); }

  void bind(const Binding& binding) override {
    const auto own = static_cast<std::ptrdiff_t>(conv_->weight_layouts().size());
    Binding first = binding;
    first.weights.erase(first.weights.begin() + own, first.weights.end());
    first.statistics.clear();
    conv_->bind(first);
    Binding second = binding;
    second.inputs = {binding.output};
    second.weights.erase(second.weights.begin(), second.weights.begin() + own);
    norm_->bind(second);
  }

  void forward(const StepState& state) override {
    conv_->forward(state);
    norm_->forward(state);
  }

  void backward(const StepState& /*state*/) override {}

 private:
  std::unique_ptr<Operator> conv_;
  std::unique_ptr<Operator> norm_;
};

}  // namespace

std::unique_ptr<Operator> make_conv2d_then_norm(const Conv2DOp& op, const BuildOptions& options) {
  Conv2DOp conv = op;
  conv.norm.reset();
  conv.activation = ActivationKind::kLinear;
  const BatchNormOp norm{.size = op.out.size(),
                         .channels = op.out.channels,
                         .epsilon = op.norm->epsilon,
                         .center = op.norm->center,
                         .scale = op.norm->scale,
                         .activation = op.activation};
  BuildOptions of_conv = options;
  BuildOptions of_norm = options;
  of_norm.stored_layouts.clear();
  if (!of_conv.stored_layouts.empty()) {
    of_conv.stored_layouts.erase(of_conv.stored_layouts.begin() + (op.bias ? 2 : 1), of_conv.stored_layouts.end());
  }
  return std::make_unique<Conv2DThenNorm>(make_operator(conv, of_conv), make_batch_norm_operator(norm, of_norm));
}

}  // namespace lapel::kernels
