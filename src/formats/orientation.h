#pragma once

#include <cstdint>
#include <span>

#include "formats/picture.h"

namespace lapel::formats {

/// The orientation, 1 to 8, that EXIF data say (Exif 2.3, tag 0x0112 of the first directory): 1 where they say none, or
/// another number, or are damaged. The data begin with the TIFF header, or with "Exif\0\0" before it.
[[nodiscard]] int exif_orientation(std::span<const std::uint8_t> exif);

/// The picture as it is to be seen: turned and mirrored as `orientation` says.
[[nodiscard]] Picture oriented(Picture picture, int orientation);

/// Whether this orientation swaps height and width.
[[nodiscard]] constexpr bool lies_on_its_side(int orientation) { return orientation >= 5; }

}  // namespace lapel::formats
