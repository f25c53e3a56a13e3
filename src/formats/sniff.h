#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lapel::formats {

/// What a file's first bytes say it is, in words for a message: `a PNG picture`, `text ("label,pixel1,pix")`.
/// Empty where they say nothing.
[[nodiscard]] std::string looks_like(std::span<const std::uint8_t> bytes);

/// The first bytes (at most four) in hexadecimal, `89 50 4e 47`; `nothing` for an empty file.
[[nodiscard]] std::string first_bytes(std::span<const std::uint8_t> bytes);

/// Kinds of pictures by their first bytes.
enum class PictureKind {
  kNone,
  kPng,
  kJpeg,
  kWebp,
  kGif,
  kBmp,
  kTiff,
  kOther,  ///< A picture of a kind that is not read (HEIC, AVIF, JPEG 2000, ...): looks_like names it.
};
[[nodiscard]] PictureKind picture_kind(std::span<const std::uint8_t> bytes);

/// So many of a file's first bytes are enough for picture_kind and looks_like.
inline constexpr std::size_t kSniffedBytes = 132;

/// The kinds that are read, for messages.
inline constexpr std::string_view kReadFormats = "PNG, JPEG, WebP, GIF, BMP, TIFF";

}  // namespace lapel::formats
