#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "kernels/ops.h"
#include "layers/picture_change.h"

/// What the layers share that move, turn or zoom pictures: what comes in from beyond the edge, and numbers between
/// places.
namespace lapel::layers {

struct FillOptions : PictureChangeOptions {
  std::string fill_mode = "reflect";
  double fill_value = 0;
  std::string interpolation = "bilinear";

  [[nodiscard]] kernels::FillMode mode() const;
  [[nodiscard]] bool bilinear() const { return interpolation == "bilinear"; }
};

/// Keras's ways to fill, in the order of kernels::FillMode.
[[nodiscard]] std::vector<std::string_view> fill_mode_names();

/// `own`, and the options of FillOptions and of all that change pictures; T derives from both.
template <class T>
[[nodiscard]] std::vector<Option<T>> with_fill(std::span<const Option<T>> own) {
  std::vector<Option<T>> options(own.begin(), own.end());
  options.push_back({.key = "fill_mode",
                     .member = static_cast<std::string T::*>(&FillOptions::fill_mode),
                     .help = "what comes in from beyond the edge",
                     .choices = fill_mode_names()});
  options.push_back({.key = "fill_value",
                     .member = static_cast<double T::*>(&FillOptions::fill_value),
                     .help = "with fill_mode \"constant\": that number"});
  options.push_back({.key = "interpolation",
                     .member = static_cast<std::string T::*>(&FillOptions::interpolation),
                     .help = "\"bilinear\" moves by parts of a pixel, \"nearest\" by whole ones",
                     .choices = {"bilinear", "nearest"}});
  return with_start<T>(options);
}

/// The two ends of a range that has been given.
[[nodiscard]] inline std::array<double, 2> ends_of(const NumberRange& range) { return {range.at(0), range.at(1)}; }

/// Throws Error (kRecipe) where the input is flat, or too large for RandomAffineOp.
void require_turnable_picture(const Shape& input);

}  // namespace lapel::layers
