#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "layers/layer.h"
#include "layers/window.h"

namespace lapel::layers {

/// The options that all of them have.
struct PictureChangeOptions {
  std::int64_t start_epoch = 1;

  [[nodiscard]] std::uint32_t first_epoch() const { return static_cast<std::uint32_t>(start_epoch); }
};

/// `own`, and the options of PictureChangeOptions, from which T derives.
template <class T>
[[nodiscard]] std::vector<Option<T>> with_start(std::span<const Option<T>> own) {
  std::vector<Option<T>> options(own.begin(), own.end());
  options.push_back({.key = "start_epoch",
                     .member = static_cast<std::int64_t T::*>(&PictureChangeOptions::start_epoch),
                     .help = "pictures stay as they are in the epochs before this one (Lapel's own)",
                     .min = 1,
                     .max = std::numeric_limits<std::uint32_t>::max()});
  return options;
}

/// What the layers share that change pictures in training alone (docs/augmentation.md), with options `O`: no gradient
/// passes through them, and what comes out has the shape of what comes in.
template <class O>
class PictureChange : public Layer {
 public:
  /// `table` lives as long as the program.
  PictureChange(std::span<const Option<O>> table, const OptionValues& given)
      : table_(table), options_(read_options(table, given)) {}

  [[nodiscard]] OptionValues options() const final { return write_options(table_, options_); }
  [[nodiscard]] bool before_weights() const final { return true; }
  [[nodiscard]] Shape output_shape(std::span<const Shape> inputs) const override {
    require_picture(inputs[0]);
    return inputs[0];
  }

 protected:
  [[nodiscard]] const O& chosen() const { return options_; }

 private:
  std::span<const Option<O>> table_;
  O options_;
};

}  // namespace lapel::layers
