#include "interop/fold.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "interop/weights.h"

namespace lapel::interop {

namespace {

/// What a normalization multiplies each channel with, and what it adds then.
struct Affine {
  std::vector<double> factor;
  std::vector<double> shift;
};

Affine affine_of(const LayerView& norm) {
  const std::vector<float> mean = norm.weights("moving_mean");
  const std::vector<float> variance = norm.weights("moving_variance");
  const auto channels = static_cast<std::int64_t>(mean.size());
  const std::vector<float> gamma = norm.weights("gamma", channels, 1);
  const std::vector<float> beta = norm.weights("beta", channels, 0);
  Affine affine;
  for (std::size_t c = 0; c < mean.size(); ++c) {
    const double factor =
        static_cast<double>(gamma[c]) / std::sqrt(static_cast<double>(variance[c]) + norm.number("epsilon"));
    affine.factor.push_back(factor);
    affine.shift.push_back(static_cast<double>(beta[c]) - static_cast<double>(mean[c]) * factor);
  }
  return affine;
}

/// The kernel, whose last axis is the outputs, and the bias of `layer` followed by `affine`.
std::vector<formats::Tensor> joined(const LayerView& layer, const Affine& affine) {
  formats::Tensor kernel = *layer.tensor("kernel");
  const std::size_t outputs = affine.factor.size();
  for (std::size_t i = 0; i < kernel.values.size(); ++i) {
    kernel.values[i] = static_cast<float>(static_cast<double>(kernel.values[i]) * affine.factor[i % outputs]);
  }
  std::vector<float> bias = layer.weights("bias", static_cast<std::int64_t>(outputs));
  for (std::size_t c = 0; c < outputs; ++c) {
    bias[c] = static_cast<float>(static_cast<double>(bias[c]) * affine.factor[c] + affine.shift[c]);
  }
  return {std::move(kernel), {layer.name() + "/bias", {static_cast<std::int64_t>(outputs)}, std::move(bias)}};
}

/// By the position of a normalization, that of the layer which it becomes part of.
std::map<std::size_t, std::size_t> foldable(const model::Model& model, std::span<const LayerView> layers) {
  std::vector<std::size_t> readers(layers.size(), 0);
  for (const auto& node : model.nodes()) {
    for (const std::size_t input : node.inputs) {
      ++readers[input];
    }
  }
  std::map<std::size_t, std::size_t> result;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (layers[i].type() != "BatchNormalization") {
      continue;
    }
    const std::size_t before = layers[i].node().inputs.at(0);
    const LayerView& product = layers[before];
    if (product.tensor("kernel") != nullptr && product.options().contains("use_bias") &&
        product.text("activation") == "linear" && readers[before] == 1) {
      result.emplace(i, before);
    }
  }
  return result;
}

}  // namespace

store::ModelFile fold_batch_normalization(const store::ModelFile& file, Findings& findings) {
  const std::vector<LayerView> layers = layer_views(file);
  const auto folds = foldable(file.model, layers);
  std::map<std::size_t, std::size_t> folded_by;
  for (const auto& [norm, product] : folds) {
    folded_by.emplace(product, norm);
  }
  std::vector<LayerSpec> specs;
  std::vector<formats::Tensor> tensors;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (folds.contains(i)) {
      add_finding(findings, FindingKind::kTaken, "BatchNormalization layers are joined to the layer before them",
                  layers[i].name());
      continue;
    }
    LayerSpec spec{std::string(layers[i].type()), layers[i].name(), {}, layers[i].options(), {}};
    for (const std::size_t input : layers[i].node().inputs) {
      const auto fold = folds.find(input);
      spec.inputs.push_back(layers[fold == folds.end() ? input : fold->second].name());
    }
    if (const auto norm = folded_by.find(i); norm != folded_by.end()) {
      spec.options["use_bias"] = true;
      for (auto& tensor : joined(layers[i], affine_of(layers[norm->second]))) {
        tensors.push_back(std::move(tensor));
      }
    } else {
      tensors.insert(tensors.end(), layers[i].tensors().begin(), layers[i].tensors().end());
      if (layers[i].type() == "BatchNormalization") {
        add_finding(findings, FindingKind::kTaken,
                    "BatchNormalization layers stay, for none of them reads a linear Conv2D or Dense alone",
                    layers[i].name());
      }
    }
    specs.push_back(std::move(spec));
  }
  store::ModelFile result = file;
  result.model = model::Model(file.model.name(), specs, file.model.input_shape());
  result.tensors = std::move(tensors);
  return result;
}

}  // namespace lapel::interop
