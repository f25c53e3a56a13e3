#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "lapel/recipe.h"

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

/// Which part of a data set someone is after.
enum class DataPart { kAll, kTrain, kTest };

/// Reads a data set (docs/data.md). `source` is a known name (`fashion-mnist`: the place in the environment variable
/// LAPEL_DATA if set, else Debian's package `dataset-fashion-mnist`), or the path of
///  - a folder with the four IDX files, plain or .gz;
///  - a CSV file, or a folder with one for training and perhaps one for testing, plain or .gz: a row a picture, its
///  label
///    first;
///  - a folder with a sub-folder of PNG and JPEG pictures for each class, or with such folders `train` and `test`.
/// Class names: `class_names.txt` (one a line) if there is one; Fashion-MNIST's own if the training labels are its own;
/// else the names of the sub-folders, or numbers. Of `spec`, only what is about reading is used, not the division into
/// training and validation. Where one part alone is wanted the other is empty, and of IDX files its pictures are not
/// read, which saves most of the time. Throws Error (kIo, kData, kRecipe) with the file, the line and the numbers.
[[nodiscard]] DataSet load_data(const DataSpec& spec, DataPart wanted = DataPart::kAll);
[[nodiscard]] DataSet load_data(const std::string& source = "fashion-mnist");

/// `data` with labels that mean `class_names`, those of a model: classes are matched by name, so that a data set which
/// lacks some, or has them in another order, is measured rightly. Where the classes of one side are only numbers, they
/// stay in place. Throws Error (kData) for pictures of a class that is not among `class_names`.
[[nodiscard]] DataSet with_classes(DataSet data, const std::vector<std::string>& class_names);

/// The forms in which a data set can be written.
enum class DataForm { kIdx, kCsv, kFolder };

/// Writes a data set so that load_data reads the same one again: pictures, labels, order, class names. `place` is a
/// folder that does not exist yet; it appears when everything is in it. Throws Error (kUsage) where it exists, (kIo),
/// and (kData) for more classes than the form can hold.
void save_data(const DataSet& data, const std::filesystem::path& place, DataForm form);

/// Reads one PNG or JPEG picture (grey, RGB or RGBA, 8 or 16 bits; alpha is blended over black) and brings it to
/// this size and number of channels: grey by ITU-R BT.601 luma, size by linear resampling in stb_image_resize's
/// default filters. Throws Error (kIo, kData).
[[nodiscard]] Pictures read_picture(const std::filesystem::path& file, std::int64_t height, std::int64_t width,
                                    std::int64_t channels);

/// A photograph of one dark thing on a light ground as Fashion-MNIST shows things, light on black, by the steps of
/// Xiao, Rasul & Vollgraf 2017 (arXiv 1708.07747, section 2): edges that differ by less than 5% from the corner's
/// colour are trimmed; the longest edge is brought to the size wanted by leaving out rows and columns; sharpened by a
/// Gaussian of radius and deviation 1; put in the middle of the canvas; negated; grey where `channels` is 1. Throws
/// Error (kIo, kData), also where nothing is left after trimming.
[[nodiscard]] Pictures picture_from_photo(const std::filesystem::path& file, std::int64_t height, std::int64_t width,
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
