#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace lapel::formats {

/// An IDX file of unsigned bytes (http://yann.lecun.com/exdb/mnist, "the IDX file format"): big-endian magic
/// 0x00 0x00 0x08 rank, then rank sizes of 32 bits, then the bytes.
struct IdxArray {
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> values;
};

/// Reads an IDX file, plain or gzip, of exactly `rank` dimensions. Throws Error (kIo, kData) for a file that is
/// missing, has another magic, element type or rank, or is shorter or longer than its header says, with the numbers.
[[nodiscard]] IdxArray read_idx(const std::filesystem::path& file, int rank);

/// The bytes of an IDX file with this array. Throws Error (kUsage) where the sizes do not fit the values.
[[nodiscard]] std::vector<std::uint8_t> idx_bytes(const IdxArray& array);

}  // namespace lapel::formats
