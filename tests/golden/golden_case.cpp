#include "golden/golden_case.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "formats/safetensors.h"
#include "support/source_dir.h"

namespace lapel::golden {

namespace {

const std::filesystem::path kFolder = std::filesystem::path(testing::source_dir()) / "tests/golden/cases";
constexpr std::string_view kExtension = ".safetensors";

LabeledPictures make_pictures(const formats::Tensor& pixels, std::span<const float> labels) {
  LabeledPictures result;
  result.pictures = {pixels.shape.at(0), pixels.shape.at(1), pixels.shape.at(2), pixels.shape.at(3), {}};
  result.pictures.pixels.assign(pixels.values.begin(), pixels.values.end());
  result.labels.assign(labels.begin(), labels.end());
  return result;
}

}  // namespace

std::span<const float> GoldenCase::tensor(std::string_view tensor) const {
  const auto found = tensors.find(tensor);
  if (found == tensors.end()) {
    throw std::out_of_range("case '" + name + "' has no tensor '" + std::string(tensor) + "'");
  }
  return found->second;
}

std::vector<std::string> GoldenCase::names(std::string_view prefix) const {
  const std::string start = std::string(prefix) + "/";
  std::vector<std::string> result;
  for (const auto& [tensor, values] : tensors) {
    if (tensor.starts_with(start)) {
      result.push_back(tensor.substr(start.size()));
    }
  }
  return result;
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == kExtension) {
      names.push_back(entry.path().stem());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

GoldenCase read_case(const std::string& name) {
  auto file = formats::read_safetensors(kFolder / (name + std::string(kExtension)));
  GoldenCase result;
  result.name = name;
  result.recipe = parse_recipe(file.metadata.at("recipe"), name);
  const formats::Tensor* pixels = nullptr;
  for (const auto& tensor : file.tensors) {
    result.tensors[tensor.name] = tensor.values;
    pixels = tensor.name == "pixels" ? &tensor : pixels;
  }
  if (pixels == nullptr) {
    throw std::out_of_range("case '" + name + "' has no tensor 'pixels'");
  }
  result.pictures = make_pictures(*pixels, result.tensor("labels"));
  return result;
}

}  // namespace lapel::golden
