#include "plan/folded_weights.h"

#include <fmt/format.h>

#include <cmath>

#include "lapel/error.h"

namespace lapel::plan {

namespace {

using Numbers = std::span<const float>;

/// What a normalization multiplies each channel with, and what it adds then.
struct Affine {
  std::vector<double> factor;
  std::vector<double> shift;
};

Affine affine_of(const Normalization& norm, std::span<const Numbers> weights) {
  const Numbers mean = weights[norm.mean];
  const Numbers variance = weights[norm.variance];
  Affine result;
  for (std::size_t c = 0; c < mean.size(); ++c) {
    const double gamma = norm.gamma == kNone ? 1.0 : static_cast<double>(weights[norm.gamma][c]);
    const double beta = norm.beta == kNone ? 0.0 : static_cast<double>(weights[norm.beta][c]);
    const double factor = gamma / std::sqrt(static_cast<double>(variance[c]) + norm.epsilon);
    result.factor.push_back(factor);
    result.shift.push_back(beta - static_cast<double>(mean[c]) * factor);
  }
  return result;
}

/// Outputs are a kernel's last axis.
std::vector<float> folded_kernel(Numbers kernel, const Affine& affine) {
  std::vector<float> folded(kernel.size());
  for (std::size_t i = 0; i < kernel.size(); ++i) {
    folded[i] = static_cast<float>(static_cast<double>(kernel[i]) * affine.factor[i % affine.factor.size()]);
  }
  return folded;
}

/// Of no bias: of zeros.
std::vector<float> folded_bias(Numbers bias, const Affine& affine) {
  std::vector<float> folded(affine.factor.size());
  for (std::size_t c = 0; c < folded.size(); ++c) {
    const double added = bias.empty() ? 0.0 : static_cast<double>(bias[c]);
    folded[c] = static_cast<float>(added * affine.factor[c] + affine.shift[c]);
  }
  return folded;
}

/// Throws where `weights` are not those of the model.
void check(const model::Model& model, std::span<const Numbers> weights) {
  std::size_t next = 0;
  for (const model::Node& node : model.nodes()) {
    for (const auto& parameter : node.parameters) {
      const auto wanted = static_cast<std::size_t>(parameter.size());
      if (next >= weights.size() || weights[next].size() != wanted) {
        throw Error(ErrorKind::kInternal, node.place, "weights of another model",
                    {{parameter.name,
                      fmt::format("{} numbers, not {}", next >= weights.size() ? 0 : weights[next].size(), wanted)}});
      }
      ++next;
    }
  }
  if (next != weights.size()) {
    throw Error(ErrorKind::kInternal, {}, "weights of another model",
                {{"weights", fmt::format("{}, not {}", weights.size(), next)}});
  }
}

}  // namespace

std::vector<std::vector<float>> folded_weights(std::span<const Parameter> parameters, const model::Model& model,
                                               std::span<const Numbers> weights) {
  check(model, weights);
  std::vector<std::vector<float>> result;
  for (const Parameter& parameter : parameters) {
    const Numbers own = parameter.source == kNone ? Numbers{} : weights[parameter.source];
    if (!parameter.folded) {
      result.emplace_back(own.begin(), own.end());
      continue;
    }
    const Affine affine = affine_of(*parameter.folded, weights);
    result.push_back(parameter.spec.shape.size() > 1 ? folded_kernel(own, affine) : folded_bias(own, affine));
  }
  return result;
}

}  // namespace lapel::plan
