#include "model/views.h"

#include <fmt/format.h>

#include <array>

#include "lapel/error.h"

namespace lapel::model {

std::vector<std::string_view> test_time_augmentations() { return {"none", "flip", "flip+shift"}; }

std::span<const View> views_of(std::string_view name) {
  static constexpr std::array<View, 1> kNone = {{{false, 0, 0, 1}}};
  static constexpr std::array<View, 2> kFlip = {{{false, 0, 0, 0.5F}, {true, 0, 0, 0.5F}}};
  static constexpr std::array<View, 6> kFlipAndShift = {{{false, 0, 0, 0.25F},
                                                         {true, 0, 0, 0.25F},
                                                         {false, -1, -1, 0.125F},
                                                         {true, -1, -1, 0.125F},
                                                         {false, 1, 1, 0.125F},
                                                         {true, 1, 1, 0.125F}}};
  if (name == "none") {
    return kNone;
  }
  if (name == "flip") {
    return kFlip;
  }
  if (name == "flip+shift") {
    return kFlipAndShift;
  }
  throw Error(ErrorKind::kInternal, {}, fmt::format("no test-time augmentation is called \"{}\"", name));
}

}  // namespace lapel::model
