#include "layers/fill.h"

#include <fmt/format.h>

#include <algorithm>

#include "lapel/error.h"
#include "layers/window.h"

namespace lapel::layers {

std::vector<std::string_view> fill_mode_names() { return {"constant", "reflect", "wrap", "nearest"}; }

kernels::FillMode FillOptions::mode() const {
  const auto names = fill_mode_names();
  return static_cast<kernels::FillMode>(std::find(names.begin(), names.end(), fill_mode) - names.begin());
}

void require_turnable_picture(const Shape& input) {
  require_picture(input);
  if (std::max(input.height, input.width) > kernels::kMostAffineExtent) {
    throw Error(ErrorKind::kRecipe, {},
                fmt::format("pictures of {} x {} are larger than it takes", input.height, input.width),
                {{"allowed", fmt::format("at most {} high and wide", kernels::kMostAffineExtent)}});
  }
}

}  // namespace lapel::layers
