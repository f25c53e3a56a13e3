#include "formats/colour.h"

#include <lcms2.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

namespace lapel::formats {

namespace {

struct CloseProfile {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
struct DeleteTransform {
  void operator()(void* transform) const { cmsDeleteTransform(transform); }
};
using Profile = std::unique_ptr<void, CloseProfile>;
using Transform = std::unique_ptr<void, DeleteTransform>;

bool is_srgb(const Profile& profile) {
  constexpr std::size_t kLength = 64;
  std::array<char, kLength> words{};
  cmsGetProfileInfoASCII(profile.get(), cmsInfoDescription, "en", "US", words.data(), kLength);
  return std::string_view(words.data()).starts_with("sRGB");
}

/// The colour space that a profile must have to fit the picture.
cmsColorSpaceSignature space_of(const RawPicture& raw) {
  return raw.inks ? cmsSigCmykData : raw.picture.channels <= 2 ? cmsSigGrayData : cmsSigRgbData;
}

cmsUInt32Number pixels_of(const RawPicture& raw) {
  switch (raw.picture.channels) {
    case 1:
      return TYPE_GRAY_8;
    case 2:
      return TYPE_GRAYA_8;
    case 3:
      return TYPE_RGB_8;
    default:
      return raw.inks ? TYPE_CMYK_8 : TYPE_RGBA_8;
  }
}

/// 255 - ink of what the black ink leaves, as Pillow's cmyk2rgb computes it.
std::uint8_t without_ink(std::uint8_t ink, std::uint8_t black) {
  const unsigned product = static_cast<unsigned>(255 - black) * ink + 128;
  return static_cast<std::uint8_t>(255 - black - static_cast<int>((product + (product >> 8U)) >> 8U));
}

/// `rgb` in the place of the picture's colours; its alpha stays.
void take_colours(RawPicture& raw, std::vector<std::uint8_t> rgb) {
  Picture& picture = raw.picture;
  if (raw.inks) {
    picture.channels = 3;
    picture.pixels = std::move(rgb);
    raw.inks = false;
    return;
  }
  const auto channels = static_cast<std::size_t>(picture.channels);
  const std::size_t colours = channels <= 2 ? 1 : 3;
  for (std::size_t at = 0, from = 0; at < picture.pixels.size(); at += channels, from += 3) {
    for (std::size_t c = 0; c < colours; ++c) {
      picture.pixels[at + c] = rgb[from + (colours == 1 ? 1 : c)];
    }
  }
}

/// RGB by the profile; empty where it cannot be used.
std::vector<std::uint8_t> by_profile(const RawPicture& raw, const Profile& profile) {
  const Profile srgb(cmsCreate_sRGBProfile());
  const Transform transform(
      cmsCreateTransform(profile.get(), pixels_of(raw), srgb.get(), TYPE_RGB_8, INTENT_PERCEPTUAL, 0));
  std::vector<std::uint8_t> rgb;
  if (transform == nullptr) {
    return rgb;
  }
  const auto pixels = static_cast<std::size_t>(raw.picture.height * raw.picture.width);
  rgb.resize(3 * pixels);
  cmsDoTransform(transform.get(), raw.picture.pixels.data(), rgb.data(), static_cast<cmsUInt32Number>(pixels));
  return rgb;
}

}  // namespace

ColourChange to_srgb(RawPicture& raw) {
  ColourChange change = ColourChange::kNone;
  if (!raw.profile.empty()) {
    const Profile profile(cmsOpenProfileFromMem(raw.profile.data(), static_cast<cmsUInt32Number>(raw.profile.size())));
    const bool fits = profile != nullptr && cmsGetColorSpace(profile.get()) == space_of(raw);
    if (fits && is_srgb(profile)) {
      return ColourChange::kNone;
    }
    std::vector<std::uint8_t> rgb = fits ? by_profile(raw, profile) : std::vector<std::uint8_t>();
    if (!rgb.empty()) {
      take_colours(raw, std::move(rgb));
      return ColourChange::kConverted;
    }
    change = ColourChange::kProfileUnreadable;
  }
  if (raw.inks) {
    std::vector<std::uint8_t> rgb;
    rgb.reserve(raw.picture.pixels.size() / 4 * 3);
    for (std::size_t at = 0; at < raw.picture.pixels.size(); at += 4) {
      for (std::size_t ink = 0; ink < 3; ++ink) {
        rgb.push_back(without_ink(raw.picture.pixels[at + ink], raw.picture.pixels[at + 3]));
      }
    }
    take_colours(raw, std::move(rgb));
    change = change == ColourChange::kNone ? ColourChange::kConverted : change;
  }
  return change;
}

}  // namespace lapel::formats
