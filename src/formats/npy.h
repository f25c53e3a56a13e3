#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lapel::formats {

/// An array as NumPy saves it (numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
struct NpyArray {
  std::string name;  ///< That of its file, without the ending: `x_train`.
  std::string type;  ///< NumPy's: `|u1` bytes, `<i8`, `<f4`, ...
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> bytes;  ///< Of the numbers, in the order of C.

  [[nodiscard]] std::size_t count() const;
  /// Whether its numbers can be asked for: integers up to 64 bits, float32 and float64, little-endian, and truth
  /// values.
  [[nodiscard]] bool readable() const;
  /// The number at a place below `count`.
  [[nodiscard]] double at(std::size_t index) const;
};

/// The array of a `.npy` file, or those of a `.npz` file in its order. Throws Error (kIo, kData) for damaged files, and
/// for arrays that lie in the order of Fortran.
[[nodiscard]] std::vector<NpyArray> read_numpy_file(const std::filesystem::path& file);

}  // namespace lapel::formats
