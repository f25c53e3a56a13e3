#pragma once

#include <span>

#include "layers/layer.h"
#include "layers/window.h"

namespace lapel::layers {

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
