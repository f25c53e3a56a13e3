#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lapel::formats {

/// Pictures as rows of numbers: `label,pixel,pixel,...`, the form of Kaggle's Fashion-MNIST.
struct CsvPictures {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 1;
  std::vector<std::uint16_t> labels;
  std::vector<std::uint8_t> pixels;  ///< Dense, n, h, w, c.
  std::int64_t first_line = 1;       ///< Of the file, on which the first row was: 2 after a header.
};

/// Reads a CSV file, plain or gzip, with or without a header (a first line that begins with no digit), lines ended by
/// LF or CRLF. The pictures are square and grey, unless the header names the columns of the pixels as write_csv does.
/// Rows are read on all threads. Throws Error (kIo; kData with file, line and column) for a row with too few or too
/// many values, for what is no number, a pixel beyond 255, a label beyond 65,535, and a file without rows.
[[nodiscard]] CsvPictures read_csv(const std::filesystem::path& file);

/// Writes a header and a row for each picture, atomically. Columns of square grey pictures are named
/// `label,pixel1,pixel2`, as Kaggle has them; of others `label,pixel_0_0_0,...` by row, column and channel, which
/// read_csv understands.
void write_csv(const std::filesystem::path& file, const CsvPictures& pictures);

}  // namespace lapel::formats
