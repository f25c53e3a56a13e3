#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "lapel/findings.h"

namespace lapel::formats {

/// Pictures as rows of numbers: `label,pixel,pixel,...`, the form of Kaggle's Fashion-MNIST, and its relatives.
struct CsvPictures {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 1;
  std::vector<std::uint16_t> labels;     ///< Empty where no column holds labels.
  std::vector<std::uint8_t> pixels;      ///< Dense, n, h, w, c.
  std::vector<std::string> label_words;  ///< Where labels are words: each once, by its bytes; labels count in it.
  std::int64_t first_line = 1;           ///< Of the file, on which the first row was; 0 where empty lines lie between.
  Findings findings;                     ///< What was guessed, converted and passed over.

  [[nodiscard]] std::int64_t count() const {
    return static_cast<std::int64_t>(pixels.size()) / (height * width * channels);
  }
};

/// Reads a CSV file, plain or gzip (docs/data.md): comma, semicolon, tab or bar between the values, which may be in
/// quotes; a header or none; the labels in a column of any place, or none; columns that are no pixels passed over;
/// pixels from 0 to 255, or from 0 to 1. The pictures are square and grey, unless the header names the columns of the
/// pixels as write_csv does. Rows are read on all threads. Throws Error (kIo; kData with file, line and column) for a
/// row with too few or too many values, for what is no number, a pixel beyond 255, a number of a label beyond 65,535, a
/// file without rows, and where it cannot be told which column holds the labels.
[[nodiscard]] CsvPictures read_csv(const std::filesystem::path& file);

/// Writes a header and a row for each picture, atomically. Columns of square grey pictures are named
/// `label,pixel1,pixel2`, as Kaggle has them; of others `label,pixel_0_0_0,...` by row, column and channel, which
/// read_csv understands.
void write_csv(const std::filesystem::path& file, const CsvPictures& pictures);

/// Whether the file's name ends as tables do: `.csv`, `.tsv`, also with `.gz`.
[[nodiscard]] bool has_csv_ending(const std::filesystem::path& file);

}  // namespace lapel::formats
