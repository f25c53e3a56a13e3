#pragma once

#include <cstddef>
#include <cstdint>

/// The most that Lapel takes from a file. Whoever wrote it: a file of a few bytes can ask for hours and for all memory.
/// docs/reliability.md lists them.
namespace lapel {

constexpr std::uint64_t operator""_MiB(unsigned long long count) { return count << 20U; }

/// Pixels of a picture, as its file has them; a photograph of 60 million is read.
inline constexpr std::int64_t kMostPixels = std::int64_t{1} << 26U;
/// Bytes of a picture's file, unpacked.
inline constexpr std::uint64_t kMostPictureBytes = 256_MiB;
/// Scans of a JPEG picture, and their number times its pixels: each goes over all of them. Cameras write 10 at most.
inline constexpr int kMostScans = 100;
inline constexpr std::int64_t kMostScannedPixels = std::int64_t{1} << 30U;

/// What a gzip file may unpack to: so many bytes in any case, and so many times its own. Text and pictures pack to a
/// tenth at best.
inline constexpr std::uint64_t kUnpackedBytes = 128_MiB;
inline constexpr std::uint64_t kMostUnpackedTimes = 25;

/// The same of an archive: so many bytes in any case, else as many times its own as a gzip file.
inline constexpr std::uint64_t kArchiveBytes = 512_MiB;
/// Bytes of an archive's pictures that wait to be decoded together.
inline constexpr std::uint64_t kMostWaitingBytes = 64_MiB;

/// Bytes of a recipe, and of a file with class names.
inline constexpr std::uint64_t kMostRecipeBytes = 4_MiB;
/// Bytes of JSON text.
inline constexpr std::uint64_t kMostJsonBytes = 64_MiB;
/// Numbers in a JSON text; a text counts as 4 of them, a list as 4, an object and each key in it as 6.
inline constexpr std::size_t kMostJsonValues = 8'000'000;
/// Tables and lists within each other, in JSON and TOML.
inline constexpr std::size_t kDeepest = 64;
/// Parts of a key in TOML (`train.optimizer.type` has 3).
inline constexpr std::size_t kDeepestKey = 16;

/// Classes: as many as labels of 16 bits hold.
inline constexpr std::size_t kMostLabels = 65'536;

/// Columns of a CSV file.
inline constexpr std::int64_t kMostColumns = std::int64_t{1} << 20U;

/// Layers of a model.
inline constexpr std::size_t kMostLayers = 10'000;
/// Numbers that a layer gives for one picture: 256 MiB of floats.
inline constexpr std::int64_t kMostOutputNumbers = std::int64_t{1} << 26U;
/// Numbers of one weight: 4 GiB of floats.
inline constexpr std::int64_t kMostWeightNumbers = std::int64_t{1} << 30U;

}  // namespace lapel
