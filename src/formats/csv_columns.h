#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lapel/findings.h"

/// What the columns of a table of pictures hold, decided from its first lines.
namespace lapel::formats {

/// One column.
enum class CsvRole : std::uint8_t { kPixel, kLabel, kPassedOver };

struct CsvColumns {
  char separator = ',';
  bool header = false;  ///< The first line names the columns.
  std::vector<CsvRole> roles;
  std::int64_t label = -1;  ///< The column of the labels, from 0; -1: there is none.
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 1;

  [[nodiscard]] std::int64_t size() const { return height * width * channels; }
};

/// Decides it. `lines` are the first ones of the file, without line ends and empty ones; of the first one `place` tells
/// (`train.csv:1`). Throws Error (kData) where no square picture comes of it, or it cannot be told which column holds
/// the labels.
[[nodiscard]] CsvColumns find_csv_columns(const std::vector<std::string_view>& lines, const std::string& place,
                                          Findings& findings);

/// The values of a line, without quotes and outer blanks. Throws Error (kData) at `place` for a quote that does not
/// end.
[[nodiscard]] std::vector<std::string> csv_cells(std::string_view line, char separator, const std::string& place);

}  // namespace lapel::formats
