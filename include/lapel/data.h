#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace lapel {

/// The number of a class, from 0.
using Label = std::uint16_t;

/// Pictures of one size: values 0-255, dense in the order n, h, w, c.
struct Pictures {
  std::int64_t count = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 1;  ///< 1 grey, 3 RGB
  std::vector<std::uint8_t> pixels;

  [[nodiscard]] std::int64_t picture_size() const { return height * width * channels; }
  [[nodiscard]] std::span<const std::uint8_t> picture(std::int64_t index) const {
    return std::span(pixels).subspan(static_cast<std::size_t>(index * picture_size()),
                                     static_cast<std::size_t>(picture_size()));
  }
};

struct LabeledPictures {
  Pictures pictures;
  std::vector<Label> labels;  ///< One a picture, below the number of classes.
};

/// A data set as it was delivered: training pictures, and test pictures if it has any (count 0 if not).
struct DataSet {
  std::string name;                ///< `fashion-mnist`, or the folder's name
  std::filesystem::path location;  ///< Where it was read from, absolute
  std::vector<std::string> class_names;
  LabeledPictures train;
  LabeledPictures test;
};

/// Reads a data set: `source` is a known name (`fashion-mnist`: the folder in the environment variable LAPEL_DATA
/// if set, else Debian's package `dataset-fashion-mnist`) or a folder with the four IDX files, plain or .gz.
/// Class names: the folder's `class_names.txt` (one a line) if there is one; Fashion-MNIST's own if the training
/// labels are its own; else the numbers. Throws Error (kIo, kData) with the file and the numbers.
[[nodiscard]] DataSet load_data(const std::string& source = "fashion-mnist");

/// Reads one PNG or JPEG picture (grey, RGB or RGBA, 8 or 16 bits; alpha is blended over black) and brings it to
/// this size and number of channels: grey by ITU-R BT.601 luma, size by linear resampling in stb_image_resize's
/// default filters. Throws Error (kIo, kData).
[[nodiscard]] Pictures read_picture(const std::filesystem::path& file, std::int64_t height, std::int64_t width,
                                    std::int64_t channels);

/// What one part of a data set holds.
struct SplitDescription {
  std::string name;                     ///< `train` or `test`
  std::array<std::int64_t, 4> shape{};  ///< n, h, w, c
  int min_pixel = 0;
  int max_pixel = 0;
  double mean_pixel = 0;
  double std_pixel = 0;                    ///< Population standard deviation.
  std::vector<std::int64_t> class_counts;  ///< By label.
};

struct DataDescription {
  std::string name;
  std::filesystem::path location;
  std::vector<std::string> class_names;
  std::vector<SplitDescription> splits;
};

[[nodiscard]] DataDescription describe(const DataSet& data);

}  // namespace lapel
