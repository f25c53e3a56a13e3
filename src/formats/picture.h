#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace lapel::formats {

/// A decoded picture: h x w x c, 8 bits. Channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
struct Picture {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
  std::vector<std::uint8_t> pixels;
};

/// What was done to a picture on the way from its file, and what was not taken.
struct PictureNotes {
  bool turned = false;              ///< As its EXIF data say.
  bool colours_converted = false;   ///< From another colour space to sRGB.
  bool profile_unreadable = false;  ///< Its colours were taken as sRGB's.
  bool more_frames = false;         ///< Only the first picture of the file was taken.
};

/// Decodes a PNG, JPEG, WebP, GIF, BMP or TIFF file, told apart by its first bytes: turned as its EXIF data say, in
/// the colours of sRGB, 16 bits reduced to 8, palettes expanded. Throws Error (kIo, kData) naming the file and, for one
/// that is none of them, what it is.
[[nodiscard]] Picture read_picture_file(const std::filesystem::path& file, PictureNotes* notes = nullptr);
/// The same from the bytes of a file; `place` names it in errors.
[[nodiscard]] Picture decode_picture(std::span<const std::uint8_t> bytes, const std::string& place,
                                     PictureNotes* notes = nullptr);

/// What the beginning of a picture's file says of it, as it will be seen.
struct PictureHead {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;  ///< As Picture has them; of a palette those of RGB.
};

/// Reads as little of the file as that takes. Throws as read_picture_file does.
[[nodiscard]] PictureHead read_picture_head(const std::filesystem::path& file);

/// Encodes 8-bit PNG of 1 or 3 channels, atomically.
void write_png(const std::filesystem::path& file, const Picture& picture);

/// Alpha over a ground of this grey, then grey (BT.601: 0.299 R + 0.587 G + 0.114 B, rounded) or RGB.
[[nodiscard]] Picture with_channels(const Picture& picture, std::int64_t channels, std::uint8_t ground = 0);

/// Resampled (stb_image_resize): the mean over what a pixel covers where it becomes smaller, Catmull-Rom where it
/// becomes larger; the same picture where the size is the same.
[[nodiscard]] Picture resized(const Picture& picture, std::int64_t height, std::int64_t width);

}  // namespace lapel::formats
