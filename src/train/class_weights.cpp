#include "train/class_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/options.h"
#include "lapel/error.h"

namespace lapel::training {

namespace {

constexpr const char* kPlace = "train.class_weight";

/// As scikit-learn's compute_class_weight("balanced").
std::vector<float> balanced_weights(std::size_t classes, std::span<const Label> labels) {
  std::vector<std::int64_t> counts(classes);
  for (const Label label : labels) {
    ++counts[label];
  }
  const auto occurring = std::count_if(counts.begin(), counts.end(), [](std::int64_t count) { return count > 0; });
  std::vector<float> weights(classes, 1.0F);
  for (std::size_t i = 0; i < classes; ++i) {
    if (counts[i] > 0) {
      weights[i] = static_cast<float>(static_cast<double>(labels.size()) / static_cast<double>(occurring * counts[i]));
    }
  }
  return weights;
}

}  // namespace

std::vector<float> class_weights(const ClassWeight& weight, const std::vector<std::string>& class_names,
                                 std::span<const Label> labels) {
  std::vector<float> weights;
  if (weight.balanced) {
    weights = balanced_weights(class_names.size(), labels);
  } else if (!weight.by_name.empty()) {
    weights.assign(class_names.size(), 1.0F);
    for (const auto& [name, factor] : weight.by_name) {
      const auto found = std::find(class_names.begin(), class_names.end(), name);
      if (found == class_names.end()) {
        const std::vector<std::string_view> known(class_names.begin(), class_names.end());
        throw Error(ErrorKind::kRecipe, kPlace, fmt::format("\"{}\" is not a class of this data set", name),
                    {{"classes", fmt::format("{}", fmt::join(class_names, ", "))}}, nearest_word(name, known));
      }
      weights[static_cast<std::size_t>(found - class_names.begin())] = static_cast<float>(factor);
    }
  }
  if (!weights.empty() && std::all_of(labels.begin(), labels.end(), [&](Label label) { return weights[label] == 0; })) {
    throw Error(ErrorKind::kRecipe, kPlace, "all classes with training pictures have the weight 0",
                {{"pictures", fmt::format("{}", labels.size())}}, "a weight above 0 for at least one of them");
  }
  const bool alike = std::all_of(weights.begin(), weights.end(), [](float one) { return one == 1.0F; });
  return alike ? std::vector<float>() : weights;
}

}  // namespace lapel::training
