#pragma once

#include "formats/codecs.h"

namespace lapel::formats {

/// What was done to a picture's colours.
enum class ColourChange { kNone, kConverted, kProfileUnreadable };

/// Brings the colours of a picture to sRGB, as littleCMS does with the perceptual intent: from its embedded profile,
/// where it has one that fits its channels (grey stays grey). Inks (CMYK) become RGB, without a profile by
/// (255 - ink) (255 - black) / 255, as Pillow does. A profile that is sRGB itself changes nothing.
ColourChange to_srgb(RawPicture& raw);

}  // namespace lapel::formats
