#pragma once

#include <cstdint>

#include "formats/picture.h"
#include "lapel/data.h"

/// The one way in which a decoded picture becomes one of a data set or a model's input: its ground, its colours, its
/// size, in this order.
namespace lapel::data {

/// The grey of "black" or "white".
[[nodiscard]] std::uint8_t ground_of(const PictureFormat& format);

/// Of the format's height, width and channels.
[[nodiscard]] formats::Picture brought_to(const formats::Picture& picture, const PictureFormat& format);

}  // namespace lapel::data
