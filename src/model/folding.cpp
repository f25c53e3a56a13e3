#include "model/folding.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "lapel/error.h"

namespace lapel::model {

namespace {

using Numbers = std::span<const float>;

/// What a normalization multiplies each channel with, and what it adds then.
struct Affine {
  std::vector<double> factor;
  std::vector<double> shift;
};

std::size_t readers(const Model& model, std::size_t node) {
  const auto nodes = model.nodes();
  std::size_t count = 0;
  for (const Node& reader : nodes) {
    count += static_cast<std::size_t>(std::count(reader.inputs.begin(), reader.inputs.end(), node));
  }
  return count;
}

bool is_linear_product(const Node& node) {
  const std::string_view type = node.layer->type();
  return (type == "Conv2D" || type == "Dense") &&
         node.layer->options().at("activation") == OptionValue{std::string("linear")};
}

/// The product that the normalization `norm` can be part of.
std::optional<std::size_t> product_before(const Model& model, std::size_t norm) {
  const Node& node = model.nodes()[norm];
  if (node.layer->type() != "BatchNormalization") {
    return std::nullopt;
  }
  const std::size_t before = node.inputs.front();
  const bool folds = is_linear_product(model.nodes()[before]) && readers(model, before) == 1;
  return folds ? std::optional(before) : std::nullopt;
}

/// The numbers of the weight of this name; empty where the node has none.
Numbers find(const Node& node, std::span<const Numbers> weights, std::string_view name) {
  for (std::size_t i = 0; i < node.parameters.size(); ++i) {
    if (node.parameters[i].name == name) {
      return weights[i];
    }
  }
  return {};
}

Affine affine_of(const Node& norm, std::span<const Numbers> weights) {
  const double epsilon = std::get<double>(norm.layer->options().at("epsilon"));
  const Numbers gamma = find(norm, weights, "gamma");
  const Numbers beta = find(norm, weights, "beta");
  const Numbers mean = find(norm, weights, "moving_mean");
  const Numbers variance = find(norm, weights, "moving_variance");
  Affine result;
  for (std::size_t c = 0; c < mean.size(); ++c) {
    const double factor =
        (gamma.empty() ? 1.0 : static_cast<double>(gamma[c])) / std::sqrt(static_cast<double>(variance[c]) + epsilon);
    result.factor.push_back(factor);
    result.shift.push_back((beta.empty() ? 0.0 : static_cast<double>(beta[c])) - static_cast<double>(mean[c]) * factor);
  }
  return result;
}

/// Kernel and bias with the normalization in them; outputs are a kernel's last axis.
std::vector<std::vector<float>> fold(Numbers kernel, Numbers bias, const Affine& affine) {
  const std::size_t channels = affine.factor.size();
  std::vector<float> folded_kernel(kernel.size());
  for (std::size_t i = 0; i < kernel.size(); ++i) {
    folded_kernel[i] = static_cast<float>(static_cast<double>(kernel[i]) * affine.factor[i % channels]);
  }
  std::vector<float> folded_bias(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const double added = bias.empty() ? 0.0 : static_cast<double>(bias[c]);
    folded_bias[c] = static_cast<float>(added * affine.factor[c] + affine.shift[c]);
  }
  return {std::move(folded_kernel), std::move(folded_bias)};
}

/// Throws where `weights` are not those of the model.
void check(const Model& model, std::span<const Numbers> weights) {
  std::size_t next = 0;
  for (const Node& node : model.nodes()) {
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

FoldedModel::FoldedModel(const Model& trained)
    : trained_(trained), origins_(origins_in(trained)), model_(folded(trained, origins_)) {}

std::vector<FoldedModel::Origin> FoldedModel::origins_in(const Model& trained) {
  std::vector<Origin> origins;
  for (std::size_t i = 0; i < trained.nodes().size(); ++i) {
    if (const auto product = product_before(trained, i)) {
      std::find_if(origins.begin(), origins.end(), [&](const Origin& origin) {
        return origin.node == *product;
      })->norm = i;
    } else {
      origins.push_back({i});
    }
  }
  return origins;
}

Model FoldedModel::folded(const Model& trained, std::span<const Origin> origins) {
  const auto nodes = trained.nodes();
  std::vector<LayerSpec> layers;
  for (const Origin& origin : origins) {
    const Node& node = nodes[origin.node];
    LayerSpec layer{std::string(node.layer->type()), node.name, {}, node.layer->options(), node.place};
    if (origin.norm) {
      layer.options["use_bias"] = true;
    }
    for (const std::size_t input : node.inputs) {
      layer.inputs.push_back(nodes[product_before(trained, input).value_or(input)].name);
    }
    layers.push_back(std::move(layer));
  }
  return {trained.name(), layers, trained.input_shape()};
}

std::vector<std::vector<float>> FoldedModel::weights(std::span<const Numbers> trained) const {
  check(trained_, trained);
  const auto nodes = trained_.nodes();
  std::vector<std::span<const Numbers>> of_node;
  for (std::size_t i = 0, next = 0; i < nodes.size(); next += nodes[i].parameters.size(), ++i) {
    of_node.push_back(trained.subspan(next, nodes[i].parameters.size()));
  }
  std::vector<std::vector<float>> result;
  for (const Origin& origin : origins_) {
    const auto own = of_node[origin.node];
    if (origin.norm) {
      const Node& product = nodes[origin.node];
      for (auto& weight : fold(find(product, own, "kernel"), find(product, own, "bias"),
                               affine_of(nodes[*origin.norm], of_node[*origin.norm]))) {
        result.push_back(std::move(weight));
      }
      continue;
    }
    for (const Numbers& weight : own) {
      result.emplace_back(weight.begin(), weight.end());
    }
  }
  return result;
}

}  // namespace lapel::model
