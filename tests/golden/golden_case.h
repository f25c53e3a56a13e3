#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "lapel/data.h"
#include "lapel/recipe.h"

namespace lapel::golden {

/// Numbers that Keras computed for one recipe, as make_golden.py wrote them (README.md lists the tensors).
struct GoldenCase {
  std::string name;
  Recipe recipe;
  LabeledPictures pictures;
  std::map<std::string, std::vector<float>, std::less<>> tensors;

  [[nodiscard]] bool has(std::string_view tensor) const { return tensors.contains(tensor); }
  /// Throws std::out_of_range for a tensor that the case does not have.
  [[nodiscard]] std::span<const float> tensor(std::string_view tensor) const;
  /// The names behind `prefix/`, as `dense/kernel`.
  [[nodiscard]] std::vector<std::string> names(std::string_view prefix) const;
};

/// The names of all cases beside this file, sorted.
[[nodiscard]] std::vector<std::string> case_names();

/// Throws Error for a file that is no safetensors file or whose recipe Lapel does not read.
[[nodiscard]] GoldenCase read_case(const std::string& name);

}  // namespace lapel::golden
