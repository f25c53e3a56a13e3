#pragma once

#include <cstdint>
#include <span>

#include "base/shape.h"
#include "model/views.h"

namespace lapel::plan {

/// Pictures of the size `picture`, as `view` shows them. `from` and `to` hold the same number of pictures and do not
/// overlap.
void show(const model::View& view, const Shape& picture, std::span<const std::uint8_t> from,
          std::span<std::uint8_t> to);

}  // namespace lapel::plan
